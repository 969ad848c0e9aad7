/*
 * gust/threads.h - a bounded pool of threads, for calls that must not run on the loop
 *
 *     struct job job = { "big.txt" };
 *     if (gust_threads_run(NULL, hash_file, &job) < 0)   // this coroutine waits, the loop goes on
 *         return -1;
 */
#ifndef GUST_THREADS_H
#define GUST_THREADS_H

#include <gust/base.h>
#include <gust/future.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_threads gust_threads;

typedef struct gust_threads_options {
    size_t size;
    unsigned workers
        GUST_ZERO; /* at most so many threads, started as work comes; default 4 + cores, at most 32 */
    size_t max_queue GUST_ZERO; /* calls that wait for a thread; beyond it EAGAIN. Default 10,000 */
    int64_t idle GUST_ZERO;     /* a thread without work ends after it; default 10 s, -1: never */
    const char *name GUST_ZERO; /* of the threads; default "gust" */
} gust_threads_options;

/* [any] NULL: EINVAL, ENOMEM. */
GUST_API gust_threads *gust_threads_new_with(const gust_threads_options *options);
#define gust_threads_new(...) gust_threads_new_with(GUST_OPTIONS(gust_threads_options, ##__VA_ARGS__))

/* [blk] Runs function(argument) on a thread of the pool (NULL: the process's default pool) and waits; its
 * result and error come back with the thread's backtrace. Cut short, a call that had not started is withdrawn
 * and never runs; one that runs is waited for, because the argument may be on the caller's stack. -1 also:
 * EAGAIN (queue full), ENOMEM. */
GUST_API int gust_threads_run(gust_threads *threads, int (*function)(void *argument), void *argument);

/* [any, where a loop runs] The same as a future, of the current loop. argument must last until it is done, or
 * until gust_cancel has withdrawn it. NULL: EAGAIN, ENOMEM, EDEADLK (no loop). */
GUST_API gust_future *gust_threads_async(gust_threads *threads, int (*function)(void *argument),
                                         void *argument);

/* [any] Waits for all calls to end, then ends the threads. NULL is allowed. */
GUST_API void gust_threads_free(gust_threads *threads);

GUST_END_DECLARATIONS

#endif
