/* Futures for code outside coroutines: callbacks, and one future's result for another. */
#include "base/log_int.h"
#include "base/throw.h"
#include "coro/future.h"

#include <errno.h>

static int call_then(void *argument)
{
    struct gust_future *future = argument;
    return future->then(future, future->then_argument);
}

static void run_then(struct gust__task *task)
{
    struct gust_future *future = GUST__CONTAINER(task, struct gust_future, task);
    gust__list_remove(&future->then_member);
    gust__coroutines_less(future->coroutines);
    if (gust__catch(call_then, future) < 0)
        gust__log_error(GUST_ERROR, gust_error_last(), "a future's callback failed");
    gust__future_end_taker(future);
}

void gust__future_then_ready(struct gust_future *future)
{
    gust__loop_ready(future->coroutines->loop, &future->task);
}

int gust_future_then(gust_future *future, int (*function)(gust_future *future, void *argument),
                     void *argument)
{
    if (future->then || !function) {
        errno = EINVAL;
        return -1;
    }
    if (!future->home->loop) {
        errno = ECANCELED;
        return -1;
    }
    future->then = function;
    future->then_argument = argument;
    future->task.run = run_then;
    gust__list_append(&future->coroutines->thens, &future->then_member);
    if (future->done)
        gust__future_then_ready(future);
    return 0;
}

void gust__thens_cancel(struct gust__coroutines *coroutines)
{
    struct gust__list all;
    gust__list_init(&all);
    gust__list_splice(&all, &coroutines->thens);
    struct gust__list *node;
    while ((node = gust__list_take_first(&all))) {
        gust__list_append(&coroutines->thens, node);
        gust__future_cancel_here(GUST__CONTAINER(node, struct gust_future, then_member));
    }
}

void gust__thens_forget(struct gust__coroutines *coroutines)
{
    struct gust__list *node;
    while ((node = gust__list_take_first(&coroutines->thens))) {
        struct gust_future *future = GUST__CONTAINER(node, struct gust_future, then_member);
        gust__loop_unready(coroutines->loop, &future->task);
        gust__future_end_taker(future);
    }
}

/* ---- Chains ---- */

static int hand_on(struct gust_future *from, void *to)
{
    struct gust__made made = from->got;
    from->got = (struct gust__made){0};
    gust__future_end_maker(to, &made);
    return 0;
}

int gust_future_chain(gust_future *from, gust_future *to)
{
    if (gust_future_then(from, hand_on, to) < 0)
        return -1;
    if (gust__future_is_here(to) && !to->source) { /* another loop's awaiter has seen to it */
        gust__future_reference(from);
        to->source = from;
    }
    return 0;
}
