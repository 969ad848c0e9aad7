/*
 * What the files of the thread pool share: threads.c (the pool, calls), worker.c (its threads), drain.c.
 *
 * A call is queued under the pool's lock and taken from the queue by the thread that runs it; queued and
 * taken, it is counted in `queued` and `busy`. A thread whose call has ended and whose result is on its way
 * counts in `delivering`: it is free for the next call, but a drain waits for it. The lock is held for a few
 * instructions, never while something runs or waits.
 *
 * Threads rest in a stack: the one that came last is woken first. Its memory is warm, and the others can end
 * when there is little to do.
 */
#ifndef GUST_POOL_THREADS_INT_H
#define GUST_POOL_THREADS_INT_H

#include "pool/threads.h"

struct gust__worker {
    struct gust__thread thread;
    struct gust__list node;    /* of the pool's workers; then of those that ended */
    struct gust__list resting; /* of the pool's; in none: it works, or was told to */
    struct gust__signal wake;
    bool told; /* to wake, and has not yet */
    gust_threads *threads;
};

struct gust_threads {
    struct gust__list member;    /* of all pools, for fork */
    _Atomic unsigned references; /* the owner's, and gust__threads_hold's */
    struct gust__lock lock;      /* for all that follows */
    struct gust__signal rest;    /* a thread has ended, or nothing is left to do */
    struct gust__list queue;     /* struct gust__work */
    struct gust__list workers;
    struct gust__list resting; /* of them, who rested last first */
    struct gust__list ended;   /* workers whose threads are to be joined */
    struct gust__list drains;  /* who waits until nothing is left to do: drain.c */
    unsigned count;            /* workers there are, or that are just starting */
    unsigned busy;             /* of them run a call */
    unsigned delivering;       /* of them have just run one */
    unsigned told;             /* of them are about to wake */
    size_t queued;
    uint64_t done, refused, cancelled;
    unsigned drained; /* drains that refuse calls; 0: it is open */
    bool closing;
    unsigned max_workers;
    unsigned min_workers;
    size_t max_queue;
    int64_t idle;
    char name[16];
};

static inline bool gust__threads_quiet(const gust_threads *threads)
{
    return threads->queued == 0 && threads->busy == 0 && threads->delivering == 0;
}

/* ---- threads.c ---- */

/* The process's pool; NULL: nobody has used it yet. */
gust_threads *gust__threads_default_if_made(void);

/* ---- worker.c, with the lock held ---- */

/* Tells the thread that rested last to wake, if a call waits and none is about to: that one will tell the
 * next if there is more. So many small calls do not wake a thread each. NULL: none was told; else
 * gust__signal_rouse its `wake` once the lock is dropped. */
struct gust__worker *gust__worker_tell(gust_threads *threads);

/* Starts one more. The lock is dropped meanwhile. 0, or -1 and errno. */
int gust__worker_start(gust_threads *threads);

/* Joins workers that ended. The lock is dropped meanwhile; wait: also those that are about to end. */
void gust__workers_reap(gust_threads *threads, bool wait);

/* True on a thread of this pool. Needs no lock. */
bool gust__worker_is_here(const gust_threads *threads);

/* ---- drain.c, with the lock held ---- */

/* Tells the drains that nothing is left to do. */
void gust__drains_wake(gust_threads *threads);

#endif
