/* Draining a pool of threads: no more calls, and a wait for those there are. */
#include "base/clock.h"
#include "coro/coroutine.h"
#include "pool/threads_int.h"

#include <gust/error.h>

#include <errno.h>

struct drain {
    struct gust__list node; /* of the pool's drains; in none: it was told */
    gust_post post;
    struct gust__coroutine *coroutine;
    bool told; /* on the loop */
};

static int tell(void *argument)
{
    struct drain *drain = argument;
    drain->told = true;
    gust__wake(drain->coroutine);
    return 0;
}

void gust__drains_wake(gust_threads *threads)
{
    struct gust__list *node;
    if (threads->drained == 0)
        return;
    gust__signal_wake_all(&threads->rest);
    while ((node = gust__list_take_first(&threads->drains))) {
        struct drain *drain = GUST__CONTAINER(node, struct drain, node);
        gust_loop_post(drain->coroutine->loop, &drain->post, tell, drain);
    }
}

/* ---- waiting, with the lock held, which is dropped meanwhile: 0, or the errno of what ended the wait ----
 */

static int wait_on_thread(gust_threads *threads, int64_t until)
{
    while (!gust__threads_quiet(threads)) {
        if (gust__clock_now() >= until)
            return ETIMEDOUT;
        gust__signal_wait(&threads->rest, &threads->lock, until);
    }
    return 0;
}

/* One that is out of the list has been posted: that is waited for, as it is on our stack. */
static int wait_in_coroutine(gust_threads *threads, int64_t until)
{
    int code = 0;
    while (!code && !gust__threads_quiet(threads)) {
        struct drain drain = {.coroutine = gust__current};
        gust__list_append(&threads->drains, &drain.node);
        gust__lock_drop(&threads->lock);
        int waited = gust__park_until(GUST__INTERRUPTIBLE, "a pool of threads to drain", until);
        code = waited == 0 ? 0 : waited > 0 ? ETIMEDOUT : errno;
        gust__lock_take(&threads->lock);
        bool posted = gust__list_empty(&drain.node);
        gust__list_remove(&drain.node);
        gust__lock_drop(&threads->lock);
        while (posted && !drain.told)
            gust__park(0, "a pool of threads to drain");
        gust__lock_take(&threads->lock);
    }
    return gust__threads_quiet(threads) ? 0 : code;
}

/* ---- the time is over ---- */

static struct gust__work *take_call(gust_threads *threads)
{
    for (struct gust__list *node = threads->queue.next; node != &threads->queue; node = node->next) {
        struct gust__work *work = GUST__CONTAINER(node, struct gust__work, node);
        if (work->cancel) {
            gust__list_remove(node);
            return work;
        }
    }
    return NULL;
}

/* With the lock held, which is dropped meanwhile. One by one: each may be withdrawn as long as it is queued.
 * How many it were. */
static size_t cancel_calls(gust_threads *threads)
{
    size_t count = 0;
    struct gust__work *work;
    for (; (work = take_call(threads)); count++) {
        threads->queued--;
        threads->cancelled++;
        gust__lock_drop(&threads->lock);
        work->cancel(work);
        work->deliver(work);
        gust__lock_take(&threads->lock);
    }
    return count;
}

/* With the lock held, which is dropped meanwhile. 0, or -1 with the error set. */
static int drain_until(gust_threads *threads, int64_t until)
{
    int code = gust__current ? wait_in_coroutine(threads, until) : wait_on_thread(threads, until);
    if (!code)
        return 0;
    size_t cancelled = cancel_calls(threads);
    unsigned running = threads->busy;
    gust__lock_drop(&threads->lock);
    gust_error_set(code, "the pool \"%s\" was not drained in time: %zu calls were cancelled, %u still run",
                   threads->name, cancelled, running);
    gust__lock_take(&threads->lock);
    return -1;
}

static int drain(gust_threads *threads, int64_t at_most, bool opens_again)
{
    if (gust__worker_is_here(threads))
        return gust_error_set(EDEADLK, "a thread of the pool \"%s\" cannot wait for its own end",
                              threads->name);
    int64_t until = at_most < 0 ? GUST__FOREVER : gust__clock_after(gust__clock_now(), at_most);
    gust__lock_take(&threads->lock);
    threads->drained++;
    int result = drain_until(threads, until);
    if (opens_again)
        threads->drained--;
    gust__lock_drop(&threads->lock);
    return result;
}

int gust_threads_drain(gust_threads *threads, int64_t at_most)
{
    if (!threads && !(threads = gust__threads_default()))
        return -1;
    return drain(threads, at_most, false);
}

int gust__threads_drain_default(int64_t at_most)
{
    gust_threads *threads = gust__threads_default_if_made();
    return threads ? drain(threads, at_most, true) : 0;
}
