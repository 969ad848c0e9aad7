#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/faults.h"
#include "loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <gust/log.h>
#include <gust/scope.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned log_lines;

static void count_line(void *arg, const gust_log_line *line)
{
    (void)arg, (void)line;
    log_lines++;
}

static int begin(void **state)
{
    log_lines = 0;
    gust_log_sink(count_line, NULL);
    *state = gust_loop_new();
    return *state ? 0 : -1;
}

static int end(void **state)
{
    gust_loop_free(*state);
    gust_log_sink(NULL, NULL);
    return 0;
}

struct seen {
    int calls;
    int number;
    unsigned events;
    gust_watch **frees;
    int result;
};

static int see(int number, unsigned events, void *argument)
{
    struct seen *seen = argument;
    seen->calls++;
    seen->number = number;
    seen->events = events;
    if (seen->frees)
        gust_watch_free(*seen->frees);
    return seen->result;
}

static void turn(gust_loop *loop, int times)
{
    for (int i = 0; i < times; i++)
        gust__loop_iterate(loop, 0);
}

/* ---- Descriptors ---- */

static void a_watch_calls_as_long_as_the_descriptor_is_ready(void **state)
{
    int pair[2];
    char byte;
    struct seen seen = {0};
    assert_int_equal(pipe(pair), 0);
    gust_watch *watch = gust_watch_new(*state, pair[0], GUST_READABLE, see, &seen);
    assert_non_null(watch);
    turn(*state, 2);
    assert_int_equal(seen.calls, 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    turn(*state, 3);
    assert_int_equal(seen.calls, 3);
    assert_int_equal(seen.number, pair[0]);
    assert_int_equal(seen.events, GUST_READABLE);
    assert_int_equal(read(pair[0], &byte, 1), 1);
    turn(*state, 2);
    assert_int_equal(seen.calls, 3);
    gust_watch_free(watch);
    gust_watch_free(NULL);
    assert_int_equal(gust__loop_descriptors(*state), 0);
    close(pair[0]);
    close(pair[1]);
}

static void events_change_and_rest(void **state)
{
    int pair[2];
    struct seen seen = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    gust_watch *watch = gust_watch_new(*state, pair[0], GUST_WRITABLE, see, &seen);
    turn(*state, 1);
    assert_int_equal(seen.events, GUST_WRITABLE);
    assert_int_equal(gust_watch_update(watch, GUST_READABLE | GUST_WRITABLE), 0);
    turn(*state, 1);
    assert_int_equal(seen.events, GUST_READABLE | GUST_WRITABLE);
    assert_int_equal(gust_watch_update(watch, 0), 0);
    close(pair[1]); /* a hang-up is no busy loop for a watch that rests */
    seen.calls = 0;
    turn(*state, 3);
    assert_int_equal(seen.calls, 0);
    int64_t until = gust__clock_now() + GUST_MS(3);
    gust__loop_iterate(*state, until); /* nor does it end a wait */
    assert_true(gust__clock_now() >= until);
    assert_int_equal(gust_watch_update(watch, GUST_READABLE), 0);
    turn(*state, 1);
    assert_int_equal(seen.calls, 1);
    gust_watch_free(watch);
    close(pair[0]);
}

static void a_hang_up_is_told_as_what_was_asked(void **state)
{
    int pair[2];
    struct seen reader = {0}, writer = {0};
    assert_int_equal(pipe(pair), 0);
    close(pair[1]);
    gust_watch *watch = gust_watch_new(*state, pair[0], GUST_READABLE, see, &reader);
    turn(*state, 1);
    assert_int_equal(reader.events, GUST_READABLE | GUST_BROKEN);
    gust_watch_free(watch);
    close(pair[0]);
    assert_int_equal(pipe(pair), 0);
    close(pair[0]);
    watch = gust_watch_new(*state, pair[1], GUST_WRITABLE, see, &writer);
    turn(*state, 1);
    assert_int_equal(writer.events, GUST_WRITABLE | GUST_BROKEN);
    gust_watch_free(watch);
    close(pair[1]);
}

static void a_watch_may_be_freed_by_its_function(void **state)
{
    int pair[2];
    gust_watch *watch;
    struct seen seen = {.frees = &watch, .result = -1};
    assert_int_equal(pipe(pair), 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    watch = gust_watch_new(*state, pair[0], GUST_READABLE, see, &seen);
    turn(*state, 2);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(log_lines, 1); /* its -1 */
    close(pair[0]);
    close(pair[1]);
}

static void wrong_descriptors_are_refused(void **state)
{
    int pair[2], file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct seen seen = {0};
    assert_int_equal(pipe(pair), 0);
    gust_watch *watch = gust_watch_new(*state, pair[0], GUST_READABLE, see, &seen);
    struct {
        gust_loop *loop;
        int fd, code;
    } cases[] = {
        {*state, pair[0], EEXIST}, {*state, file, EPERM}, {*state, -1, EBADF}, {NULL, pair[1], EDEADLK}};
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        errno = 0;
        assert_null(gust_watch_new(cases[i].loop, cases[i].fd, GUST_READABLE, see, &seen));
        assert_int_equal(errno, cases[i].code);
    }
    gust_watch_free(watch);
    close(file);
    close(pair[0]);
    close(pair[1]);
}

/* ---- Signals ---- */

static void a_signal_is_told_on_the_loop(void **state)
{
    sigset_t signals, before;
    struct seen seen = {0};
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    gust_watch *watch = gust_watch_signal(*state, SIGUSR1, see, &seen);
    assert_non_null(watch);
    turn(*state, 1);
    assert_int_equal(seen.calls, 0);
    for (int i = 1; i <= 2; i++) {
        raise(SIGUSR1);
        turn(*state, 2);
        assert_int_equal(seen.calls, i);
        assert_int_equal(seen.number, SIGUSR1);
        assert_int_equal(seen.events, 0);
    }
    errno = 0;
    assert_int_equal(gust_watch_update(watch, 0), -1);
    assert_int_equal(errno, EINVAL);
    seen.frees = &watch;
    raise(SIGUSR1);
    turn(*state, 2);
    assert_int_equal(seen.calls, 3);
    assert_int_equal(gust__loop_descriptors(*state), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void a_signal_that_is_not_blocked_is_refused(void **state)
{
    static const int signals[] = {SIGUSR2, 0, -1, 65, 1000};
    for (size_t i = 0; i < GUST_LEN(signals); i++) {
        errno = 0;
        assert_null(gust_watch_signal(*state, signals[i], see, NULL));
        assert_int_equal(errno, EINVAL);
    }
}

/* ---- gust_every ---- */

struct beat {
    gust_loop *loop;
    gust_periodic *periodic;
    int calls;
    int stop_after;
    int64_t starts[8];
    int64_t takes;
    bool frees;
    bool throws;
};

static int on_beat(void *argument)
{
    struct beat *beat = argument;
    beat->starts[beat->calls++ % 8] = gust__clock_now();
    int64_t until = gust__clock_now() + beat->takes;
    while (gust__clock_now() < until)
        ;
    if (beat->calls == beat->stop_after) {
        gust_loop_stop(beat->loop);
        if (beat->frees)
            gust_periodic_free(beat->periodic);
    }
    if (beat->throws)
        gust_throw(EIO, "beat %d", beat->calls);
    return 0;
}

static void it_is_called_every_period_until_freed(void **state)
{
    struct beat beat = {.loop = *state, .stop_after = 4};
    int64_t before = gust__clock_now();
    beat.periodic = gust_every(GUST_MS(2), on_beat, &beat, .loop = *state);
    assert_int_equal(gust_loop_run(*state), 0);
    assert_true(gust__clock_now() - before >= GUST_MS(8));
    assert_true(beat.starts[3] - before >= GUST_MS(8)); /* none came early */
    gust_periodic_free(beat.periodic);
    gust_periodic_free(NULL);
    assert_int_equal(gust__loop_timers(*state), 0);
}

/* Each call takes two and a half periods: starts are whole periods apart, at least three. */
static void missed_cycles_are_skipped(void **state)
{
    struct beat beat = {.loop = *state, .stop_after = 3, .takes = GUST_MS(5)};
    beat.periodic = gust_every(GUST_MS(2), on_beat, &beat, .loop = *state);
    assert_int_equal(gust_loop_run(*state), 0);
    assert_true(beat.starts[2] - beat.starts[0] >= GUST_MS(10));
    int calls = beat.calls;
    turn(*state, 1);
    assert_int_equal(beat.calls, calls); /* nothing is made up for */
    gust_periodic_free(beat.periodic);
}

static void it_may_be_freed_by_its_function_and_throw(void **state)
{
    struct beat beat = {.loop = *state, .stop_after = 3, .frees = true, .throws = true};
    beat.periodic = gust_every(GUST_US(100), on_beat, &beat, .loop = *state, .jitter = 0.5);
    assert_int_equal(gust_loop_run(*state), 0);
    turn(*state, 3);
    assert_int_equal(beat.calls, 3);
    assert_int_equal(log_lines, 3);
    assert_int_equal(gust__loop_timers(*state), 0);
}

static void wrong_periods_are_refused(void **state)
{
    struct {
        int64_t period;
        double jitter;
        int code;
    } cases[] = {{0, 0, EINVAL}, {-1, 0, EINVAL}, {1, -0.1, EINVAL}, {1, 1.1, EINVAL}};
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        errno = 0;
        assert_null(gust_every(cases[i].period, on_beat, NULL, .loop = *state, .jitter = cases[i].jitter));
        assert_int_equal(errno, cases[i].code);
    }
    errno = 0;
    assert_null(gust_every(1, on_beat, NULL));
    assert_int_equal(errno, EDEADLK);
    gust_periodic_free(gust_every(1, on_beat, NULL, .loop = *state, .jitter = 1));
    gust_periodic_free(gust_every(INT64_MAX, on_beat, NULL, .loop = *state, .jitter = 1));
}

/* A runner that lets the function end only later, as a coroutine that waits does. */
static struct {
    int (*function)(void *);
    void *argument;
    void (*ended)(void *);
    void *that;
    int refusals;
} pending;

static int run_later(gust_loop *loop, int (*function)(void *), void *argument, void (*ended)(void *),
                     void *that)
{
    (void)loop;
    if (pending.refusals > 0) {
        pending.refusals--;
        errno = EAGAIN;
        return -1;
    }
    assert_null(pending.function);
    pending.function = function;
    pending.argument = argument;
    pending.ended = ended;
    pending.that = that;
    return 0;
}

static void end_pending(void)
{
    pending.function(pending.argument);
    pending.function = NULL;
    pending.ended(pending.that);
}

static void the_next_call_comes_after_the_last_ended(void **state)
{
    struct beat beat = {.loop = *state};
    pending.refusals = 1;
    gust__loop_set_runner(*state, run_later);
    beat.periodic = gust_every(1, on_beat, &beat, .loop = *state);
    for (int i = 1; i <= 3; i++) {
        while (!pending.function)
            turn(*state, 1);
        assert_int_equal(gust__loop_timers(*state), 0);
        turn(*state, 3); /* would fail in run_later */
        end_pending();
        assert_int_equal(beat.calls, i);
    }
    assert_int_equal(log_lines, 1); /* the refusal */
    while (!pending.function)
        turn(*state, 1);
    gust_periodic_free(beat.periodic); /* while it runs: it is gone when it has ended */
    end_pending();
    assert_int_equal(gust__loop_timers(*state), 0);
}

#ifdef GUST_FAULTS
static void everything_survives_a_failing_heap(void **state)
{
    int pair[2];
    sigset_t signals, before;
    assert_int_equal(pipe(pair), 0);
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    for (unsigned n = 1; n <= 2; n++) {
        gust__faults_alloc_at(n, true);
        assert_null(gust_watch_new(*state, pair[0], GUST_READABLE, see, NULL));
        gust__faults_alloc_at(n, true);
        assert_null(gust_watch_signal(*state, SIGUSR1, see, NULL));
        gust__faults_alloc_at(n, true);
        assert_null(gust_every(1, on_beat, NULL, .loop = *state));
    }
    gust__faults_set(NULL);
    assert_int_equal(gust__loop_descriptors(*state), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(pair[0]);
    close(pair[1]);
}
#endif

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_watch_calls_as_long_as_the_descriptor_is_ready),
        LOOP_TEST(events_change_and_rest),
        LOOP_TEST(a_hang_up_is_told_as_what_was_asked),
        LOOP_TEST(a_watch_may_be_freed_by_its_function),
        LOOP_TEST(wrong_descriptors_are_refused),
        LOOP_TEST(a_signal_is_told_on_the_loop),
        LOOP_TEST(a_signal_that_is_not_blocked_is_refused),
        LOOP_TEST(it_is_called_every_period_until_freed),
        LOOP_TEST(missed_cycles_are_skipped),
        LOOP_TEST(it_may_be_freed_by_its_function_and_throw),
        LOOP_TEST(wrong_periods_are_refused),
        LOOP_TEST(the_next_call_comes_after_the_last_ended),
#ifdef GUST_FAULTS
        LOOP_TEST(everything_survives_a_failing_heap),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
