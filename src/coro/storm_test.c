/*
 * Storms: trees of coroutines that start others, wait in every way there is, under deadlines, are cancelled,
 * fail and throw, by a seed. What must hold whatever happens: all end, everything given is dropped once,
 * nothing is left. The seed of a storm that failed is printed; GUST_STORM=seed runs that one alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/lock.h"
#include "coro/coroutine.h"

#include <errno.h>
#include <gust/log.h>
#include <gust/queue.h>
#include <gust/sync.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { storms = 60, at_once = 400, makers = 3, made = 40 };

static uint64_t random_state;
static int alive;          /* coroutines that began and did not end */
static _Atomic int values; /* that are somewhere */
static int locked;         /* inside the mutex */
static gust_mutex mutex;
static gust_semaphore semaphore;
static gust_cond cond;
static gust_queue *queue;

static unsigned pick(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

static void drop_value(void *value)
{
    free(value);
    atomic_fetch_sub(&values, 1);
}

static void *make_value(void)
{
    atomic_fetch_add(&values, 1);
    return malloc(1);
}

static int act(void *depth);

static void *deeper(void *depth)
{
    return (void *)((uintptr_t)depth + 1);
}

static bool may_start(void *depth)
{
    return (uintptr_t)depth < 5 && alive < at_once;
}

static int hold_mutex(void)
{
    if (gust_mutex_lock(&mutex) < 0)
        return -1;
    GUST_DEFER(gust_mutex_unlock, &mutex);
    assert_int_equal(locked++, 0);
    gust_sleep(GUST_US(pick(30)));
    assert_int_equal(--locked, 0);
    return 0;
}

static int hold_unit(void)
{
    if (gust_semaphore_acquire(&semaphore) < 0)
        return -1;
    GUST_DEFER(gust_semaphore_release, &semaphore);
    return gust_yield();
}

static int use_queue(void)
{
    void *value = pick(2) ? make_value() : gust_queue_get(queue);
    if (!value)
        return -1;
    if (pick(3) == 0 || gust_queue_put(queue, value) < 0)
        drop_value(value);
    return 0;
}

static int gather(void *depth)
{
    GUST_GROUP(group);
    for (unsigned i = pick(5); i > 0 && may_start(depth); i--) {
        if (gust_go(&group, act, deeper(depth)) < 0)
            return -1;
    }
    if (pick(4) == 0)
        gust_group_cancel(&group);
    return pick(3) ? gust_group_wait(&group) : 0;
}

static int set_later(void *future)
{
    gust_sleep(GUST_US(pick(40)));
    gust_future_set(future, make_value(), drop_value);
    return 0;
}

static int await_one(void)
{
    gust_future *future = gust_future_new(NULL);
    if (!future)
        return -1;
    gust_future *setter = gust_spawn(NULL, set_later, future);
    if (!setter) {
        gust_future_set(future, make_value(), drop_value);
        gust_future_free(future);
        return -1;
    }
    if (pick(4) == 0)
        gust_cancel(setter);
    gust_future_free(setter);
    return pick(3) ? gust_await(future) : (gust_future_free(future), 0);
}

static int await_some(void *depth)
{
    gust_future *futures[3] = {0};
    size_t count = 0;
    while (count < 3 && may_start(depth) && (futures[count] = gust_spawn(NULL, act, deeper(depth))))
        count++;
    int first = gust_wait_any(futures, count);
    if (first >= 0 && pick(2))
        gust_cancel(futures[(size_t)first]);
    return gust_wait_all(futures, count, NULL);
}

static int act_once(void *depth)
{
    switch (pick(12)) {
    case 0:
        return gust_yield();
    case 1:
        return gust_sleep(GUST_US(pick(60)));
    case 2:
        return hold_mutex();
    case 3:
        return hold_unit();
    case 4:
        return use_queue();
    case 5:
        return gather(depth);
    case 6:
        return await_one();
    case 7:
        return await_some(depth);
    case 8: {
        GUST_DEADLINE(GUST_US(pick(50)));
        return act_once(depth);
    }
    case 9:
        gust_cond_notify(&cond, pick(3));
        return 0;
    case 10: {
        GUST_DEADLINE(GUST_US(pick(100)));
        return gust_cond_wait(&cond);
    }
    default:
        if (pick(8) == 0)
            gust_throw(EDOM, "a storm's");
        return pick(8) ? 0 : gust_error_set(ERANGE, "a storm's");
    }
}

static void less(int *count)
{
    --*count;
}

static int act(void *depth)
{
    alive++;
    GUST_DEFER(less, &alive);
    for (unsigned i = pick(6); i > 0; i--) {
        if (act_once(depth) < 0 && pick(2))
            return -1;
    }
    return 0;
}

struct maker {
    struct gust__thread thread;
    gust_future *futures[made];
};

static void set_from_thread(void *argument)
{
    struct maker *maker = argument;
    for (int i = 0; i < made; i++)
        gust_future_set(maker->futures[i], make_value(), drop_value);
}

static int take_from_thread(void *argument)
{
    struct maker *maker = argument;
    for (int i = 0; i < made; i++) {
        if (i % 3 == 0)
            gust_cancel(maker->futures[i]);
        if (i % 2)
            gust_await(maker->futures[i]);
        else
            gust_future_free(maker->futures[i]);
    }
    return 0;
}

static int storm(void *argument)
{
    struct maker *all = argument;
    GUST_GROUP(group);
    for (int i = 0; i < makers; i++) {
        for (int k = 0; k < made; k++)
            assert_non_null(all[i].futures[k] = gust_future_new(NULL));
        assert_int_equal(gust__thread_start(&all[i].thread, "maker", set_from_thread, &all[i]), 0);
        assert_int_equal(gust_go(&group, take_from_thread, &all[i]), 0);
    }
    gust_future *trees[10];
    for (int i = 0; i < 10; i++)
        trees[i] = gust_spawn(NULL, act, NULL);
    for (int i = 0; i < 10; i++) {
        if (pick(3) == 0)
            gust_sleep(GUST_US(pick(300)));
        gust_future_free(trees[i]); /* which cancels */
    }
    return gust_group_wait(&group);
}

static int given_up;

static void look_at_line(void *unused, const gust_log_line *line)
{
    (void)unused;
    if (strstr(line->text, "did not end")) {
        print_error("%s\n", line->text);
        given_up++;
    }
}

static void run_storm(uint64_t seed)
{
    static struct maker all[makers];
    random_state = seed;
    semaphore = (gust_semaphore){.value = 2};
    queue = gust_queue_new(3, drop_value);
    for (int i = 0; i < makers; i++)
        all[i].thread = (struct gust__thread){0};
    assert_int_equal(gust_run(storm, all, 0), 0);
    for (int i = 0; i < makers; i++)
        gust__thread_join(&all[i].thread);
    gust_queue_free(queue);
    if (given_up || alive || values || mutex.owner || semaphore.value != 2 || cond.waiters.first)
        print_error("the storm of seed %llu left something\n", (unsigned long long)seed);
    assert_int_equal(given_up, 0);
    assert_int_equal(alive, 0);
    assert_int_equal(values, 0);
    assert_null(mutex.owner);
    assert_int_equal(semaphore.value, 2);
    assert_null(cond.waiters.first);
}

static void a_storm_leaves_nothing(void **state)
{
    (void)state;
    const char *one = getenv("GUST_STORM");
    gust_log_sink(look_at_line, NULL);
    gust_log_set_level(GUST_ERROR);
    for (uint64_t seed = 1; !one && seed <= storms; seed++)
        run_storm(seed);
    if (one)
        run_storm(strtoull(one, NULL, 10));
    gust_log_sink(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_storm_leaves_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
