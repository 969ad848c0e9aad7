/*
 * The thread pool, for the floors above: calls that nobody waits for, and what loops own of it.
 */
#ifndef GUST_POOL_THREADS_H
#define GUST_POOL_THREADS_H

#include "base/list.h"
#include "base/lock.h"

#include <gust/threads.h>

/* A call in a pool: the caller's memory, until run is called. */
struct gust__work {
    struct gust__list node; /* in the queue; in none once a thread has taken it */
    void (*run)(struct gust__work *work);
};

/* [any] Has a thread of the pool (NULL: the default one) call work->run(work). 0; -1: EAGAIN (queue full, no
 * thread), ENOMEM. */
GUST_API int gust__threads_submit(gust_threads *threads, struct gust__work *work);

/* [any] True: it had not begun, and never will. */
GUST_API bool gust__threads_withdraw(gust_threads *threads, struct gust__work *work);

/* For tests: threads there are now. */
unsigned gust__threads_count(gust_threads *threads);

/* [any] The process's pool. NULL: ENOMEM. */
gust_threads *gust__threads_default(void);

#endif
