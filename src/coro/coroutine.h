/*
 * A coroutine as the floors above see it: started, parked, woken.
 *
 * The control block lies at the high end of the coroutine's own stack, so that a shallow coroutine touches
 * one page. Coroutines are resumed only by their loop's run queue, or by gust__coroutine_start_now; a parked
 * one is in some list of its waker's choosing and is woken by gust__wake, on its own thread (others post to
 * the loop).
 *
 *     while (!ready(thing)) {
 *         add_waiter(thing, gust__current);
 *         if (gust__park(GUST__INTERRUPTIBLE) < 0) {
 *             remove_waiter(thing, gust__current);
 *             return -1;                          // ETIMEDOUT, ECANCELED
 *         }
 *     }
 *
 * GUST_API on a gust__ function here and below: libgust-green, a library of its own, calls it too.
 */
#ifndef GUST_CORO_COROUTINE_H
#define GUST_CORO_COROUTINE_H

#include "base/context.h"
#include "base/list.h"
#include "coro/sanitizer.h"
#include "coro/stack.h"
#include "coro/switch.h"
#include "loop/loop.h"

#include <gust/coroutine.h>

/* What libgust-green keeps with a coroutine: all zero when it starts, otherwise none of libgust's business.
 */
struct gust__coroutine_green {
    unsigned off;  /* scopes open that switch interposition off */
    unsigned keep; /* scopes open that keep an interrupted wait from shutting its socket */
    void *values;  /* what it has of thread-specific values: src/green/values.c */
};

/* What C++ keeps of a thread's exceptions: the ABI's __cxa_eh_globals. */
struct gust__exceptions {
    void *caught;
    unsigned uncaught;
};

struct gust__coroutine {
    struct gust__context context; /* first: gust__context() relies on it */
    struct gust__flow flow;
    struct gust_loop *loop;
    struct gust__coroutines *home; /* what the loop has for its coroutines: coro/home.h */
    struct gust__task task;        /* in the loop's run queue when woken */
    struct gust__list member;      /* of all coroutines of the loop */
    gust_timer timer;              /* of the wait in progress, left running between waits that end later */
    int64_t wakes_at;              /* while parked: when the timer has something to say */
    struct gust__stack stack;
    int (*function)(void *argument);
    void *argument;
    struct gust_future *future;        /* its result, or NULL */
    struct gust_group *group;          /* the group it is a child of, or NULL */
    struct gust__list sibling;         /* among the group's children */
    struct gust__local_values *locals; /* NULL: none */
    void *request;                     /* the web layer's: gust_current() */
    struct gust__coroutine_green green;
    struct gust__exceptions exceptions; /* while it does not run */
    const char *serves;     /* what it was started for, borrowed: a route; shown when it has no name */
    const char *waits_for;  /* for dumps: "sleep", "read", ...; NULL: runs or is ready */
    int64_t started;        /* loop time */
    int64_t resumed;        /* loop time of the last switch to it */
    uint64_t number;        /* counted by the loop from 1: its name while it has no other */
    uint32_t interruptions; /* waits that a deadline or cancel cut short: gust_pool compares it */
    int result;
    bool parked;
    bool woken;         /* by gust__wake, in the wait that ends now */
    bool interruptible; /* the wait in progress */
    bool cancelled;
    bool main;                /* gust_run's */
    char name[32];            /* "": none was set */
    struct gust__fiber fiber; /* sanitizers' and valgrind's handles; empty without them */
};

/* ---- starting ---- */

/* Starts function(argument) on the loop; it runs when its turn comes. group and future may be NULL; a
 * future's maker end is taken. NULL: ENOMEM, EAGAIN, ECANCELED (the loop is closing). */
struct gust__coroutine *gust__coroutine_start(gust_loop *loop, struct gust_group *group,
                                              struct gust_future *future, int (*function)(void *),
                                              void *argument);

/* Starts it and runs it at once, from the loop's own stack, until it first parks or ends: the server's hot
 * path, a few tens of nanoseconds with a warm stack. 0 whether or not it has ended; -1: ENOMEM, EAGAIN,
 * ECANCELED: it never ran. request becomes gust__current->request. */
int gust__coroutine_start_now(gust_loop *loop, void *request, int (*function)(void *), void *argument);

/* Marks it cancelled and wakes it if it waits interruptibly. Any state; own thread. */
void gust__coroutine_cancel(struct gust__coroutine *coroutine);

/* ---- waiting ---- */

enum { GUST__INTERRUPTIBLE = 1 }; /* deadline and cancel end the wait; else only gust__wake */

/* Parks the running coroutine until gust__wake. what names the wait for dumps. 0; -1: ETIMEDOUT or ECANCELED
 * (only when interruptible: nobody woke it, and the caller takes itself out of whatever list it is in);
 * ENOMEM (no timer); EDEADLK outside a coroutine. A wait that is interrupted from the start still yields
 * once, so that a retry loop cannot spin the loop. Where a wake and an interruption meet the wake counts, so
 * nothing that was handed over is lost. errno is kept on success. */
GUST_API int gust__park(int flags, const char *what);

/* The same with a time of the caller's own: 1 when until (monotonic) came first. */
GUST_API int gust__park_until(int flags, const char *what, int64_t until);

/* Readies a parked coroutine; one that does not park is left alone. Its loop's thread only. */
GUST_API void gust__wake(struct gust__coroutine *coroutine);

/* A wait that a foreign thread ends: the waker posts `post` to the coroutine's loop with gust__wake_posted
 * and the coroutine as the argument. */
GUST_API int gust__wake_posted(void *coroutine);

/* ---- what libgust-green adds ---- */

/* Called, if libgust-green has set it, by a coroutine that ends with context.locks or green.values not zero.
 */
extern GUST_API void (*gust__coroutine_green_ends)(struct gust__coroutine *coroutine);

/* Logs what has gone wrong between the running code and a coroutine of this thread: the text with the
 * caller's backtrace, then the coroutine's. errno is kept. */
GUST_API void gust__coroutine_report(struct gust__coroutine *coroutine, const char *text);

/* ---- all of a loop's coroutines ---- */

/* A coroutine's name: what gust_coroutine_set_name set, or "coroutine 17". Async-signal-safe. */
GUST_API const char *gust__coroutine_name(struct gust__coroutine *coroutine);

/* The arena of the loop's stacks, for gust__overflow_enter; leave before the loop is closed. NULL: ENOMEM. */
const struct gust__stack_arena *gust__coroutine_arena(gust_loop *loop);

/* The name of the running coroutine, if stack is its own: for gust__overflow_install (coro/overflow.h). */
const char *gust__coroutine_name_of(struct gust__stack stack);

/* Calls visit for each coroutine of the loop, newest first. */
void gust__coroutine_each(gust_loop *loop, void (*visit)(struct gust__coroutine *, void *), void *argument);
size_t gust__coroutine_count(const gust_loop *loop);

/* The same in pieces, between which others may run, start and end: begin (0; -1: EBUSY, another walk is on
 * its way, ENOMEM), next until NULL, end. Those that started after the beginning are not seen. */
int gust__coroutine_walk_begin(gust_loop *loop);
struct gust__coroutine *gust__coroutine_walk_next(gust_loop *loop);
void gust__coroutine_walk_end(gust_loop *loop);

#endif
