/* The parking lot. */
#include "green/lot.h"

#include <stdatomic.h>

struct gust__lot_bucket gust__lot_buckets[GUST__LOT_BUCKETS];

/* In a forked child: its coroutines are the parent's, and whoever held a lock is not there. */
static void begin_anew(void)
{
    memset(gust__lot_buckets, 0, sizeof(gust__lot_buckets));
}

static __attribute__((constructor)) void watch_forks(void)
{
    pthread_atfork(NULL, NULL, begin_anew);
}

/* ---- The lock, and wakes of signal handlers that could not have it ---- */

static void take(struct gust__lot_bucket *bucket)
{
    gust__lock_take(&bucket->lock);
    if (!bucket->waiters.next)
        gust__list_init(&bucket->waiters);
}

static bool try_to_take(struct gust__lot_bucket *bucket)
{
    uint32_t state = 0;
    if (!atomic_compare_exchange_strong_explicit(&bucket->lock.state, &state, 1, memory_order_acquire,
                                                 memory_order_relaxed))
        return false;
    if (!bucket->waiters.next)
        gust__list_init(&bucket->waiters);
    return true;
}

static int arrived(void *argument)
{
    struct gust__lot_waiter *waiter = argument;
    waiter->arrived = true;
    gust__wake(waiter->coroutine);
    return 0;
}

static void post(struct gust__lot_waiter *waiter)
{
    waiter->woken = true;
    waiter->posted = true;
    if (gust_loop_post(waiter->coroutine->loop, &waiter->post, arrived, waiter) < 0)
        waiter->posted = false; /* its loop is closed: nobody runs there any more */
}

static void post_all(struct gust__lot_bucket *bucket, const void *key)
{
    for (struct gust__list *node = bucket->waiters.next; node != &bucket->waiters; node = node->next) {
        struct gust__lot_waiter *waiter = GUST__CONTAINER(node, struct gust__lot_waiter, node);
        if ((!key || waiter->key == key) && !waiter->woken)
            post(waiter);
    }
}

static void drop(struct gust__lot_bucket *bucket)
{
    do {
        if (atomic_exchange(&bucket->missed, 0))
            post_all(bucket, NULL);
        gust__lock_drop(&bucket->lock);
    } while (atomic_load(&bucket->missed) && try_to_take(bucket));
}

/* ---- Waiting ---- */

static bool somebody_starves(const struct gust__lot_bucket *bucket, const void *key)
{
    if (atomic_load_explicit(&bucket->starving, memory_order_relaxed) == 0)
        return false;
    for (struct gust__list *node = bucket->waiters.next; node != &bucket->waiters; node = node->next) {
        struct gust__lot_waiter *waiter = GUST__CONTAINER(node, struct gust__lot_waiter, node);
        if (waiter->key == key && waiter->starving)
            return true;
    }
    return false;
}

bool gust__lot_enter(struct gust__lot_waiter *waiter, const void *key)
{
    struct gust__lot_bucket *bucket = gust__lot_bucket(key);
    *waiter = (struct gust__lot_waiter){.key = key, .coroutine = gust__current};
    take(bucket);
    bool starves = somebody_starves(bucket, key);
    gust__list_append(&bucket->waiters, &waiter->node);
    atomic_fetch_add(&bucket->waiting, 1);
    drop(bucket);
    atomic_thread_fence(memory_order_seq_cst);
    return starves;
}

int gust__lot_park(struct gust__green_call *call, struct gust__lot_waiter *waiter, int flags, int64_t until)
{
    return waiter->arrived ? 0 : gust__green_park(call, flags, until);
}

/* The post's memory is the waiter's: before it is used again, or goes, the post has come. */
static void await_post(struct gust__lot_waiter *waiter)
{
    int saved = errno;
    while (waiter->posted && !waiter->arrived)
        gust__park(0, "a wake-up");
    errno = saved;
}

void gust__lot_again(struct gust__lot_waiter *waiter, bool fair)
{
    struct gust__lot_bucket *bucket = gust__lot_bucket(waiter->key);
    take(bucket);
    if (waiter->posted && !waiter->arrived) { /* nobody posts it again before that is undone */
        drop(bucket);
        await_post(waiter);
        take(bucket);
    }
    waiter->woken = waiter->posted = waiter->arrived = false;
    if (fair && !waiter->starving) {
        waiter->starving = true;
        atomic_fetch_add(&bucket->starving, 1);
    }
    drop(bucket);
    atomic_thread_fence(memory_order_seq_cst);
}

bool gust__lot_leave(struct gust__lot_waiter *waiter)
{
    struct gust__lot_bucket *bucket = gust__lot_bucket(waiter->key);
    take(bucket);
    gust__list_remove(&waiter->node);
    atomic_fetch_sub(&bucket->waiting, 1);
    if (waiter->starving)
        atomic_fetch_sub(&bucket->starving, 1);
    bool woken = waiter->woken;
    drop(bucket);
    await_post(waiter);
    return woken;
}

/* ---- Waking ---- */

static void wake(struct gust__lot_waiter *waiter)
{
    if (gust_loop_current() != waiter->coroutine->loop) {
        post(waiter);
        return;
    }
    waiter->woken = true;
    waiter->arrived = true;
    gust__wake(waiter->coroutine);
}

void gust__lot_wake_slowly(struct gust__lot_bucket *bucket, const void *key, enum gust__lot_whom whom)
{
    int saved = errno;
    take(bucket);
    for (struct gust__list *node = bucket->waiters.next; node != &bucket->waiters; node = node->next) {
        struct gust__lot_waiter *waiter = GUST__CONTAINER(node, struct gust__lot_waiter, node);
        if (waiter->key != key)
            continue;
        if (!waiter->woken)
            wake(waiter);
        else if (whom == GUST__LOT_NEXT)
            continue;
        if (whom != GUST__LOT_ALL)
            break;
    }
    drop(bucket);
    errno = saved;
}

void gust__lot_wake_from_anywhere(const void *key)
{
    if (!gust__lot_waited_for(key))
        return;
    struct gust__lot_bucket *bucket = gust__lot_bucket(key);
    int saved = errno;
    if (try_to_take(bucket)) {
        for (struct gust__list *node = bucket->waiters.next; node != &bucket->waiters; node = node->next) {
            struct gust__lot_waiter *waiter = GUST__CONTAINER(node, struct gust__lot_waiter, node);
            if (waiter->key == key && !waiter->woken) {
                post(waiter);
                break;
            }
        }
        drop(bucket);
    } else {
        atomic_store(&bucket->missed, 1);
        if (try_to_take(bucket)) /* it was dropped meanwhile */
            drop(bucket);
    }
    errno = saved;
}
