/*
 * Mutexes that belong to coroutines.
 *
 * libc's mutex stays the truth between threads: a coroutine takes it with trylock and, when that says EBUSY,
 * parks until an unlock wakes it. Between the coroutines of a thread, which are one owner to libc, the table
 * of owned.h decides: a recursive mutex that another coroutine has is busy, not ours to enter again.
 *
 * Locks are not handed over: who is woken tries again. One that was overtaken meanwhile starves, and then
 * later coroutines queue behind it.
 *
 * Not every unlock can be seen: glibc's cond_wait releases the mutex of a plain thread inside, the kernel
 * that of a robust one, another process a shared one. Who waits for a mutex that no coroutine of its own
 * thread holds looks again now and then.
 */
#include "green/locks.h"

#include <stdio.h>

enum { TYPE = 3 }; /* of __kind */

static int type_of(const pthread_mutex_t *mutex)
{
    return __atomic_load_n(&mutex->__data.__kind, __ATOMIC_RELAXED) & TYPE;
}

static __attribute__((noinline, cold)) struct gust__owned *drop(struct gust__owned *entry)
{
    gust__owned_remove(entry);
    return NULL;
}

/* The coroutine of this thread that has it; NULL: none has. The table has begun: it has an entry. */
static inline struct gust__owned *entry_of(const pthread_mutex_t *mutex)
{
    struct gust__owned *entry = gust__owned_find(mutex);
    if (!entry ||
        __builtin_expect(__atomic_load_n(&mutex->__data.__owner, __ATOMIC_RELAXED) == gust__owned_here.thread,
                         1))
        return entry;
    return drop(entry);
}

static __attribute__((noinline, cold)) int refuse(const struct gust__owned *entry, const char *name)
{
    char text[120];
    snprintf(text, sizeof(text), "%s would block for ever: %s has the mutex, on this same thread", name,
             entry->owner ? gust__coroutine_name(entry->owner) : "a coroutine that has ended");
    gust__coroutine_report(entry->owner, text);
    return EDEADLK;
}

/* ---- Taking it ---- */

/* For a mutex that no coroutine of this thread has. */
static inline int take(pthread_mutex_t *mutex, const void *caller)
{
    if (gust__owned_reserve() < 0)
        return EAGAIN;
    int code = gust__green_next.pthread_mutex_trylock(mutex);
    if (code == 0 || code == EOWNERDEAD)
        gust__owned_add(mutex, caller, false);
    return code;
}

/* EBUSY when anybody has it, the running coroutine too. */
static int attempt(pthread_mutex_t *mutex, const void *caller)
{
    return entry_of(mutex) ? EBUSY : take(mutex, caller);
}

static bool must_look(const pthread_mutex_t *mutex)
{
    return gust__mutex_is_special(mutex) || !entry_of(mutex);
}

static int await(struct gust__green_call *call, pthread_mutex_t *mutex, int64_t until)
{
    struct gust__lot_waiter waiter;
    int64_t interval = 0;
    int code = gust__lot_enter(&waiter, mutex) ? EBUSY : attempt(mutex, call->caller);
    while (code == EBUSY) {
        int64_t at = must_look(mutex) ? gust__lot_look_again(&interval, until) : until;
        int over = gust__lot_park(call, &waiter, 0, at);
        if (over == 0)
            interval = 0;
        gust__lot_again(&waiter, over == 0);
        code = attempt(mutex, call->caller);
        if (code == EBUSY && over != 0 && at == until)
            code = over < 0 ? EAGAIN : ETIMEDOUT;
    }
    if (gust__lot_leave(&waiter) && code != 0 && code != EOWNERDEAD)
        gust__lot_wake(mutex, GUST__LOT_ONE);
    return code;
}

/* The running coroutine has it already. */
static int enter_again(struct gust__green_call *call, pthread_mutex_t *mutex, struct gust__owned *entry,
                       int64_t until)
{
    int type = type_of(mutex);
    if (type == PTHREAD_MUTEX_RECURSIVE || type == PTHREAD_MUTEX_ERRORCHECK) {
        int code = gust__green_next.pthread_mutex_lock(mutex);
        entry->depth += code == 0;
        return code;
    }
    return until == GUST__FOREVER ? refuse(entry, call->name) : await(call, mutex, until);
}

/* glibc says EDEADLK of an errorcheck mutex that the thread took outside of coroutines. */
static bool thread_has_it(const pthread_mutex_t *mutex)
{
    return type_of(mutex) == PTHREAD_MUTEX_ERRORCHECK &&
           __atomic_load_n(&mutex->__data.__owner, __ATOMIC_RELAXED) == gust__owned_thread();
}

/* Interposition is switched off: the thread blocks. time NULL: for ever. */
static int block(struct gust__green_call *call, pthread_mutex_t *mutex, clockid_t clock,
                 const struct timespec *time)
{
    if (entry_of(mutex))
        return refuse(entry_of(mutex), call->name);
    if (gust__owned_reserve() < 0)
        return EAGAIN;
    int code = time ? gust__green_next.pthread_mutex_clocklock(mutex, clock, time)
                    : gust__green_next.pthread_mutex_lock(mutex);
    if (code == 0 || code == EOWNERDEAD)
        gust__owned_add(mutex, call->caller, false);
    return code;
}

static __attribute__((noinline)) int lock_slowly(pthread_mutex_t *mutex, const char *name, const void *caller)
{
    struct gust__green_call call = {.name = name, .caller = caller, .fd = -1};
    struct gust__owned *entry = entry_of(mutex);
    if (entry && entry->owner == gust__current)
        return enter_again(&call, mutex, entry, GUST__FOREVER);
    if (!gust__green_here())
        return block(&call, mutex, CLOCK_REALTIME, NULL);
    return !entry && thread_has_it(mutex) ? EDEADLK : await(&call, mutex, GUST__FOREVER);
}

/* Nobody has it, nobody waits for it: so it mostly is. */
static inline int lock(pthread_mutex_t *mutex, const char *name, const void *caller)
{
    if (!entry_of(mutex) && !gust__lot_waited_for(mutex)) {
        int code = take(mutex, caller);
        if (__builtin_expect(code != EBUSY, 1))
            return code;
    }
    return lock_slowly(mutex, name, caller);
}

/* Outside of coroutines a thread waits as ever, unless for a coroutine that can only go on after it. */
static bool would_hang(const pthread_mutex_t *mutex)
{
    return __builtin_expect(gust__owned_here.count != 0, 0) && entry_of(mutex);
}

static __attribute__((noinline)) int lock_outside(pthread_mutex_t *mutex)
{
    return would_hang(mutex) ? refuse(entry_of(mutex), "pthread_mutex_lock")
                             : gust__green_next.pthread_mutex_lock(mutex);
}

GUST__EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (!gust__current)
        return lock_outside(mutex);
    return lock(mutex, "pthread_mutex_lock", __builtin_return_address(0));
}

int gust__mutex_relock(struct gust__green_call *call, pthread_mutex_t *mutex)
{
    int code;
    while ((code = lock(mutex, call->name, call->caller)) == EAGAIN)
        gust__green_park(call, 0, gust__clock_after(gust__clock_now(), GUST_MS(1)));
    return code;
}

GUST__EXPORT int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    struct gust__owned *entry = entry_of(mutex);
    if (!entry)
        return gust__current ? attempt(mutex, __builtin_return_address(0))
                             : gust__green_next.pthread_mutex_trylock(mutex);
    if (entry->owner != gust__current || type_of(mutex) != PTHREAD_MUTEX_RECURSIVE)
        return EBUSY;
    int code = gust__green_next.pthread_mutex_trylock(mutex);
    entry->depth += code == 0;
    return code;
}

/* ---- Until a time ---- */

/* As glibc, it looks at the time only when it has to wait. */
static int lock_until(struct gust__green_call *call, pthread_mutex_t *mutex, clockid_t clock,
                      const struct timespec *time)
{
    int64_t until = 0;
    struct gust__owned *entry = entry_of(mutex);
    if (!entry && !gust__lot_waited_for(mutex)) {
        int code = take(mutex, call->caller);
        if (code != EBUSY)
            return code;
    }
    if (entry && entry->owner == gust__current)
        return gust__lock_until(clock, time, &until) ? EINVAL : enter_again(call, mutex, entry, until);
    if (!gust__green_here())
        return block(call, mutex, clock, time);
    if (!entry && thread_has_it(mutex))
        return EDEADLK;
    return gust__lock_until(clock, time, &until) ? EINVAL : await(call, mutex, until);
}

GUST__EXPORT int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *time)
{
    if (!gust__current)
        return would_hang(mutex) ? refuse(entry_of(mutex), "pthread_mutex_timedlock")
                                 : gust__green_next.pthread_mutex_timedlock(mutex, time);
    struct gust__green_call call = GUST__GREEN_CALL("pthread_mutex_timedlock", -1);
    return lock_until(&call, mutex, CLOCK_REALTIME, time);
}

GUST__EXPORT int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *time)
{
    if (!gust__current)
        return would_hang(mutex) ? refuse(entry_of(mutex), "pthread_mutex_clocklock")
                                 : gust__green_next.pthread_mutex_clocklock(mutex, clock, time);
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return EINVAL;
    struct gust__green_call call = GUST__GREEN_CALL("pthread_mutex_clocklock", -1);
    return lock_until(&call, mutex, clock, time);
}

/* ---- Releasing it ---- */

/* Once libc has released it, its memory may be gone: only its address is used then. */
int gust__mutex_unlock(pthread_mutex_t *mutex)
{
    struct gust__owned *entry = entry_of(mutex);
    if (entry && entry->owner != gust__current && type_of(mutex) != PTHREAD_MUTEX_NORMAL &&
        type_of(mutex) != PTHREAD_MUTEX_ADAPTIVE_NP)
        return EPERM;
    int code = gust__green_next.pthread_mutex_unlock(mutex);
    if (code != 0)
        return code;
    if (entry) {
        if (--entry->depth > 0)
            return 0;
        gust__owned_remove(entry);
    }
    gust__lot_wake(mutex, GUST__LOT_ONE);
    return 0;
}

GUST__EXPORT int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    return gust__mutex_unlock(mutex);
}

/* ---- Its memory ---- */

/* What an earlier mutex at this address left: one that was freed while it was taken. */
static void forget(const pthread_mutex_t *mutex)
{
    struct gust__owned *entry = gust__owned_find(mutex);
    if (entry)
        gust__owned_remove(entry);
}

GUST__EXPORT int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    int code = gust__green_next.pthread_mutex_init(mutex, attributes);
    if (code == 0)
        forget(mutex);
    return code;
}

GUST__EXPORT int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    int code = gust__green_next.pthread_mutex_destroy(mutex);
    if (code == 0)
        forget(mutex);
    return code;
}
