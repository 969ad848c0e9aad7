/*
 * gust/sync.h - mutex, condition, event, semaphore for the coroutines of one loop
 *
 * All are {0} ready and need no end. A waiter parks; waiters are served first come, first served. Threads of
 * other loops need a future or a post instead. Waits end with ETIMEDOUT or ECANCELED like any other; to wait
 * for a limited time open a GUST_DEADLINE. An object is bound to the loop of its first waiter: from another,
 * -1 and EPERM.
 *
 *     static gust_cond news;
 *
 *     while (seq <= seen)
 *         if (gust_cond_wait(&news) < 0)
 *             return -1;
 */
#ifndef GUST_SYNC_H
#define GUST_SYNC_H

#include <gust/base.h>

GUST_BEGIN_DECLARATIONS

struct gust__waiters { /* first in, first out */
    struct gust__waiter *first;
    struct gust__waiter *last;
    void *loop;
};

typedef struct gust_mutex {
    struct gust__waiters waiters;
    void *owner;
} gust_mutex;

/* [blk] 0; -1: EDEADLK (the caller owns it), ETIMEDOUT, ECANCELED. */
GUST_API int gust_mutex_lock(gust_mutex *mutex);
/* [loop] 0; -1: EBUSY. */
GUST_API int gust_mutex_try(gust_mutex *mutex);
/* [loop] Hands it to the first waiter. 0; -1: EPERM when the caller does not own it. */
GUST_API int gust_mutex_unlock(gust_mutex *mutex);

typedef struct gust_cond {
    struct gust__waiters waiters;
} gust_cond;

/* [blk] Waits for a notify. 0; -1: ETIMEDOUT, ECANCELED. No mutex is needed: nothing else runs between a
 * check and the wait. */
GUST_API int gust_cond_wait(gust_cond *cond);
/* [loop] Wakes up to count waiters, the first that came first. */
GUST_API void gust_cond_notify(gust_cond *cond, size_t count);
GUST_API void gust_cond_notify_all(gust_cond *cond);

typedef struct gust_event {
    struct gust__waiters waiters;
    bool set;
} gust_event;

/* [blk] Returns at once while the event is set. */
GUST_API int gust_event_wait(gust_event *event);
GUST_API void gust_event_set(gust_event *event);   /* [loop] */
GUST_API void gust_event_clear(gust_event *event); /* [loop] */

typedef struct gust_semaphore {
    struct gust__waiters waiters;
    size_t value;
    size_t max; /* 0: unbounded; else a release beyond it gives EOVERFLOW (Tornado's BoundedSemaphore) */
} gust_semaphore;

/* [blk] Takes one unit. 0; -1: ETIMEDOUT, ECANCELED. */
GUST_API int gust_semaphore_acquire(gust_semaphore *semaphore);
/* [loop] 0; -1: EBUSY. */
GUST_API int gust_semaphore_try(gust_semaphore *semaphore);
/* [loop] Gives one unit back, to the first waiter. 0; -1: EOVERFLOW. */
GUST_API int gust_semaphore_release(gust_semaphore *semaphore);

GUST_END_DECLARATIONS

#endif
