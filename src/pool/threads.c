/*
 * Threads that come with the work and go without it.
 *
 * A call is queued under the pool's lock and taken from the queue by the thread that runs it; queued and
 * taken, it is counted in `queued` and `busy`. The lock is held for a few instructions, never while something
 * runs or waits.
 */
#include "pool/threads.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/options.h"
#include "base/sys.h"

#include <gust/error.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

enum {
    WORKERS_MOST = 32,
    WORKERS_BASE = 4,
    QUEUE = 10000,
};
#define IDLE GUST_S(10)

struct worker {
    struct gust__thread thread;
    struct gust__list node; /* of the pool's workers; then of those that ended */
    gust_threads *threads;
};

struct gust_threads {
    struct gust__list member; /* of all pools, for fork */
    struct gust__lock lock;   /* for all that follows */
    struct gust__signal work; /* the queue has something, or the end has come */
    struct gust__signal rest; /* a thread has ended */
    struct gust__list queue;  /* struct gust__work */
    struct gust__list workers;
    struct gust__list ended; /* workers whose threads are to be joined */
    unsigned count;          /* workers there are, or that are just starting */
    unsigned busy;           /* of them run a call */
    size_t queued;
    bool closing;
    unsigned max_workers;
    size_t max_queue;
    int64_t idle;
    char name[16];
};

/* ---- all pools: a forked child has none of their threads ---- */

static struct gust__lock pools_lock;
static struct gust__list pools = {&pools, &pools};
static _Atomic(gust_threads *) default_threads;
static bool watches_forks; /* under pools_lock */

static void before_fork(void)
{
    gust__lock_take(&pools_lock);
}

static void after_fork_in_parent(void)
{
    gust__lock_drop(&pools_lock);
}

static void free_workers(struct gust__list *workers)
{
    struct gust__list *node;
    while ((node = gust__list_take_first(workers)))
        gust__free(GUST__CONTAINER(node, struct worker, node));
}

static void empty_pool(gust_threads *threads)
{
    threads->lock = (struct gust__lock){0};
    threads->work = threads->rest = (struct gust__signal){0};
    gust__list_init(&threads->queue);
    threads->count = threads->busy = 0;
    threads->queued = 0;
}

/* What the parent's threads were about is the parent's: its calls run there. */
static void after_fork_in_child(void)
{
    for (struct gust__list *node = pools.next; node != &pools; node = node->next) {
        gust_threads *threads = GUST__CONTAINER(node, gust_threads, member);
        empty_pool(threads);
        gust__list_init(&threads->workers); /* one may have been half way into it; few bytes are lost */
        gust__list_init(&threads->ended);
    }
    gust__lock_drop(&pools_lock);
}

static void watch_forks(void)
{
    if (!watches_forks)
        watches_forks = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
}

/* ---- beginning ---- */

static unsigned usual_workers(void)
{
    cpu_set_t cores;
    int count = gust__sys_sched_getaffinity(0, sizeof(cores), &cores) == 0 ? CPU_COUNT(&cores) : 1;
    return count + WORKERS_BASE > WORKERS_MOST ? WORKERS_MOST : (unsigned)count + WORKERS_BASE;
}

gust_threads *gust_threads_new_with(const gust_threads_options *given)
{
    gust_threads_options options;
    gust__options_read(&options, sizeof(options), given);
    if (options.workers > 10000) {
        gust_error_set(EINVAL, "%u threads are too many", options.workers);
        return NULL;
    }
    gust_threads *threads = gust__calloc(1, sizeof(*threads));
    if (!threads)
        return NULL;
    empty_pool(threads);
    gust__list_init(&threads->workers);
    gust__list_init(&threads->ended);
    threads->max_workers = options.workers ? options.workers : usual_workers();
    threads->max_queue = options.max_queue ? options.max_queue : QUEUE;
    threads->idle = options.idle ? options.idle : IDLE;
    snprintf(threads->name, sizeof(threads->name), "%s", options.name ? options.name : "gust");
    gust__lock_take(&pools_lock);
    watch_forks();
    gust__list_append(&pools, &threads->member);
    gust__lock_drop(&pools_lock);
    return threads;
}

gust_threads *gust__threads_default(void)
{
    gust_threads *threads = atomic_load_explicit(&default_threads, memory_order_acquire);
    if (threads)
        return threads;
    gust_threads *made = gust_threads_new();
    if (!made || atomic_compare_exchange_strong(&default_threads, &threads, made))
        return made;
    gust_threads_free(made); /* another thread was faster */
    return threads;
}

/* ---- a thread ---- */

/* With the lock held: the next call, waited for; NULL: the thread is to end. */
static struct gust__work *next_work(gust_threads *threads)
{
    int64_t until = threads->idle < 0 ? GUST__FOREVER : gust__clock_after(gust__clock_now(), threads->idle);
    for (bool late = false;;) {
        struct gust__list *node = gust__list_take_first(&threads->queue);
        if (node) {
            threads->queued--;
            threads->busy++;
            return GUST__CONTAINER(node, struct gust__work, node);
        }
        if (threads->closing || late)
            return NULL;
        late = gust__signal_wait(&threads->work, &threads->lock, until) < 0;
    }
}

static void run_worker(void *argument)
{
    struct worker *worker = argument;
    gust_threads *threads = worker->threads;
    struct gust__work *work;
    gust__lock_take(&threads->lock);
    while ((work = next_work(threads))) {
        gust__lock_drop(&threads->lock);
        work->run(work);
        gust_error_clear();
        gust__lock_take(&threads->lock);
        threads->busy--;
    }
    threads->count--;
    gust__list_remove(&worker->node);
    gust__list_append(&threads->ended, &worker->node);
    gust__signal_wake_all(&threads->rest);
    gust__lock_drop(&threads->lock);
}

/* Frees workers whose threads have ended. With the lock held, which is dropped meanwhile; wait: also those
 * that are about to end. */
static void reap(gust_threads *threads, bool wait)
{
    struct gust__list gone;
    gust__list_init(&gone);
    for (struct gust__list *node = threads->ended.next, *next; node != &threads->ended; node = next) {
        next = node->next;
        if (!wait && !atomic_load_explicit(&GUST__CONTAINER(node, struct worker, node)->thread.ended,
                                           memory_order_acquire))
            continue;
        gust__list_remove(node);
        gust__list_append(&gone, node);
    }
    gust__lock_drop(&threads->lock);
    for (struct gust__list *node = gone.next; node != &gone; node = node->next)
        gust__thread_join(&GUST__CONTAINER(node, struct worker, node)->thread);
    free_workers(&gone);
    gust__lock_take(&threads->lock);
}

/* With the lock held, which is dropped meanwhile. The worker is in the list before it runs: it takes itself
 * out. */
static int start_worker(gust_threads *threads)
{
    if (!gust__list_empty(&threads->ended))
        reap(threads, false);
    threads->count++;
    gust__lock_drop(&threads->lock);
    struct worker *worker = gust__calloc(1, sizeof(*worker));
    gust__lock_take(&threads->lock);
    if (!worker)
        goto fail;
    worker->threads = threads;
    gust__list_append(&threads->workers, &worker->node);
    gust__lock_drop(&threads->lock);
    int result = gust__thread_start(&worker->thread, threads->name, run_worker, worker);
    gust__lock_take(&threads->lock);
    if (result == 0)
        return 0;
    gust__list_remove(&worker->node);
    gust__free(worker);
fail:
    threads->count--;
    return -1;
}

/* ---- calls ---- */

/* With the lock held. A call may wait while all threads that may be are busy, and max_queue of them. */
static bool is_full(const gust_threads *threads)
{
    return threads->queued + threads->busy >= threads->max_queue + threads->max_workers;
}

/* A thread for it is there already, or is on its way: those that do not run a call take one each. */
static bool needs_worker(const gust_threads *threads)
{
    return threads->count - threads->busy <= threads->queued && threads->count < threads->max_workers;
}

int gust__threads_submit(gust_threads *threads, struct gust__work *work)
{
    if (!threads && !(threads = gust__threads_default()))
        return -1;
    int code = 0;
    gust__lock_take(&threads->lock);
    assert(!threads->closing);
    if (needs_worker(threads) && start_worker(threads) < 0 && threads->count == 0)
        code = errno;
    if (code == 0 && is_full(threads))
        code = EAGAIN;
    if (code == 0) {
        gust__list_append(&threads->queue, &work->node);
        threads->queued++;
        gust__signal_wake_one(&threads->work);
    }
    gust__lock_drop(&threads->lock);
    return code
               ? gust_error_set(code, code == EAGAIN ? "all threads are busy, and too many calls wait" : NULL)
               : 0;
}

bool gust__threads_withdraw(gust_threads *threads, struct gust__work *work)
{
    if (!threads)
        threads = gust__threads_default();
    gust__lock_take(&threads->lock);
    bool waited = !gust__list_empty(&work->node);
    if (waited) {
        gust__list_remove(&work->node);
        threads->queued--;
    }
    gust__lock_drop(&threads->lock);
    return waited;
}

unsigned gust__threads_count(gust_threads *threads)
{
    gust__lock_take(&threads->lock);
    unsigned count = threads->count;
    gust__lock_drop(&threads->lock);
    return count;
}

/* ---- the end ---- */

void gust_threads_free(gust_threads *threads)
{
    if (!threads)
        return;
    gust__lock_take(&pools_lock);
    gust__list_remove(&threads->member);
    gust__lock_drop(&pools_lock);
    gust__lock_take(&threads->lock);
    threads->closing = true;
    gust__signal_wake_all(&threads->work);
    while (threads->count > 0)
        gust__signal_wait(&threads->rest, &threads->lock, GUST__FOREVER);
    reap(threads, true);
    gust__lock_drop(&threads->lock);
    gust__free(threads);
}
