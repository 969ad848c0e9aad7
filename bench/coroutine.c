/*
 * Nanoseconds for a coroutine's start and end (as the HTTP server does for each request), a round of park and
 * wake through the loop, and a spawn with its await. The median of the rounds is printed.
 */
#include "base/clock.h"
#include "coro/coroutine.h"

#include <stdio.h>
#include <stdlib.h>

enum { rounds = 11, many = 1000000, fewer = 200000 };

static double results[rounds];

static int smaller(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *what)
{
    qsort(results, rounds, sizeof(results[0]), smaller);
    printf("%-28s %7.1f ns\n", what, results[rounds / 2]);
}

static int nothing(void *argument)
{
    (void)argument;
    return 0;
}

static int start_and_end(void *loop)
{
    for (int round = 0; round < rounds; round++) {
        int64_t start = gust__clock_now();
        for (int i = 0; i < many; i++)
            gust__coroutine_start_now(loop, NULL, nothing, NULL);
        results[round] = (double)(gust__clock_now() - start) / many;
    }
    print("start and end, at once");
    gust_loop_stop(loop);
    return 0;
}

static int yield_often(void *argument)
{
    (void)argument;
    for (int round = 0; round < rounds; round++) {
        int64_t start = gust__clock_now();
        for (int i = 0; i < fewer; i++)
            gust_yield();
        results[round] = (double)(gust__clock_now() - start) / fewer;
    }
    print("yield, alone (an iteration)");
    return 0;
}

static struct gust__coroutine *other;

static int be_woken(void *argument)
{
    (void)argument;
    other = gust__current;
    for (;;) {
        if (gust__park(GUST__INTERRUPTIBLE, "the other") < 0)
            return 0;
    }
}

static struct gust__coroutine *waiters[1000];

static int park_one(void *argument)
{
    struct gust__coroutine **place = argument;
    *place = gust__current;
    while (gust__park(GUST__INTERRUPTIBLE, "a wake") == 0)
        ;
    return 0;
}

static int wake_many(void *what)
{
    GUST_GROUP(group);
    for (int i = 0; i < 1000; i++)
        gust_go(&group, park_one, &waiters[i]);
    gust_yield();
    for (int round = 0; round < rounds; round++) {
        int64_t start = gust__clock_now();
        for (int i = 0; i < fewer / 1000; i++) {
            for (int k = 0; k < 1000; k++)
                gust__wake(waiters[k]);
            gust_yield();
        }
        results[round] = (double)(gust__clock_now() - start) / fewer;
    }
    print(what);
    return 0;
}

static int wake_often(void *argument)
{
    (void)argument;
    GUST_GROUP(group);
    gust_go(&group, be_woken, NULL);
    gust_yield();
    for (int round = 0; round < rounds; round++) {
        int64_t start = gust__clock_now();
        for (int i = 0; i < fewer; i++) {
            gust__wake(other);
            gust_yield();
        }
        results[round] = (double)(gust__clock_now() - start) / fewer;
    }
    print("wake, park, yield of two");
    return 0;
}

static int spawn_often(void *argument)
{
    (void)argument;
    for (int round = 0; round < rounds; round++) {
        int64_t start = gust__clock_now();
        for (int i = 0; i < fewer; i++)
            gust_await(gust_spawn(NULL, nothing, NULL));
        results[round] = (double)(gust__clock_now() - start) / fewer;
    }
    print("spawn and await");
    return 0;
}

static int deadline_often(void *argument)
{
    (void)argument;
    GUST_DEADLINE(GUST_S(1000));
    return wake_many("the same, with a deadline");
}

int main(void)
{
    gust_loop *loop = gust_loop_new();
    gust_post post;
    gust_loop_post(loop, &post, start_and_end, loop);
    gust_loop_run(loop);
    gust_loop_free(loop);
    gust_run(yield_often, NULL, 0);
    gust_run(wake_often, NULL, 0);
    gust_run(wake_many, "wake and park, of 1000", 0);
    gust_run(deadline_often, NULL, 0);
    gust_run(spawn_often, NULL, 0);
    return 0;
}
