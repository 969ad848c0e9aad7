/*
 * pthread_once. glibc has whoever comes second wait in the kernel; a coroutine whose sibling is parked in the
 * middle of the initialisation would wait for ever. So we keep who initialises what, coroutines wait for it
 * in the parking lot, and only the first goes on to glibc. Once done, it costs one load.
 *
 * Compiled with -fexceptions: C++'s call_once throws through here.
 */
#include "green/locks.h"

#include <gust/scope.h>
#include <stdio.h>
#include <stdlib.h>

/* On the stack of who initialises. */
struct running {
    struct gust__list node;
    pthread_once_t *control;
    struct gust__coroutine *coroutine; /* NULL: a thread outside */
    int thread;
};

static struct gust__lock lock; /* for all */
static struct gust__list all = {&all, &all};

static void begin_anew(void)
{
    lock = (struct gust__lock){0};
    gust__list_init(&all);
}

static __attribute__((constructor)) void watch_forks(void)
{
    pthread_atfork(NULL, NULL, begin_anew);
}

static bool is_done(const pthread_once_t *control)
{
    return __atomic_load_n(control, __ATOMIC_ACQUIRE) & GUST__ONCE_DONE;
}

/* Enters it as the one who initialises. False: another does, whom *other then describes. */
static bool begin(struct running *own, struct running *other)
{
    bool first = true;
    gust__lock_take(&lock);
    for (struct gust__list *node = all.next; node != &all; node = node->next) {
        const struct running *running = GUST__CONTAINER(node, struct running, node);
        if (running->control == own->control) {
            *other = *running;
            first = false;
            break;
        }
    }
    if (first)
        gust__list_append(&all, &own->node);
    gust__lock_drop(&lock);
    return first;
}

static void end(struct running *own)
{
    gust__lock_take(&lock);
    gust__list_remove(&own->node);
    gust__lock_drop(&lock);
    gust__lot_wake(own->control, GUST__LOT_ALL);
}

/* However the function ends. */
static int initialise(struct running *own, void (*function)(void))
{
    GUST_DEFER(end, own);
    return gust__green_next.pthread_once(own->control, function);
}

static int refuse(const struct running *other, const char *name)
{
    char text[120];
    snprintf(text, sizeof(text), "%s would block for ever: %s is in the same initialisation", name,
             gust__coroutine_name(other->coroutine));
    gust__coroutine_report(other->coroutine, text);
    return EDEADLK;
}

static int outside(struct running *own, const char *name, void (*function)(void))
{
    struct running other;
    if (begin(own, &other))
        return initialise(own, function);
    if (other.coroutine && other.thread == own->thread)
        return refuse(&other, name);
    return gust__green_next.pthread_once(own->control, function);
}

static int in_coroutine(struct gust__green_call *call, struct running *own, void (*function)(void))
{
    struct gust__lot_waiter waiter;
    struct running other;
    bool first;
    gust__lot_enter(&waiter, own->control);
    while (!(first = begin(own, &other)) && !is_done(own->control)) {
        if (other.coroutine == gust__current)
            break;
        gust__lot_park(call, &waiter, 0, GUST__FOREVER);
        gust__lot_again(&waiter, false);
    }
    gust__lot_leave(&waiter);
    if (first)
        return initialise(own, function);
    return is_done(own->control) ? 0 : refuse(&other, call->name);
}

static int once(struct gust__green_call *call, pthread_once_t *control, void (*function)(void))
{
    if (__builtin_expect(is_done(control), 1))
        return 0;
    struct running own = {.control = control, .coroutine = gust__current, .thread = gust__owned_thread()};
    gust__list_init(&own.node);
    return gust__green_here() ? in_coroutine(call, &own, function) : outside(&own, call->name, function);
}

GUST__EXPORT int pthread_once(pthread_once_t *control, void (*function)(void))
{
    struct gust__green_call call = GUST__GREEN_CALL("pthread_once", -1);
    return once(&call, control, function);
}

/* It cannot fail, and to go on without what it initialises is worse than to end. */
GUST__EXPORT void call_once(once_flag *flag, void (*function)(void))
{
    struct gust__green_call call = GUST__GREEN_CALL("call_once", -1);
    if (once(&call, (pthread_once_t *)(void *)flag, function) != 0)
        abort();
}
