/*
 * Semaphores. sem_post may come from a signal handler, so it wakes by posts only, and never waits for the
 * parking lot's lock.
 */
#include "green/locks.h"

#include <semaphore.h>

/* 0; -1: EAGAIN, EINVAL, EINTR. */
static int await(struct gust__green_call *call, sem_t *semaphore, int flags, int64_t until)
{
    struct gust__lot_waiter waiter;
    int64_t interval = 0;
    int result, saved = errno;
    call->handlers = gust__green_handlers_for(until);
    gust__lot_enter(&waiter, semaphore);
    while ((result = gust__green_next.sem_trywait(semaphore)) < 0 && errno == EAGAIN) {
        int64_t at = gust__semaphore_is_shared(semaphore) ? gust__lot_look_again(&interval, until) : until;
        int over = gust__lot_park(call, &waiter, flags, at);
        if (over < 0 || (over == 1 && at == until)) {
            saved = over < 0 ? errno : ETIMEDOUT;
            result = gust__green_next.sem_trywait(semaphore);
            break;
        }
        gust__lot_again(&waiter, false);
    }
    if (gust__lot_leave(&waiter) && result < 0)
        gust__lot_wake(semaphore, GUST__LOT_NEXT);
    errno = saved;
    return result;
}

GUST__EXPORT int sem_wait(sem_t *semaphore)
{
    if (!gust__green_here())
        return gust__green_next.sem_wait(semaphore);
    struct gust__green_call call = GUST__GREEN_CALL("sem_wait", -1);
    return await(&call, semaphore, 0, GUST__FOREVER);
}

/* As glibc, it looks at the time only when it has to wait. */
static int timed(struct gust__green_call *call, sem_t *semaphore, clockid_t clock,
                 const struct timespec *time)
{
    int64_t until = 0;
    int saved = errno;
    if (gust__green_next.sem_trywait(semaphore) == 0)
        return 0;
    int code = gust__lock_until(clock, time, &until);
    if (code) {
        errno = code;
        return -1;
    }
    errno = saved;
    return await(call, semaphore, GUST__INTERRUPTIBLE, until);
}

GUST__EXPORT int sem_timedwait(sem_t *semaphore, const struct timespec *time)
{
    if (!gust__green_here())
        return gust__green_next.sem_timedwait(semaphore, time);
    struct gust__green_call call = GUST__GREEN_CALL("sem_timedwait", -1);
    return timed(&call, semaphore, CLOCK_REALTIME, time);
}

GUST__EXPORT int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *time)
{
    if (!gust__green_here())
        return gust__green_next.sem_clockwait(semaphore, clock, time);
    struct gust__green_call call = GUST__GREEN_CALL("sem_clockwait", -1);
    return timed(&call, semaphore, clock, time);
}

/* Who takes what is posted may free the semaphore: only its address is used then. */
GUST__EXPORT int sem_post(sem_t *semaphore)
{
    int result = gust__green_next.sem_post(semaphore);
    if (result == 0)
        gust__lot_wake_from_anywhere(semaphore);
    return result;
}

/* ---- Nothing of ours: here so that all of the family binds to one library ---- */

GUST__EXPORT int sem_trywait(sem_t *semaphore)
{
    return gust__green_next.sem_trywait(semaphore);
}

GUST__EXPORT int sem_init(sem_t *semaphore, int shared, unsigned value)
{
    return gust__green_next.sem_init(semaphore, shared, value);
}

GUST__EXPORT int sem_destroy(sem_t *semaphore)
{
    return gust__green_next.sem_destroy(semaphore);
}
