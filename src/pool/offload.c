/*
 * gust_threads_run and gust_threads_async: a call on a thread, and the way of its result back to the loop.
 *
 * The thread posts the call to the loop as its last doing, under the call's own lock. Whoever is woken by it
 * takes that lock once before the call's memory goes: then the thread has left it.
 */
#include "pool/threads.h"
#include "base/alloc.h"
#include "base/error_int.h"
#include "base/throw.h"
#include "coro/coroutine.h"
#include "coro/future.h"
#include "pool/state.h"

#include <gust/error.h>

#include <errno.h>

struct call {
    struct gust__work work;
    struct gust__list member; /* of the loop's calls with a future */
    struct gust__lock lock;
    struct gust__signal signal;
    bool done; /* under the lock */
    gust_threads *threads;
    gust_loop *loop;
    gust_post post;
    int (*arrived)(void *call); /* on the loop */
    int (*function)(void *argument);
    void *argument;
    int result;
    struct gust_error *error;
    struct gust__coroutine *waiter;
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
    gust__lock_take(&call->lock);
    call->done = true;
    gust__signal_wake_all(&call->signal);
    gust_loop_post(call->loop, &call->post, call->arrived, call);
    gust__lock_drop(&call->lock);
}

static void let_thread_leave(struct call *call)
{
    gust__lock_take(&call->lock);
    gust__lock_drop(&call->lock);
}

/* On the loop. True: it had not begun, and never will. The call's lock keeps one that runs from its end, and
 * so the pool, which may be freed once all calls have ended, from its own. */
static bool withdraw(struct call *call)
{
    gust__lock_take(&call->lock);
    bool withdrawn = !call->done && gust__threads_withdraw(call->threads, &call->work);
    gust__lock_drop(&call->lock);
    return withdrawn;
}

/* ---- a coroutine waits ---- */

static int wake_waiter(void *argument)
{
    struct call *call = argument;
    let_thread_leave(call);
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
    struct call call = {.work.run = run_call,
                        .threads = threads,
                        .loop = gust__current->loop,
                        .arrived = wake_waiter,
                        .function = function,
                        .argument = argument,
                        .waiter = gust__current};
    if (gust__threads_submit(threads, &call.work) < 0)
        return -1;
    if (wait_for_call(&call) < 0)
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
    let_thread_leave(call);
    finish(call, call->error ? -1 : call->result, call->error);
    return 0;
}

static bool withdraw_and_finish(struct call *call)
{
    if (!withdraw(call))
        return false;
    finish(call, -1, gust__error_new(NULL, 0, ECANCELED, GUST__ERROR_PLAIN, NULL));
    return true;
}

/* On the loop. One that runs is not stopped: its result comes soon. */
static int cancel_call(void *call)
{
    withdraw_and_finish(call);
    return 0;
}

gust_future *gust_threads_async(gust_threads *threads, int (*function)(void *argument), void *argument)
{
    gust_loop *loop = gust_loop_current();
    if (!loop) {
        errno = EDEADLK;
        return NULL;
    }
    struct gust__pools *pools = gust__pools_of(loop);
    struct call *call = pools ? gust__calloc(1, sizeof(*call)) : NULL;
    if (!call)
        return NULL;
    *call = (struct call){.work.run = run_call,
                          .threads = threads,
                          .loop = loop,
                          .arrived = resolve_future,
                          .function = function,
                          .argument = argument};
    gust__list_init(&call->member);
    call->future = gust_future_new(loop);
    if (!call->future)
        goto fail;
    gust_future *future = call->future;
    gust_future_on_cancel(future, cancel_call, call);
    gust__list_append(&pools->calls, &call->member);
    if (gust__threads_submit(threads, &call->work) == 0)
        return future;
    int code = errno;
    finish(call, -1, gust__error_new(NULL, 0, ECANCELED, GUST__ERROR_PLAIN, NULL));
    gust_future_code(future); /* read: the caller learns it from us */
    gust_future_free(future);
    errno = code;
    return NULL;
fail:
    gust__free(call);
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

static void wait_for_thread(struct call *call)
{
    gust__lock_take(&call->lock);
    while (!call->done)
        gust__signal_wait(&call->signal, &call->lock, INT64_MAX);
    gust__lock_drop(&call->lock);
}

/* What still runs may use memory of those who started it: it is waited for. The loop runs no more posts. */
void gust__calls_end(struct gust__pools *pools)
{
    while (!gust__list_empty(&pools->calls)) {
        struct call *call = GUST__CONTAINER(pools->calls.next, struct call, member);
        if (withdraw_and_finish(call))
            continue;
        wait_for_thread(call);
        finish(call, call->error ? -1 : call->result, call->error);
    }
}
