#include "pool/threads_for_tests.h"

#include <gust/error.h>
#include <gust/future.h>

struct draining {
    gust_threads *threads;
    int64_t at_most;
    int result, code;
    bool done;
    char text[200];
};

static int drain_there(void *argument)
{
    struct draining *draining = argument;
    draining->result = gust_threads_drain(draining->threads, draining->at_most);
    draining->code = errno;
    snprintf(draining->text, sizeof(draining->text), "%s", gust_error_text(gust_error_last()));
    draining->done = true;
    return 0;
}

static struct gust__coroutine *start_drain(struct draining *draining)
{
    return gust__coroutine_start(test_loop, NULL, NULL, drain_there, draining);
}

static void an_idle_pool_is_drained_at_once(void **state)
{
    (void)state;
    gust_threads *threads = gust_threads_new(.name = "idle one");
    struct draining draining = {.threads = threads, .at_most = 0};
    start_drain(&draining);
    settle();
    assert_true(draining.done);
    assert_int_equal(draining.result, 0);
    assert_int_equal(gust_threads_drain(threads, 0), 0); /* once more, from outside a coroutine */
    errno = 0;
    assert_null(gust_threads_async(threads, wait_at_gate, NULL));
    assert_int_equal(errno, EPIPE);
    assert_string_equal(gust_error_text(gust_error_last()),
                        "the pool \"idle one\" is drained and takes no more calls");
    gust_threads_stats stats;
    gust_threads_read_stats(threads, &stats);
    assert_int_equal(stats.refused, 1);
    gust_threads_free(threads);
}

static void a_drain_waits_for_what_runs_and_what_waits(void **state)
{
    (void)state;
    gust_threads *threads = gust_threads_new(.workers = 1);
    struct draining draining = {.threads = threads, .at_most = -1};
    struct run runs[3];
    close_gate();
    for (int i = 0; i < 2; i++) {
        runs[i] = (struct run){.threads = threads, .function = wait_at_gate};
        start(&runs[i]);
    }
    RUN_UNTIL(at_gate() == 1);
    start_drain(&draining);
    settle();
    runs[2] = (struct run){.threads = threads, .function = wait_at_gate};
    start(&runs[2]);
    settle();
    assert_true(runs[2].done);
    assert_int_equal(runs[2].code, EPIPE);
    assert_false(draining.done);
    open_gate();
    RUN_UNTIL(draining.done);
    assert_int_equal(draining.result, 0);
    assert_int_equal(gate.passed, 2);
    settle();
    assert_true(runs[0].done && runs[1].done); /* their results came before */
    assert_int_equal(runs[1].result, 7);
    gust_threads_free(threads);
}

/* One runs, two wait: a coroutine and a future. */
struct busy {
    gust_threads *threads;
    struct run runs[2];
    gust_future *future;
};

static void make_busy(struct busy *busy)
{
    busy->threads = gust_threads_new(.workers = 1, .name = "busy");
    close_gate();
    for (int i = 0; i < 2; i++) {
        busy->runs[i] = (struct run){.threads = busy->threads, .function = wait_at_gate};
        start(&busy->runs[i]);
    }
    RUN_UNTIL(at_gate() == 1);
    busy->future = gust_threads_async(busy->threads, wait_at_gate, NULL);
    settle();
}

static void check_cancelled(struct busy *busy)
{
    RUN_UNTIL(busy->runs[1].done && gust_future_done(busy->future));
    assert_int_equal(busy->runs[1].result, -1);
    assert_int_equal(busy->runs[1].code, ECANCELED);
    assert_int_equal(gust_future_code(busy->future), ECANCELED);
    assert_string_equal(gust_error_text(gust_future_error(busy->future)),
                        "the pool of threads was drained before the call began");
    gust_future_free(busy->future);
    assert_false(busy->runs[0].done); /* what runs goes on */
    gust_threads_stats stats;
    gust_threads_read_stats(busy->threads, &stats);
    assert_int_equal(stats.cancelled, 2);
    assert_int_equal(stats.running, 1);
    assert_int_equal(stats.waiting, 0);
    open_gate();
    RUN_UNTIL(busy->runs[0].done);
    assert_int_equal(busy->runs[0].result, 7);
    assert_int_equal(gate.passed, 1);
    gust_threads_free(busy->threads);
}

static void what_has_not_begun_in_time_is_cancelled(void **state)
{
    (void)state;
    struct busy busy;
    make_busy(&busy);
    struct draining draining = {.threads = busy.threads, .at_most = GUST_MS(1)};
    start_drain(&draining);
    RUN_UNTIL(draining.done);
    assert_int_equal(draining.result, -1);
    assert_int_equal(draining.code, ETIMEDOUT);
    assert_string_equal(draining.text,
                        "the pool \"busy\" was not drained in time: 2 calls were cancelled, 1 still run");
    check_cancelled(&busy);
}

static void outside_a_coroutine_the_thread_waits(void **state)
{
    (void)state;
    struct busy busy;
    make_busy(&busy);
    assert_int_equal(gust_threads_drain(busy.threads, GUST_MS(1)), -1);
    assert_int_equal(errno, ETIMEDOUT);
    check_cancelled(&busy);
}

static void a_drain_that_is_cancelled_cancels_what_has_not_begun(void **state)
{
    (void)state;
    struct busy busy;
    make_busy(&busy);
    struct draining draining = {.threads = busy.threads, .at_most = -1};
    struct gust__coroutine *coroutine = start_drain(&draining);
    settle();
    assert_false(draining.done);
    gust__coroutine_cancel(coroutine);
    RUN_UNTIL(draining.done);
    assert_int_equal(draining.code, ECANCELED);
    check_cancelled(&busy);
}

static int open_soon(void *argument)
{
    (void)argument;
    usleep(20000);
    open_gate();
    return 0;
}

static void a_thread_that_drains_is_woken_by_the_end(void **state)
{
    (void)state;
    gust_threads *threads = gust_threads_new(.workers = 1, .idle = -1), *other = gust_threads_new();
    close_gate();
    gust_future *runs = gust_threads_async(threads, wait_at_gate, NULL);
    gust_future *opener = gust_threads_async(other, open_soon, NULL);
    assert_int_equal(gust_threads_drain(threads, -1), 0);
    assert_int_equal(gate.passed, 1);
    RUN_UNTIL(gust_future_done(runs) && gust_future_done(opener));
    assert_int_equal(gust_future_result(runs), 7);
    gust_future_free(runs);
    gust_future_free(opener);
    gust_threads_free(threads);
    gust_threads_free(other);
}

static void several_may_drain_and_a_withdrawal_may_be_the_end(void **state)
{
    (void)state;
    gust_threads *threads = gust_threads_new(.workers = 1);
    struct draining drains[2] = {{.threads = threads, .at_most = -1}, {.threads = threads, .at_most = -1}};
    struct run runs[2] = {{.threads = threads, .function = wait_at_gate},
                          {.threads = threads, .function = wait_at_gate}};
    close_gate();
    start(&runs[0]);
    RUN_UNTIL(at_gate() == 1);
    struct gust__coroutine *waits = start(&runs[1]);
    start_drain(&drains[0]);
    start_drain(&drains[1]);
    settle();
    gust__coroutine_cancel(waits);
    settle();
    assert_true(runs[1].done);
    assert_false(drains[0].done || drains[1].done);
    open_gate();
    RUN_UNTIL(drains[0].done && drains[1].done);
    assert_int_equal(drains[0].result, 0);
    assert_int_equal(drains[1].result, 0);
    gust_threads_free(threads);
}

static int drain_own(void *threads)
{
    return gust_threads_drain(threads, -1);
}

static void a_thread_of_the_pool_cannot_drain_it(void **state)
{
    (void)state;
    gust_threads *threads = gust_threads_new();
    struct run run = {.threads = threads, .function = drain_own, .argument = threads};
    start(&run);
    RUN_UNTIL(run.done);
    assert_int_equal(run.code, EDEADLK);
    run.done = false;
    start(&run);
    RUN_UNTIL(run.done);
    assert_int_equal(run.code, EDEADLK); /* and not EPIPE: it has not been drained */
    gust_threads_free(threads);
}

/* ---- the library's errands ---- */

struct errand {
    struct gust__work work;
    _Atomic bool ran;
};

static void run_errand(struct gust__work *work)
{
    GUST__CONTAINER(work, struct errand, work)->ran = true;
}

static void errands_are_neither_refused_nor_cancelled(void **state)
{
    (void)state;
    struct errand errands[2] = {{.work.run = run_errand}, {.work.run = run_errand}};
    struct busy busy;
    make_busy(&busy);
    assert_int_equal(gust__threads_submit(busy.threads, &errands[0].work), 0);
    assert_int_equal(gust_threads_drain(busy.threads, 0), -1);
    assert_int_equal(gust__threads_submit(busy.threads, &errands[1].work), 0);
    gust_threads_stats stats;
    gust_threads_read_stats(busy.threads, &stats);
    assert_int_equal(stats.waiting, 2);
    assert_int_equal(stats.cancelled, 2);
    open_gate();
    assert_int_equal(gust_threads_drain(busy.threads, -1), 0);
    assert_true(errands[0].ran && errands[1].ran);
    RUN_UNTIL(busy.runs[0].done && busy.runs[1].done && gust_future_done(busy.future));
    gust_future_code(busy.future);
    gust_future_free(busy.future);
    gust_threads_free(busy.threads);
}

/* ---- the default pool ---- */

static void the_default_pool_opens_again(void **state)
{
    (void)state;
    struct run runs[3] = {{.function = wait_at_gate}, {.function = wait_at_gate}, {.function = wait_at_gate}};
    gust_threads_stats stats;
    assert_int_equal(gust__threads_drain_default(0), 0); /* there is none */
    gust__threads_set_default_workers(1);                /* so it is still time to say how large it is */
    close_gate();
    start(&runs[0]);
    RUN_UNTIL(at_gate() == 1);
    start(&runs[1]);
    RUN_UNTIL((gust_threads_read_stats(NULL, &stats), stats.waiting == 1));
    assert_int_equal(stats.threads, 1);
    assert_int_equal(gust__threads_drain_default(GUST_MS(1)), -1);
    assert_int_equal(errno, ETIMEDOUT);
    open_gate();
    RUN_UNTIL(runs[0].done && runs[1].done);
    assert_int_equal(runs[1].code, ECANCELED); /* by the drain: it had not begun */
    assert_int_equal(gust__threads_drain_default(-1), 0);
    start(&runs[2]);
    RUN_UNTIL(runs[2].done);
    assert_int_equal(runs[2].result, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        loop_test(the_default_pool_opens_again),
        loop_test(an_idle_pool_is_drained_at_once),
        loop_test(a_drain_waits_for_what_runs_and_what_waits),
        loop_test(what_has_not_begun_in_time_is_cancelled),
        loop_test(outside_a_coroutine_the_thread_waits),
        loop_test(a_drain_that_is_cancelled_cancels_what_has_not_begun),
        loop_test(a_thread_that_drains_is_woken_by_the_end),
        loop_test(several_may_drain_and_a_withdrawal_may_be_the_end),
        loop_test(a_thread_of_the_pool_cannot_drain_it),
        loop_test(errands_are_neither_refused_nor_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
