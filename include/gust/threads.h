/*
 * gust/threads.h - a bounded pool of threads, for calls that must not run on the loop
 *
 *     struct job job = { "big.txt" };
 *     if (gust_threads_run(NULL, hash_file, &job) < 0)   // this coroutine waits, the loop goes on
 *         return -1;
 *     puts(job.digest);
 *
 * The function is a plain one that may block or compute: it runs on a thread without a loop, so what waits
 * for a loop gives EDEADLK in it. Results other than its int are written into its argument. A failure (-1 and
 * errno, gust_error_set, gust_throw, gust_fail) becomes the caller's, with the backtrace of the thread.
 *
 * Each process has a default pool (NULL), made when first used, as large as gust_main's --pool-threads says;
 * the library's own look-ups of names run there too. A program with calls that take long makes one of its
 * own, so that they do not wait for each other:
 *
 *     gust_threads *few = gust_threads_new(.workers = 30, .min = 30);      // thirty, and they stay
 *     gust_threads *elastic = gust_threads_new(.workers = 30);             // up to thirty, as work comes
 *
 * Threads are started when work comes. A program may end without freeing a pool: its threads end with the
 * process, in the middle of what they do. A forked child has no threads: its pools start anew with its first
 * call, the parent's calls run in the parent only, and those who waited for them get ECANCELED in the child.
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
    int64_t max_queue GUST_ZERO; /* calls that wait while all threads are busy; beyond it EAGAIN. Default
                                    10,000; -1: none waits */
    int64_t idle GUST_ZERO;      /* a thread without work ends after it; default 10 s, -1: never */
    const char *name GUST_ZERO;  /* of the threads, in refusals too; 15 bytes are kept; default "gust" */
    unsigned min GUST_ZERO;      /* so many stay, however idle, once they came; = workers: a fixed size */
} gust_threads_options;

/* [any] NULL: EINVAL (more than 10,000 workers, or min above workers), ENOMEM. */
GUST_API gust_threads *gust_threads_new_with(const gust_threads_options *options);
#define gust_threads_new(...) gust_threads_new_with(GUST_OPTIONS(gust_threads_options, ##__VA_ARGS__))

/* [blk] Runs function(argument) on a thread of the pool (NULL: the process's default pool) and waits; its
 * result and error come back with the thread's backtrace. Cut short by a deadline or cancel (-1, ETIMEDOUT,
 * ECANCELED), a call that had not begun is withdrawn and never runs; one that runs is waited for, because the
 * argument may be on the caller's stack. -1 also: EAGAIN (all threads are busy and max_queue calls wait; the
 * text says the limit), EPIPE (the pool is drained), ECANCELED (withdrawn by a drain), ENOMEM, EDEADLK
 * outside a coroutine. */
GUST_API int gust_threads_run(gust_threads *threads, int (*function)(void *argument), void *argument);

/* [any, where a loop runs] The same as a future, of the current loop, whose result is the function's.
 * gust_cancel withdraws what has not begun, and does nothing to what runs. argument must last until the
 * function has ended, or never will begin: a gust_await that is cut short does not wait for that, so give it
 * memory of its own, or use gust_threads_run. NULL: EAGAIN, EPIPE, ENOMEM, EDEADLK (no loop). */
GUST_API gust_future *gust_threads_async(gust_threads *threads, int (*function)(void *argument),
                                         void *argument);

/* [any] Takes no more calls (EPIPE, from now on), and waits at most so many nanoseconds (below 0: without
 * limit) until all have ended; in a coroutine only that waits, elsewhere the thread. When the time is over,
 * or a deadline or cancel of the coroutine cuts it short, what has not begun is cancelled (ECANCELED for
 * those who wait) and what runs goes on. 0: all have ended; -1: ETIMEDOUT (the text says what was cancelled
 * and what still runs), ECANCELED, EDEADLK on a thread of the pool. gust_main drains the default pool at
 * shutdown between the servers and the stop functions, and opens it again for these. */
GUST_API int gust_threads_drain(gust_threads *threads, int64_t at_most);

/* What a pool does. */
typedef struct gust_threads_stats {
    unsigned threads;   /* there are now, busy and idle */
    unsigned running;   /* calls that run */
    size_t waiting;     /* calls that wait for a thread */
    uint64_t done;      /* calls that ended, failed ones too */
    uint64_t refused;   /* calls that got EAGAIN or EPIPE */
    uint64_t cancelled; /* calls that were withdrawn before they began */
} gust_threads_stats;

/* [any] Fills stats, as of one moment. NULL: the default pool. */
GUST_API void gust_threads_read_stats(gust_threads *threads, gust_threads_stats *stats);

/* [any] Waits for all calls to end, those in the queue too, then ends the threads and frees the pool. The
 * thread waits, the loop on it too: on a loop, gust_threads_drain comes before. NULL is allowed; not on a
 * thread of the pool. */
GUST_API void gust_threads_free(gust_threads *threads);

GUST_END_DECLARATIONS

#endif
