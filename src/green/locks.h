/* What the families of locks share. */
#ifndef GUST_GREEN_LOCKS_H
#define GUST_GREEN_LOCKS_H

#include "green/lot.h"
#include "green/owned.h"

/* ---- times.c ---- */

/* An absolute time of a clock as a monotonic one, in *until. A wall clock that is set later is not followed.
 * 0; EINVAL: the clock is neither of the two, or the nanoseconds are out of range. */
int gust__lock_until(clockid_t clock, const struct timespec *time, int64_t *until);

/* ---- mutex.c ---- */

/* In a coroutine: takes the mutex, at last. For cond_wait, which must not come back without it. */
int gust__mutex_relock(struct gust__green_call *call, pthread_mutex_t *mutex);

int gust__mutex_unlock(pthread_mutex_t *mutex);

/* Nobody but another process can be relied on to tell of its end: robust, priority and shared mutexes. */
static inline bool gust__mutex_is_special(const pthread_mutex_t *mutex)
{
    enum { ROBUST = 16, INHERIT = 32, PROTECT = 64, SHARED = 128 };
    return mutex->__data.__kind & (ROBUST | INHERIT | PROTECT | SHARED);
}

/* ---- what we read inside glibc's other locks; layout.c tries whether it is so ---- */

enum { GUST__COND_SHARED = 1, GUST__COND_MONOTONIC = 2 }; /* of __wrefs */
enum { GUST__ONCE_DONE = 2 };                             /* of a pthread_once_t */

/* Behind the value, sem_t says whether processes share it. */
static inline bool gust__semaphore_is_shared(const sem_t *semaphore)
{
    return ((const int *)(const void *)semaphore)[2] != 0;
}

/* ---- apart.c ---- */

/* Calls function(argument) on a thread of its own and waits for it, uninterrupted. Not in the pool: it waits
 * for others, who may need the pool. Returns what it returned; EAGAIN: there is no thread. */
int gust__green_apart(struct gust__green_call *call, int (*function)(void *argument), void *argument);

#endif
