/*
 * Nanoseconds for a future: set and awaited by one coroutine, set by another thread. Each round measures all
 * of them, one behind the other, so that whatever else the machine does hits them alike; the median of the
 * rounds is printed, and the least and the most.
 */
#include "base/clock.h"

#include <gust/coroutine.h>
#include <gust/future.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 15, BATCH = 100 };

static void must(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

static void set_and_await(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gust_future *future = gust_future_new(NULL);
        must(future && gust_future_set(future, NULL, NULL) == 0 && gust_await(future) == 0, "gust_await");
    }
}

/* ---- another thread sets what a coroutine awaits ---- */

static struct {
    sem_t filled;
    size_t count; /* 0: end */
    gust_future *futures[BATCH];
} mail;

static void *set_all(void *unused)
{
    for (;;) {
        while (sem_wait(&mail.filled) < 0)
            ;
        size_t count = mail.count;
        if (count == 0)
            return unused;
        for (size_t i = 0; i < count; i++)
            must(gust_future_set(mail.futures[i], NULL, NULL) == 0, "gust_future_set");
    }
}

static void exchange_futures(size_t count, size_t batch)
{
    gust_future *futures[BATCH];
    for (size_t done = 0; done < count; done += batch) {
        mail.count = batch;
        for (size_t i = 0; i < batch; i++) {
            mail.futures[i] = futures[i] = gust_future_new(NULL);
            must(futures[i] != NULL, "gust_future_new");
        }
        sem_post(&mail.filled);
        for (size_t i = 0; i < batch; i++)
            must(gust_await(futures[i]) == 0, "gust_await");
    }
}

static void thread_sets_many(size_t count)
{
    exchange_futures(count, BATCH);
}

static void thread_sets_one(size_t count)
{
    exchange_futures(count, 1);
}

/* ---- rounds ---- */

static const struct {
    const char *name;
    void (*run)(size_t count);
    size_t count;
} kinds[] = {
    {"future, set and await", set_and_await, 100000},
    {"future, thread, 100 at once", thread_sets_many, 20000},
    {"future, thread, one by one", thread_sets_one, 1000},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static double times[KINDS][ROUNDS];

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure(void *unused)
{
    (void)unused;
    for (int round = -1; round < ROUNDS; round++) { /* the first only warms up */
        for (size_t kind = 0; kind < KINDS; kind++) {
            int64_t start = gust__clock_now();
            kinds[kind].run(kinds[kind].count);
            if (round >= 0)
                times[kind][round] = (double)(gust__clock_now() - start) / (double)kinds[kind].count;
        }
    }
    return 0;
}

int main(void)
{
    pthread_t thread;
    sem_init(&mail.filled, 0, 0);
    must(pthread_create(&thread, NULL, set_all, NULL) == 0, "pthread_create");
    must(gust_run(measure, NULL, 0) == 0, "gust_run");
    mail.count = 0;
    sem_post(&mail.filled);
    pthread_join(thread, NULL);
    for (size_t kind = 0; kind < KINDS; kind++) {
        double *of = times[kind];
        qsort(of, ROUNDS, sizeof(double), compare);
        printf("%-28s %9.1f ns   %.1f to %.1f\n", kinds[kind].name, of[ROUNDS / 2], of[0], of[ROUNDS - 1]);
    }
    return 0;
}
