/* Groups: a block's children, which end before the block does. */
#include "coro/group.h"
#include "base/error_int.h"
#include "base/log_int.h"
#include "coro/future.h"
#include "coro/local.h"

#include <errno.h>
#include <stdio.h>

/* ---- Children ---- */

static struct gust__coroutine *newest(const gust_group *group)
{
    return (struct gust__coroutine *)(void *)group->children;
}

static void set_newest(gust_group *group, struct gust__coroutine *child)
{
    group->children = (struct gust_group_child *)(void *)child;
}

static struct gust__coroutine *next_of(const struct gust__coroutine *child)
{
    return GUST__CONTAINER(child->sibling.next, struct gust__coroutine, sibling);
}

static int check(const gust_group *group, const struct gust__coroutine *child)
{
    const struct gust__coroutine *owner = group->home;
    int code = !owner                             ? EDEADLK
               : owner->loop != child->loop       ? EPERM
               : group->cancelled || group->ended ? ECANCELED
                                                  : 0;
    if (code == 0)
        return 0;
    errno = code;
    return -1;
}

int gust__group_enter(gust_group *group, struct gust__coroutine *child)
{
    struct gust__coroutine *owner = group->home;
    if (check(group, child) < 0 || gust__locals_inherit(&child->locals, owner->locals) < 0)
        return -1;
    child->group = group;
    child->context.deadline = owner->context.deadline;
    child->request = owner->request;
    gust__list_init(&child->sibling);
    if (group->children)
        gust__list_append(&newest(group)->sibling, &child->sibling);
    set_newest(group, child);
    group->running++;
    return 0;
}

void gust__group_failed(gust_group *group, const struct gust__coroutine *child, struct gust_error *error)
{
    if (group->code == 0) {
        group->code = error->code;
        group->error = error;
        gust_group_cancel(group);
        return;
    }
    if (!child->cancelled || (error->code != ECANCELED && error->code != ETIMEDOUT))
        gust__log_error(GUST_ERROR, error, "a further child of a group failed");
    gust__error_free(error);
}

void gust__group_leave(gust_group *group, struct gust__coroutine *child)
{
    if (newest(group) == child)
        set_newest(group, next_of(child) == child ? NULL : next_of(child));
    gust__list_remove(&child->sibling);
    if (--group->running == 0 && group->waiter)
        gust__wake(group->waiter);
}

/* ---- Starting ---- */

static gust_loop *loop_of(const gust_group *group)
{
    const struct gust__coroutine *owner = group ? group->home : NULL;
    gust_loop *here = gust_loop_current();
    int code = (group && !owner) || !here ? EDEADLK : owner && owner->loop != here ? EPERM : 0;
    if (code == 0)
        return here;
    errno = code;
    return NULL;
}

int gust_go(gust_group *group, int (*function)(void *argument), void *argument)
{
    gust_loop *loop = loop_of(group);
    return loop && gust__coroutine_start(loop, group, NULL, function, argument) ? 0 : -1;
}

gust_future *gust_spawn(gust_group *group, int (*function)(void *argument), void *argument)
{
    gust_loop *loop = loop_of(group);
    gust_future *future = loop ? gust_future_new(loop) : NULL;
    if (!future)
        return NULL;
    if (gust__coroutine_start(loop, group, future, function, argument))
        return future;
    future->read = true; /* by the caller, who gets errno */
    gust_future_free(future);
    return NULL;
}

/* ---- Cancelling and joining ---- */

void gust_group_cancel(gust_group *group)
{
    group->cancelled = true;
    struct gust__coroutine *child = newest(group);
    for (size_t i = 0; i < group->running; i++, child = next_of(child))
        gust__coroutine_cancel(child);
}

/* 0, or -1 when the wait was interrupted. */
static int join(gust_group *group, int flags)
{
    int result = 0;
    group->waiter = gust__current;
    while (group->running > 0 && result == 0)
        result = gust__park(flags, "its group");
    group->waiter = NULL;
    return result;
}

static struct gust_error *take_error(gust_group *group)
{
    struct gust_error *error = group->error;
    group->error = NULL;
    return error;
}

int gust_group_wait(gust_group *group)
{
    if (!group->home || gust__current != group->home) {
        errno = group->home ? EPERM : EDEADLK;
        return -1;
    }
    if (join(group, GUST__INTERRUPTIBLE) < 0) {
        int cause = errno;
        gust_group_cancel(group);
        join(group, 0);
        gust__error_free(
            take_error(group)); /* the interruption is the reason, not what it did to the children */
        errno = cause;
        return -1;
    }
    if (group->code == 0)
        return 0;
    errno = group->code;
    return group->error ? gust__error_put(take_error(group)) : -1;
}

/* ---- The block ---- */

static void tell_unjoined(gust_group *group)
{
    struct gust__coroutine *child = newest(group);
    for (size_t i = 0; i < group->running; i++, child = next_of(child))
        gust_log(GUST_DEBUG, "%s still runs at the end of its group and is cancelled",
                 gust__coroutine_name(child));
}

static void log_unread(gust_group *group)
{
    struct gust_error *error = take_error(group);
    if (error && error->code != ECANCELED)
        gust__log_error(GUST_ERROR, error, "a child of a group failed, and nobody asked");
    gust__error_free(error);
}

static void end(struct gust__scope *scope)
{
    gust_group *group = (gust_group *)(void *)scope;
    int saved = errno;
    if (group->running > 0) {
        if (gust_log_enabled(GUST_DEBUG))
            tell_unjoined(group);
        gust_group_cancel(group);
        join(group, 0);
    }
    group->ended = true;
    if (group->error)
        log_unread(group);
    errno = saved;
}

void gust__group_begin(gust_group *group)
{
    struct gust__context *context = gust__context();
    *group = (gust_group){.scope = {.next = context->scopes, .end = end}, .home = gust__current};
    context->scopes = &group->scope;
}
