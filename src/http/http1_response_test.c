#include "http/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <errno.h>

static const struct gust__http1_limits limits = GUST__HTTP1_DEFAULT_LIMITS;
static struct gust__response_head head;
static struct gust__header headers[100];
static char text[4096];

static int read_response(const char *input)
{
    snprintf(text, sizeof(text), "%s", input);
    testing_check_response(&limits, text, strlen(text));
    struct gust__http1_scan scan = {0};
    ssize_t length = gust__http1_find_head_end(&scan, &limits, text, strlen(text), &head.fault);
    assert_int_not_equal(length, 0);
    return length < 0 ? -1 : gust__http1_parse_response(&head, headers, 100, text, (size_t)length);
}

static void assert_slice(struct gust__slice slice, const char *expected)
{
    if (!gust__slice_equals(slice, gust__slice_of(expected)))
        fail_msg("'%.*s' is not '%s'", (int)slice.size, slice.data, expected);
}

static void plain_response(void **state)
{
    (void)state;
    assert_int_equal(read_response("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nServer: x\r\n\r\nabc"), 0);
    assert_int_equal(head.status, 404);
    assert_int_equal(head.minor, 1);
    assert_slice(head.reason, "Not Found");
    assert_int_equal(head.fields.content_length, 3);
    assert_int_equal(head.fields.count, 2);
    assert_true(head.keep_alive);
    assert_slice(gust__fields_first(&head.fields, GUST__HEADER_SERVER)->value, "x");
}

static void reasons_may_be_empty_or_odd(void **state)
{
    (void)state;
    assert_int_equal(read_response("HTTP/1.1 200 \r\n\r\n"), 0);
    assert_slice(head.reason, "");
    assert_int_equal(read_response("HTTP/1.1 200\r\n\r\n"), 0);
    assert_slice(head.reason, "");
    assert_int_equal(read_response("HTTP/1.1 200 \xc3\xa9 \t!\r\n\r\n"), 0);
    assert_slice(head.reason, "\xc3\xa9 \t!");
}

static void versions(void **state)
{
    (void)state;
    assert_int_equal(read_response("HTTP/1.0 200 OK\r\n\r\n"), 0);
    assert_false(head.keep_alive);
    assert_int_equal(read_response("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n"), 0);
    assert_true(head.keep_alive);
    assert_int_equal(read_response("HTTP/1.7 200 OK\r\n\r\n"), 0);
    assert_int_equal(head.minor, 1);
    assert_int_equal(
        read_response("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"), 0);
    assert_slice(head.upgrade, "websocket");
}

static void folded_lines_are_joined(void **state)
{
    (void)state;
    assert_int_equal(read_response("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\td\r\nE: f\r\n\r\n"), 0);
    assert_slice(headers[0].value, "b   c  \td");
    assert_slice(headers[1].value, "f");
    assert_int_equal(read_response("HTTP/1.1 200 OK\r\nA:\r\n b\r\n \r\n\r\n"), 0);
    assert_slice(headers[0].value, "b");
}

static void bad_responses_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 0200 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 200OK\r\n\r\n",
        "HTTP/1.1 -20 OK\r\n\r\n",
        "HTTP/1.x 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\nxxxxxxxx",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\nA: b\r\n\r\n",
        "HTTP/1.1 200 O\rK\r\nA: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        errno = 0;
        if (read_response(bad[i]) == 0)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(errno, EBADMSG);
    }
}

static void a_cut_head_is_refused(void **state)
{
    (void)state;
    char whole[] = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
    for (size_t size = 0; size < sizeof(whole) - 1; size++)
        assert_int_equal(gust__http1_parse_response(&head, headers, 100, whole, size), -1);
    assert_int_equal(gust__http1_parse_response(&head, headers, 100, whole, sizeof(whole) - 1), 0);
}

static void a_head_can_move(void **state)
{
    (void)state;
    assert_int_equal(read_response("HTTP/1.1 200 OK\r\nA: b\r\n\r\n"), 0);
    char moved[sizeof(text)];
    memcpy(moved, text, sizeof(text));
    gust__http1_rebase_response(&head, text, strlen(text), moved);
    memset(text, '!', sizeof(text));
    assert_slice(head.reason, "OK");
    assert_slice(headers[0].value, "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_response),
        cmocka_unit_test(reasons_may_be_empty_or_odd),
        cmocka_unit_test(versions),
        cmocka_unit_test(folded_lines_are_joined),
        cmocka_unit_test(bad_responses_are_refused),
        cmocka_unit_test(a_cut_head_is_refused),
        cmocka_unit_test(a_head_can_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
