/*
 * The only door to locks and threads (design rule 11): futex-based, so that a lock of gust's own is never a
 * hook's. For short sections between threads; never held across a coroutine switch. {0} is ready.
 */
#ifndef GUST_BASE_LOCK_H
#define GUST_BASE_LOCK_H

#include <gust/base.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdatomic.h>

struct gust__lock {
    _Atomic uint32_t state; /* 0 free, 1 taken, 2 taken and waited for */
};

GUST_API void gust__lock_take(struct gust__lock *lock);
GUST_API void gust__lock_drop(struct gust__lock *lock);

struct gust__signal { /* a condition: waiters recheck what they wait for */
    _Atomic uint32_t sequence;
};

/* Drops the lock, waits for a wake or until the monotonic time until_ns (INT64_MAX: for ever), takes the lock
 * again. 0, or -1 and ETIMEDOUT. May wake spuriously. */
GUST_API int gust__signal_wait(struct gust__signal *signal, struct gust__lock *lock, int64_t until_ns);
GUST_API void gust__signal_wake_one(struct gust__signal *signal);
GUST_API void gust__signal_wake_all(struct gust__signal *signal);

/* The two halves of gust__signal_wake_one: tell under the lock, rouse once it is dropped, so that the waiter
 * does not wake to find it taken. Rouse names an address only: the signal may be gone by then. */
GUST_API void gust__signal_tell(struct gust__signal *signal);
GUST_API void gust__signal_rouse(struct gust__signal *signal);

/* A thread. The memory is the caller's and must last until the thread was joined. */
struct gust__thread {
    _Atomic uint32_t ended;
    void (*run)(void *argument);
    void *argument;
    const char *name; /* borrowed; at most 15 characters are shown by the system */
};

/* Starts a thread with all signals blocked (design rule 12). 0, or -1 and EAGAIN. */
GUST_API int gust__thread_start(struct gust__thread *thread, const char *name, void (*run)(void *),
                                void *argument);

/* Waits until run has returned. */
GUST_API void gust__thread_join(struct gust__thread *thread);

#endif
