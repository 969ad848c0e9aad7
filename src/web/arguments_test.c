/* Arguments of the query and of forms. */
#include "web/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define URLENCODED "application/x-www-form-urlencoded"

static void put(gust_request *request, const char *value)
{
    gust_printf(request, "[%s]", value ? value : "NULL");
}

static void show(gust_request *request)
{
    put(request, gust_arg(request, "a"));
    put(request, gust_query_arg(request, "a"));
    put(request, gust_body_arg(request, "a"));
}

static void need(gust_request *request)
{
    put(request, gust_need_arg(request, "a"));
}

static void list(gust_request *request)
{
    const char *name, *value;
    for (size_t i = 0; gust_arg_at(request, gust_data(request), i, &name, &value); i++)
        gust_printf(request, "%s=%s;", name, value);
    assert_false(gust_arg_at(request, gust_data(request), 100000, NULL, &value));
}

static gust_app *make(void)
{
    gust_app *app = gust_app_new();
    gust_route(app, "/show", show);
    gust_route(app, "/stream", show, .stream_body = true);
    gust_route(app, "/need", need);
    gust_route(app, "/all", list);
    gust_route(app, "/a", list, .data = "a");
    gust_app_set(app, .max_arguments = 4);
    return app;
}

static void check(struct gust__test_answer *answer, int status, const char *body)
{
    assert_non_null(answer);
    if (strcmp(answer->body, body) != 0)
        print_error("%d %s\n", answer->status, answer->body);
    assert_int_equal(answer->status, status);
    assert_string_equal(answer->body, body);
}

static void check_get(const char *target, int status, const char *body)
{
    gust_app *app = make();
    char text[512];
    snprintf(text, sizeof(text), "GET %s", target);
    check(gust__test_fetch(app, text), status, body);
    gust_app_free(app);
}

static void check_post(const char *target, const char *type, const char *form, int status, const char *body)
{
    gust_app *app = make();
    char text[512];
    snprintf(text, sizeof(text), "POST %s", target);
    check(gust__test_send_body(app, text, type, form), status, body);
    gust_app_free(app);
}

static void test_the_query_is_decoded(void **state)
{
    (void)state;
    check_get("/show?a=x", 200, "[x][x][NULL]");
    check_get("/show?b&a=1+2%2B%26%3d&c=", 200, "[1 2+&=][1 2+&=][NULL]");
    check_get("/show?a", 200, "[][][NULL]");
    check_get("/show?%61=%E2%82%AC", 200, "[\xe2\x82\xac][\xe2\x82\xac][NULL]");
    check_get("/show", 200, "[NULL][NULL][NULL]");
    check_get("/show?", 200, "[NULL][NULL][NULL]");
    check_get("/show?A=1", 200, "[NULL][NULL][NULL]");
}

static void test_the_last_of_several_wins(void **state)
{
    (void)state;
    check_get("/show?a=1&b=2&a=3", 200, "[3][3][NULL]");
    check_post("/show?a=1&a=2", URLENCODED, "a=3&a=4", 200, "[4][2][4]");
    check_post("/show?a=1", URLENCODED, "b=3", 200, "[1][1][NULL]");
}

static void test_white_space_is_taken_off(void **state)
{
    (void)state;
    check_get("/show?a=+%09x+y%0D%0A+", 200, "[x y][x y][NULL]");
    check_get("/show?a=+++", 200, "[][][NULL]");
    check_get("/show?a=%01x%1fy%0Az%7F", 200, "[x y\nz\x7f][x y\nz\x7f][NULL]");
    check_get("/a?a=+x+", 200, "a= x ;");
    check_get("/a?a=x%01", 200, "a=x\x01;");
}

static void test_the_body_counts_when_it_is_a_form(void **state)
{
    (void)state;
    check_post("/show", URLENCODED, "a=1", 200, "[1][NULL][1]");
    check_post("/show", "Application/X-WWW-form-urlencoded ; charset=utf-8", "a=1", 200, "[1][NULL][1]");
    check_post("/show", "text/plain", "a=1", 200, "[NULL][NULL][NULL]");
    check_post("/show", "application/json", "{\"a\":\"1\"}", 200, "[NULL][NULL][NULL]");
    check_post("/show", URLENCODED, "", 200, "[NULL][NULL][NULL]");
    check_post("/stream", URLENCODED, "a=1", 200, "[NULL][NULL][NULL]");
}

static void test_bad_text_is_refused(void **state)
{
    (void)state;
    const char *bad[] = {"a=%", "a=%4", "a=%zz", "a=%00", "a=%ff", "%ff=a", "b=1&c=%C0%80"};
    for (size_t i = 0; i < GUST_LEN(bad); i++) {
        char target[64];
        snprintf(target, sizeof(target), "/show?%s", bad[i]);
        check_get(target, 400, "400 Bad Request: an argument is not UTF-8 text, percent-encoded\n");
        check_post("/show", URLENCODED, bad[i], 400,
                   "400 Bad Request: an argument is not UTF-8 text, percent-encoded\n");
    }
}

static void test_a_nul_in_the_body_is_refused(void **state)
{
    (void)state;
    static const char head[] = "POST /show HTTP/1.1\r\nHost: a\r\nContent-Type: " URLENCODED "\r\n\r\n";
    static const char *const forms[] = {"a=1\0", "\0a=1", "a\0=1"};
    gust_app *app = make();
    for (size_t i = 0; i < GUST_LEN(forms); i++) {
        char text[256];
        memcpy(text, head, sizeof(head) - 1);
        memcpy(text + sizeof(head) - 1, forms[i], 4);
        assert_int_equal(gust__test_bytes(app, text, sizeof(head) - 1 + 4)->status, 400);
    }
    gust_app_free(app);
}

static void test_the_number_of_arguments_is_limited(void **state)
{
    (void)state;
    check_get("/show?a=1&b&c", 200, "[1][1][NULL]");
    check_get("/show?a=1&b&c&d", 200, "[1][1][NULL]");
    check_get("/show?a=1&b&c&d&&&", 200, "[1][1][NULL]");
    check_get("/show?a=1&b&c&d&e", 400, "400 Bad Request: more than 4 arguments\n");
    check_post("/show?x&y", URLENCODED, "a=1&b&c&d", 200, "[1][NULL][1]");
    check_post("/show", URLENCODED, "a=1&b&c&d&e", 400, "400 Bad Request: more than 4 arguments\n");
}

static void test_a_missing_argument_is_named(void **state)
{
    (void)state;
    check_get("/need?a=1", 200, "[1]");
    check_get("/need?a=", 200, "[]");
    check_get("/need?b=1", 400, "400 Bad Request: the argument \"a\" is missing\n");
}

static void test_arguments_are_listed_in_their_order(void **state)
{
    (void)state;
    check_get("/all?b=1&a=2&b=3", 200, "b=1;a=2;b=3;");
    check_get("/all", 200, "");
    check_get("/a?b=1&a=2&b=3&a=4", 200, "a=2;a=4;");
    check_post("/all?x=1&y=2", URLENCODED, "a=3&x=4", 200, "x=1;y=2;a=3;x=4;");
    check_post("/a?a=1&b=2", URLENCODED, "b=0&a=3", 200, "a=1;a=3;");
}

static void test_a_form_larger_than_memory_is_refused(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    static char form[70000];
    gust_route(app, "/show", show);
    gust_app_set(app, .max_memory = 64 << 10);
    memset(form, 'b', sizeof(form) - 1);
    assert_int_equal(gust__test_send_body(app, "POST /show", URLENCODED, form)->status, 413);
    form[65000] = 0; /* it fits, but nothing else does: out of memory */
    assert_int_equal(gust__test_send_body(app, "POST /show", URLENCODED, form)->status, 503);
    form[30000] = 0;
    assert_int_equal(gust__test_send_body(app, "POST /show", URLENCODED, form)->status, 200);
    gust_app_free(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_query_is_decoded),
        cmocka_unit_test(test_the_last_of_several_wins),
        cmocka_unit_test(test_white_space_is_taken_off),
        cmocka_unit_test(test_the_body_counts_when_it_is_a_form),
        cmocka_unit_test(test_bad_text_is_refused),
        cmocka_unit_test(test_a_nul_in_the_body_is_refused),
        cmocka_unit_test(test_the_number_of_arguments_is_limited),
        cmocka_unit_test(test_a_missing_argument_is_named),
        cmocka_unit_test(test_arguments_are_listed_in_their_order),
        cmocka_unit_test(test_a_form_larger_than_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
