#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/sys.h"
#include "base/throw.h"
#include "coro/coroutine.h"

#include <errno.h>
#include <gust/log.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef __x86_64__ /* fesetround is in libm */
#include <xmmintrin.h>
#define ROUND_UP()  _MM_SET_ROUNDING_MODE(_MM_ROUND_UP)
#define ROUNDS_UP() (_MM_GET_ROUNDING_MODE() == _MM_ROUND_UP)
#else
#define ROUND_UP()  (void)0
#define ROUNDS_UP() false
#endif

/* What ran, in order: one letter each. */
static char trace[64];

static void note(char letter)
{
    size_t length = strlen(trace);
    assert_true(length + 1 < sizeof(trace));
    trace[length] = letter;
    trace[length + 1] = '\0';
}

static char logged[4096];

static void keep_line(void *unused, const gust_log_line *line)
{
    (void)unused;
    size_t length = strlen(logged);
    snprintf(logged + length, sizeof(logged) - length, "%s\n", line->text);
}

static int set_up(void **state)
{
    (void)state;
    trace[0] = '\0';
    logged[0] = '\0';
    gust_log_sink(keep_line, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gust_log_sink(NULL, NULL);
    return 0;
}

/* ---- gust_run ---- */

static int give_42(void *argument)
{
    assert_ptr_equal(argument, trace);
    assert_non_null(gust__current);
    assert_non_null(gust_loop_current());
    return 42;
}

static void run_returns_what_its_function_did(void **state)
{
    (void)state;
    assert_int_equal(gust_run(give_42, trace, 0), 42);
    assert_null(gust_loop_current());
    assert_null(gust__current);
}

static int fail_with_text(void *argument)
{
    (void)argument;
    return gust_error_set(EPROTO, "it was %d", 7);
}

static void run_hands_over_the_error(void **state)
{
    (void)state;
    errno = 0;
    assert_int_equal(gust_run(fail_with_text, NULL, 0), -1);
    assert_int_equal(errno, EPROTO);
    assert_string_equal(gust_error_text(gust_error_last()), "it was 7");
    gust_error_clear();
    assert_string_equal(logged, "");
}

static void below(void)
{
    GUST_DEFER(note, 'd');
    gust_throw(EDOM, "from below");
}

static int throw_deep(void *argument)
{
    (void)argument;
    below();
    return 0;
}

static void run_catches_a_throw(void **state)
{
    (void)state;
    assert_int_equal(gust_run(throw_deep, trace, 0), -1);
    assert_int_equal(errno, EDOM);
    assert_string_equal(gust_error_text(gust_error_last()), "from below");
    assert_string_equal(trace, "d");
    gust_error_clear();
}

static int run_inside(void *argument)
{
    (void)argument;
    assert_int_equal(gust_run(give_42, trace, 0), -1);
    assert_int_equal(errno, EDEADLK);
    return 0;
}

static int run_in_callback(void *loop)
{
    assert_null(gust__current);
    run_inside(NULL);
    gust_loop_stop(loop);
    return 0;
}

static void run_inside_a_coroutine_or_a_running_loop_is_edeadlk(void **state)
{
    (void)state;
    assert_int_equal(gust_run(run_inside, NULL, 0), 0);
    gust_loop *loop = gust_loop_new();
    gust_post post;
    gust_loop_post(loop, &post, run_in_callback, loop);
    assert_int_equal(gust_loop_run(loop), 0);
    gust_loop_free(loop);
}

static int sleep_long(void *argument)
{
    int result = gust_sleep(GUST_S(1000));
    *(int *)argument = errno;
    assert_true(gust_cancelled());
    return result;
}

static void run_cancels_at_its_timeout(void **state)
{
    (void)state;
    int code = 0;
    assert_int_equal(gust_run(sleep_long, &code, GUST_MS(5)), -1);
    assert_int_equal(errno, ETIMEDOUT);
    assert_int_equal(code, ECANCELED);
    gust_error_clear();
}

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static int sleep_a_little(void *argument)
{
    (void)argument;
    return gust_sleep(GUST_MS(1));
}

static void run_leaves_no_descriptor(void **state)
{
    (void)state;
    int before = count_descriptors();
    for (int i = 0; i < 20; i++)
        assert_int_equal(gust_run(sleep_a_little, NULL, GUST_S(60)), 0);
    assert_int_equal(count_descriptors(), before);
}

/* ---- Turns ---- */

static int letters(void *argument)
{
    const char *letter = argument;
    for (int i = 0; i < 3; i++) {
        note(*letter);
        assert_int_equal(gust_yield(), 0);
    }
    return 0;
}

static int take_turns(void *argument)
{
    (void)argument;
    GUST_GROUP(group);
    assert_int_equal(gust_go(&group, letters, "a"), 0);
    assert_int_equal(gust_go(&group, letters, "b"), 0);
    assert_int_equal(gust_go(&group, letters, "c"), 0);
    assert_string_equal(trace, ""); /* they run when we wait */
    return gust_group_wait(&group);
}

static void yield_lets_others_run_in_order(void **state)
{
    (void)state;
    assert_int_equal(gust_run(take_turns, NULL, 0), 0);
    assert_string_equal(trace, "abcabcabc");
}

static int sleeper(void *argument)
{
    const char *letter = argument;
    assert_int_equal(gust_sleep(GUST_MS(3 * (*letter - 'a' + 1))), 0);
    note(*letter);
    return 0;
}

static int sleep_in_order(void *argument)
{
    (void)argument;
    int64_t start = gust__clock_now();
    GUST_GROUP(group);
    gust_go(&group, sleeper, "c");
    gust_go(&group, sleeper, "a");
    gust_go(&group, sleeper, "b");
    assert_int_equal(gust_group_wait(&group), 0);
    assert_true(gust__clock_now() - start >= GUST_MS(9)); /* never too short */
    return 0;
}

static void sleepers_wake_in_order_of_time(void **state)
{
    (void)state;
    assert_int_equal(gust_run(sleep_in_order, NULL, 0), 0);
    assert_string_equal(trace, "abc");
}

static int stop_yields(void *argument)
{
    *(bool *)argument = true;
    return 0;
}

static int yield_until(void *argument)
{
    gust_timer timer = {.function = stop_yields, .argument = argument};
    gust_timer_start(gust_loop_current(), &timer, gust__clock_now() + GUST_MS(2));
    while (!*(bool *)argument)
        assert_int_equal(gust_sleep(0), 0); /* which is gust_yield */
    return 0;
}

static void yielding_does_not_keep_timers_waiting(void **state)
{
    (void)state;
    bool stop = false;
    assert_int_equal(gust_run(yield_until, &stop, 0), 0);
}

static int compute(void *argument)
{
    while (trace[0] == '\0')
        assert_int_equal(gust_checkpoint(), 0);
    return argument != NULL;
}

static int write_a(void *argument)
{
    note(*(char *)argument);
    return 0;
}

static int compute_beside(void *argument)
{
    GUST_GROUP(group);
    gust_go(&group, write_a, "a");
    assert_int_equal(compute(NULL), 0); /* ends because the child had its turn */
    (void)argument;
    return gust_group_wait(&group);
}

static void checkpoint_yields_after_a_while(void **state)
{
    (void)state;
    assert_int_equal(gust_run(compute_beside, NULL, 0), 0);
    assert_int_equal(gust_checkpoint(), -1);
    assert_int_equal(errno, EDEADLK);
}

/* ---- Deadlines and cancel ---- */

static int wait_past_a_deadline(void *argument)
{
    (void)argument;
    uint32_t before = gust__current->interruptions;
    {
        GUST_DEADLINE(GUST_MS(2));
        assert_int_equal(gust_sleep(GUST_S(1000)), -1);
        assert_int_equal(errno, ETIMEDOUT);
        for (int i = 0; i < 3; i++) { /* it stays so until the scope ends */
            assert_int_equal(gust_sleep(GUST_S(1000)), -1);
            assert_int_equal(errno, ETIMEDOUT);
        }
        assert_int_equal(gust_yield(), -1);
        assert_int_equal(errno, ETIMEDOUT);
        assert_true(gust_deadline_left() <= 0);
    }
    assert_int_equal(gust__current->interruptions - before, 5);
    assert_int_equal(gust_sleep(GUST_MS(1)), 0);
    assert_int_equal(gust__current->interruptions - before, 5);
    return 0;
}

static void a_deadline_ends_waits_until_its_scope_ends(void **state)
{
    (void)state;
    assert_int_equal(gust_run(wait_past_a_deadline, NULL, 0), 0);
}

static int sleep_within_deadline(void *argument)
{
    (void)argument;
    GUST_DEADLINE(GUST_S(100));
    for (int i = 0; i < 5; i++)
        assert_int_equal(gust_sleep(GUST_MS(1)), 0);
    assert_int_equal(gust_yield(), 0);
    return 0;
}

static void a_deadline_not_reached_does_nothing(void **state)
{
    (void)state;
    assert_int_equal(gust_run(sleep_within_deadline, NULL, 0), 0);
}

static int retry_until_told(void *argument)
{
    GUST_DEADLINE(GUST_NS(1));
    while (!*(bool *)argument) /* each failed wait lets the other run, else this never ends */
        assert_int_equal(gust_sleep(GUST_S(1)), -1);
    return 0;
}

static int tell(void *argument)
{
    *(bool *)argument = true;
    return 0;
}

static int retry_beside(void *argument)
{
    GUST_GROUP(group);
    gust_go(&group, retry_until_told, argument);
    gust_go(&group, tell, argument);
    return gust_group_wait(&group);
}

static void a_retry_loop_past_its_deadline_does_not_spin(void **state)
{
    (void)state;
    bool told = false;
    assert_int_equal(gust_run(retry_beside, &told, 0), 0);
}

static void sleep_in_defer(int *code)
{
    *code = gust_sleep(GUST_MS(1)) < 0 ? errno : 0;
}

static int defer_past_deadline(void *argument)
{
    GUST_DEADLINE(GUST_NS(1));
    assert_int_equal(gust_sleep(GUST_S(1)), -1);
    GUST_DEFER(sleep_in_defer, (int *)argument);
    return 0;
}

static void clean_up_is_shielded(void **state)
{
    (void)state;
    int code = -1;
    assert_int_equal(gust_run(defer_past_deadline, &code, 0), 0);
    assert_int_equal(code, 0);
}

static void sleep_long_in_defer(int *code)
{
    gust__current->context.shield_until = gust__clock_now() + GUST_MS(3); /* a shorter grace, for the test */
    *code = gust_sleep(GUST_S(1000)) < 0 ? errno : 0;
}

static int defer_for_ever(void *argument)
{
    GUST_DEFER(sleep_long_in_defer, (int *)argument);
    gust__coroutine_cancel(gust__current);
    assert_int_equal(gust_sleep(GUST_S(1)), -1);
    assert_int_equal(errno, ECANCELED);
    return 0;
}

static void the_shield_ends_after_its_grace(void **state)
{
    (void)state;
    int code = -1;
    assert_int_equal(gust_run(defer_for_ever, &code, 0), 0);
    assert_int_equal(code, ECANCELED);
}

/* ---- Park and wake ---- */

static struct gust__coroutine *parked;

static int park_here(void *argument)
{
    parked = gust__current;
    errno = ENOTTY;
    int result = gust__park(GUST__INTERRUPTIBLE, "the test");
    parked = NULL;
    assert_int_equal(result, 0);
    assert_int_equal(errno, ENOTTY); /* each coroutine has its own */
    *(int *)argument = 1;
    return 0;
}

static int wake_it(void *argument)
{
    GUST_GROUP(group);
    gust_go(&group, park_here, argument);
    gust_yield();
    assert_non_null(parked);
    assert_string_equal(parked->waits_for, "the test");
    gust_yield();
    assert_int_equal(*(int *)argument, 0);
    errno = EBADF;
    gust__wake(parked);
    gust__wake(parked); /* harmless */
    gust_yield();
    assert_int_equal(errno, EBADF);
    assert_int_equal(*(int *)argument, 1);
    gust__wake(gust__current); /* one that runs is left alone */
    return gust_group_wait(&group);
}

static void a_parked_coroutine_goes_on_when_woken(void **state)
{
    (void)state;
    int done = 0;
    assert_int_equal(gust_run(wake_it, &done, 0), 0);
}

static int park_uninterruptibly(void *argument)
{
    parked = gust__current;
    int result = gust__park(0, "the test");
    assert_true(gust_cancelled());
    *(int *)argument = 1;
    return result;
}

static int cancel_and_wake(void *argument)
{
    gust_future *future = gust_spawn(NULL, park_uninterruptibly, argument);
    gust_yield();
    gust_cancel(future);
    gust_yield();
    gust_yield();
    assert_int_equal(*(int *)argument, 0);
    gust__wake(parked);
    return gust_await(future);
}

static void an_uninterruptible_wait_ignores_cancel(void **state)
{
    (void)state;
    int done = 0;
    assert_int_equal(gust_run(cancel_and_wake, &done, 0), 0);
    assert_int_equal(done, 1);
}

static int wake_and_cancel(void *argument)
{
    (void)argument;
    int done = 0;
    GUST_GROUP(group);
    gust_go(&group, park_here, &done);
    gust_yield();
    gust__coroutine_cancel(parked); /* queued for that already, and then something is handed to it */
    gust__wake(parked);
    gust_yield();
    assert_int_equal(done, 1);
    return 0;
}

static void a_wake_is_never_lost_to_a_cancel(void **state)
{
    (void)state;
    assert_int_equal(gust_run(wake_and_cancel, NULL, 0), 0);
}

static int park_with_time(void *argument)
{
    (void)argument;
    int64_t now = gust__clock_now();
    assert_int_equal(gust__park_until(GUST__INTERRUPTIBLE, "time", now + GUST_MS(1)), 1);
    assert_true(gust__clock_now() >= now + GUST_MS(1));
    assert_int_equal(gust__park_until(0, "time", now), 1); /* a time that has passed */
    GUST_DEADLINE(GUST_MS(1));
    assert_int_equal(gust__park_until(GUST__INTERRUPTIBLE, "time", now + GUST_S(1000)), -1);
    assert_int_equal(errno, ETIMEDOUT);
    assert_int_equal(gust__park_until(0, "time", gust__clock_now() + GUST_MS(1)), 1);
    return 0;
}

static void park_has_a_time_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(gust_run(park_with_time, NULL, 0), 0);
}

static void waits_outside_coroutines_are_edeadlk(void **state)
{
    (void)state;
    assert_int_equal(gust_sleep(1), -1);
    assert_int_equal(errno, EDEADLK);
    errno = 0;
    assert_int_equal(gust_yield(), -1);
    assert_int_equal(errno, EDEADLK);
    errno = 0;
    assert_int_equal(gust__park(0, "nothing"), -1);
    assert_int_equal(errno, EDEADLK);
    assert_false(gust_cancelled());
}

/* ---- Starting at once ---- */

static int note_request(void *argument)
{
    assert_ptr_equal(gust__current->request, trace);
    note(*(char *)argument);
    gust_yield();
    note('z');
    return 0;
}

static int start_now(void *argument)
{
    gust_loop *loop = argument;
    assert_int_equal(gust__coroutine_start_now(loop, trace, note_request, "x"), 0);
    assert_string_equal(trace, "x");
    assert_null(gust__current);
    gust_loop_stop(loop);
    return 0;
}

static void start_now_runs_until_the_first_wait(void **state)
{
    (void)state;
    gust_loop *loop = gust_loop_new();
    gust_post post;
    gust_loop_post(loop, &post, start_now, loop);
    gust_loop_run(loop);
    assert_int_equal(gust__coroutine_count(loop), 1);
    gust_loop_stop(loop);
    gust_loop_run(loop);
    assert_int_equal(gust__coroutine_count(loop), 0);
    assert_string_equal(trace, "xz");
    gust_loop_free(loop);
}

static int change_rounding(void *argument)
{
    assert_false(ROUNDS_UP());
    assert_null(gust__current->locals);
    assert_int_equal(gust__current->interruptions, 0);
    assert_null(gust_error_last());
    ROUND_UP();
    gust_coroutine_set_name("used");
    (void)argument;
    gust_error_set(EIO, "left behind");
    return 0;
}

static int start_many(void *loop)
{
    for (int i = 0; i < 100; i++)
        assert_int_equal(gust__coroutine_start_now(loop, NULL, change_rounding, NULL), 0);
    assert_false(ROUNDS_UP());
    gust_loop_stop(loop);
    return 0;
}

static void a_coroutine_finds_nothing_of_the_one_before(void **state)
{
    (void)state;
    gust_loop *loop = gust_loop_new();
    gust_post post;
    gust_loop_post(loop, &post, start_many, loop);
    gust_loop_run(loop);
    gust_loop_free(loop);
    assert_string_equal(logged, "");
}

static void an_error_that_nobody_reads_is_logged(void **state)
{
    (void)state;
    gust_loop *loop = gust_loop_new();
    assert_non_null(gust__coroutine_start(loop, NULL, NULL, fail_with_text, NULL));
    gust_loop_stop(loop);
    gust_loop_run(loop);
    gust_loop_free(loop);
    assert_non_null(strstr(logged, "it was 7"));
}

/* ---- Names ---- */

static int names(void *argument)
{
    (void)argument;
    assert_string_equal(gust_coroutine_name(), "coroutine 1");
    gust_coroutine_set_name("GET /posts/7");
    assert_string_equal(gust_coroutine_name(), "GET /posts/7");
    gust_coroutine_set_name("1234567890123456789012345678901"); /* 31 bytes */
    assert_string_equal(gust_coroutine_name(), "1234567890123456789012345678901");
    gust_coroutine_set_name("12345678901234567890123456789012");
    assert_string_equal(gust_coroutine_name(), "1234567890123456789012345678901");
    assert_string_equal(gust__coroutine_name_of(gust__current->stack), gust_coroutine_name());
    struct gust__stack other = {.low = trace, .size = 1};
    assert_null(gust__coroutine_name_of(other));
    struct gust__stack found;
    const struct gust__stack_arena *arena = gust__coroutine_arena(gust_loop_current());
    assert_int_equal(gust__stack_of(arena, gust__current, &found), GUST__STACK_IN_STACK);
    assert_ptr_equal(found.low, gust__current->stack.low);
    size_t left = gust_stack_left();
    assert_true(left > 16 * 1024 && left < gust__current->stack.size);
    return 0;
}

static void coroutines_have_names(void **state)
{
    (void)state;
    assert_string_equal(gust_coroutine_name(), "");
    gust_coroutine_set_name("nobody");
    assert_true(gust_stack_left() == SIZE_MAX);
    assert_int_equal(gust_run(names, NULL, 0), 0);
}

static void collect_number(struct gust__coroutine *coroutine, void *argument)
{
    (void)argument;
    note((char)('0' + coroutine->number));
}

static int visit(void *argument)
{
    (void)argument;
    GUST_GROUP(group);
    gust_go(&group, sleep_a_little, NULL);
    gust_go(&group, sleep_a_little, NULL);
    gust__coroutine_each(gust_loop_current(), collect_number, NULL);
    assert_string_equal(trace, "321");
    assert_int_equal(gust__coroutine_count(gust_loop_current()), 3);
    return gust_group_wait(&group);
}

static void each_visits_the_newest_first(void **state)
{
    (void)state;
    assert_int_equal(gust_run(visit, NULL, 0), 0);
}

/* ---- The loop's end ---- */

static int sleep_for_ever(void *argument)
{
    int result = gust_sleep(GUST_S(1000));
    *(int *)argument = errno;
    return result;
}

static void closing_cancels_and_joins(void **state)
{
    (void)state;
    int codes[3] = {0};
    gust_loop *loop = gust_loop_new();
    for (int i = 0; i < 3; i++)
        assert_non_null(gust__coroutine_start(loop, NULL, NULL, sleep_for_ever, &codes[i]));
    gust_loop_stop(loop);
    gust_loop_run(loop);
    assert_int_equal(gust__coroutine_count(loop), 3);
    gust_loop_close(loop);
    for (int i = 0; i < 3; i++)
        assert_int_equal(codes[i], ECANCELED);
    assert_null(gust__coroutine_start(loop, NULL, NULL, sleep_for_ever, codes));
    assert_int_equal(errno, ECANCELED);
    gust_loop_free(loop);
    assert_string_equal(logged, "");
}

static void one_that_never_ran_runs_cancelled(void **state)
{
    (void)state;
    int code = 0;
    gust_loop *loop = gust_loop_new();
    assert_non_null(gust__coroutine_start(loop, NULL, NULL, sleep_for_ever, &code));
    gust_loop_free(loop);
    assert_int_equal(code, ECANCELED); /* so that it can free what it was given */
}

/* ---- Fork, periodic calls ---- */

static int fork_inside(void *argument)
{
    (void)argument;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(gust__current == NULL && gust_loop_current() == NULL && gust_sleep(1) == -1 ? 0 : 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_non_null(gust__current);
    return 0;
}

static void a_forked_child_is_in_no_coroutine(void **state)
{
    (void)state;
    assert_int_equal(gust_run(fork_inside, NULL, 0), 0);
}

static int tick(void *argument)
{
    assert_non_null(gust__current);
    gust_sleep(GUST_US(10));
    ++*(int *)argument;
    return -1; /* logged, and it goes on */
}

static int tick_some(void *argument)
{
    gust_periodic *periodic = gust_every(GUST_US(100), tick, argument);
    assert_non_null(periodic);
    while (*(int *)argument < 3)
        gust_sleep(GUST_US(100));
    gust_periodic_free(periodic);
    return 0;
}

static void periodic_functions_run_in_coroutines(void **state)
{
    (void)state;
    int ticks = 0;
    assert_int_equal(gust_run(tick_some, &ticks, 0), 0);
    assert_non_null(strstr(logged, "a periodic call failed"));
}

static int use_stack(void *argument)
{
    volatile char room[64 * 1024];
    room[0] = 1;
    room[sizeof(room) - 1] = 1;
    (void)argument;
    return gust_sleep(GUST_MS(1)) + room[0] - room[sizeof(room) - 1];
}

static int many(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < *(int *)argument; i++)
        assert_int_equal(gust_go(&group, i % 100 ? sleep_a_little : use_stack, NULL), 0);
    return gust_group_wait(&group);
}

static void stacks_are_used_again_after_their_pages_went(void **state)
{
    (void)state;
    int count = 3000; /* more than stay warm */
    gust_loop *loop = gust_loop_new();
    for (int i = 0; i < 3; i++) {
        assert_non_null(gust__coroutine_start(loop, NULL, NULL, many, &count));
        do {
            gust_loop_stop(loop);
            gust_loop_run(loop);
        } while (gust__coroutine_count(loop) > 0);
    }
    gust_loop_free(loop);
    assert_string_equal(logged, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(run_returns_what_its_function_did),
        TEST(run_hands_over_the_error),
        TEST(run_catches_a_throw),
        TEST(run_inside_a_coroutine_or_a_running_loop_is_edeadlk),
        TEST(run_cancels_at_its_timeout),
        TEST(run_leaves_no_descriptor),
        TEST(yield_lets_others_run_in_order),
        TEST(sleepers_wake_in_order_of_time),
        TEST(yielding_does_not_keep_timers_waiting),
        TEST(checkpoint_yields_after_a_while),
        TEST(a_deadline_ends_waits_until_its_scope_ends),
        TEST(a_deadline_not_reached_does_nothing),
        TEST(a_retry_loop_past_its_deadline_does_not_spin),
        TEST(clean_up_is_shielded),
        TEST(the_shield_ends_after_its_grace),
        TEST(a_parked_coroutine_goes_on_when_woken),
        TEST(an_uninterruptible_wait_ignores_cancel),
        TEST(a_wake_is_never_lost_to_a_cancel),
        TEST(park_has_a_time_of_its_own),
        TEST(waits_outside_coroutines_are_edeadlk),
        TEST(start_now_runs_until_the_first_wait),
        TEST(a_coroutine_finds_nothing_of_the_one_before),
        TEST(an_error_that_nobody_reads_is_logged),
        TEST(coroutines_have_names),
        TEST(each_visits_the_newest_first),
        TEST(closing_cancels_and_joins),
        TEST(one_that_never_ran_runs_cancelled),
        TEST(a_forked_child_is_in_no_coroutine),
        TEST(periodic_functions_run_in_coroutines),
        TEST(stacks_are_used_again_after_their_pages_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
