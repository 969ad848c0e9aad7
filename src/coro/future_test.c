#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log_int.h"
#include "base/clock.h"
#include "base/lock.h"
#include "coro/coroutine.h"

#include <errno.h>
#include <gust/future.h>
#include <gust/log.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char logged[4096];
static _Atomic int dropped; /* values that nobody took */
static int cancels;

static void keep_line(void *unused, const gust_log_line *line)
{
    (void)unused;
    size_t length = strlen(logged);
    snprintf(logged + length, sizeof(logged) - length, "%s\n", line->text);
}

static int set_up(void **state)
{
    (void)state;
    logged[0] = '\0';
    dropped = 0;
    cancels = 0;
    gust_log_sink(keep_line, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gust_log_sink(NULL, NULL);
    gust_error_clear();
    return 0;
}

static void drop(void *value)
{
    free(value);
    dropped++;
}

static void inside(int (*function)(void *), void *argument)
{
    assert_int_equal(gust_run(function, argument, GUST_S(100)), 0);
}

/* ---- One loop ---- */

static int take_value(void *argument)
{
    (void)argument;
    gust_future *future = gust_future_new(NULL);
    assert_false(gust_future_done(future));
    assert_int_equal(gust_future_set(future, strdup("hello"), drop), 0);
    assert_true(gust_future_done(future));
    assert_int_equal(gust_future_code(future), 0);
    assert_string_equal(gust_future_value(future), "hello");
    char *text = gust_await_ptr(future);
    assert_string_equal(text, "hello");
    free(text);
    return 0;
}

static void a_value_is_handed_over(void **state)
{
    (void)state;
    inside(take_value, NULL);
    assert_int_equal(dropped, 0);
}

static int leave_value(void *argument)
{
    (void)argument;
    gust_future *future = gust_future_new(NULL);
    gust_future_set(future, strdup("hello"), drop);
    assert_int_equal(gust_await(future), 0);
    assert_int_equal(dropped, 1);
    future = gust_future_new(NULL);
    gust_future_set(future, strdup("hello"), drop);
    gust_future_free(future);
    assert_int_equal(dropped, 2);
    future = gust_future_new(NULL);
    gust_future_set(future, NULL, drop);
    errno = EIO;
    assert_null(gust_await_ptr(future));
    assert_int_equal(errno, 0);
    return 0;
}

static void a_value_that_nobody_takes_is_dropped(void **state)
{
    (void)state;
    inside(leave_value, NULL);
    assert_int_equal(dropped, 2);
}

static int wait_for_failure(void *argument)
{
    gust_future *future = gust_future_new(NULL);
    assert_int_equal(gust_future_fail(future, EPROTO, "it was %d", 7), 0);
    assert_int_equal(gust_await(future), -1);
    assert_int_equal(errno, EPROTO);
    assert_string_equal(gust_error_text(gust_error_last()), "it was 7");
    future = gust_future_new(NULL);
    assert_int_equal(gust_future_fail_last(future), 0);
    gust_error_clear();
    assert_null(gust_await_ptr(future));
    assert_int_equal(errno, EPROTO);
    assert_string_equal(gust_error_text(gust_error_last()), "it was 7");
    future = gust_future_new(NULL);
    errno = ENOTTY; /* an older last error is another story */
    gust_future_fail_last(future);
    assert_int_equal(gust_await(future), -1);
    assert_int_equal(errno, ENOTTY);
    (void)argument;
    return 0;
}

static void an_error_is_handed_over(void **state)
{
    (void)state;
    inside(wait_for_failure, NULL);
    assert_string_equal(logged, "");
}

static int leave_error(void *argument)
{
    (void)argument;
    gust_future *future = gust_future_new(NULL);
    gust_future_fail(future, EPROTO, "it was %d", 7);
    gust_future_free(future);
    gust__log_drain();
    assert_non_null(strstr(logged, "it was 7"));
    logged[0] = '\0';
    future = gust_future_new(NULL);
    gust_future_fail(future, EPROTO, "it was %d", 7);
    assert_int_equal(gust_future_code(future), EPROTO); /* that is reading it */
    gust_future_free(future);
    assert_string_equal(logged, "");
    return 0;
}

static void an_error_that_nobody_reads_is_logged(void **state)
{
    (void)state;
    inside(leave_error, NULL);
}

static int set_after_free(void *argument)
{
    (void)argument;
    gust_future *future = gust_future_new(NULL);
    gust_future_free(future);
    assert_int_equal(gust_future_set(future, strdup("late"), drop), -1);
    assert_int_equal(errno, ECANCELED);
    assert_int_equal(dropped, 1);
    future = gust_future_new(NULL);
    gust_cancel(future);
    assert_true(gust_future_done(future));
    assert_int_equal(gust_future_set(future, strdup("late"), drop), -1);
    assert_int_equal(errno, ECANCELED);
    assert_int_equal(gust_await(future), -1);
    assert_int_equal(errno, ECANCELED);
    assert_int_equal(dropped, 2);
    gust_future_free(NULL);
    return 0;
}

static void a_set_after_the_taker_went_is_ecanceled(void **state)
{
    (void)state;
    inside(set_after_free, NULL);
    assert_string_equal(logged, "");
}

static int stop_work(void *future)
{
    cancels++;
    return gust_future_fail(future, EINTR, "stopped");
}

static int cancel_work(void *argument)
{
    (void)argument;
    gust_future *future = gust_future_new(NULL);
    gust_future_on_cancel(future, stop_work, future);
    gust_cancel(future);
    gust_cancel(future);
    assert_int_equal(cancels, 1);
    assert_int_equal(gust_await(future), -1);
    assert_int_equal(errno, EINTR);
    return 0;
}

static void on_cancel_is_called_once(void **state)
{
    (void)state;
    inside(cancel_work, NULL);
}

static int cut_short(void *argument)
{
    (void)argument;
    gust_future *future = gust_future_new(NULL);
    gust_future_on_cancel(future, stop_work, future);
    {
        GUST_DEADLINE(GUST_MS(1));
        assert_int_equal(gust_await(future), -1);
        assert_int_equal(errno, ETIMEDOUT);
    }
    assert_int_equal(cancels, 1);
    return 0;
}

static void an_await_cut_short_cancels(void **state)
{
    (void)state;
    inside(cut_short, NULL);
}

static int null_passes_through(void *argument)
{
    (void)argument;
    errno = EMFILE;
    assert_int_equal(gust_await(NULL), -1);
    assert_int_equal(errno, EMFILE);
    assert_null(gust_await_ptr(NULL));
    assert_int_equal(errno, EMFILE);
    return 0;
}

static void awaiting_null_passes_errno_through(void **state)
{
    (void)state;
    inside(null_passes_through, NULL);
}

static void outside_a_loop_there_is_no_future_and_no_await(void **state)
{
    (void)state;
    assert_null(gust_future_new(NULL));
    assert_int_equal(errno, EDEADLK);
    gust_loop *loop = gust_loop_new();
    gust_future *future = gust_future_new(loop);
    assert_int_equal(gust_await(future), -1);
    assert_int_equal(errno, EDEADLK);
    assert_int_equal(gust_wait_any(&future, 1), -1);
    assert_int_equal(errno, EDEADLK);
    assert_int_equal(gust_wait_all(&future, 1, NULL), -1);
    assert_int_equal(errno, EDEADLK);
    gust_future_set(future, NULL, NULL);
    gust_future_free(future);
    gust_loop_free(loop);
}

/* ---- Spawned ---- */

static int give(void *argument)
{
    gust_yield();
    return *(int *)argument;
}

static int fail_slowly(void *argument)
{
    (void)argument;
    gust_yield();
    return gust_error_set(EDOM, "slowly");
}

static int throw_slowly(void *argument)
{
    (void)argument;
    gust_yield();
    gust_throw(ERANGE, "thrown");
}

static int spawn(void *argument)
{
    (void)argument;
    int number = 7;
    assert_int_equal(gust_await(gust_spawn(NULL, give, &number)), 7);
    assert_int_equal(gust_await(gust_spawn(NULL, fail_slowly, NULL)), -1);
    assert_int_equal(errno, EDOM);
    assert_string_equal(gust_error_text(gust_error_last()), "slowly");
    assert_int_equal(gust_await(gust_spawn(NULL, throw_slowly, NULL)), -1);
    assert_int_equal(errno, ERANGE);
    assert_string_equal(gust_error_text(gust_error_last()), "thrown");
    return 0;
}

static void a_spawned_functions_result_is_the_futures(void **state)
{
    (void)state;
    inside(spawn, NULL);
    assert_string_equal(logged, "");
}

static int sleep_long(void *argument)
{
    (void)argument;
    return gust_sleep(GUST_S(1000));
}

static int cancel_spawned(void *argument)
{
    (void)argument;
    gust_future *future = gust_spawn(NULL, sleep_long, NULL);
    gust_yield();
    gust_cancel(future);
    assert_false(gust_future_done(future)); /* it ends in its own time */
    assert_int_equal(gust_await(future), -1);
    assert_int_equal(errno, ECANCELED);
    gust_future_free(gust_spawn(NULL, sleep_long, NULL));
    gust_yield();
    gust_yield();
    gust_yield();
    assert_int_equal(gust__coroutine_count(gust_loop_current()), 1);
    return 0;
}

static void cancel_ends_the_waits_of_a_spawned_function(void **state)
{
    (void)state;
    inside(cancel_spawned, NULL);
    assert_string_equal(logged, "");
}

/* ---- Several ---- */

static int set_in_order(void *argument)
{
    gust_future **futures = argument;
    gust_yield();
    gust_future_set(futures[2], NULL, NULL);
    gust_future_set(futures[0], NULL, NULL);
    gust_sleep(GUST_MS(1));
    gust_future_set(futures[1], NULL, NULL);
    return 0;
}

static int any(void *argument)
{
    (void)argument;
    gust_future *futures[20] = {0};
    assert_int_equal(gust_wait_any(futures, 20), -1);
    assert_int_equal(errno, EINVAL);
    for (int i = 0; i < 3; i++)
        futures[i] = gust_future_new(NULL);
    gust_future *setter = gust_spawn(NULL, set_in_order, futures);
    static const int order[] = {2, 0, 1};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(gust_wait_any(futures, 20), order[i]);
        assert_int_equal(gust_await(futures[order[i]]), 0);
        futures[order[i]] = NULL;
    }
    return gust_await(setter);
}

static void wait_any_gives_the_order_of_completion(void **state)
{
    (void)state;
    inside(any, NULL);
}

static int any_cut_short(void *argument)
{
    (void)argument;
    gust_future *futures[2] = {gust_future_new(NULL), gust_future_new(NULL)};
    {
        GUST_DEADLINE(GUST_MS(1));
        assert_int_equal(gust_wait_any(futures, 2), -1);
        assert_int_equal(errno, ETIMEDOUT);
    }
    for (int i = 0; i < 2; i++) { /* untouched */
        assert_int_equal(gust_future_set(futures[i], NULL, NULL), 0);
        assert_int_equal(gust_await(futures[i]), 0);
    }
    return 0;
}

static void wait_any_cut_short_touches_nothing(void **state)
{
    (void)state;
    inside(any_cut_short, NULL);
}

static int all(void *argument)
{
    (void)argument;
    gust_future *futures[12];
    void *values[12];
    for (int i = 0; i < 12; i++)
        futures[i] = gust_future_new(NULL);
    for (int i = 11; i >= 0; i--)
        gust_future_set(futures[i], strdup("v"), drop);
    assert_int_equal(gust_wait_all(futures, 12, values), 0);
    for (int i = 0; i < 12; i++)
        free(values[i]);
    assert_int_equal(dropped, 0);
    return gust_wait_all(NULL, 0, NULL);
}

static void wait_all_collects_the_values(void **state)
{
    (void)state;
    inside(all, NULL);
}

static int all_fail(void *argument)
{
    (void)argument;
    gust_future *futures[3];
    void *values[3];
    for (int i = 0; i < 3; i++)
        futures[i] = gust_future_new(NULL);
    gust_future_fail(futures[2], EDOM, "first");
    gust_future_fail(futures[0], ERANGE, "second");
    gust_future_set(futures[1], strdup("v"), drop);
    assert_int_equal(gust_wait_all(futures, 3, values), -1);
    assert_int_equal(errno, EDOM);
    assert_string_equal(gust_error_text(gust_error_last()), "first");
    gust__log_drain();
    assert_non_null(strstr(logged, "second"));
    gust__log_drain();
    assert_null(strstr(logged, "first"));
    assert_int_equal(dropped, 1);
    assert_null(values[1]);
    futures[0] = gust_future_new(NULL);
    gust_future_set(futures[0], strdup("v"), drop);
    futures[1] = NULL; /* one that could not be started */
    errno = EMFILE;
    assert_int_equal(gust_wait_all(futures, 2, NULL), -1);
    assert_int_equal(errno, EMFILE);
    assert_int_equal(dropped, 2);
    return 0;
}

static void wait_all_gives_the_first_error_in_time(void **state)
{
    (void)state;
    inside(all_fail, NULL);
}

static int all_cut_short(void *argument)
{
    (void)argument;
    gust_future *futures[2] = {gust_future_new(NULL), gust_future_new(NULL)};
    gust_future_set(futures[0], strdup("v"), drop);
    gust_future_on_cancel(futures[1], stop_work, futures[1]);
    GUST_DEADLINE(GUST_MS(1));
    assert_int_equal(gust_wait_all(futures, 2, NULL), -1);
    assert_int_equal(errno, ETIMEDOUT);
    assert_int_equal(dropped, 1);
    assert_int_equal(cancels, 1);
    return 0;
}

static void wait_all_cut_short_cancels_the_rest(void **state)
{
    (void)state;
    inside(all_cut_short, NULL);
    gust__log_drain();
    assert_non_null(strstr(logged, "stopped"));
}

/* ---- Callbacks and chains ---- */

static int seen;

static int look(gust_future *future, void *argument)
{
    assert_null(gust__current); /* on the loop's own stack */
    assert_ptr_equal(argument, &seen);
    seen = gust_future_code(future) ? -gust_future_code(future) : *(int *)gust_future_value(future);
    free(gust_future_take(future));
    assert_null(gust_future_take(future));
    return 0;
}

static int *number(int value)
{
    int *memory = malloc(sizeof(*memory));
    *memory = value;
    return memory;
}

static int then(void *argument)
{
    (void)argument;
    seen = 0;
    gust_future *future = gust_future_new(NULL);
    assert_int_equal(gust_future_then(future, look, &seen), 0);
    assert_int_equal(gust_future_then(future, look, &seen), -1);
    assert_int_equal(errno, EINVAL);
    gust_future_set(future, number(5), drop);
    assert_int_equal(seen, 0);
    gust_yield();
    assert_int_equal(seen, 5);
    future = gust_future_new(NULL);
    gust_future_fail(future, EDOM, "x");
    gust_future_then(future, look, &seen);
    gust_yield();
    assert_int_equal(seen, -EDOM);
    assert_int_equal(dropped, 0);
    return 0;
}

static void then_calls_on_the_loop(void **state)
{
    (void)state;
    inside(then, NULL);
    assert_string_equal(logged, "");
}

static int leave_then(void *argument)
{
    gust_future *future = gust_future_new(NULL);
    *(gust_future **)argument = future;
    return gust_future_then(future, look, &seen);
}

static void closing_fails_what_has_a_callback(void **state)
{
    (void)state;
    gust_future *future;
    seen = 0;
    inside(leave_then, &future);
    assert_int_equal(seen, -ECANCELED);
    assert_int_equal(gust_future_set(future, number(1), drop), -1); /* the loop has gone */
    assert_int_equal(errno, ECANCELED);
    assert_int_equal(dropped, 1);
}

static int chain(void *argument)
{
    (void)argument;
    gust_future *from = gust_future_new(NULL), *to = gust_future_new(NULL);
    assert_int_equal(gust_future_chain(from, to), 0);
    gust_future_set(from, number(9), drop);
    int *value = gust_await_ptr(to);
    assert_int_equal(*value, 9);
    free(value);
    from = gust_future_new(NULL), to = gust_future_new(NULL);
    gust_future_on_cancel(from, stop_work, from);
    gust_future_chain(from, to);
    gust_cancel(to); /* reaches the work */
    assert_int_equal(cancels, 1);
    assert_int_equal(gust_await(to), -1);
    assert_int_equal(errno, EINTR);
    return 0;
}

static void a_chain_hands_on(void **state)
{
    (void)state;
    inside(chain, NULL);
    assert_string_equal(logged, "");
}

/* ---- Threads ---- */

static void set_from_thread(void *future)
{
    gust_future_set(future, strdup("from a thread"), drop);
}

static void fail_from_thread(void *future)
{
    gust_future_fail(future, EPROTO, "in a thread");
}

static int wait_for_thread(void *argument)
{
    (void)argument;
    struct gust__thread thread = {0};
    gust_future *future = gust_future_new(NULL);
    assert_int_equal(gust__thread_start(&thread, "setter", set_from_thread, future), 0);
    char *text = gust_await_ptr(future);
    assert_string_equal(text, "from a thread");
    free(text);
    gust__thread_join(&thread);
    thread = (struct gust__thread){0};
    future = gust_future_new(NULL);
    assert_int_equal(gust__thread_start(&thread, "failer", fail_from_thread, future), 0);
    assert_int_equal(gust_await(future), -1);
    assert_int_equal(errno, EPROTO);
    assert_string_equal(gust_error_text(gust_error_last()), "in a thread");
    gust__thread_join(&thread);
    return 0;
}

static void a_thread_sets_and_fails(void **state)
{
    (void)state;
    inside(wait_for_thread, NULL);
}

static int leave_to_thread(void *argument)
{
    struct gust__thread thread = {0};
    for (int i = 0; i < 50; i++) {
        gust_future *future = gust_future_new(NULL);
        thread = (struct gust__thread){0};
        assert_int_equal(gust__thread_start(&thread, "setter", set_from_thread, future), 0);
        if (i % 2)
            gust_cancel(future);
        if (i % 3 == 0)
            gust_yield();
        gust_future_free(future);
        gust__thread_join(&thread);
    }
    (void)argument;
    return 0;
}

static void a_threads_value_is_dropped_when_the_taker_went(void **state)
{
    (void)state;
    inside(leave_to_thread, NULL);
    assert_int_equal(dropped, 50); /* those that came last too, when the loop closed */
}

static void cancel_from_thread(void *future)
{
    gust_cancel(future);
}

static int be_cancelled_from_thread(void *argument)
{
    (void)argument;
    struct gust__thread thread = {0};
    gust_future *future = gust_spawn(NULL, sleep_long, NULL);
    assert_int_equal(gust__thread_start(&thread, "canceller", cancel_from_thread, future), 0);
    gust__thread_join(&thread);
    assert_int_equal(gust_await(future), -1);
    assert_int_equal(errno, ECANCELED);
    return 0;
}

static void a_thread_cancels_a_coroutine(void **state)
{
    (void)state;
    inside(be_cancelled_from_thread, NULL);
}

static int only_new(void *argument)
{
    *(gust_future **)argument = gust_future_new(NULL);
    return 0;
}

static void a_future_outlives_its_loop(void **state)
{
    (void)state;
    gust_future *future;
    inside(only_new, &future);
    assert_int_equal(gust_future_set(future, strdup("late"), drop), -1);
    assert_int_equal(errno, ECANCELED);
    assert_int_equal(dropped, 1);
    gust_cancel(future);
    gust_future_free(future);
}

/* ---- Two loops ---- */

struct other_loop {
    gust_future *future;
    gust_future *stop;
    _Atomic int ready;
    int how;
};

static int serve_other(void *argument)
{
    struct other_loop *other = argument;
    gust_future *future = gust_future_new(NULL);
    other->stop = gust_future_new(NULL);
    if (other->how == 2)
        gust_future_on_cancel(future, stop_work, future);
    if (other->how == 3)
        gust_future_set(future, strdup("done before"), drop);
    other->future = future;
    atomic_store(&other->ready, 1);
    gust_sleep(GUST_MS(2));
    if (other->how == 0)
        gust_future_set(future, strdup("from a loop"), drop);
    if (other->how == 1)
        gust_future_fail(future, EPROTO, "in a loop");
    return gust_await(other->stop);
}

static void run_other(void *argument)
{
    gust_run(serve_other, argument, 0);
}

static int await_other(void *argument)
{
    struct other_loop *other = argument;
    struct gust__thread thread = {0};
    assert_int_equal(gust__thread_start(&thread, "other", run_other, other), 0);
    while (!atomic_load(&other->ready))
        gust_sleep(GUST_US(100));
    if (other->how == 2) {
        GUST_DEADLINE(GUST_MS(1));
        assert_int_equal(gust_await(other->future), -1);
        assert_int_equal(errno, ETIMEDOUT);
    } else if (other->how == 1) {
        assert_int_equal(gust_await(other->future), -1);
        assert_int_equal(errno, EPROTO);
        assert_string_equal(gust_error_text(gust_error_last()), "in a loop");
    } else if (other->how == 0) {
        char *text = gust_await_ptr(other->future);
        assert_string_equal(text, "from a loop");
        free(text);
    } else {
        void *value;
        assert_int_equal(gust_wait_any(&other->future, 1), -1);
        assert_int_equal(errno, EPERM);
        assert_int_equal(gust_wait_all(&other->future, 1, &value), 0);
        assert_string_equal(value, "done before");
        free(value);
    }
    gust_future_set(other->stop, NULL, NULL);
    gust__thread_join(&thread);
    return 0;
}

static void another_loops_future_is_forwarded(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        struct other_loop other = {.how = how};
        inside(await_other, &other);
    }
    assert_int_equal(cancels, 1);
}

static int await_closed(void *argument)
{
    int result = gust_await(*(gust_future **)argument);
    assert_int_equal(result, -1);
    assert_int_equal(errno, ECANCELED);
    return 0;
}

static void awaiting_a_closed_loops_future_is_ecanceled(void **state)
{
    (void)state;
    gust_future *future;
    inside(only_new, &future);
    inside(await_closed, &future);
    assert_int_equal(gust_future_set(future, strdup("late"), drop), -1);
    assert_int_equal(dropped, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_value_is_handed_over),
        TEST(a_value_that_nobody_takes_is_dropped),
        TEST(an_error_is_handed_over),
        TEST(an_error_that_nobody_reads_is_logged),
        TEST(a_set_after_the_taker_went_is_ecanceled),
        TEST(on_cancel_is_called_once),
        TEST(an_await_cut_short_cancels),
        TEST(awaiting_null_passes_errno_through),
        TEST(outside_a_loop_there_is_no_future_and_no_await),
        TEST(a_spawned_functions_result_is_the_futures),
        TEST(cancel_ends_the_waits_of_a_spawned_function),
        TEST(wait_any_gives_the_order_of_completion),
        TEST(wait_any_cut_short_touches_nothing),
        TEST(wait_all_collects_the_values),
        TEST(wait_all_gives_the_first_error_in_time),
        TEST(wait_all_cut_short_cancels_the_rest),
        TEST(then_calls_on_the_loop),
        TEST(closing_fails_what_has_a_callback),
        TEST(a_chain_hands_on),
        TEST(a_thread_sets_and_fails),
        TEST(a_threads_value_is_dropped_when_the_taker_went),
        TEST(a_thread_cancels_a_coroutine),
        TEST(a_future_outlives_its_loop),
        TEST(another_loops_future_is_forwarded),
        TEST(awaiting_a_closed_loops_future_is_ecanceled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
