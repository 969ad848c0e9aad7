/* JSON answers and bodies. */
#include "web/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <gust/json.h>

static void pack(gust_request *request)
{
    assert_int_equal(gust_json(request, "{s:i, s:s, s:[b, n]}", "id", 7, "name", "\xc3\xa9\"<", "x", 1), 0);
}

static void pack_own_type(gust_request *request)
{
    gust_set_header(request, "Content-Type", "application/problem+json");
    gust_json(request, "[]");
}

static void pack_badly(gust_request *request)
{
    gust_json(request, "{s:s}", "name", "\xff");
}

static void pack_late(gust_request *request)
{
    gust_finish(request);
    assert_int_equal(gust_json(request, "[i]", 1), -1);
    assert_int_equal(errno, EALREADY);
    assert_int_equal(gust_json_value(request, json_string("x")), -1);
}

/* A value of about size bytes of text. */
static void pack_much(gust_request *request)
{
    json_t *array = json_array();
    for (int i = 0; i < atoi(gust_need_arg(request, "n")); i++)
        json_array_append_new(array, json_string("0123456"));
    int result = gust_json_value(request, array);
    if (result < 0)
        assert_int_equal(errno, EPIPE);
}

static void echo(gust_request *request)
{
    gust_json_value(request, json_incref(gust_json_body(request)));
    assert_ptr_equal(gust_json_body(request), gust_json_body(request));
}

static gust_app *make(void)
{
    gust_app *app = gust_app_new();
    gust_route(app, "/pack", pack);
    gust_route(app, "/own", pack_own_type);
    gust_route(app, "/badly", pack_badly);
    gust_route(app, "/late", pack_late);
    gust_route(app, "/much", pack_much);
    gust_route(app, "/echo", echo);
    return app;
}

static void test_values_are_packed(void **state)
{
    (void)state;
    gust_app *app = make();
    struct gust__test_answer *answer = gust__test_fetch(app, "GET /pack");
    assert_string_equal(answer->body, "{\"id\":7,\"name\":\"\xc3\xa9\\\"<\",\"x\":[true,null]}");
    assert_string_equal(answer->headers, "Content-Type: application/json\n");
    assert_string_equal(gust__test_fetch(app, "GET /own")->headers,
                        "Content-Type: application/problem+json\n");
    assert_int_equal(gust__test_fetch(app, "GET /late")->status, 200);
    gust_app_free(app);
}

static void test_what_cannot_be_packed_is_500(void **state)
{
    (void)state;
    gust_app *app = make();
    struct gust__test_answer *answer = gust__test_fetch(app, "GET /badly");
    assert_int_equal(answer->status, 500);
    assert_string_equal(answer->headers, "Content-Type: text/plain; charset=UTF-8\n");
    assert_non_null(strstr(answer->log, "gust_json: Invalid UTF-8"));
    gust_app_free(app);
}

static void test_large_values_stream(void **state)
{
    (void)state;
    gust_app *app = make();
    struct gust__test_answer *answer = gust__test_fetch(app, "GET /much?n=1000");
    assert_int_equal(answer->size, 10001);
    assert_int_equal(answer->content_length, 10001);
    gust__test_options.parks = true;
    answer = gust__test_fetch(app, "GET /much?n=100000");
    assert_int_equal(answer->size, 1000001);
    assert_int_equal(answer->content_length, -1);
    assert_memory_equal(answer->body + 1000001 - 11, ",\"0123456\"]", 11);
    gust_app_free(app);
}

static void test_a_client_that_left_ends_the_writing(void **state)
{
    (void)state;
    gust_app *app = make();
    gust__test_options.send_error = EPIPE;
    struct gust__test_answer *answer = gust__test_fetch(app, "GET /much?n=100000");
    assert_int_equal(answer->status, 0);
    gust_app_free(app);
}

static void test_memory_that_runs_out_is_503(void **state)
{
    (void)state;
    gust_app *app = make();
    for (size_t memory = 1 << 10; memory <= 256 << 10; memory *= 16) {
        gust__test_options.max_memory = memory;
        struct gust__test_answer *answer = gust__test_fetch(app, "GET /much?n=1000");
        assert_int_equal(answer->status, memory <= 16 << 10 ? 503 : 200); /* the text has 10 KiB */
        assert_true(answer->ended);
    }
    gust_app_free(app);
}

static void check_body(const char *json, int status, const char *body)
{
    gust_app *app = make();
    struct gust__test_answer *answer = gust__test_send_body(app, "POST /echo", "text/plain", json);
    if (strcmp(answer->body, body) != 0)
        print_error("%s\n", answer->body);
    assert_int_equal(answer->status, status);
    assert_string_equal(answer->body, body);
    gust_app_free(app);
}

static void test_bodies_are_parsed(void **state)
{
    (void)state;
    check_body("{\"a\": [1, 2.5, null]}\n", 200, "{\"a\":[1,2.5,null]}");
    check_body("7", 200, "7");
    check_body("\"\\u20ac[[[\\\"\"", 200, "\"\xe2\x82\xac[[[\\\"\"");
}

static void test_bad_bodies_are_refused(void **state)
{
    (void)state;
    const char *bad[] = {"",       "{",           "{\"a\":1,}", "{\"a\":1,\"a\":2}", "[1] x", "\"\xff\"",
                         "{a:1}",  "\"\\u0000\"", "NaN",        "[1e999]",           "01",    "'a'",
                         "]][[\"["};
    gust_app *app = make();
    for (size_t i = 0; i < GUST_LEN(bad); i++) {
        struct gust__test_answer *answer = gust__test_send_body(app, "POST /echo", "text/plain", bad[i]);
        assert_int_equal(answer->status, 400);
        assert_non_null(strstr(answer->body, "400 Bad Request: the body is not JSON: line 1, column "));
        assert_int_equal(answer->log_lines, 0);
    }
    gust_app_free(app);
    check_body("{\n  \"a\": tru }", 400,
               "400 Bad Request: the body is not JSON: line 2, column 10: invalid token near 'tru'\n");
}

static void test_depth_is_limited(void **state)
{
    (void)state;
    gust_app *app = make();
    for (int depth = 127; depth <= 129; depth++) {
        char text[1000] = "", *at = text;
        for (int i = 0; i < depth; i++)
            at = stpcpy(at, i % 2 ? "[" : "{\"\":");
        *at++ = '1';
        for (int i = depth; i-- > 0;)
            at = stpcpy(at, i % 2 ? "]" : "}");
        struct gust__test_answer *answer = gust__test_send_body(app, "POST /echo", "text/plain", text);
        assert_int_equal(answer->status, depth <= 128 ? 200 : 400);
        if (depth > 128)
            assert_non_null(strstr(answer->body, "deeper than 128 levels"));
    }
    gust_app_free(app);
}

static void test_bodies_larger_than_memory_are_refused(void **state)
{
    (void)state;
    gust_app *app = make();
    static char text[5000];
    gust_app_set(app, .max_memory = 4096);
    memset(text, ' ', sizeof(text) - 1);
    text[0] = '1';
    assert_int_equal(gust__test_send_body(app, "POST /echo", "a/b", text)->status, 413);
    text[4096] = 0;
    assert_int_equal(gust__test_send_body(app, "POST /echo", "a/b", text)->status, 200);
    gust_app_free(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_packed),
        cmocka_unit_test(test_what_cannot_be_packed_is_500),
        cmocka_unit_test(test_large_values_stream),
        cmocka_unit_test(test_a_client_that_left_ends_the_writing),
        cmocka_unit_test(test_memory_that_runs_out_is_503),
        cmocka_unit_test(test_bodies_are_parsed),
        cmocka_unit_test(test_bad_bodies_are_refused),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_bodies_larger_than_memory_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
