/* Coroutines from their start to their end. */
#include "coro/coroutine.h"
#include "base/clock.h"
#include "base/error_int.h"
#include "base/log_int.h"
#include "base/throw.h"
#include "base/throw_int.h"
#include "coro/future.h"
#include "coro/group.h"
#include "coro/home.h"
#include "coro/local.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void (*gust__coroutine_green_ends)(struct gust__coroutine *coroutine);

/* ---- The end ---- */

static void log_unread(struct gust__coroutine *coroutine, struct gust_error *error)
{
    char what[80];
    snprintf(what, sizeof(what), "%s ended with an error", gust__coroutine_name(coroutine));
    if (!coroutine->cancelled || error->code != ECANCELED)
        gust__log_error(GUST_ERROR, error, what);
    gust__error_free(error);
}

static struct gust_error *error_of(const struct gust__coroutine *coroutine, int code)
{
    if (coroutine->result < 0)
        return gust__error_take_for(code ? code : EIO); /* -1 without errno is a failure too */
    if (coroutine->context.error)
        gust_error_clear();
    return NULL;
}

/* Gives the result to whom it belongs. */
static void deliver(struct gust__coroutine *coroutine, struct gust_error *error)
{
    struct gust_future *future = coroutine->future;
    if (future) {
        coroutine->future = NULL;
        gust__future_coroutine_ended(future, coroutine->result, error);
    } else if (error) {
        if (coroutine->group)
            gust__group_failed(coroutine->group, coroutine, error);
        else
            log_unread(coroutine, error);
    }
}

/* Whether its end is more than the end of its function; for most it is not. */
static inline bool has_something_to_end(const struct gust__coroutine *coroutine)
{
    const struct gust__context *context = &coroutine->context;
    return coroutine->result < 0 ||
           ((uintptr_t)context->scopes | (uintptr_t)context->error | context->locks |
            (uintptr_t)coroutine->locals | (uintptr_t)coroutine->green.values | (uintptr_t)coroutine->future |
            (uintptr_t)coroutine->group | coroutine->timer.place) != 0;
}

/* On the coroutine's own stack, and its last doing there. code: errno as the function left it. */
static __attribute__((noinline)) void finish(struct gust__coroutine *coroutine, int code)
{
    if (coroutine->context.scopes)
        gust__scopes_end_until(NULL);
    struct gust_error *error = error_of(coroutine, code);
    if (coroutine->locals)
        gust__locals_end(&coroutine->locals);
    if ((coroutine->context.locks || coroutine->green.values) && gust__coroutine_green_ends)
        gust__coroutine_green_ends(coroutine);
    if (error || coroutine->future)
        deliver(coroutine, error);
    if (coroutine->context.error) /* of what ran since */
        gust_error_clear();
    if (coroutine->timer.place)
        gust_timer_stop(coroutine->loop, &coroutine->timer);
    if (coroutine->group)
        gust__group_leave(coroutine->group, coroutine);
}

/* ---- The coroutine's own stack ---- */

/* The outermost frame of a stack. Its catcher stays for all coroutines that the stack will have. */
struct outermost {
    struct gust__coroutine *coroutine;
    struct gust__catch catch;
};

/* Ends the coroutine. A warm stack is not begun anew: the next coroutine on it comes out of the switch. */
static inline __attribute__((always_inline)) void leave_for_good(struct gust__coroutine *coroutine)
{
    struct gust__coroutines *home = coroutine->home;
    if (has_something_to_end(coroutine))
        finish(coroutine, errno);
    home->ended = coroutine;
    gust__fiber_leave_last(&coroutine->fiber, &home->fiber);
    gust__flow_switch_last(&coroutine->flow, &home->flow);
}

/* Runs one coroutine after the other; only a throw leaves it. */
static _Noreturn int run_all(void *argument)
{
    struct outermost *outermost = argument;
    struct gust__coroutine *coroutine = outermost->coroutine;
    for (;;) {
        gust__catch_open(&coroutine->context, &outermost->catch);
        errno = 0;
        coroutine->result = coroutine->function(coroutine->argument);
        gust__catch_shut(&coroutine->context, &outermost->catch);
        leave_for_good(coroutine);
    }
}

static void begin(void *argument)
{
    struct outermost outermost = {.coroutine = argument};
    struct gust__coroutine *coroutine = outermost.coroutine;
    gust__fiber_arrive(&coroutine->fiber, &coroutine->home->fiber);
    for (;;) {
        coroutine->result = gust__jump_call(run_all, &outermost, &outermost.catch.place);
        gust__catch_shut(&coroutine->context, &outermost.catch);
        errno = gust_error_code(coroutine->context.error);
        leave_for_good(coroutine);
    }
}

/* ---- The loop's side ---- */

static inline void reclaim(struct gust__coroutines *home)
{
    struct gust__coroutine *coroutine = home->ended;
    home->ended = NULL;
    home->count--;
    if (home->cursor == &coroutine->member)
        home->cursor = coroutine->member.next;
    coroutine->member.previous->next = coroutine->member.next;
    coroutine->member.next->previous = coroutine->member.previous;
    if (home->recycles && !home->last) {
        home->last = coroutine;
    } else {
        if (!home->recycles)
            gust__fiber_fini(&coroutine->fiber);
        gust__stack_give(home->arena, coroutine->stack);
    }
    gust__coroutines_less(home);
}

/* In a handler that waits, `throw;` and the handler's end must find their own exception. */
static void exchange(struct gust__exceptions *here, struct gust__coroutine *coroutine)
{
    struct gust__exceptions other = *here;
    *here = coroutine->exceptions;
    coroutine->exceptions = other;
}

static inline __attribute__((always_inline)) void resume(struct gust__coroutine *coroutine)
{
    struct gust__coroutines *home = coroutine->home;
    struct gust__exceptions *exceptions = home->exceptions ? home->exceptions() : NULL;
    if (exceptions)
        exchange(exceptions, coroutine);
    coroutine->resumed = gust__loop_time(home->loop);
    gust__current = coroutine;
    gust__fiber_init_thread(&home->fiber);
    gust__fiber_leave(&home->fiber, &coroutine->fiber);
    gust__flow_switch(&home->flow, &coroutine->flow);
    gust__fiber_arrive(&home->fiber, &coroutine->fiber);
    gust__current = NULL;
    if (exceptions)
        exchange(exceptions, coroutine);
    if (home->ended)
        reclaim(home);
}

void gust__coroutine_resume(struct gust__coroutine *coroutine)
{
    resume(coroutine);
}

static void run_task(struct gust__task *task)
{
    gust__coroutine_resume(GUST__CONTAINER(task, struct gust__coroutine, task));
}

/* ---- Starting ---- */

/* The control block's place on a stack. All stacks are aligned alike, so without colours all blocks would
 * compete for the same few lines of the processor's caches. */
static struct gust__coroutine *block_on(const struct gust__coroutines *home, struct gust__stack stack)
{
    enum { colours = 8, distance = 128 };
    uintptr_t number = (uintptr_t)stack.low >> home->stack_shift;
    uintptr_t high = (uintptr_t)stack.low + stack.size - (number % colours) * distance;
    return (struct gust__coroutine *)((high - sizeof(struct gust__coroutine)) & ~(uintptr_t)63);
}

/* A stack that has no flow yet, or none that goes on. */
static __attribute__((noinline)) void begin_stack(struct gust__coroutines *home,
                                                  struct gust__coroutine *block, struct gust__stack stack)
{
    size_t size = (size_t)((char *)block - stack.low);
    memset(block, 0, sizeof(*block));
    gust__fiber_init(&block->fiber, stack.low, size);
    gust__flow_init(&block->flow, stack.low, size, begin, block);
    block->loop = home->loop;
    block->home = home;
    block->stack = stack;
    block->task.run = run_task;
    block->timer.function = gust__coroutine_timer;
    block->timer.argument = block;
}

/* When there is no coroutine that has just ended. */
static __attribute__((noinline)) struct gust__coroutine *take_block(struct gust__coroutines *home)
{
    struct gust__stack stack;
    if (gust__stack_take(home->arena, &stack) < 0)
        return NULL;
    struct gust__coroutine *block = block_on(home, stack);
    if (!home->recycles || !block->home)
        begin_stack(home, block, stack);
    return block;
}

/* The first coroutine of a loop, and one too many. NULL: ENOMEM, ECANCELED, EAGAIN. */
static __attribute__((cold, noinline)) struct gust__coroutines *find_home(gust_loop *loop)
{
    struct gust__coroutines *home = gust__coroutines_of(loop);
    if (!home || (!home->arena && gust__coroutines_begin(home) < 0))
        return NULL;
    bool closing = gust__loop_closing(loop);
    if (closing || home->count >= home->max) {
        errno = closing ? ECANCELED : EAGAIN;
        return NULL;
    }
    return home;
}

/* A coroutine that is neither queued nor in a group. */
static inline __attribute__((always_inline)) struct gust__coroutine *create(gust_loop *loop,
                                                                            int (*function)(void *),
                                                                            void *argument)
{
    struct gust__coroutines *home = gust__coroutines_find(loop);
    if (!home || !home->arena || gust__loop_closing(loop) || home->count >= home->max) {
        home = find_home(loop);
        if (!home)
            return NULL;
    }
    struct gust__coroutine *coroutine = home->last;
    home->last = NULL;
    if (!coroutine && !(coroutine = take_block(home)))
        return NULL;
#ifndef GUST_PORTABLE_SWITCH
    coroutine->flow.float_modes = home->float_modes;
#endif
    coroutine->context = (struct gust__context){0};
    coroutine->function = function;
    coroutine->argument = argument;
    coroutine->future = NULL;
    coroutine->group = NULL;
    coroutine->locals = NULL;
    coroutine->request = NULL;
    coroutine->green = (struct gust__coroutine_green){0};
    coroutine->exceptions = (struct gust__exceptions){0};
    coroutine->number = ++home->started;
    coroutine->started = gust__loop_time(loop);
    coroutine->interruptions = 0;
    coroutine->cancelled = false;
    coroutine->name[0] = '\0';
    coroutine->serves = NULL;
    gust__list_prepend(&home->all, &coroutine->member);
    home->count++;
    return coroutine;
}

struct gust__coroutine *gust__coroutine_start(gust_loop *loop, struct gust_group *group,
                                              struct gust_future *future, int (*function)(void *),
                                              void *argument)
{
    struct gust__coroutine *coroutine = create(loop, function, argument);
    if (coroutine && group && gust__group_enter(group, coroutine) < 0) {
        coroutine->home->ended = coroutine;
        reclaim(coroutine->home);
        coroutine = NULL;
    }
    if (future)
        gust__future_coroutine_started(future, coroutine);
    if (!coroutine)
        return NULL;
    coroutine->future = future;
    gust__loop_ready(loop, &coroutine->task);
    return coroutine;
}

int gust__coroutine_start_now(gust_loop *loop, void *request, int (*function)(void *), void *argument)
{
    struct gust__coroutine *coroutine = create(loop, function, argument);
    if (!coroutine)
        return -1;
    coroutine->request = request;
    if (gust__current) /* not on the loop's stack after all */
        gust__loop_ready(loop, &coroutine->task);
    else
        resume(coroutine);
    return 0;
}

/* ---- Names and numbers ---- */

const char *gust__coroutine_name(struct gust__coroutine *coroutine)
{
    if (coroutine->name[0])
        return coroutine->name;
    if (coroutine->serves)
        return coroutine->serves;
    char digits[24];
    size_t count = 0;
    for (uint64_t rest = coroutine->number; rest || !count; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    char *to = stpcpy(coroutine->name, "coroutine ");
    while (count > 0)
        *to++ = digits[--count];
    *to = '\0';
    return coroutine->name;
}

const char *gust__coroutine_name_of(struct gust__stack stack)
{
    struct gust__coroutine *coroutine = gust__current;
    return coroutine && coroutine->stack.low == stack.low ? gust__coroutine_name(coroutine) : NULL;
}

const char *gust_coroutine_name(void)
{
    return gust__current ? gust__coroutine_name(gust__current) : "";
}

void gust_coroutine_set_name(const char *name)
{
    if (gust__current)
        snprintf(gust__current->name, sizeof(gust__current->name), "%s", name ? name : "");
}

size_t gust_stack_left(void)
{
    const struct gust__coroutine *coroutine = gust__current;
    if (!coroutine)
        return SIZE_MAX;
    return (size_t)((char *)__builtin_frame_address(0) - coroutine->stack.low);
}

void gust__coroutine_each(gust_loop *loop, void (*visit)(struct gust__coroutine *, void *), void *argument)
{
    struct gust__coroutines *home = gust__coroutines_find(loop);
    if (!home)
        return;
    for (struct gust__list *node = home->all.next, *next; node != &home->all; node = next) {
        next = node->next;
        visit(GUST__CONTAINER(node, struct gust__coroutine, member), argument);
    }
}

int gust__coroutine_walk_begin(gust_loop *loop)
{
    struct gust__coroutines *home = gust__coroutines_of(loop);
    if (!home)
        return -1;
    if (home->cursor) {
        errno = EBUSY;
        return -1;
    }
    home->cursor = home->all.next;
    return 0;
}

struct gust__coroutine *gust__coroutine_walk_next(gust_loop *loop)
{
    struct gust__coroutines *home = gust__coroutines_find(loop);
    struct gust__list *node = home->cursor;
    if (node == &home->all)
        return NULL;
    home->cursor = node->next;
    return GUST__CONTAINER(node, struct gust__coroutine, member);
}

void gust__coroutine_walk_end(gust_loop *loop)
{
    gust__coroutines_find(loop)->cursor = NULL;
}

size_t gust__coroutine_count(const gust_loop *loop)
{
    const struct gust__coroutines *home = gust__coroutines_find(loop);
    return home ? home->count : 0;
}
