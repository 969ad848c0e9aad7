/*
 * Nanoseconds for a call on a thread pool and back: gust's, and a plain pool of pthreads.
 *
 * Like with like: both pools have as many threads, started before the clock, and a bounded queue; both run
 * the same trivial function, allocate nothing for a call, and give its result to the one thread that asked.
 * The plain pool is what one writes: a ring under a mutex and a condition variable to the threads, another
 * one for the results back. "one by one" is one call at a time, by one coroutine, or by one thread; "64 at
 * once" keeps as many calls under way, by as many coroutines, or by the one thread, which submits the next
 * for each result it gets. Each round measures all of them, one behind the other, so that whatever else the
 * machine does hits them alike; the median of the rounds is printed, and the least and the most.
 */
#include "base/clock.h"

#include <gust/coroutine.h>
#include <gust/threads.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 15, THREADS = 4, MANY = 64, ONE_BY_ONE = 2000, AT_ONCE = 20000 };

static void must(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

struct task {
    int (*function)(void *argument);
    void *argument;
    int result;
};

static int add_one(void *argument)
{
    *(int *)argument += 1;
    return 0;
}

/* ---- gust ---- */

static gust_threads *threads;

struct caller {
    size_t calls;
    int sum;
};

static int call_and_wait(void *argument)
{
    struct caller *caller = argument;
    for (size_t i = 0; i < caller->calls; i++)
        must(gust_threads_run(threads, add_one, &caller->sum) == 0, "gust_threads_run");
    return 0;
}

static void gust_calls(size_t count, size_t at_once)
{
    struct caller callers[MANY] = {0};
    GUST_GROUP(group);
    for (size_t i = 0; i < at_once; i++) {
        callers[i].calls = count / at_once;
        must(gust_go(&group, call_and_wait, &callers[i]) == 0, "gust_go");
    }
    must(gust_group_wait(&group) == 0, "gust_group_wait");
    for (size_t i = 0; i < at_once; i++)
        must(callers[i].sum == (int)callers[i].calls, "all calls ran");
}

static void gust_futures(size_t count, size_t at_once)
{
    gust_future *futures[MANY] = {0};
    int sums[MANY] = {0};
    for (size_t i = 0; i < count; i++) {
        size_t place = i % at_once;
        if (futures[place])
            must(gust_await(futures[place]) == 0, "gust_await");
        futures[place] = gust_threads_async(threads, add_one, &sums[place]);
    }
    for (size_t i = 0; i < at_once; i++)
        must(gust_await(futures[i]) == 0, "gust_await");
}

/* ---- the plain pool ---- */

struct ring {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    size_t first, count;
    struct task *tasks[MANY];
};

static struct ring calls = {.mutex = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};
static struct ring results = {.mutex = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};
static pthread_t plain_threads[THREADS];

static void put(struct ring *ring, struct task *task)
{
    pthread_mutex_lock(&ring->mutex);
    must(ring->count < MANY, "the queue is full");
    ring->tasks[(ring->first + ring->count++) % MANY] = task;
    pthread_mutex_unlock(&ring->mutex);
    pthread_cond_signal(&ring->filled);
}

static struct task *get(struct ring *ring)
{
    pthread_mutex_lock(&ring->mutex);
    while (ring->count == 0)
        pthread_cond_wait(&ring->filled, &ring->mutex);
    struct task *task = ring->tasks[ring->first];
    ring->first = (ring->first + 1) % MANY;
    ring->count--;
    pthread_mutex_unlock(&ring->mutex);
    return task;
}

static void *run_plain(void *unused)
{
    for (struct task *task; (task = get(&calls))->function;) {
        task->result = task->function(task->argument);
        put(&results, task);
    }
    return unused;
}

static void plain_calls(size_t count, size_t at_once)
{
    struct task tasks[MANY];
    int sums[MANY] = {0};
    for (size_t i = 0; i < at_once; i++) {
        tasks[i] = (struct task){add_one, &sums[i], -1};
        put(&calls, &tasks[i]);
    }
    for (size_t i = at_once; i < count; i++) {
        struct task *task = get(&results);
        must(task->result == 0, "a result");
        put(&calls, task);
    }
    for (size_t i = 0; i < at_once; i++)
        must(get(&results)->result == 0, "a result");
}

static void start_plain(void)
{
    for (size_t i = 0; i < THREADS; i++)
        must(pthread_create(&plain_threads[i], NULL, run_plain, NULL) == 0, "pthread_create");
}

static void end_plain(void)
{
    static struct task end;
    for (size_t i = 0; i < THREADS; i++)
        put(&calls, &end);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(plain_threads[i], NULL);
}

/* ---- rounds ---- */

static const struct {
    const char *name;
    void (*run)(size_t count, size_t at_once);
    size_t count, at_once;
} kinds[] = {
    {"gust, one by one", gust_calls, ONE_BY_ONE, 1},
    {"pthreads, one by one", plain_calls, ONE_BY_ONE, 1},
    {"gust, 64 at once", gust_calls, AT_ONCE, MANY},
    {"gust futures, 64 at once", gust_futures, AT_ONCE, MANY},
    {"pthreads, 64 at once", plain_calls, AT_ONCE, MANY},
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
            kinds[kind].run(kinds[kind].count, kinds[kind].at_once);
            if (round >= 0)
                times[kind][round] = (double)(gust__clock_now() - start) / (double)kinds[kind].count;
        }
    }
    return 0;
}

int main(void)
{
    threads = gust_threads_new(.workers = THREADS, .min = THREADS, .max_queue = MANY);
    must(threads != NULL, "gust_threads_new");
    start_plain();
    must(gust_run(measure, NULL, 0) == 0, "gust_run");
    end_plain();
    gust_threads_free(threads);
    for (size_t kind = 0; kind < KINDS; kind++) {
        double *of = times[kind];
        qsort(of, ROUNDS, sizeof(double), compare);
        printf("%-28s %9.1f ns   %.1f to %.1f\n", kinds[kind].name, of[ROUNDS / 2], of[0], of[ROUNDS - 1]);
    }
    return 0;
}
