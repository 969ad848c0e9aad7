/*
 * The parking lot: coroutines that wait for something that has an address, a mutex, a condition, a semaphore,
 * and that anybody may end: a coroutine of the same thread, of another, a thread without any loop.
 *
 *     struct gust__lot_waiter waiter;
 *     gust__lot_enter(&waiter, mutex);                         // from here on a wake for mutex is seen
 *     while ((code = try(mutex)) == EBUSY) {
 *         int over = gust__lot_park(&call, &waiter, 0, until); // 0: woken, or a stray; 1: until came
 *         ...
 *     }
 *     gust__lot_leave(&waiter);
 *
 * A waker changes the state first and then calls gust__lot_wake, which costs one load while nobody waits; a
 * waiter enters first and then looks at the state, so one of them sees the other. Only addresses are
 * compared: what stands there may be freed or used anew before the wake.
 */
#ifndef GUST_GREEN_LOT_H
#define GUST_GREEN_LOT_H

#include "base/lock.h"
#include "green/green_int.h"

struct gust__lot_bucket {
    _Alignas(64) struct gust__lock lock; /* for all that follows; atomics are read without it */
    _Atomic uint32_t waiting;            /* waiters in the list */
    _Atomic uint32_t starving;           /* of those, whom others overtook */
    _Atomic uint32_t missed;             /* a wake came while the lock was held: all look anew */
    struct gust__list waiters;           /* in the order in which they came; next NULL: not begun */
};

enum { GUST__LOT_BUCKETS = 256 };
extern struct gust__lot_bucket gust__lot_buckets[GUST__LOT_BUCKETS];

static inline struct gust__lot_bucket *gust__lot_bucket(const void *key)
{
    return &gust__lot_buckets[((uintptr_t)key >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 56];
}

/* On its coroutine's stack. */
struct gust__lot_waiter {
    struct gust__list node;
    const void *key;
    struct gust__coroutine *coroutine;
    gust_post post;
    bool woken;    /* a wake is on its way to it, or has come */
    bool posted;   /* by way of the post */
    bool arrived;  /* on its own thread: it has come */
    bool starving; /* was woken and found that another had been faster */
};

/* Queues the running coroutine. True: someone who starves waits for the same, so let him go first. */
bool gust__lot_enter(struct gust__lot_waiter *waiter, const void *key);

/* As gust__green_park. A wake that has come is spent only by gust__lot_again. */
int gust__lot_park(struct gust__green_call *call, struct gust__lot_waiter *waiter, int flags, int64_t until);

/* Before it looks at the state again: the next wake counts anew. fair: it starves if this time fails too. */
void gust__lot_again(struct gust__lot_waiter *waiter, bool fair);

/* Ends the wait. True: a wake had been spent on it since it last looked; who cannot use it passes it on. */
bool gust__lot_leave(struct gust__lot_waiter *waiter);

enum gust__lot_whom {
    GUST__LOT_ONE,  /* unless a wake for this key is on its way: for what only one can have */
    GUST__LOT_NEXT, /* the first to whom none is on its way */
    GUST__LOT_ALL,
};

void gust__lot_wake_slowly(struct gust__lot_bucket *bucket, const void *key, enum gust__lot_whom whom);

static inline bool gust__lot_waited_for(const void *key)
{
#ifndef __x86_64__
    atomic_thread_fence(memory_order_seq_cst); /* there the change before was a full barrier */
#endif
    return __builtin_expect(atomic_load_explicit(&gust__lot_bucket(key)->waiting, memory_order_seq_cst) != 0,
                            0);
}

static inline void gust__lot_wake(const void *key, enum gust__lot_whom whom)
{
    if (gust__lot_waited_for(key))
        gust__lot_wake_slowly(gust__lot_bucket(key), key, whom);
}

/* The same from a signal handler: wakes all, later, if the lock is taken. */
void gust__lot_wake_from_anywhere(const void *key);

/* Sees to it that a waiter who can miss its wake looks now and then: doubling from 0.2 to 50 ms. */
static inline int64_t gust__lot_look_again(int64_t *interval, int64_t until)
{
    *interval = *interval ? *interval * 2 : GUST_MS(1) / 5;
    if (*interval > GUST_MS(50))
        *interval = GUST_MS(50);
    int64_t at = gust__clock_after(gust__clock_now(), *interval);
    return at < until ? at : until;
}

#endif
