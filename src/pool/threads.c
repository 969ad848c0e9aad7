/*
 * Pools of threads: how they are made, forked and freed, and how a call gets into one.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/options.h"
#include "base/sys.h"
#include "pool/threads_int.h"

#include <gust/error.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

enum {
    WORKERS_MOST = 32,
    WORKERS_BASE = 4,
    WORKERS_LIMIT = 10000,
    QUEUE = 10000,
};
#define IDLE GUST_S(10)

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

static void empty_pool(gust_threads *threads)
{
    atomic_init(&threads->references, 1);
    threads->lock = (struct gust__lock){0};
    threads->rest = (struct gust__signal){0};
    gust__list_init(&threads->queue);
    gust__list_init(&threads->workers);
    gust__list_init(&threads->resting);
    gust__list_init(&threads->ended);
    gust__list_init(&threads->drains);
    threads->count = threads->busy = threads->delivering = threads->told = 0;
    threads->queued = 0;
    threads->done = threads->refused = threads->cancelled = 0;
}

/* What the parent's threads were about is the parent's: its calls run there. The memory of its workers is not
 * freed: one may have been half way into a list; few bytes are lost. */
static void after_fork_in_child(void)
{
    for (struct gust__list *node = pools.next; node != &pools; node = node->next)
        empty_pool(GUST__CONTAINER(node, gust_threads, member));
    gust_threads *threads = atomic_load_explicit(&default_threads, memory_order_relaxed);
    if (threads)
        threads->drained = 0; /* it was the parent that ended */
    gust__lock_drop(&pools_lock);
}

static void watch_forks(void)
{
    if (!watches_forks)
        watches_forks = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
}

/* ---- beginning ---- */

unsigned gust__threads_usual_workers(void)
{
    cpu_set_t cores;
    int count = gust__sys_sched_getaffinity(0, sizeof(cores), &cores) == 0 ? CPU_COUNT(&cores) : 1;
    return count + WORKERS_BASE > WORKERS_MOST ? WORKERS_MOST : (unsigned)count + WORKERS_BASE;
}

static int check_options(const gust_threads_options *options)
{
    if (options->workers > WORKERS_LIMIT || options->min > WORKERS_LIMIT)
        return gust_error_set(EINVAL, "%u threads are too many, %d are the most",
                              options->workers > options->min ? options->workers : options->min,
                              WORKERS_LIMIT);
    if (options->workers && options->min > options->workers)
        return gust_error_set(EINVAL, ".min = %u is above .workers = %u", options->min, options->workers);
    if (options->max_queue < -1)
        return gust_error_set(EINVAL, ".max_queue = %lld", (long long)options->max_queue);
    return 0;
}

static void set_options(gust_threads *threads, const gust_threads_options *options)
{
    unsigned usual = gust__threads_usual_workers();
    threads->max_workers = options->workers ? options->workers : usual > options->min ? usual : options->min;
    threads->min_workers = options->min;
    threads->max_queue = options->max_queue > 0    ? (size_t)options->max_queue
                         : options->max_queue == 0 ? QUEUE
                                                   : 0;
    threads->idle = options->idle ? options->idle : IDLE;
    snprintf(threads->name, sizeof(threads->name), "%s", options->name ? options->name : "gust");
}

gust_threads *gust_threads_new_with(const gust_threads_options *given)
{
    gust_threads_options options;
    gust__options_read(&options, sizeof(options), given);
    if (check_options(&options) < 0)
        return NULL;
    gust_threads *threads = gust__calloc(1, sizeof(*threads));
    if (!threads)
        return NULL;
    empty_pool(threads);
    set_options(threads, &options);
    gust__lock_take(&pools_lock);
    watch_forks();
    gust__list_append(&pools, &threads->member);
    gust__lock_drop(&pools_lock);
    return threads;
}

gust_threads *gust__threads_default_if_made(void)
{
    return atomic_load_explicit(&default_threads, memory_order_acquire);
}

static _Atomic unsigned default_workers; /* 0: the usual */

void gust__threads_set_default_workers(unsigned workers)
{
    atomic_store(&default_workers, workers);
}

gust_threads *gust__threads_default(void)
{
    gust_threads *threads = gust__threads_default_if_made();
    if (threads)
        return threads;
    gust_threads *made = gust_threads_new(.workers = atomic_load(&default_workers));
    if (!made || atomic_compare_exchange_strong(&default_threads, &threads, made))
        return made;
    gust_threads_free(made); /* another thread was faster */
    return threads;
}

void gust__threads_hold(gust_threads *threads)
{
    atomic_fetch_add_explicit(&threads->references, 1, memory_order_relaxed);
}

void gust__threads_release(gust_threads *threads)
{
    if (atomic_fetch_sub_explicit(&threads->references, 1, memory_order_acq_rel) == 1)
        gust__free(threads);
}

/* ---- calls, with the lock held ---- */

/* A call may wait while all threads that may be are busy, and max_queue of them. */
static bool is_full(const gust_threads *threads)
{
    return threads->queued + threads->busy >= threads->max_queue + threads->max_workers;
}

/* The errno of a refusal; 0: it is taken. */
static int refusal(const gust_threads *threads, const struct gust__work *work)
{
    if (threads->closing || (threads->drained > 0 && work->cancel))
        return EPIPE;
    return is_full(threads) ? EAGAIN : 0;
}

/* A thread for it is there already, or is on its way: those that do not run a call take one each. */
static bool needs_worker(const gust_threads *threads)
{
    return threads->count - threads->busy <= threads->queued && threads->count < threads->max_workers;
}

/* ---- calls ---- */

static int refuse(const gust_threads *threads, int code)
{
    if (code == EPIPE)
        return gust_error_set(EPIPE, "the pool \"%s\" is drained and takes no more calls", threads->name);
    if (code == EAGAIN)
        return gust_error_set(EAGAIN,
                              "the pool \"%s\" is full: its limit is %u calls that run and %zu that wait",
                              threads->name, threads->max_workers, threads->max_queue);
    return gust_error_set(code, "no thread for the pool \"%s\" could be started", threads->name);
}

int gust__threads_submit(gust_threads *threads, struct gust__work *work)
{
    if (!threads && !(threads = gust__threads_default()))
        return -1;
    struct gust__worker *told = NULL;
    gust__lock_take(&threads->lock);
    int code = refusal(threads, work);
    if (!code && needs_worker(threads)) {
        if (gust__worker_start(threads) < 0 && threads->count == 0)
            code = errno;
        else
            code = refusal(threads, work); /* the lock was dropped meanwhile */
    }
    if (code) {
        threads->refused++;
    } else {
        gust__list_append(&threads->queue, &work->node);
        threads->queued++;
        told = gust__worker_tell(threads);
    }
    gust__lock_drop(&threads->lock);
    if (told)
        gust__signal_rouse(&told->wake);
    return code ? refuse(threads, code) : 0;
}

bool gust__threads_withdraw(gust_threads *threads, struct gust__work *work)
{
    gust__lock_take(&threads->lock);
    bool waited = !gust__list_empty(&work->node);
    if (waited) {
        gust__list_remove(&work->node);
        threads->queued--;
        threads->cancelled++;
        if (gust__threads_quiet(threads))
            gust__drains_wake(threads);
    }
    gust__lock_drop(&threads->lock);
    return waited;
}

/* ---- what it does ---- */

void gust_threads_read_stats(gust_threads *threads, gust_threads_stats *stats)
{
    *stats = (gust_threads_stats){0};
    if (!threads && !(threads = gust__threads_default_if_made()))
        return;
    gust__lock_take(&threads->lock);
    stats->threads = threads->count;
    stats->running = threads->busy;
    stats->waiting = threads->queued;
    stats->done = threads->done;
    stats->refused = threads->refused;
    stats->cancelled = threads->cancelled;
    gust__lock_drop(&threads->lock);
}

unsigned gust__threads_count(gust_threads *threads)
{
    gust_threads_stats stats;
    gust_threads_read_stats(threads, &stats);
    return stats.threads;
}

/* ---- the end ---- */

static void wake_resting(gust_threads *threads)
{
    struct gust__list *node;
    while ((node = gust__list_take_first(&threads->resting)))
        gust__signal_wake_one(&GUST__CONTAINER(node, struct gust__worker, resting)->wake);
}

void gust_threads_free(gust_threads *threads)
{
    if (!threads)
        return;
    assert(!gust__worker_is_here(threads));
    gust__lock_take(&pools_lock);
    gust__list_remove(&threads->member);
    gust__lock_drop(&pools_lock);
    gust__lock_take(&threads->lock);
    threads->closing = true;
    wake_resting(threads);
    while (threads->count > 0)
        gust__signal_wait(&threads->rest, &threads->lock, GUST__FOREVER);
    gust__workers_reap(threads, true);
    gust__lock_drop(&threads->lock);
    gust__threads_release(threads);
}
