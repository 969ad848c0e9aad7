/* The threads of a pool: they come with the work and go without it. */
#include "base/alloc.h"
#include "base/clock.h"
#include "pool/threads_int.h"

#include <gust/error.h>

static _Thread_local struct gust__worker *this_worker;

bool gust__worker_is_here(const gust_threads *threads)
{
    return this_worker && this_worker->threads == threads;
}

/* ---- with the lock held ---- */

static struct gust__work *take_work(gust_threads *threads)
{
    struct gust__list *node = gust__list_take_first(&threads->queue);
    if (!node)
        return NULL;
    threads->queued--;
    threads->busy++;
    return GUST__CONTAINER(node, struct gust__work, node);
}

struct gust__worker *gust__worker_tell(gust_threads *threads)
{
    if (threads->queued == 0 || threads->told > 0 || gust__list_empty(&threads->resting))
        return NULL;
    struct gust__list *node = gust__list_take_first(&threads->resting);
    struct gust__worker *worker = GUST__CONTAINER(node, struct gust__worker, resting);
    worker->told = true;
    threads->told++;
    gust__signal_tell(&worker->wake);
    return worker;
}

/* False: it has rested for its time and is not needed. Threads that are to stay rest for ever; which of them
 * they are is seen anew each time, so that as many are left as there shall be. */
static bool rest(struct gust__worker *worker)
{
    gust_threads *threads = worker->threads;
    bool stays = threads->idle < 0 || threads->count <= threads->min_workers;
    int64_t until = stays ? GUST__FOREVER : gust__clock_after(gust__clock_now(), threads->idle);
    gust__list_prepend(&threads->resting, &worker->resting);
    bool late = gust__signal_wait(&worker->wake, &threads->lock, until) < 0;
    gust__list_remove(&worker->resting);
    threads->told -= worker->told;
    worker->told = false;
    return !late || threads->count <= threads->min_workers || threads->queued > 0;
}

/* The next call, waited for; NULL: the thread is to end. */
static struct gust__work *next_work(struct gust__worker *worker)
{
    gust_threads *threads = worker->threads;
    for (;;) {
        struct gust__work *work = take_work(threads);
        if (work)
            return work;
        if (threads->closing || !rest(worker))
            return NULL;
    }
}

/* The lock is dropped meanwhile. What has run counts no more when its caller learns of it, who may have the
 * next call ready. */
static void run_work(gust_threads *threads, struct gust__work *work)
{
    void (*deliver)(struct gust__work *) = work->deliver; /* without one the work is gone once it has run */
    struct gust__worker *told = gust__worker_tell(threads);
    gust__lock_drop(&threads->lock);
    if (told)
        gust__signal_rouse(&told->wake);
    work->run(work);
    gust_error_clear();
    gust__lock_take(&threads->lock);
    threads->busy--;
    threads->done++;
    if (deliver) {
        threads->delivering++;
        gust__lock_drop(&threads->lock);
        deliver(work);
        gust__lock_take(&threads->lock);
        threads->delivering--;
    }
    if (gust__threads_quiet(threads))
        gust__drains_wake(threads);
}

/* ---- a thread ---- */

static void run_worker(void *argument)
{
    struct gust__worker *worker = argument;
    gust_threads *threads = worker->threads;
    struct gust__work *work;
    this_worker = worker;
    gust__lock_take(&threads->lock);
    while ((work = next_work(worker)))
        run_work(threads, work);
    threads->count--;
    gust__list_remove(&worker->node);
    gust__list_append(&threads->ended, &worker->node);
    gust__signal_wake_all(&threads->rest);
    gust__lock_drop(&threads->lock);
}

void gust__workers_reap(gust_threads *threads, bool wait)
{
    struct gust__list gone;
    gust__list_init(&gone);
    for (struct gust__list *node = threads->ended.next, *next; node != &threads->ended; node = next) {
        struct gust__worker *worker = GUST__CONTAINER(node, struct gust__worker, node);
        next = node->next;
        if (!wait && !atomic_load_explicit(&worker->thread.ended, memory_order_acquire))
            continue;
        gust__list_remove(node);
        gust__list_append(&gone, node);
    }
    gust__lock_drop(&threads->lock);
    for (struct gust__list *node; (node = gust__list_take_first(&gone));) {
        struct gust__worker *worker = GUST__CONTAINER(node, struct gust__worker, node);
        gust__thread_join(&worker->thread);
        gust__free(worker);
    }
    gust__lock_take(&threads->lock);
}

/* The worker is in the list before it runs: it takes itself out. */
int gust__worker_start(gust_threads *threads)
{
    if (!gust__list_empty(&threads->ended))
        gust__workers_reap(threads, false);
    threads->count++;
    gust__lock_drop(&threads->lock);
    struct gust__worker *worker = gust__calloc(1, sizeof(*worker));
    gust__lock_take(&threads->lock);
    if (!worker)
        goto fail;
    worker->threads = threads;
    gust__list_init(&worker->resting);
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
