/*
 * gust_threads_run and gust_threads_async: a call on a thread, and the way of its result back to the loop.
 *
 * The post to the loop is the last that the thread does with the call: its memory may be gone then. A loop
 * that closes cannot be told by posts; it waits for `done`, and then until no thread is in between
 * (`arriving`).
 */
#include "pool/threads.h"
#include "base/alloc.h"
#include "base/error_int.h"
#include "base/sys.h"
#include "base/throw.h"
#include "coro/coroutine.h"
#include "coro/future.h"
#include "pool/state.h"

#include <gust/error.h>

#include <errno.h>

struct call {
    struct gust__work work;
    struct gust__list member; /* of the loop's calls with a future */
    _Atomic bool done;        /* it has ended, and its post is on its way */
    gust_threads *threads;    /* held, until the result is here */
    gust_loop *loop;
    gust_post post;
    int (*arrived)(void *call); /* on the loop */
    int (*function)(void *argument);
    void *argument;
    int result;
    unsigned generation; /* gust__fork_generation of its start */
    struct gust_error *error;
    struct gust__coroutine *waiter;
    struct gust__pools *pools; /* of one with a future */
    gust_future *future;
};

/* ---- on the thread ---- */

static void run_call(struct gust__work *work)
{
    struct call *call = GUST__CONTAINER(work, struct call, work);
    errno = 0;
    call->result = gust__catch(call->function, call->argument);
    if (call->result < 0)
        call->error = gust__error_take_for(errno ? errno : EIO);
}

/* In place of run_call: the pool is being drained. */
static void cancel_call(struct gust__work *work)
{
    struct call *call = GUST__CONTAINER(work, struct call, work);
    call->result = -1;
    call->error = gust__error_new(NULL, 0, ECANCELED, GUST__ERROR_PLAIN,
                                  "the pool of threads was drained before the call began");
}

/* A coroutine waits for it and so keeps the loop. */
static void deliver_to_coroutine(struct gust__work *work)
{
    struct call *call = GUST__CONTAINER(work, struct call, work);
    atomic_store_explicit(&call->done, true, memory_order_release);
    gust_loop_post(call->loop, &call->post, call->arrived, call);
}

/* Of a future nobody may be left to receive the post. The loop looks at `done` after it has said that it
 * waits, and a thread at `waits` after it has said that it is done. */
static void deliver_to_future(struct gust__work *work)
{
    struct call *call = GUST__CONTAINER(work, struct call, work);
    struct gust__pools *pools = call->pools;
    atomic_fetch_add(&pools->arriving, 1);
    atomic_store(&call->done, true);
    gust_loop_post(call->loop, &call->post, call->arrived, call);
    if (atomic_load(&pools->waits)) {
        gust__lock_take(&pools->lock);
        gust__signal_wake_all(&pools->arrived);
        gust__lock_drop(&pools->lock);
    }
    atomic_fetch_sub_explicit(&pools->arriving, 1, memory_order_release);
}

/* ---- on the loop ---- */

static struct call call_for(gust_threads *threads, gust_loop *loop, int (*function)(void *argument),
                            void *argument)
{
    return (struct call){.work.run = run_call,
                         .work.cancel = cancel_call,
                         .threads = threads,
                         .loop = loop,
                         .function = function,
                         .argument = argument,
                         .generation = gust__fork_generation};
}

/* In a forked child: the call runs in the parent only. */
static bool is_the_parents(const struct call *call)
{
    return call->generation != gust__fork_generation;
}

static int submit(struct call *call)
{
    if (!call->threads && !(call->threads = gust__threads_default()))
        return -1;
    gust__threads_hold(call->threads);
    if (gust__threads_submit(call->threads, &call->work) == 0)
        return 0;
    int code = errno;
    gust__threads_release(call->threads);
    errno = code;
    return -1;
}

/* The call has come back, or never will go. */
static void let_pool_go(struct call *call)
{
    if (!is_the_parents(call))
        gust__threads_release(call->threads);
}

/* True: it had not begun, and never will. */
static bool withdraw(struct call *call)
{
    if (atomic_load_explicit(&call->done, memory_order_acquire))
        return false;
    return is_the_parents(call) || gust__threads_withdraw(call->threads, &call->work);
}

/* ---- a coroutine waits ---- */

static int wake_waiter(void *argument)
{
    struct call *call = argument;
    struct gust__coroutine *waiter = call->waiter;
    call->waiter = NULL;
    gust__wake(waiter);
    return 0;
}

/* 0: it has run; -1: it was withdrawn, with the errno of the interruption. */
static int wait_for_call(struct call *call)
{
    while (call->waiter) {
        if (gust__park(GUST__INTERRUPTIBLE, "a thread") == 0)
            continue;
        int code = errno;
        if (withdraw(call)) {
            errno = code;
            return -1;
        }
        while (call->waiter)
            gust__park(0, "a thread");
    }
    return 0;
}

int gust_threads_run(gust_threads *threads, int (*function)(void *argument), void *argument)
{
    if (!gust__current) {
        errno = EDEADLK;
        return -1;
    }
    struct call call = call_for(threads, gust__current->loop, function, argument);
    call.work.deliver = deliver_to_coroutine;
    call.arrived = wake_waiter;
    call.waiter = gust__current;
    if (submit(&call) < 0)
        return -1;
    int result = wait_for_call(&call);
    let_pool_go(&call);
    if (result < 0)
        return -1;
    return call.error ? gust__error_put(call.error) : call.result;
}

/* ---- a future waits ---- */

static void finish(struct call *call, int result, struct gust_error *error)
{
    struct gust__made made = {.result = result, .error = error};
    gust_future *future = call->future;
    gust__list_remove(&call->member);
    gust__free(call);
    gust__future_resolve(future, &made);
}

static int resolve_future(void *argument)
{
    struct call *call = argument;
    let_pool_go(call);
    finish(call, call->error ? -1 : call->result, call->error);
    return 0;
}

static bool withdraw_and_finish(struct call *call)
{
    if (!withdraw(call))
        return false;
    let_pool_go(call);
    finish(call, -1, gust__error_new(NULL, 0, ECANCELED, GUST__ERROR_PLAIN, NULL));
    return true;
}

/* One that runs is not stopped: its result comes in its own time. */
static int cancel_future(void *call)
{
    withdraw_and_finish(call);
    return 0;
}

/* NULL and errno. */
static struct call *new_call(gust_threads *threads, gust_loop *loop, int (*function)(void *argument),
                             void *argument)
{
    struct gust__pools *pools = gust__pools_of(loop);
    struct call *call = pools ? gust__calloc(1, sizeof(*call)) : NULL;
    if (!call)
        return NULL;
    *call = call_for(threads, loop, function, argument);
    call->work.deliver = deliver_to_future;
    call->arrived = resolve_future;
    call->pools = pools;
    call->future = gust_future_new(loop);
    if (!call->future) {
        gust__free(call);
        return NULL;
    }
    gust_future_on_cancel(call->future, cancel_future, call);
    gust__list_append(&pools->calls, &call->member);
    return call;
}

/* Its future has not been seen by anybody. errno is kept. */
static void drop_call(struct call *call)
{
    int code = errno;
    gust_future *future = call->future;
    finish(call, -1, gust__error_new(NULL, 0, ECANCELED, GUST__ERROR_PLAIN, NULL));
    gust_future_code(future); /* read: the caller learns it from us */
    gust_future_free(future);
    errno = code;
}

gust_future *gust_threads_async(gust_threads *threads, int (*function)(void *argument), void *argument)
{
    gust_loop *loop = gust_loop_current();
    if (!loop) {
        errno = EDEADLK;
        return NULL;
    }
    struct call *call = new_call(threads, loop, function, argument);
    if (!call)
        return NULL;
    gust_future *future = call->future; /* the call may have ended before submit returns, its post not */
    if (submit(call) == 0)
        return future;
    drop_call(call);
    return NULL;
}

/* ---- the loop's end ---- */

void gust__calls_cancel(struct gust__pools *pools)
{
    for (struct gust__list *node = pools->calls.next, *next; node != &pools->calls; node = next) {
        next = node->next;
        gust_cancel(GUST__CONTAINER(node, struct call, member)->future);
    }
}

static void wait_for_thread(struct gust__pools *pools, struct call *call)
{
    gust__lock_take(&pools->lock);
    atomic_store(&pools->waits, true);
    while (!atomic_load(&call->done))
        gust__signal_wait(&pools->arrived, &pools->lock, INT64_MAX);
    gust__lock_drop(&pools->lock);
}

/* What still runs may use memory of those who started it: it is waited for. The loop runs no more posts. */
void gust__calls_end(struct gust__pools *pools)
{
    while (!gust__list_empty(&pools->calls)) {
        struct call *call = GUST__CONTAINER(pools->calls.next, struct call, member);
        if (withdraw_and_finish(call))
            continue;
        wait_for_thread(pools, call);
        resolve_future(call);
    }
    while (pools->generation == gust__fork_generation &&
           atomic_load_explicit(&pools->arriving, memory_order_acquire) > 0)
        gust__sys_call("sched_yield", SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}
