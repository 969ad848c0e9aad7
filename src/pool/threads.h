/*
 * The thread pool, for the floors above: calls that nobody waits for, and what loops own of it.
 */
#ifndef GUST_POOL_THREADS_H
#define GUST_POOL_THREADS_H

#include "base/list.h"
#include "base/lock.h"

#include <gust/threads.h>

/* A call in a pool: the caller's memory, until run, or deliver where there is one, is called.
 *
 * One without cancel is an errand of the library itself, which a drain neither refuses nor cancels. */
struct gust__work {
    struct gust__list node; /* in the queue; in none once a thread has taken it */
    void (*run)(struct gust__work *work);
    void (*cancel)(struct gust__work *work);  /* in place of run, by a drain; NULL: an errand */
    void (*deliver)(struct gust__work *work); /* behind either, when it no longer counts; NULL: nothing */
};

/* [any] Has a thread of the pool (NULL: the default one) call work->run(work). 0; -1: EAGAIN (queue full, no
 * thread), EPIPE (drained), ENOMEM. */
GUST_API int gust__threads_submit(gust_threads *threads, struct gust__work *work);

/* [any] True: it had not begun, and never will. The pool must be there: see gust__threads_hold. */
GUST_API bool gust__threads_withdraw(gust_threads *threads, struct gust__work *work);

/* [any] Whoever holds a pool may still ask it to withdraw a call, though it was freed meanwhile: its memory
 * stays until the last one has released it. In a forked child the parent's holds are gone. */
void gust__threads_hold(gust_threads *threads);
void gust__threads_release(gust_threads *threads);

/* For tests: threads there are now. */
unsigned gust__threads_count(gust_threads *threads);

/* [any] The process's pool. NULL: ENOMEM. */
gust_threads *gust__threads_default(void);

/* [any] How many workers the default pool may have, should it not have been made yet; 0: as many as usual. */
void gust__threads_set_default_workers(unsigned workers);

/* What a pool has whose options do not say it. */
unsigned gust__threads_usual_workers(void);

/* [blk] Drains the default pool, if there is one, as gust_threads_drain does, and opens it again. */
int gust__threads_drain_default(int64_t at_most);

#endif
