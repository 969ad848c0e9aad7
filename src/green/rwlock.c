/*
 * Read-write locks that belong to coroutines: tried, and parked for. An unlock wakes all who wait; the first
 * come, first run. As with glibc's default kind readers may overtake a writer that is parked.
 */
#include "green/locks.h"

#include <stdio.h>

/* ---- Who has it ---- */

/* The coroutine of this thread that writes; NULL: none does. */
static struct gust__owned *writer_of(const pthread_rwlock_t *lock)
{
    struct gust__owned *entry = gust__owned_find(lock);
    if (!entry || __atomic_load_n(&lock->__data.__cur_writer, __ATOMIC_RELAXED) == gust__owned_thread())
        return entry;
    gust__owned_remove(entry);
    return NULL;
}

/* Outside of coroutines: whether one of this thread's stands in the way, which could only go on after us. */
static bool would_hang(const pthread_rwlock_t *lock, bool writes, const char *name)
{
    if (__builtin_expect(gust__owned_here.count == 0, 1))
        return false;
    struct gust__owned *entry = writer_of(lock);
    if (!entry && writes && gust__owned_here.readings > 0)
        entry = gust__owned_find_any_reader(lock);
    if (!entry)
        return false;
    char text[120];
    snprintf(text, sizeof(text), "%s would block for ever: %s has the lock, on this same thread", name,
             entry->owner ? gust__coroutine_name(entry->owner) : "a coroutine that has ended");
    gust__coroutine_report(entry->owner, text);
    return true;
}

/* ---- Taking it ---- */

static int try_to_read(pthread_rwlock_t *lock, const void *caller)
{
    if (gust__owned_reserve() < 0)
        return EAGAIN;
    int code = gust__green_next.pthread_rwlock_tryrdlock(lock);
    if (code != 0)
        return code;
    struct gust__owned *entry = gust__owned_find_reader(lock);
    if (entry)
        entry->depth++;
    else
        gust__owned_add(lock, caller, true);
    return 0;
}

static int try_to_write(pthread_rwlock_t *lock, const void *caller)
{
    if (gust__owned_reserve() < 0)
        return EAGAIN;
    int code = gust__green_next.pthread_rwlock_trywrlock(lock);
    if (code == 0)
        gust__owned_add(lock, caller, false);
    return code;
}

static int attempt(pthread_rwlock_t *lock, bool writes, const void *caller)
{
    return writes ? try_to_write(lock, caller) : try_to_read(lock, caller);
}

static int await(struct gust__green_call *call, pthread_rwlock_t *lock, bool writes, int64_t until)
{
    struct gust__lot_waiter waiter;
    int64_t interval = 0;
    gust__lot_enter(&waiter, lock);
    int code = attempt(lock, writes, call->caller);
    while (code == EBUSY) {
        int64_t at = lock->__data.__shared ? gust__lot_look_again(&interval, until) : until;
        int over = gust__lot_park(call, &waiter, 0, at);
        gust__lot_again(&waiter, false);
        code = attempt(lock, writes, call->caller);
        if (code == EBUSY && over != 0 && at == until)
            code = over < 0 ? EAGAIN : ETIMEDOUT;
    }
    gust__lot_leave(&waiter);
    return code;
}

/* What glibc, to whom all of a thread's coroutines are one, cannot see: that it is ours already. */
static bool has_it(const pthread_rwlock_t *lock, bool writes)
{
    const struct gust__owned *entry = writer_of(lock);
    if (entry && entry->owner == gust__current)
        return true;
    return writes && gust__owned_here.readings > 0 && gust__owned_find_reader(lock);
}

/* time NULL: for ever. */
static int take(struct gust__green_call *call, pthread_rwlock_t *lock, bool writes, clockid_t clock,
                const struct timespec *time)
{
    int64_t until = GUST__FOREVER;
    if (time && gust__lock_until(clock, time, &until))
        return EINVAL;
    int code = attempt(lock, writes, call->caller);
    if (code != EBUSY)
        return code;
    if (has_it(lock, writes) && (!time || !gust__owned_find_reader(lock)))
        return EDEADLK;
    return await(call, lock, writes, until);
}

#define NAME(what) "pthread_rwlock_" what

GUST__EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    if (!gust__green_here())
        return would_hang(lock, false, NAME("rdlock")) ? EDEADLK
                                                       : gust__green_next.pthread_rwlock_rdlock(lock);
    struct gust__green_call call = GUST__GREEN_CALL(NAME("rdlock"), -1);
    return take(&call, lock, false, CLOCK_REALTIME, NULL);
}

GUST__EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    if (!gust__green_here())
        return would_hang(lock, true, NAME("wrlock")) ? EDEADLK
                                                      : gust__green_next.pthread_rwlock_wrlock(lock);
    struct gust__green_call call = GUST__GREEN_CALL(NAME("wrlock"), -1);
    return take(&call, lock, true, CLOCK_REALTIME, NULL);
}

GUST__EXPORT int pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *time)
{
    if (!gust__green_here())
        return would_hang(lock, false, NAME("timedrdlock"))
                   ? EDEADLK
                   : gust__green_next.pthread_rwlock_timedrdlock(lock, time);
    struct gust__green_call call = GUST__GREEN_CALL(NAME("timedrdlock"), -1);
    return take(&call, lock, false, CLOCK_REALTIME, time);
}

GUST__EXPORT int pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *time)
{
    if (!gust__green_here())
        return would_hang(lock, true, NAME("timedwrlock"))
                   ? EDEADLK
                   : gust__green_next.pthread_rwlock_timedwrlock(lock, time);
    struct gust__green_call call = GUST__GREEN_CALL(NAME("timedwrlock"), -1);
    return take(&call, lock, true, CLOCK_REALTIME, time);
}

GUST__EXPORT int pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock,
                                            const struct timespec *time)
{
    if (!gust__green_here())
        return would_hang(lock, false, NAME("clockrdlock"))
                   ? EDEADLK
                   : gust__green_next.pthread_rwlock_clockrdlock(lock, clock, time);
    struct gust__green_call call = GUST__GREEN_CALL(NAME("clockrdlock"), -1);
    return take(&call, lock, false, clock, time);
}

GUST__EXPORT int pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock,
                                            const struct timespec *time)
{
    if (!gust__green_here())
        return would_hang(lock, true, NAME("clockwrlock"))
                   ? EDEADLK
                   : gust__green_next.pthread_rwlock_clockwrlock(lock, clock, time);
    struct gust__green_call call = GUST__GREEN_CALL(NAME("clockwrlock"), -1);
    return take(&call, lock, true, clock, time);
}

GUST__EXPORT int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    return gust__current ? try_to_read(lock, __builtin_return_address(0))
                         : gust__green_next.pthread_rwlock_tryrdlock(lock);
}

GUST__EXPORT int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    return gust__current ? try_to_write(lock, __builtin_return_address(0))
                         : gust__green_next.pthread_rwlock_trywrlock(lock);
}

/* ---- Releasing it ---- */

/* The entry that this unlock ends: the caller's own if it has one. */
static struct gust__owned *released_by_us(const pthread_rwlock_t *lock)
{
    if (gust__owned_here.count == 0)
        return NULL;
    struct gust__owned *entry = writer_of(lock);
    if (!entry && gust__current)
        entry = gust__owned_find_reader(lock);
    return entry ? entry : gust__owned_find_any_reader(lock);
}

GUST__EXPORT int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    struct gust__owned *entry = released_by_us(lock);
    int code = gust__green_next.pthread_rwlock_unlock(lock);
    if (code != 0)
        return code;
    if (entry && --entry->depth == 0)
        gust__owned_remove(entry);
    gust__lot_wake(lock, GUST__LOT_ALL);
    return 0;
}

/* ---- Its memory ---- */

static void forget(const pthread_rwlock_t *lock)
{
    struct gust__owned *entry;
    while (gust__owned_here.count > 0 &&
           ((entry = gust__owned_find(lock)) || (entry = gust__owned_find_any_reader(lock))))
        gust__owned_remove(entry);
}

GUST__EXPORT int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attributes)
{
    int code = gust__green_next.pthread_rwlock_init(lock, attributes);
    if (code == 0)
        forget(lock);
    return code;
}

GUST__EXPORT int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    int code = gust__green_next.pthread_rwlock_destroy(lock);
    if (code == 0)
        forget(lock);
    return code;
}
