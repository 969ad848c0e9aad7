/*
 * Conditions. Coroutines wait in the parking lot, threads in glibc, and a signal goes to both: one wake too
 * many is allowed, one too few is not.
 *
 * A thread that waits releases its mutex inside glibc, where no hook sees it. So before it does, we wake a
 * coroutine that is parked for the mutex; one that comes too early, or in between, looks again (mutex.c).
 */
#include "green/locks.h"

/* ---- Waiting in a coroutine ---- */

static bool has(const pthread_cond_t *cond, unsigned flag)
{
    return __atomic_load_n(&cond->__data.__wrefs, __ATOMIC_RELAXED) & flag;
}

/* A signal of another process cannot be seen: such a wait comes back now and then, as if woken by chance. */
static int park(struct gust__green_call *call, struct gust__lot_waiter *waiter, bool shared, int flags,
                int64_t until)
{
    int64_t interval = GUST_MS(5);
    int64_t at = shared ? gust__lot_look_again(&interval, until) : until;
    int over = gust__lot_park(call, waiter, flags, at);
    return over == 1 && at != until ? 0 : over;
}

/* until GUST__FOREVER: goes on however late it gets (design rule 3). With a time of its own, a deadline or
 * cancel of the scope is that time: callers know no other failure. */
static int wait_in_coroutine(struct gust__green_call *call, pthread_cond_t *cond, pthread_mutex_t *mutex,
                             int64_t until)
{
    struct gust__lot_waiter waiter;
    bool shared = has(cond, GUST__COND_SHARED);
    int flags = until == GUST__FOREVER ? 0 : GUST__INTERRUPTIBLE, saved = errno;
    gust__lot_enter(&waiter, cond);
    int code = gust__mutex_unlock(mutex);
    int over = code == 0 ? park(call, &waiter, shared, flags, until) : 0;
    bool woken = gust__lot_leave(&waiter);
    if (code != 0) {
        if (woken)
            gust__lot_wake(cond, GUST__LOT_NEXT);
        return code;
    }
    errno = saved;
    code = gust__mutex_relock(call, mutex);
    return code == 0 && over != 0 && !woken ? ETIMEDOUT : code;
}

/* ---- Waiting outside ---- */

static void hand_over(const pthread_mutex_t *mutex)
{
    gust__lot_wake(mutex, GUST__LOT_ONE);
}

GUST__EXPORT int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    if (!gust__green_here()) {
        hand_over(mutex);
        return gust__green_next.pthread_cond_wait(cond, mutex);
    }
    struct gust__green_call call = GUST__GREEN_CALL("pthread_cond_wait", -1);
    return wait_in_coroutine(&call, cond, mutex, GUST__FOREVER);
}

GUST__EXPORT int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                        const struct timespec *time)
{
    int64_t until = 0;
    if (!gust__green_here()) {
        hand_over(mutex);
        return gust__green_next.pthread_cond_timedwait(cond, mutex, time);
    }
    struct gust__green_call call = GUST__GREEN_CALL("pthread_cond_timedwait", -1);
    int code =
        gust__lock_until(has(cond, GUST__COND_MONOTONIC) ? CLOCK_MONOTONIC : CLOCK_REALTIME, time, &until);
    return code ? code : wait_in_coroutine(&call, cond, mutex, until);
}

GUST__EXPORT int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                                        const struct timespec *time)
{
    int64_t until = 0;
    if (!gust__green_here()) {
        hand_over(mutex);
        return gust__green_next.pthread_cond_clockwait(cond, mutex, clock, time);
    }
    struct gust__green_call call = GUST__GREEN_CALL("pthread_cond_clockwait", -1);
    int code = gust__lock_until(clock, time, &until);
    return code ? code : wait_in_coroutine(&call, cond, mutex, until);
}

/* ---- Waking ---- */

/* glibc's waiters first: they may free the condition, of which we then need the address only. */
GUST__EXPORT int pthread_cond_signal(pthread_cond_t *cond)
{
    int code = gust__green_next.pthread_cond_signal(cond);
    gust__lot_wake(cond, GUST__LOT_NEXT);
    return code;
}

GUST__EXPORT int pthread_cond_broadcast(pthread_cond_t *cond)
{
    int code = gust__green_next.pthread_cond_broadcast(cond);
    gust__lot_wake(cond, GUST__LOT_ALL);
    return code;
}

/* ---- Its memory ---- */

/* Nothing of ours is in it; here so that all of the family binds to one library. */
GUST__EXPORT int pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes)
{
    return gust__green_next.pthread_cond_init(cond, attributes);
}

GUST__EXPORT int pthread_cond_destroy(pthread_cond_t *cond)
{
    return gust__green_next.pthread_cond_destroy(cond);
}
