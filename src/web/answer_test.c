/* The answer: status, headers, output, streaming. */
#include "web/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct gust__test_answer *answer_of(gust_handler_function *function, const char *method)
{
    static gust_app *app;
    char target[32];
    gust_app_free(app);
    app = gust_app_new();
    gust_route(app, "/x", function);
    snprintf(target, sizeof(target), "%s /x", method);
    struct gust__test_answer *answer = gust__test_fetch(app, target);
    assert_non_null(answer);
    assert_true(answer->ended);
    gust_app_free(app);
    app = NULL;
    return answer;
}

static void write_nothing(gust_request *request)
{
    assert_int_equal(gust_status(request), 200);
    assert_false(gust_finished(request));
}

static void write_text(gust_request *request)
{
    gust_print(request, "a");
    gust_write(request, "b\0c", 3);
    gust_printf(request, "%d", 7);
}

static void test_output_is_sent_once_as_text(void **state)
{
    (void)state;
    struct gust__test_answer *answer = answer_of(write_text, "GET");
    assert_int_equal(answer->sends, 1);
    assert_int_equal(answer->content_length, 5);
    assert_int_equal(answer->size, 5);
    assert_memory_equal(answer->body, "ab\0c7", 5);
    assert_string_equal(answer->headers, "Content-Type: text/plain; charset=UTF-8\n");
    answer = answer_of(write_nothing, "GET");
    assert_int_equal(answer->status, 200);
    assert_int_equal(answer->content_length, 0);
    assert_string_equal(answer->headers, "");
    answer = answer_of(write_text, "HEAD");
    assert_int_equal(answer->content_length, 5);
    assert_int_equal(answer->size, 0);
}

static void set_headers(gust_request *request)
{
    char name[] = "X-One", value[] = "1";
    assert_int_equal(gust_set_header(request, name, value), 0);
    memset(name, '-', 5), value[0] = '-'; /* they were copied */
    gust_add_header(request, "X-Two", "1");
    gust_add_header(request, "x-two", "2");
    gust_set_header(request, "X-ONE", "3");
    gust_set_header(request, "X-Gone", "1");
    gust_clear_header(request, "x-gone");
    for (int i = 0; i < 9; i++)
        gust_add_header(request, "X-Many", "m");
    gust_set_header(request, "content-type", "text/html");
    gust_print(request, "x");
}

static void test_headers_are_set_added_cleared(void **state)
{
    (void)state;
    assert_string_equal(
        answer_of(set_headers, "GET")->headers,
        "X-Two: 1\nx-two: 2\nX-ONE: 3\nX-Many: m\nX-Many: m\nX-Many: m\nX-Many: m\nX-Many: m\n"
        "X-Many: m\nX-Many: m\nX-Many: m\nX-Many: m\ncontent-type: text/html\n");
}

static void set_bad_headers(gust_request *request)
{
    static const char *const values[] = {"a\r\nb", "a\nX: y", "a\rb", "\n", "a\x01", "a\x7f", " a"};
    static const char *const names[] = {"", "a b", "a:", "a\r", "a\n", "\xc3\xa9", "a(b)"};
    for (size_t i = 0; i < GUST_LEN(values); i++) {
        assert_int_equal(gust_set_header(request, "X", values[i]), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(gust_add_header(request, "Content-Type", values[i]), -1);
    }
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        assert_int_equal(gust_set_header(request, names[i], "x"), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(gust_clear_header(request, names[i]), -1);
    }
    assert_int_equal(gust_set_header(request, "Transfer-Encoding", "chunked"), -1);
    assert_int_equal(gust_set_header(request, "Content-Length", "x"), -1);
    assert_int_equal(gust_set_header(request, "Content-Length", "-1"), -1);
    assert_int_equal(gust_set_header(request, "Content-Length", ""), -1);
    assert_int_equal(gust_set_header(request, "Content-Length", "99999999999999999999"), -1);
    gust_print(request, "x");
}

static void test_bad_headers_are_refused(void **state)
{
    (void)state;
    struct gust__test_answer *answer = answer_of(set_bad_headers, "GET");
    assert_string_equal(answer->headers, "Content-Type: text/plain; charset=UTF-8\n");
    assert_int_equal(answer->content_length, 1);
}

static void set_late(gust_request *request)
{
    gust_print(request, "a");
    assert_int_equal(gust_flush(request), 0);
    assert_int_equal(gust_set_header(request, "X", "1"), -1);
    assert_int_equal(errno, EALREADY);
    assert_int_equal(gust_clear(request), -1);
    assert_int_equal(errno, EALREADY);
    gust_print(request, "b");
    assert_int_equal(gust_finish(request), 0);
    assert_true(gust_finished(request));
    assert_int_equal(gust_print(request, "c"), -1);
    assert_int_equal(errno, EALREADY);
    assert_int_equal(gust_printf(request, "c"), -1);
    assert_int_equal(gust_flush(request), -1);
    assert_int_equal(gust_finish(request), -1);
}

static void test_what_comes_too_late_is_refused(void **state)
{
    (void)state;
    struct gust__test_answer *answer = answer_of(set_late, "GET");
    assert_string_equal(answer->body, "ab");
    assert_int_equal(answer->content_length, -1);
    assert_string_equal(answer->headers, "Content-Type: text/plain; charset=UTF-8\n");
}

/* ---- status ---- */

static void answer_204(gust_request *request)
{
    gust_set_status(request, 204);
    assert_int_equal(gust_print(request, "not sent"), 0);
    assert_int_equal(gust_flush(request), 0);
}

static void answer_304_with_much(gust_request *request)
{
    static char much[100000];
    gust_set_status(request, 304);
    for (int i = 0; i < 3; i++)
        assert_int_equal(gust_write(request, much, sizeof(much)), 0);
}

static void answer_reason(gust_request *request)
{
    gust_set_status(request, 999);
    gust_set_reason(request, "Beyond");
}

static void answer_bad_reason(gust_request *request)
{
    gust_set_reason(request, "a\r\nb");
}

static void answer_bad_status(gust_request *request)
{
    gust_set_status(request, 1000);
}

static void test_status_and_reason(void **state)
{
    (void)state;
    struct gust__test_answer *answer = answer_of(answer_204, "GET");
    assert_int_equal(answer->status, 204);
    assert_int_equal(answer->size, 0);
    assert_string_equal(answer->headers, "");
    answer = answer_of(answer_304_with_much, "GET");
    assert_int_equal(answer->status, 304);
    assert_int_equal(answer->size, 0);
    answer = answer_of(answer_reason, "GET");
    assert_int_equal(answer->status, 999);
    assert_string_equal(answer->reason, "Beyond");
    answer = answer_of(answer_bad_reason, "GET");
    assert_int_equal(answer->status, 500);
    assert_string_equal(answer->reason, "");
    assert_int_equal(answer_of(answer_bad_status, "GET")->status, 500);
}

/* ---- length ---- */

static void say_right_length(gust_request *request)
{
    gust_set_header(request, "Content-Length", "4");
    gust_print(request, "ab");
    gust_flush(request);
    gust_print(request, "cd");
}

static void say_too_much(gust_request *request)
{
    gust_set_header(request, "Content-Length", "9");
    gust_print(request, "ab");
}

static void take_length_back(gust_request *request)
{
    gust_set_header(request, "Content-Length", "9");
    gust_clear_header(request, "content-length");
    gust_print(request, "ab");
}

static void test_a_length_may_be_said(void **state)
{
    (void)state;
    struct gust__test_answer *answer = answer_of(say_right_length, "GET");
    assert_int_equal(answer->content_length, 4);
    assert_string_equal(answer->body, "abcd");
    assert_false(answer->wrong_length);
    assert_string_equal(answer->headers, "Content-Type: text/plain; charset=UTF-8\n");
    assert_true(answer_of(say_too_much, "GET")->wrong_length);
    assert_int_equal(answer_of(take_length_back, "GET")->content_length, 2);
    assert_int_equal(answer_of(say_too_much, "HEAD")->content_length, 9); /* a body that nobody makes */
}

/* ---- streaming ---- */

enum { MUCH = 64 << 10 };
static size_t piece, pieces;

static void write_pieces(gust_request *request)
{
    char *data = gust_alloc(request, piece);
    for (size_t i = 0; i < pieces; i++) {
        memset(data, 'a' + (int)(i % 26), piece);
        assert_int_equal(gust_write(request, data, piece), 0);
    }
}

static void print_pieces(gust_request *request)
{
    for (size_t i = 0; i < pieces; i++)
        assert_int_equal(gust_printf(request, "%*d", (int)piece, 7), 0);
}

static void check_pieces(gust_handler_function *function, size_t size, size_t count, bool streams)
{
    piece = size, pieces = count;
    gust__test_options.parks = true;
    struct gust__test_answer *answer = answer_of(function, "GET");
    assert_int_equal(answer->size, size * count);
    assert_int_equal(answer->content_length, streams ? -1 : (int64_t)(size * count));
    if (streams)
        assert_true(answer->sends > 1);
    else
        assert_int_equal(answer->sends, 1);
}

static void test_output_beyond_64_KiB_streams(void **state)
{
    (void)state;
    check_pieces(write_pieces, MUCH - 1, 1, false);
    check_pieces(write_pieces, MUCH, 1, false);
    check_pieces(write_pieces, MUCH + 1, 1, true);
    check_pieces(write_pieces, 1, MUCH, false);
    check_pieces(write_pieces, 1, MUCH + 1, true);
    check_pieces(write_pieces, 1000, 1000, true);
    check_pieces(print_pieces, MUCH, 1, false);
    check_pieces(print_pieces, MUCH + 1, 1, true);
    check_pieces(print_pieces, 1000, 1000, true);
    check_pieces(print_pieces, 127, 3, false);
}

static void print_nothing_much(gust_request *request)
{
    gust_printf(request, "%s", "");
    assert_int_equal(gust_printf(request, "%*d", (16 << 20) + 1, 7), -1);
    assert_int_equal(errno, EOVERFLOW);
    gust_print(request, "x");
}

static void test_one_printf_is_limited(void **state)
{
    (void)state;
    assert_string_equal(answer_of(print_nothing_much, "GET")->body, "x");
}

static void write_to_nobody(gust_request *request)
{
    static char much[MUCH + 1];
    assert_int_equal(gust_write(request, much, sizeof(much)), -1);
    assert_int_equal(errno, EPIPE);
    assert_true(gust_client_gone(request));
    assert_int_equal(gust_flush(request), -1);
}

static void test_a_client_that_left_is_told_by_epipe(void **state)
{
    (void)state;
    gust__test_options.send_error = EPIPE;
    assert_int_equal(answer_of(write_to_nobody, "GET")->log_lines, 0);
}

/* ---- before the headers ---- */

static void add_header(gust_request *request, void *value)
{
    gust_add_header(request, "X-Before", value);
}

static void throw_before(gust_request *request, void *argument)
{
    (void)request, (void)argument;
    gust_throw(EIO, "before the headers");
}

static void add_another(gust_request *request, void *argument)
{
    (void)argument;
    gust_before_headers(request, add_header, "late");
}

static void announce(gust_request *request)
{
    gust_before_headers(request, add_header, "1");
    gust_before_headers(request, throw_before, NULL);
    gust_before_headers(request, add_another, NULL);
    gust_print(request, "x");
    gust_flush(request);
}

static void announce_then_fail(gust_request *request)
{
    gust_before_headers(request, add_header, "1");
    gust_fail(404, NULL);
}

static void test_hooks_run_before_the_headers(void **state)
{
    (void)state;
    struct gust__test_answer *answer = answer_of(announce, "GET");
    assert_string_equal(answer->headers,
                        "X-Before: late\nX-Before: 1\nContent-Type: text/plain; charset=UTF-8\n");
    assert_string_equal(answer->body, "x");
    assert_non_null(strstr(answer->log, "before the headers"));
    assert_string_equal(answer_of(announce_then_fail, "GET")->headers,
                        "X-Before: 1\nContent-Type: text/plain; charset=UTF-8\n");
}

static void make_bodiless(gust_request *request, void *argument)
{
    (void)argument;
    gust_set_status(request, 204);
}

static void write_more(gust_request *request, void *argument)
{
    static char much[5000];
    (void)argument;
    memset(much, 'm', sizeof(much));
    gust_write(request, much, sizeof(much));
}

static void finish_there(gust_request *request, void *argument)
{
    (void)argument;
    gust_finish(request);
}

static void with_bodiless_hook(gust_request *request)
{
    gust_print(request, "x");
    gust_before_headers(request, make_bodiless, NULL);
}

static void with_writing_hook(gust_request *request)
{
    gust_print(request, "x");
    gust_before_headers(request, write_more, NULL);
}

static void with_finishing_hook(gust_request *request)
{
    gust_print(request, "x");
    gust_before_headers(request, finish_there, NULL);
}

static void test_hooks_may_change_the_answer(void **state)
{
    (void)state;
    struct gust__test_answer *answer = answer_of(with_bodiless_hook, "GET");
    assert_int_equal(answer->status, 204);
    assert_int_equal(answer->size, 0);
    assert_int_equal(answer_of(with_writing_hook, "GET")->size, 5001);
    answer = answer_of(with_finishing_hook, "GET");
    assert_string_equal(answer->body, "x");
    assert_int_equal(answer->sends, 1);
}

/* ---- clear and redirect ---- */

static void clear(gust_request *request)
{
    gust_set_status(request, 404);
    gust_set_reason(request, "Gone");
    gust_set_header(request, "X", "1");
    gust_set_header(request, "Content-Length", "100");
    gust_print(request, "old");
    assert_int_equal(gust_clear(request), 0);
    gust_print(request, "new");
}

static void redirect(gust_request *request)
{
    gust_set_header(request, "Content-Length", "100");
    gust_set_header(request, "Content-Type", "text/html");
    gust_print(request, "old");
    gust_set_cookie(request, "a", "1");
    gust_redirect(request, "/elsewhere?x=1", 303);
    assert_true(gust_finished(request));
}

static void redirect_badly(gust_request *request)
{
    gust_redirect(request, "/a\r\nSet-Cookie: x=1", 303);
}

static void redirect_nowhere(gust_request *request)
{
    gust_redirect(request, "/a", 200);
}

static void test_clear_and_redirect(void **state)
{
    (void)state;
    struct gust__test_answer *answer = answer_of(clear, "GET");
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer->reason, "");
    assert_string_equal(answer->body, "new");
    assert_string_equal(answer->headers, "Content-Type: text/plain; charset=UTF-8\n");
    answer = answer_of(redirect, "GET");
    assert_int_equal(answer->status, 303);
    assert_string_equal(answer->headers, "Set-Cookie: a=1; Path=/; SameSite=Lax\nLocation: /elsewhere?x=1\n");
    assert_string_equal(answer->body, "");
    answer = answer_of(redirect_badly, "GET");
    assert_int_equal(answer->status, 500);
    assert_null(strstr(answer->headers, "Set-Cookie"));
    assert_int_equal(answer_of(redirect_nowhere, "GET")->status, 500);
}

static void set_close(gust_request *request)
{
    gust_set_header(request, "Connection", "close");
    gust_print(request, "x");
}

static void test_connection_close_is_the_connections(void **state)
{
    (void)state;
    struct gust__test_answer *answer = answer_of(set_close, "GET");
    assert_true(answer->close_after);
    assert_null(strstr(answer->headers, "Connection"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_is_sent_once_as_text),
        cmocka_unit_test(test_headers_are_set_added_cleared),
        cmocka_unit_test(test_bad_headers_are_refused),
        cmocka_unit_test(test_what_comes_too_late_is_refused),
        cmocka_unit_test(test_status_and_reason),
        cmocka_unit_test(test_a_length_may_be_said),
        cmocka_unit_test(test_output_beyond_64_KiB_streams),
        cmocka_unit_test(test_one_printf_is_limited),
        cmocka_unit_test(test_a_client_that_left_is_told_by_epipe),
        cmocka_unit_test(test_hooks_run_before_the_headers),
        cmocka_unit_test(test_hooks_may_change_the_answer),
        cmocka_unit_test(test_clear_and_redirect),
        cmocka_unit_test(test_connection_close_is_the_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
