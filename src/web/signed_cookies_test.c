/* Signed cookies: what Tornado made is read, what was changed is not. */
#include "web/testing.h"

#include "base/clock.h"
#include "web/signed_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <gust/secure.h>

#define SECRET "a secret of Tornado's and ours"

/* tornado.web.create_signed_value(SECRET, "user", "jane", clock=lambda: 1700000000) and so on. */
static const char of_tornado[] = "2|1:0|10:1700000000|4:user|8:amFuZQ==|"
                                 "d85dc87f3f8907d8884702a98d64b6e21a6127c6a89305330fb4d075e1927217";

static void test_the_format_is_tornados(void **state)
{
    (void)state;
    char text[256], plain[16];
    struct gust__signed_value value = {
        .time = 1700000000, .name = GUST__SLICE("user"), .value = GUST__SLICE("jane")};
    assert_int_equal(gust__signed_value_write(text, sizeof(text), &value, SECRET), strlen(of_tornado));
    assert_string_equal(text, of_tornado);
    assert_true(gust__signed_value_read(gust__slice_of(of_tornado), &value));
    assert_int_equal(value.time, 1700000000);
    assert_int_equal(value.key_version, 0);
    assert_true(gust__signed_value_genuine(gust__slice_of(of_tornado), &value, SECRET));
    assert_false(gust__signed_value_genuine(gust__slice_of(of_tornado), &value, SECRET "!"));
    assert_int_equal(gust__signed_value_decode(plain, &value), 4);
    assert_memory_equal(plain, "jane", 4);
}

static void test_no_changed_byte_goes_through(void **state)
{
    (void)state;
    char text[sizeof(of_tornado)];
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        struct gust__signed_value value;
        memcpy(text, of_tornado, sizeof(text));
        text[i] ^= 1;
        struct gust__slice whole = gust__slice_of(text);
        assert_false(gust__signed_value_read(whole, &value) &&
                     gust__signed_value_genuine(whole, &value, SECRET));
    }
}

static void test_no_other_length_is_read(void **state)
{
    (void)state;
    struct gust__signed_value value;
    for (size_t size = 0; size < sizeof(of_tornado) - 1; size++)
        assert_false(gust__signed_value_read(gust__slice(of_tornado, size), &value));
    assert_false(gust__signed_value_read(gust__slice_of("2|1:0|10:1700000000|99999999999:user|"), &value));
    assert_false(gust__signed_value_read(gust__slice_of("2|1:0|16:1700000000000000|4:user|0:|"), &value));
    assert_false(gust__signed_value_read(gust__slice_of("1|1:0|10:1700000000|4:user|0:|"), &value));
}

/* ---- in a request ---- */

static const char *cookie_text;

static void set(gust_request *request)
{
    int result = gust_set_signed_cookie(request, "user", "j\xc3\xa9 ;,", .http_only = true);
    gust_printf(request, "%d", result < 0 ? errno : 0);
}

static void get(gust_request *request)
{
    const char *value = gust_signed_cookie(request, "user");
    gust_print(request, value ? value : "none");
}

static void get_young(gust_request *request)
{
    const char *value = gust_signed_cookie(request, "user", .max_age = GUST_S(60));
    gust_print(request, value ? value : "none");
}

static const char *ask(gust_app *app, const char *path)
{
    char text[2048];
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\nCookie: user=%s\r\n\r\n", path, cookie_text);
    return gust__test_request(app, text)->body;
}

static gust_app *app_with(const gust_cookie_key *keys)
{
    gust_app *app = gust_app_new();
    gust_app_set(app, .cookie_keys = keys);
    gust_route(app, "/set", set);
    gust_route(app, "/get", get);
    gust_route(app, "/young", get_young);
    return app;
}

static const gust_cookie_key first_keys[] = {{1, "the first secret"}, {0, NULL}};
static const gust_cookie_key both_keys[] = {{2, "the other secret"}, {1, "the first secret"}, {0, NULL}};
static const gust_cookie_key later_keys[] = {{2, "the other secret"}, {0, NULL}};

static void test_a_cookie_comes_back_until_its_key_is_gone(void **state)
{
    (void)state;
    char kept[512];
    gust_app *first = app_with(first_keys), *both = app_with(both_keys), *later = app_with(later_keys);
    struct gust__test_answer *answer = gust__test_fetch(first, "GET /set");
    assert_string_equal(answer->body, "0");
    assert_non_null(strstr(answer->headers, "Max-Age=2592000"));
    assert_non_null(strstr(answer->headers, "HttpOnly"));
    assert_int_equal(sscanf(answer->headers, "Set-Cookie: user=%511[^;]", kept), 1);
    cookie_text = kept;
    assert_string_equal(ask(first, "/get"), "j\xc3\xa9 ;,");
    assert_string_equal(ask(both, "/get"), "j\xc3\xa9 ;,");
    assert_string_equal(ask(later, "/get"), "none");
    gust_app_free(first);
    gust_app_free(both);
    gust_app_free(later);
}

static void make_cookie(char *text, size_t room, const char *name, const char *value, int64_t age)
{
    struct gust__signed_value made = {1, gust__clock_wall() / 1000000000 - age, gust__slice_of(name),
                                      gust__slice_of(value), gust__slice_of("")};
    assert_true(gust__signed_value_write(text, room, &made, "the first secret") > 0);
    cookie_text = text;
}

static void test_age_name_and_text_count(void **state)
{
    (void)state;
    char text[512];
    gust_app *app = app_with(first_keys);
    make_cookie(text, sizeof(text), "user", "x", 31 * 86400 - 5);
    assert_string_equal(ask(app, "/get"), "x");
    make_cookie(text, sizeof(text), "user", "x", 31 * 86400 + 1);
    assert_string_equal(ask(app, "/get"), "none");
    make_cookie(text, sizeof(text), "user", "x", 50);
    assert_string_equal(ask(app, "/young"), "x");
    make_cookie(text, sizeof(text), "user", "x", 61);
    assert_string_equal(ask(app, "/young"), "none");
    make_cookie(text, sizeof(text), "admin", "x", 0);
    assert_string_equal(ask(app, "/get"), "none");
    make_cookie(text, sizeof(text), "user", "\xff", 0);
    assert_string_equal(ask(app, "/get"), "none");
    make_cookie(text, sizeof(text), "user", "", 0);
    assert_string_equal(ask(app, "/get"), "");
    cookie_text = "plain";
    assert_string_equal(ask(app, "/get"), "none");
    gust_app_free(app);
}

static void test_without_a_secret_nothing_is_signed(void **state)
{
    (void)state;
    char text[512], number[16];
    gust_app *app = app_with(NULL);
    snprintf(number, sizeof(number), "%d", ENOKEY);
    assert_string_equal(gust__test_fetch(app, "GET /set")->body, number);
    make_cookie(text, sizeof(text), "user", "x", 0);
    assert_string_equal(ask(app, "/get"), "none");
    gust_app_free(app);
}

static void test_short_secrets_are_mistakes(void **state)
{
    (void)state;
    static const gust_cookie_key no_keys[] = {{0, NULL}}, wrong_version[] = {{1000000000, SECRET}, {0, NULL}};
    gust_app *app = gust_app_new();
    gust_app_set(app, .cookie_secret = "0123456789abcdef");
    assert_null(gust_app_mistake(app));
    gust_app_set(app, .cookie_secret = "0123456789abcde");
    assert_non_null(strstr(gust_app_mistake(app), "at least 16 bytes"));
    gust_app_free(app);
    app = app_with(no_keys);
    assert_non_null(strstr(gust_app_mistake(app), "no key"));
    gust_app_free(app);
    app = app_with(wrong_version);
    assert_non_null(strstr(gust_app_mistake(app), "version"));
    gust_app_free(app);
}

static void test_a_mounted_application_has_the_keys_of_its_parent(void **state)
{
    (void)state;
    char text[512];
    gust_app *app = app_with(first_keys), *sub = app_with(NULL), *own = app_with(later_keys);
    gust_mount(app, "/sub", sub);
    gust_mount(app, "/own", own);
    make_cookie(text, sizeof(text), "user", "x", 0);
    assert_string_equal(ask(app, "/sub/get"), "x");
    assert_string_equal(ask(app, "/own/get"), "none");
    gust_app_free(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_format_is_tornados),
        cmocka_unit_test(test_no_changed_byte_goes_through),
        cmocka_unit_test(test_no_other_length_is_read),
        cmocka_unit_test(test_a_cookie_comes_back_until_its_key_is_gone),
        cmocka_unit_test(test_age_name_and_text_count),
        cmocka_unit_test(test_without_a_secret_nothing_is_signed),
        cmocka_unit_test(test_short_secrets_are_mistakes),
        cmocka_unit_test(test_a_mounted_application_has_the_keys_of_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
