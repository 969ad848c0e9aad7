/* Reading from streams. */
#include "net/stream_for_tests.h"


static void reads_what_there_is(void **state)
{
    (void)state;
    open_tcp();
    peer_sends("hello");
    READ(SOME, NULL, 3, 3, 0, "hel");
    READ(SOME, NULL, 100, 2, 0, "lo");
    struct reading *waits = start(SOME, NULL, 100);
    settle();
    assert_false(waits->done);
    peer_sends("more");
    expect(waits, 4, 0, "more");
    close_peer();
    READ(SOME, NULL, 100, 0, 0, NULL);
    READ(SOME, NULL, 100, 0, 0, NULL);
    READ(SOME, NULL, 100000, 0, 0, NULL);
    end();
}

static void finds_the_end_behind_a_short_read(void **state)
{
    (void)state;
    void (*const openers[])(void) = {open_tcp, open_local};
    for (size_t i = 0; i < 4; i++) {
        openers[i % 2]();
        peer_sends("last words");
        if (i < 2) /* the end comes with the words; else after they were read */
            close_peer();
        settle();
        READ(SOME, NULL, 100, 10, 0, "last words");
        close_peer();
        READ(SOME, NULL, 100, 0, 0, NULL);
        end();
    }
}

static void reads_exactly(void **state)
{
    (void)state;
    open_local();
    struct reading *waits = start(EXACTLY, NULL, 8);
    peer_sends("12345");
    settle();
    assert_false(waits->done);
    peer_sends("67890");
    expect(waits, 0, 0, "12345678");
    READ(EXACTLY, NULL, 0, 0, 0, NULL);
    READ(EXACTLY, NULL, 2, 0, 0, "90");
    end();
}

static void what_came_stays_readable_when_exactly_fails(void **state)
{
    (void)state;
    open_local();
    peer_sends("abc");
    close_peer();
    READ(EXACTLY, NULL, 4, -1, ENODATA, NULL);
    READ(EXACTLY, NULL, 5, -1, ENODATA, NULL);
    READ(EXACTLY, NULL, 3, 0, 0, "abc");
    READ(EXACTLY, NULL, 1, -1, ENODATA, NULL);
    end();
}

static void reads_lines(void **state)
{
    (void)state;
    open_tcp();
    peer_sends("one\r\ntwo\r\nthree\r");
    READ(UNTIL, "\r\n", 100, 5, 0, "one\r\n");
    READ(UNTIL, "\r\n", 100, 5, 0, "two\r\n");
    struct reading *waits = start(UNTIL, "\r\n", 100);
    settle();
    assert_false(waits->done);
    peer_sends("\nrest");
    expect(waits, 7, 0, "three\r\n");
    close_peer();
    READ(UNTIL, "\r\n", 100, -1, ENODATA, NULL);
    READ(SOME, NULL, 100, 4, 0, "rest");
    READ(UNTIL, "\r\n", 100, 0, 0, NULL);
    READ(UNTIL, "", 100, -1, EINVAL, NULL);
    end();
}

static void a_line_has_at_most_max_bytes(void **state)
{
    (void)state;
    for (size_t max = 5; max <= 7; max++) {
        open_local();
        peer_sends("12345\nx");
        READ(UNTIL, "\n", max, max < 6 ? -1 : 6, EMSGSIZE, max < 6 ? NULL : "12345\n");
        READ(SOME, NULL, 100, max < 6 ? 7 : 1, 0, NULL); /* nothing was lost */
        end();
    }
}

static void a_line_waits_for_no_more_than_max_bytes(void **state)
{
    (void)state;
    open_local();
    struct reading *waits = start(UNTIL, "\n", 5);
    peer_sends("1234");
    settle();
    assert_false(waits->done);
    peer_sends("5");
    expect(waits, -1, EMSGSIZE, NULL);
    end();
}

static void max_read_bounds_the_buffer(void **state)
{
    (void)state;
    for (size_t length = 99; length <= 101; length++) {
        int fds[2];
        char text[200];
        memset(text, 'x', sizeof(text));
        text[length - 1] = '\n';
        text[length] = '\0';
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        peer = fds[1];
        stream = gust_stream_new(fds[0], .max_read = 100);
        peer_sends(text);
        READ(UNTIL, "\n", 1000, length <= 100 ? (ssize_t)length : -1, EMSGSIZE, NULL);
        close_peer();
        READ(TO_END, NULL, 1000, length <= 100 ? 0 : -1, EMSGSIZE, NULL);
        end();
    }
}

static void reads_to_the_end(void **state)
{
    (void)state;
    for (size_t max = 4; max <= 6; max++) {
        open_local();
        struct reading *waits = start(TO_END, NULL, max);
        peer_sends("123");
        settle();
        peer_sends("45");
        settle();
        close_peer();
        expect(waits, max < 5 ? -1 : 5, EMSGSIZE, max < 5 ? NULL : "12345");
        if (max >= 5)
            READ(TO_END, NULL, max, 0, 0, "");
        end();
    }
}

static void a_large_line_comes_in_pieces(void **state)
{
    (void)state;
    open_tcp();
    static char text[150001];
    memset(text, 'y', 150000);
    text[149998] = '\r';
    text[149999] = '\n';
    struct reading *waits = start(UNTIL, "\r\n", 150000);
    for (size_t at = 0; at < 150000; at += 10000) {
        assert_int_equal(write(peer, text + at, 10000), 10000);
        gust__loop_iterate(test_loop, gust__clock_now() + GUST_MS(1));
    }
    expect(waits, 150000, 0, text);
    end();
}

static void reads_up_to_a_pattern(void **state)
{
    (void)state;
    open_local();
    peer_sends("key=value; other");
    READ(PATTERN, "[=;] *", 100, 4, 0, "key=");
    READ(PATTERN, "[=;] *", 100, 7, 0, "value; ");
    READ(PATTERN, "(?<=o)t", 100, 2, 0, "ot");
    READ(PATTERN, "(", 100, -1, EINVAL, NULL);
    READ(PATTERN, "(*UTF)x", 100, -1, EINVAL, NULL);
    READ(PATTERN, "her", 100, 3, 0, "her");
    close_peer();
    READ(PATTERN, "x", 100, 0, 0, NULL);
    end();
}

static void a_match_does_not_depend_on_the_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        ssize_t length;
    } cases[] = {
        {"\r?\n\r?\n", "a\r\nb\r\n\r\nc", 8}, {"\n+", "a\n\n\nb", 4},
        {"\n(?! )", "a\n b\nc", 5},           {"a.*z|b", "xbxaz", 2},
        {"foo\\b", "foobar foo ", 10},        {"(?<=ab)c", "bcabcc", 5},
    };
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        for (int piecewise = 0; piecewise < 2; piecewise++) {
            open_local();
            struct reading *reading = start(PATTERN, cases[i].pattern, 100);
            if (piecewise) {
                for (const char *at = cases[i].text; *at; at++) {
                    assert_int_equal(write(peer, at, 1), 1);
                    settle();
                }
            } else {
                peer_sends(cases[i].text);
            }
            expect(reading, cases[i].length, 0, NULL);
            end();
        }
    }
}

static void the_end_completes_a_match(void **state)
{
    (void)state;
    open_local();
    struct reading *waits = start(PATTERN, "b+$", 100);
    peer_sends("abbb");
    settle();
    assert_false(waits->done);
    close_peer();
    expect(waits, 4, 0, "abbb");
    end();
    open_local();
    peer_sends("abb");
    close_peer();
    READ(PATTERN, "c", 100, -1, ENODATA, NULL);
    READ(SOME, NULL, 100, 3, 0, "abb");
    end();
}

static void a_match_ends_within_max_bytes(void **state)
{
    (void)state;
    for (size_t max = 3; max <= 5; max++) {
        open_local();
        peer_sends("abcd....");
        READ(PATTERN, "d", max, max < 4 ? -1 : 4, EMSGSIZE, NULL);
        end();
    }
}

static void a_pattern_that_explodes_is_given_up(void **state)
{
    (void)state;
    open_local();
    peer_sends("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
    READ(PATTERN, "^(a+)+$", 1000, -1, EOVERFLOW, NULL);
    end();
}

static void has_one_reader(void **state)
{
    (void)state;
    open_local();
    struct reading *first = start(SOME, NULL, 10);
    settle();
    READ(PATTERN, "x", 10, -1, EBUSY, NULL);
    peer_sends("x");
    expect(first, 1, 0, "x");
    end();
}

static int read_within(void *argument)
{
    GUST_DEADLINE(GUST_MS(10));
    char got[10];
    int code =
        *(int *)argument ? gust_stream_read_exactly(stream, got, 10) : (int)gust_stream_read(stream, got, 1);
    return code < 0 ? errno : 0;
}

static void a_deadline_ends_a_read_and_nothing_is_lost(void **state)
{
    (void)state;
    open_local();
    assert_int_equal(in_coroutine(read_within, &(int){0}), ETIMEDOUT);
    peer_sends("abc");
    assert_int_equal(in_coroutine(read_within, &(int){1}), ETIMEDOUT);
    READ(SOME, NULL, 10, 3, 0, "abc");
    end();
}

static void a_reset_is_an_error(void **state)
{
    (void)state;
    open_tcp();
    struct linger at_once = {1, 0};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    struct reading *waits = start(SOME, NULL, 10);
    settle();
    close_peer();
    expect(waits, -1, ECONNRESET, NULL);
    READ(SOME, NULL, 10, -1, ECONNRESET, NULL);
    assert_int_equal(gust_stream_reason(stream), ECONNRESET);
    end();
}

static void outside_coroutines_only_waiting_fails(void **state)
{
    (void)state;
    open_local();
    char got[10];
    errno = 0;
    assert_int_equal(gust_stream_read(stream, got, 10), -1);
    assert_int_equal(errno, EDEADLK);
    peer_sends("x");
    settle();
    assert_int_equal(gust_stream_read(stream, got, 10), 1);
    assert_int_equal(gust_stream_write(stream, "y", 1), 0);
    peer_receives("y");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        loop_test(reads_what_there_is),
        loop_test(finds_the_end_behind_a_short_read),
        loop_test(reads_exactly),
        loop_test(what_came_stays_readable_when_exactly_fails),
        loop_test(reads_lines),
        loop_test(a_line_has_at_most_max_bytes),
        loop_test(a_line_waits_for_no_more_than_max_bytes),
        loop_test(max_read_bounds_the_buffer),
        loop_test(reads_to_the_end),
        loop_test(a_large_line_comes_in_pieces),
        loop_test(reads_up_to_a_pattern),
        loop_test(a_match_does_not_depend_on_the_pieces),
        loop_test(the_end_completes_a_match),
        loop_test(a_match_ends_within_max_bytes),
        loop_test(a_pattern_that_explodes_is_given_up),
        loop_test(has_one_reader),
        loop_test(a_deadline_ends_a_read_and_nothing_is_lost),
        loop_test(a_reset_is_an_error),
        loop_test(outside_coroutines_only_waiting_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
