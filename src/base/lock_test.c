#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/lock.h"

enum { THREADS = 4, ROUNDS = 20000 };

static struct gust__lock lock;
static struct gust__signal changed;
static uint64_t counter; /* guarded by lock */

static void count_up(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        gust__lock_take(&lock);
        counter++;
        gust__lock_drop(&lock);
    }
}

static void a_contended_lock_loses_nothing(void **state)
{
    (void)state;
    struct gust__thread threads[THREADS];
    counter = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(gust__thread_start(&threads[i], "counter", count_up, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        gust__thread_join(&threads[i]);
    assert_int_equal(counter, THREADS * ROUNDS);
    assert_int_equal(lock.state, 0);
}

static void (*wake)(struct gust__signal *signal);

static void play(void *argument)
{
    uint64_t mine = (uint64_t)(uintptr_t)argument;
    for (int i = 0; i < 1000; i++) {
        gust__lock_take(&lock);
        while (counter % 2 != mine)
            gust__signal_wait(&changed, &lock, GUST__FOREVER);
        counter++;
        wake(&changed);
        gust__lock_drop(&lock);
    }
}

/* Never more than one waits, so that waking one must do; a lost wake would hang. */
static void take_turns(void (*by)(struct gust__signal *signal))
{
    struct gust__thread players[2];
    wake = by;
    counter = 0;
    assert_int_equal(gust__thread_start(&players[0], "ping", play, (void *)0), 0);
    assert_int_equal(gust__thread_start(&players[1], "pong", play, (void *)1), 0);
    gust__thread_join(&players[0]);
    gust__thread_join(&players[1]);
    assert_int_equal(counter, 2000);
}

static void two_threads_take_turns_by_a_signal(void **state)
{
    (void)state;
    alarm(120);
    take_turns(gust__signal_wake_all);
    take_turns(gust__signal_wake_one);
    alarm(0);
}

/* A queue of one place, woken one by one: a lost wake would hang. */
static void consume(void *argument)
{
    int *taken = argument;
    for (;;) {
        gust__lock_take(&lock);
        while (counter == 0)
            gust__signal_wait(&changed, &lock, GUST__FOREVER);
        bool last = counter == UINT64_MAX;
        if (!last)
            counter--;
        gust__lock_drop(&lock);
        if (last)
            return;
        ++*taken;
    }
}

static void wakes_of_one_reach_a_waiter_each(void **state)
{
    (void)state;
    struct gust__thread threads[2];
    int taken[2] = {0, 0};
    counter = 0;
    for (int i = 0; i < 2; i++)
        assert_int_equal(gust__thread_start(&threads[i], "consumer", consume, &taken[i]), 0);
    for (int i = 0; i < 5000; i++) {
        gust__lock_take(&lock);
        counter++;
        gust__signal_wake_one(&changed);
        gust__lock_drop(&lock);
    }
    for (uint64_t left = 1; left > 0;) {
        gust__lock_take(&lock);
        left = counter;
        if (left == 0)
            counter = UINT64_MAX;
        gust__signal_wake_all(&changed);
        gust__lock_drop(&lock);
    }
    gust__thread_join(&threads[0]);
    gust__thread_join(&threads[1]);
    assert_int_equal(taken[0] + taken[1], 5000);
}

static void a_wait_ends_at_its_time(void **state)
{
    (void)state;
    int64_t until = gust__clock_now() + 2000000;
    gust__lock_take(&lock);
    int result;
    do
        result = gust__signal_wait(&changed, &lock, until);
    while (result == 0);
    assert_int_equal(errno, ETIMEDOUT);
    assert_true(gust__clock_now() >= until);
    assert_int_equal(gust__signal_wait(&changed, &lock, 0), -1); /* long past */
    assert_int_equal(gust__signal_wait(&changed, &lock, -5), -1);
    assert_int_equal(lock.state & 1 || lock.state == 2, 1); /* taken again */
    gust__lock_drop(&lock);
}

struct seen {
    char name[16];
    int blocked;
};

static void look(void *argument)
{
    struct seen *seen = argument;
    prctl(PR_GET_NAME, seen->name);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    seen->blocked = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGINT) && sigismember(&mask, SIGCHLD);
}

static void a_thread_is_named_and_sees_no_signals(void **state)
{
    (void)state;
    sigset_t before, after;
    sigemptyset(&before);
    sigaddset(&before, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    struct seen seen = {"", 0};
    struct gust__thread thread;
    assert_int_equal(gust__thread_start(&thread, "gust-0123456789abcdef", look, &seen), 0);
    gust__thread_join(&thread);
    assert_string_equal(seen.name, "gust-0123456789");
    assert_int_equal(seen.blocked, 1);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int i = 1; i < 32; i++)
        assert_int_equal(sigismember(&before, i), sigismember(&after, i));
    sigemptyset(&before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void do_nothing(void *argument)
{
    (void)argument;
}

/* AddressSanitizer and ThreadSanitizer tell if the thread touches its memory once it has counted as ended. */
static void memory_may_go_right_after_join(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        struct gust__thread *thread = malloc(sizeof(*thread));
        assert_int_equal(gust__thread_start(thread, NULL, do_nothing, NULL), 0);
        gust__thread_join(thread);
        memset(thread, 0xff, sizeof(*thread));
        free(thread);
    }
}

static void locking_keeps_errno(void **state)
{
    (void)state;
    struct gust__thread threads[2];
    counter = 0;
    gust__thread_start(&threads[0], "counter", count_up, NULL);
    gust__thread_start(&threads[1], "counter", count_up, NULL);
    errno = 77;
    for (int i = 0; i < ROUNDS; i++) {
        gust__lock_take(&lock);
        gust__lock_drop(&lock);
    }
    gust__thread_join(&threads[0]);
    gust__thread_join(&threads[1]);
    assert_int_equal(errno, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contended_lock_loses_nothing),
        cmocka_unit_test(two_threads_take_turns_by_a_signal),
        cmocka_unit_test(wakes_of_one_reach_a_waiter_each),
        cmocka_unit_test(a_wait_ends_at_its_time),
        cmocka_unit_test(a_thread_is_named_and_sees_no_signals),
        cmocka_unit_test(memory_may_go_right_after_join),
        cmocka_unit_test(locking_keeps_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
