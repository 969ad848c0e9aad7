/* Cookies that came, and cookies to be set. */
#include "web/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char *name = "a", *value = "1";
static gust_cookie_options options;
static int expected;

static void show(gust_request *request)
{
    const char *name_at, *value_at, *cookie = gust_cookie(request, "a");
    gust_printf(request, "[%s]", cookie ? cookie : "NULL");
    for (size_t i = 0; gust_cookie_at(request, i, &name_at, &value_at); i++)
        gust_printf(request, "%s=%s;", name_at, value_at);
}

static void set(gust_request *request)
{
    int result = gust_set_cookie_with(request, name, value, &options);
    assert_int_equal(result < 0 ? errno : 0, expected);
}

static void check_came(const char *headers, const char *body)
{
    gust_app *app = gust_app_new();
    char text[512];
    gust_route(app, "/", show);
    snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", headers);
    assert_string_equal(gust__test_request(app, text)->body, body);
    gust_app_free(app);
}

static void check_set(const char *headers)
{
    gust_app *app = gust_app_new();
    options.size = sizeof(options);
    gust_route(app, "/", set);
    assert_string_equal(gust__test_fetch(app, "GET /")->headers, headers);
    gust_app_free(app);
    options = (gust_cookie_options){.size = sizeof(options)};
    name = "a", value = "1", expected = 0;
}

static void test_cookies_come(void **state)
{
    (void)state;
    check_came("Cookie: a=1; b=\"x y\"; c=a%20b\r\n", "[1]a=1;b=x y;c=a%20b;");
    check_came("Cookie: b=2\r\ncookie: a=1\r\n", "[1]b=2;a=1;");
    check_came("", "[NULL]");
    check_came("Cookie:\r\n", "[NULL]");
    check_came("Cookie: a=; =x; y; ;b= 2 \r\n", "[]a=;b=2;");
    check_came("Cookie: a=\"\\303\\251\"\r\n", "[\xc3\xa9]a=\xc3\xa9;");
}

static void test_the_first_of_several_counts(void **state)
{
    (void)state;
    check_came("Cookie: a=1; a=2\r\n", "[1]a=1;a=2;");
}

static void test_a_cookie_that_is_no_text_did_not_come(void **state)
{
    (void)state;
    check_came("Cookie: a=\xff; b=2; a=\"\\377\"; c=3\r\n", "[NULL]b=2;c=3;");
}

static void test_cookies_are_set(void **state)
{
    (void)state;
    check_set("Set-Cookie: a=1; Path=/; SameSite=Lax\n");
    options.max_age = GUST_S(60);
    options.secure = options.http_only = true;
    options.path = "/x";
    options.domain = "example.org";
    options.same_site = "Strict";
    check_set(
        "Set-Cookie: a=1; Domain=example.org; Path=/x; Max-Age=60; SameSite=Strict; Secure; HttpOnly\n");
    options.same_site = "";
    options.max_age = 1;
    check_set("Set-Cookie: a=1; Path=/; Max-Age=1\n");
    options.max_age = -1;
    check_set("Set-Cookie: a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; SameSite=Lax\n");
    value = "x, \"\xc3\xa9\"";
    check_set("Set-Cookie: a=\"x\\054 \\\"\\303\\251\\\"\"; Path=/; SameSite=Lax\n");
}

static void test_bad_cookies_are_refused(void **state)
{
    (void)state;
    const char *values[] = {"a;b", "a\r\nb", "a\nSet-Cookie: x", "\x7f"};
    for (size_t i = 0; i < GUST_LEN(values); i++) {
        value = values[i];
        expected = EINVAL;
        check_set("");
        options.path = values[i];
        expected = EINVAL;
        check_set("");
        options.domain = values[i];
        expected = EINVAL;
        check_set("");
    }
    name = "a b";
    expected = EINVAL;
    check_set("");
    options.same_site = "Sometimes";
    expected = EINVAL;
    check_set("");
}

static void set_twice(gust_request *request)
{
    gust_set_cookie(request, "a", "1");
    gust_set_cookie(request, "ab", "2");
    gust_set_cookie(request, "a", "3", .path = "/x");
    gust_finish(request);
    assert_int_equal(gust_set_cookie(request, "a", "4"), -1);
    assert_int_equal(errno, EALREADY);
}

static void test_a_cookie_is_set_once(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "/", set_twice);
    assert_string_equal(gust__test_fetch(app, "GET /")->headers,
                        "Set-Cookie: ab=2; Path=/; SameSite=Lax\nSet-Cookie: a=3; Path=/x; SameSite=Lax\n");
    gust_app_free(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cookies_come),
        cmocka_unit_test(test_the_first_of_several_counts),
        cmocka_unit_test(test_a_cookie_that_is_no_text_did_not_come),
        cmocka_unit_test(test_cookies_are_set),
        cmocka_unit_test(test_bad_cookies_are_refused),
        cmocka_unit_test(test_a_cookie_is_set_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
