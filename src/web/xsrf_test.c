/* XSRF tokens: who changes things must bring one back. */
#include "web/testing.h"

#include "web/xsrf_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <gust/secure.h>

static void show(gust_request *request)
{
    gust_print(request, gust_xsrf_token(request));
}

static void change(gust_request *request)
{
    gust_print(request, "changed");
}

static void late(gust_request *request)
{
    gust_print(request, "x");
    gust_flush(request);
    gust_xsrf_token(request);
}

static void streamed(gust_request *request)
{
    gust_print(request, gust_xsrf_token(request));
    gust_flush(request);
    gust_print(request, gust_xsrf_token(request));
}

static const gust_handler table = {.prepare = change, .post = change};

static gust_app *protected_app(void)
{
    gust_app *app = gust_app_new(), *sub = gust_app_new();
    gust_app_set(app, .xsrf_cookies = true);
    gust_route(app, "GET /", show);
    gust_route(app, "/any", change);
    gust_route(app, "POST /free", change, .no_xsrf = true);
    gust_route(app, "POST /stream", change, .stream_body = true);
    gust_route(app, "GET /late", late);
    gust_route(app, "GET /streamed", streamed);
    gust_handle(app, "/table", &table);
    gust_route(sub, "POST /any", change);
    gust_mount(app, "/sub", sub);
    return app;
}

/* Cookie and token as the bytes 0 to 15, under two masks. */
static const char cookie[] = "2|00000000|000102030405060708090a0b0c0d0e0f|1700000000";
static const char masked[] = "2|ff00ff00|ff01fd03fb05f907f709f50bf30df10f|1700000000";

static struct gust__test_answer *send(gust_app *app, const char *request_line, const char *headers,
                                      const char *body)
{
    char text[4096];
    snprintf(text, sizeof(text),
             "%s HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
             "Content-Length: %zu\r\n%s\r\n%s",
             request_line, strlen(body), headers, body);
    return gust__test_request(app, text);
}

#define COOKIE "Cookie: _xsrf=2|00000000|000102030405060708090a0b0c0d0e0f|1700000000\r\n"
#define TOKEN  "2|ff00ff00|ff01fd03fb05f907f709f50bf30df10f|1700000000"

static void test_the_token_is_asked_for(void **state)
{
    (void)state;
    gust_app *app = protected_app();
    assert_int_equal(send(app, "POST /any", COOKIE, "_xsrf=" TOKEN)->status, 200);
    assert_int_equal(send(app, "POST /any", COOKIE "X-Xsrftoken: " TOKEN "\r\n", "")->status, 200);
    assert_int_equal(send(app, "DELETE /any", COOKIE "X-CSRFToken: " TOKEN "\r\n", "")->status, 200);
    assert_int_equal(send(app, "POST /any?_xsrf=" TOKEN, COOKIE, "")->status, 200);
    assert_int_equal(send(app, "GET /any", "", "")->status, 200);
    assert_int_equal(send(app, "OPTIONS /any", "", "")->status, 200);
    assert_int_equal(send(app, "POST /free", "", "")->status, 200);
    assert_int_equal(send(app, "POST /table", COOKIE, "_xsrf=" TOKEN)->status, 200);
    assert_int_equal(send(app, "POST /stream", COOKIE "X-Xsrftoken: " TOKEN "\r\n", "")->status, 200);
    assert_int_equal(send(app, "POST /sub/any", COOKIE, "_xsrf=" TOKEN)->status, 200);
    gust_app_free(app);
}

static void test_without_it_the_answer_is_403(void **state)
{
    (void)state;
    gust_app *app = protected_app();
    const char *methods[] = {"POST", "PUT", "PATCH", "DELETE", "PURGE"};
    for (size_t i = 0; i < GUST_LEN(methods); i++) {
        char line[64];
        snprintf(line, sizeof(line), "%s /any", methods[i]);
        assert_int_equal(send(app, line, COOKIE, "")->status, 403);
    }
    assert_string_equal(send(app, "POST /table", COOKIE, "")->body,
                        "403 Forbidden: the argument _xsrf is missing: the form needs gust_xsrf_form_html\n");
    assert_int_equal(send(app, "POST /sub/any", COOKIE, "")->status, 403);
    assert_int_equal(send(app, "POST /stream", COOKIE, "_xsrf=" TOKEN)->status, 403);
    assert_int_equal(send(app, "POST /any", "", "_xsrf=" TOKEN)->status, 403);
    assert_int_equal(send(app, "POST /any", COOKIE, "_xsrf=2|00000000|00|1")->status, 403);
    assert_int_equal(
        send(app, "POST /any", COOKIE, "_xsrf=2|00000000|000102030405060708090a0b0c0d0e10|1700000000")
            ->status,
        403);
    assert_int_equal(send(app, "POST /none", "", "")->status, 404);
    gust_app_free(app);
}

static void test_a_token_is_set_once_and_masked_anew(void **state)
{
    (void)state;
    struct gust__xsrf_token shown, kept;
    char set[256];
    gust_app *app = protected_app();
    struct gust__test_answer *answer = gust__test_fetch(app, "GET /");
    assert_int_equal(sscanf(answer->headers, "Set-Cookie: _xsrf=%255[^;]", set), 1);
    assert_true(gust__xsrf_token_read(gust__slice_of(set), &kept));
    assert_int_equal(kept.size, 16);
    char texts[2][256];
    for (size_t i = 0; i < 2; i++) {
        char request[512];
        snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: a\r\nCookie: _xsrf=%s\r\n\r\n", set);
        answer = gust__test_request(app, request);
        assert_null(strstr(answer->headers, "Set-Cookie"));
        snprintf(texts[i], sizeof(texts[i]), "%s", answer->body);
        assert_true(gust__xsrf_token_read(gust__slice_of(texts[i]), &shown));
        assert_memory_equal(shown.bytes, kept.bytes, 16);
    }
    assert_string_not_equal(texts[0], texts[1]);
    gust_app_free(app);
}

static void test_a_token_behind_the_head_is_an_error(void **state)
{
    (void)state;
    gust_app *app = protected_app();
    struct gust__test_answer *answer = gust__test_fetch(app, "GET /late");
    assert_true(answer->aborted);
    assert_non_null(strstr(answer->log, "before the output"));
    answer = gust__test_fetch(app, "GET /streamed");
    assert_int_equal(answer->size % 2, 0);
    assert_memory_equal(answer->body, answer->body + answer->size / 2, answer->size / 2);
    gust_app_free(app);
}

static void test_the_text_of_a_token(void **state)
{
    (void)state;
    struct gust__xsrf_token token, again;
    char text[GUST__XSRF_TEXT_ROOM], long_text[300];
    static const unsigned char mask[GUST__XSRF_MASK_SIZE] = {0xff, 0, 0xff, 0};
    assert_true(gust__xsrf_token_read(gust__slice_of(cookie), &token));
    gust__xsrf_token_write(text, &token, mask);
    assert_string_equal(text, masked);
    assert_true(gust__xsrf_token_read(gust__slice_of(text), &again));
    assert_memory_equal(again.bytes, token.bytes, 16);
    const char *wrong[] = {"",
                           "2",
                           "2|00000000|000102030405060708090a0b0c0d0e|1", /* 15 bytes */
                           "2|000000|000102030405060708090a0b0c0d0e0f|1",
                           "2|0000000000|000102030405060708090a0b0c0d0e0f|1",
                           "2|00000000|000102030405060708090a0b0c0d0e0f",
                           "2|00000000|000102030405060708090a0b0c0d0e0f|",
                           "2|00000000|000102030405060708090a0b0c0d0e0f|x",
                           "2|00000000|000102030405060708090a0b0c0d0e0f|1234567890123456",
                           "2|00000000|000102030405060708090a0b0c0d0e0g|1",
                           "2|00000000|000102030405060708090a0b0c0d0e0|1",
                           "1|00000000|000102030405060708090a0b0c0d0e0f|1"};
    for (size_t i = 0; i < GUST_LEN(wrong); i++)
        assert_false(gust__xsrf_token_read(gust__slice_of(wrong[i]), &token));
    for (size_t size = 63; size <= 65; size++) { /* at its limit of 64 bytes */
        snprintf(long_text, sizeof(long_text), "2|00000000|%0*d|1", (int)size * 2, 0);
        assert_int_equal(gust__xsrf_token_read(gust__slice_of(long_text), &token), size <= 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_token_is_asked_for),
        cmocka_unit_test(test_without_it_the_answer_is_403),
        cmocka_unit_test(test_a_token_is_set_once_and_masked_anew),
        cmocka_unit_test(test_a_token_behind_the_head_is_an_error),
        cmocka_unit_test(test_the_text_of_a_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
