/* What a scope and a try cost: nanoseconds each, the best of some rounds. */
#include "base/clock.h"

#include <errno.h>

#include <gust/scope.h>
#include <stdio.h>

enum { ROUNDS = 7, TIMES = 5000000 };

static volatile int sink;

static __attribute__((noinline)) void note(void *unused)
{
    (void)unused;
    sink = 1;
}

static __attribute__((noinline)) int return_0(void *unused)
{
    (void)unused;
    return 0;
}

static __attribute__((noinline)) int throw_it(void *unused)
{
    (void)unused;
    gust_throw(EAGAIN, "again");
}

static __attribute__((noinline)) void plain(void)
{
    note(NULL);
}

static __attribute__((noinline)) void defer(void)
{
    GUST_DEFER(note, NULL);
}

static __attribute__((noinline)) void deadline(void)
{
    GUST_DEADLINE(GUST_S(5));
}

static __attribute__((noinline)) void try(void)
{
    gust_try(return_0, NULL);
}

static __attribute__((noinline)) void try_and_throw(void)
{
    gust_try(throw_it, NULL);
}

static double measure(void (*function)(void), int times)
{
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = gust__clock_now();
        for (int i = 0; i < times; i++)
            function();
        double each = (double)(gust__clock_now() - start) / times;
        best = each < best ? each : best;
    }
    return best;
}

int main(void)
{
    double call = measure(plain, TIMES);
    printf("call %.2f ns\n", call);
    printf("GUST_DEFER +%.2f ns\n", measure(defer, TIMES) - call);
    printf("GUST_DEADLINE +%.2f ns\n", measure(deadline, TIMES) - call);
    printf("gust_try +%.2f ns\n", measure(try, TIMES) - call);
    printf("gust_try and gust_throw +%.0f ns\n", measure(try_and_throw, TIMES / 50) - call);
    return 0;
}
