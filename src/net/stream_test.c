/* Writing to streams, their ends, pipes. */
#include "net/stream_for_tests.h"

#include <pthread.h>
#include <signal.h>

/* ---- writing ---- */

struct writing {
    size_t size;
    char fill;
    int result, code;
    bool done;
};

static int write_it(void *argument)
{
    struct writing *writing = argument;
    char *data = malloc(writing->size + 1);
    memset(data, writing->fill, writing->size);
    writing->result = gust_stream_write(stream, data, writing->size);
    writing->code = errno;
    free(data); /* the bytes are the caller's again */
    writing->done = true;
    return 0;
}

static int flush_it(void *argument)
{
    struct writing *writing = argument;
    writing->result = gust_stream_flush(stream);
    writing->code = errno;
    writing->done = true;
    return 0;
}

static struct gust__coroutine *start_with(int (*function)(void *), struct writing *writing)
{
    struct gust__coroutine *coroutine = gust__coroutine_start(test_loop, NULL, NULL, function, writing);
    assert_non_null(coroutine);
    return coroutine;
}

static void make_small(void)
{
    int size = 1;
    setsockopt(gust_stream_fd(stream), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    assert_int_equal(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
}

static size_t counts[256];

/* All that the peer can have now. */
static size_t drain_peer(void)
{
    char got[65536];
    size_t whole = 0;
    ssize_t more;
    while ((more = read(peer, got, sizeof(got))) > 0) {
        for (ssize_t i = 0; i < more; i++)
            counts[(unsigned char)got[i]]++;
        whole += (size_t)more;
    }
    return whole;
}

static void writes_at_once(void **state)
{
    (void)state;
    open_tcp();
    assert_int_equal(gust_stream_write(stream, "hello", 5), 0);
    peer_receives("hello");
    assert_int_equal(gust_stream_printf(stream, "%d %s", 42, "is it"), 0);
    peer_receives("42 is it");
    assert_int_equal(gust_stream_write(stream, NULL, 0), 0);
    end();
}

static void prints_long_texts_too(void **state)
{
    (void)state;
    for (int length = 1022; length <= 1025; length++) {
        open_local();
        assert_int_equal(gust_stream_printf(stream, "%*d", length, 7), 0);
        assert_int_equal(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
        assert_int_equal(drain_peer(), length);
        end();
    }
}

/* Fills what the system takes: what is written now stays in the stream. */
static void fill_socket(void)
{
    static const char zeros[100000];
    ssize_t sent;
    do
        sent = send(gust_stream_fd(stream), zeros, sizeof(zeros), MSG_DONTWAIT);
    while (sent > 0);
}

static void waits_only_above_the_high_water_mark(void **state)
{
    (void)state;
    for (size_t size = 999; size <= 1001; size++) {
        int fds[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        peer = fds[1];
        stream = gust_stream_new(fds[0], .high_water = 1000);
        make_small();
        fill_socket();
        struct writing writing = {.size = size, .fill = 'a'}, flush = {0};
        memset(counts, 0, sizeof(counts));
        start_with(write_it, &writing);
        settle();
        assert_int_equal(writing.done, size <= 1000);
        start_with(flush_it, &flush);
        settle();
        assert_false(flush.done);
        RUN_UNTIL((drain_peer(), writing.done && flush.done));
        assert_int_equal(writing.result, 0);
        assert_int_equal(flush.result, 0);
        drain_peer();
        assert_int_equal(counts['a'], size);
        end();
    }
}

static void the_loop_sends_what_waits(void **state)
{
    (void)state;
    open_tcp();
    make_small();
    fill_socket();
    memset(counts, 0, sizeof(counts));
    struct writing writing = {.size = 60000, .fill = 'b'};
    start_with(write_it, &writing);
    RUN_UNTIL(writing.done);
    RUN_UNTIL((drain_peer(), counts['b'] == 60000));
    end();
}

static void writers_take_turns(void **state)
{
    (void)state;
    open_local();
    make_small();
    struct writing writings[3] = {
        {.size = 300000, .fill = 'a'}, {.size = 200000, .fill = 'b'}, {.size = 10, .fill = 'c'}};
    for (int i = 0; i < 3; i++)
        start_with(write_it, &writings[i]);
    char last = 'a';
    size_t whole = 0;
    int64_t until = gust__clock_now() + GUST_S(20);
    while (whole < 500010) {
        char got[4096];
        ssize_t more = read(peer, got, sizeof(got));
        for (ssize_t i = 0; i < more; i++) {
            assert_true(got[i] >= last);
            last = got[i];
        }
        whole += more > 0 ? (size_t)more : 0;
        gust__loop_iterate(test_loop, gust__clock_now() + GUST_MS(1));
        assert_true(gust__clock_now() < until);
    }
    for (int i = 0; i < 3; i++)
        assert_true(writings[i].done && writings[i].result == 0);
    end();
}

static void one_reads_while_another_writes(void **state)
{
    (void)state;
    open_local();
    make_small();
    struct reading *reading = start(UNTIL, "\n", 100);
    struct writing writing = {.size = 500000, .fill = 'w'};
    start_with(write_it, &writing);
    settle();
    assert_false(writing.done || reading->done);
    peer_sends("line\n");
    expect(reading, 5, 0, "line\n");
    RUN_UNTIL((drain_peer(), writing.done));
    assert_int_equal(writing.result, 0);
    end();
}

static void a_write_cut_short_breaks_the_stream(void **state)
{
    (void)state;
    open_local();
    make_small();
    struct writing writing = {.size = 500000, .fill = 'w'}, waiting = {.size = 1, .fill = 'x'};
    struct gust__coroutine *writer = start_with(write_it, &writing);
    settle();
    start_with(write_it, &waiting);
    settle();
    gust__coroutine_cancel(writer);
    RUN_UNTIL(writing.done && waiting.done);
    assert_int_equal(writing.code, ECANCELED);
    assert_int_equal(waiting.result, -1);
    assert_int_equal(waiting.code, EPIPE);
    assert_int_equal(gust_stream_reason(stream), ECANCELED);
    end();
}

static void a_write_cut_short_before_its_turn_breaks_nothing(void **state)
{
    (void)state;
    open_local();
    make_small();
    memset(counts, 0, sizeof(counts));
    struct writing writing = {.size = 300000, .fill = 'w'}, waiting = {.size = 5, .fill = 'x'},
                   third = {.size = 7, .fill = 'y'};
    start_with(write_it, &writing);
    settle();
    struct gust__coroutine *second = start_with(write_it, &waiting);
    start_with(write_it, &third);
    settle();
    gust__coroutine_cancel(second);
    RUN_UNTIL(waiting.done);
    assert_int_equal(waiting.code, ECANCELED);
    RUN_UNTIL((drain_peer(), writing.done && third.done));
    RUN_UNTIL((drain_peer(), counts['y'] == 7));
    assert_int_equal(writing.result, 0);
    assert_int_equal(third.result, 0);
    assert_int_equal(counts['x'], 0);
    end();
}

static void writing_to_who_has_gone_is_epipe(void **state)
{
    (void)state;
    open_local();
    close_peer();
    errno = 0;
    assert_int_equal(gust_stream_write(stream, "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(gust_stream_reason(stream), EPIPE);
    assert_int_equal(gust_stream_close(stream), -1);
    end();
}

static int shut_down(void *argument)
{
    (void)argument;
    return gust_stream_shutdown(stream);
}

static void after_shutdown_one_may_read_on(void **state)
{
    (void)state;
    open_tcp();
    assert_int_equal(gust_stream_write(stream, "bye", 3), 0);
    assert_int_equal(in_coroutine(shut_down, NULL), 0);
    peer_receives("bye");
    char got[10];
    assert_int_equal(read(peer, got, 10), 0);
    peer_sends("answer");
    READ(SOME, NULL, 100, 6, 0, "answer");
    errno = 0;
    assert_int_equal(gust_stream_write(stream, "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    end();
}

/* ---- the end ---- */

static void aborting_wakes_who_waits(void **state)
{
    (void)state;
    open_local();
    make_small();
    fill_socket();
    struct reading *reading = start(SOME, NULL, 10);
    struct writing writing = {.size = 100000}, second = {.size = 1};
    start_with(write_it, &writing);
    start_with(write_it, &second);
    settle();
    gust_stream_abort(stream, EPROTO);
    expect(reading, -1, EBADF, NULL);
    RUN_UNTIL(writing.done && second.done);
    assert_int_equal(writing.code, EBADF);
    assert_int_equal(second.code, EBADF);
    assert_true(gust_stream_closed(stream));
    assert_int_equal(gust_stream_fd(stream), -1);
    assert_int_equal(gust_stream_reason(stream), EPROTO);
    READ(SOME, NULL, 10, -1, EBADF, NULL);
    errno = 0;
    assert_int_equal(gust_stream_write(stream, "x", 1), -1);
    assert_int_equal(errno, EBADF);
    end();
}

static int close_it(void *argument)
{
    struct writing *writing = argument;
    writing->result = gust_stream_close(stream);
    writing->code = errno;
    writing->done = true;
    return 0;
}

static void closing_flushes_first(void **state)
{
    (void)state;
    open_local();
    make_small();
    fill_socket();
    memset(counts, 0, sizeof(counts));
    struct writing writing = {.size = 50000, .fill = 'z'}, closing = {0};
    start_with(write_it, &writing);
    start_with(close_it, &closing);
    settle();
    assert_false(closing.done);
    RUN_UNTIL((drain_peer(), closing.done));
    drain_peer();
    assert_int_equal(closing.result, 0);
    assert_int_equal(counts['z'], 50000);
    assert_int_equal(gust_stream_reason(stream), 0);
    end();
}

static int close_within(void *argument)
{
    GUST_DEADLINE(GUST_MS(20));
    return close_it(argument);
}

static void a_close_that_cannot_flush_says_so(void **state)
{
    (void)state;
    open_local();
    make_small();
    fill_socket();
    struct writing writing = {.size = 100, .fill = 'z'}, closing = {0};
    start_with(write_it, &writing);
    start_with(close_within, &closing);
    RUN_UNTIL(closing.done);
    assert_int_equal(closing.result, -1);
    assert_int_equal(closing.code, ETIMEDOUT);
    assert_true(gust_stream_closed(stream));
    end();
}

static int count_call(void *argument)
{
    ++*(int *)argument;
    return 0;
}

static void tells_once_when_it_is_closed(void **state)
{
    (void)state;
    int calls = 0;
    open_local();
    gust_stream_on_close(stream, count_call, &calls);
    gust_stream_abort(stream, 0);
    assert_int_equal(calls, 0); /* not from within */
    settle();
    assert_int_equal(calls, 1);
    end();
    assert_int_equal(calls, 1);
    open_local();
    gust_stream_on_close(stream, count_call, &calls);
    end();
    assert_int_equal(calls, 2);
    settle();
    assert_int_equal(calls, 2);
}

static void tells_when_the_peer_is_gone(void **state)
{
    (void)state;
    int calls = 0;
    open_local();
    gust_stream_on_close(stream, count_call, &calls);
    close_peer();
    RUN_UNTIL(calls == 1);
    end();
    open_tcp();
    gust_stream_on_close(stream, count_call, &calls);
    shutdown(peer, SHUT_WR);
    READ(SOME, NULL, 10, 0, 0, NULL);
    settle();
    assert_int_equal(calls, 1); /* a half-close is no departure */
    struct linger at_once = {1, 0};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close_peer();
    RUN_UNTIL(calls == 2);
    gust_stream_on_close(stream, count_call, &calls); /* asked too late: told soon */
    settle();
    assert_int_equal(calls, 3);
    end();
}

static void knows_its_addresses(void **state)
{
    (void)state;
    open_tcp();
    struct gust__address address = {.length = sizeof(struct sockaddr_in)};
    char text[GUST__ADDRESS_TEXT];
    getsockname(peer, &address.any, &address.length);
    assert_string_equal(gust_stream_peer(stream), gust__address_format(&address, text));
    getpeername(peer, &address.any, &address.length);
    assert_string_equal(gust_stream_local(stream), gust__address_format(&address, text));
    gust_stream_abort(stream, 0);
    assert_string_equal(gust_stream_local(stream), text);
    end();
    open_local();
    assert_string_equal(gust_stream_peer(stream), "unix:");
    end();
}

/* ---- pipes and what is no stream ---- */

static void reads_and_writes_pipes(void **state)
{
    (void)state;
    int fds[2], calls = 0;
    signal(SIGPIPE, SIG_DFL); /* a signal would end the test */
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    stream = gust_stream_new(fds[0]);
    peer = fds[1];
    struct reading *waits = start(UNTIL, "\n", 100);
    settle();
    peer_sends("line\nrest");
    expect(waits, 5, 0, "line\n");
    close_peer();
    READ(TO_END, NULL, 100, 4, 0, "rest");
    end();
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    stream = gust_stream_new(fds[1]);
    peer = fds[0];
    gust_stream_on_close(stream, count_call, &calls);
    assert_int_equal(gust_stream_write(stream, "hello", 5), 0);
    peer_receives("hello");
    assert_string_equal(gust_stream_peer(stream), "");
    errno = 0;
    assert_int_equal(in_coroutine(shut_down, NULL), -1);
    assert_int_equal(errno, ENOTSUP);
    assert_int_equal(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    struct writing writing = {.size = 300000, .fill = 'p'};
    start_with(write_it, &writing);
    settle();
    assert_false(writing.done);
    RUN_UNTIL((drain_peer(), writing.done));
    close_peer();
    RUN_UNTIL(calls == 1);
    assert_int_equal(gust_stream_write(stream, "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    sigset_t pending;
    sigpending(&pending);
    assert_false(sigismember(&pending, SIGPIPE));
    end();
}

static void takes_only_what_can_be_waited_for(void **state)
{
    (void)state;
    errno = 0;
    assert_null(gust_stream_new(-1));
    assert_int_equal(errno, EBADF);
    assert_null(gust_stream_new(open("/proc/self/exe", O_RDONLY)));
    assert_int_equal(errno, EPERM);
    gust__loop_leave(NULL);
    assert_null(gust_stream_new(socket(AF_INET, SOCK_STREAM, 0)));
    assert_int_equal(errno, EDEADLK);
    gust__loop_enter(test_loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        loop_test(writes_at_once),
        loop_test(prints_long_texts_too),
        loop_test(waits_only_above_the_high_water_mark),
        loop_test(the_loop_sends_what_waits),
        loop_test(writers_take_turns),
        loop_test(one_reads_while_another_writes),
        loop_test(a_write_cut_short_breaks_the_stream),
        loop_test(a_write_cut_short_before_its_turn_breaks_nothing),
        loop_test(writing_to_who_has_gone_is_epipe),
        loop_test(after_shutdown_one_may_read_on),
        loop_test(aborting_wakes_who_waits),
        loop_test(closing_flushes_first),
        loop_test(a_close_that_cannot_flush_says_so),
        loop_test(tells_once_when_it_is_closed),
        loop_test(tells_when_the_peer_is_gone),
        loop_test(knows_its_addresses),
        loop_test(reads_and_writes_pipes),
        loop_test(takes_only_what_can_be_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
