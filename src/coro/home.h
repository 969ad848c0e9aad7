/*
 * What a loop has for its coroutines and futures. Two parts, because they last differently long: struct
 * gust__coroutines ends with the loop; struct gust__home is counted and outlives it, so that a thread may set
 * a future whose loop has gone.
 */
#ifndef GUST_CORO_HOME_H
#define GUST_CORO_HOME_H

#include "base/list.h"
#include "base/lock.h"
#include "coro/coroutine.h"

#include <stdatomic.h>

struct gust__home {
    _Atomic size_t references; /* the loop's own, and one for each future */
    struct gust__lock lock;    /* for all that follows */
    gust_loop *loop;           /* NULL once it is closed */
    gust_post post;
    bool posted;
    struct gust_future *first; /* futures that other threads want something of: coro/future.c */
    struct gust_future *last;
};

struct gust__coroutines {
    struct gust__loop_state state; /* first */
    gust_loop *loop;
    struct gust__home *home;
    struct gust__stack_arena *arena; /* NULL until the first coroutine starts */
    unsigned stack_shift;            /* the distance of two stacks is 1 << stack_shift */
    size_t max;                      /* coroutines there can be */
    struct gust__list all;           /* newest first */
    struct gust__list *cursor;       /* in it, of a walk in pieces; NULL: none is on its way */
    size_t count;
    uint64_t started;
    uint64_t resolved;             /* futures done so far: their order in time */
    struct gust__list thens;       /* futures with a callback: coro/future_then.c */
    struct gust__coroutine *ended; /* has just run for the last time: its stack is to be given back */
    struct gust__coroutine *last;  /* the one that ended last: the next one's block and stack. NULL: none */
    struct gust__flow flow;        /* the loop's own, while a coroutine runs */
    struct gust__fiber fiber;
    struct gust__exceptions *(*exceptions)(void); /* C++'s, of the calling thread; NULL: no libstdc++ here */
    uint64_t float_modes;                         /* that a coroutine starts with */
    struct gust__task
        nudge; /* while it closes: keeps the loop from sleeping once there is nothing to wait for */
    bool closing;
    bool recycles; /* a warm stack keeps its flow, which goes on with the next coroutine */
};

static inline struct gust__coroutines *gust__coroutines_find(const gust_loop *loop)
{
    return (struct gust__coroutines *)(void *)gust__loop_state(loop, GUST__LOOP_COROUTINES);
}

/* Makes what the loop has not yet. NULL: ENOMEM, ECANCELED (it closes). */
struct gust__coroutines *gust__coroutines_make(gust_loop *loop);

/* What the loop has; made if it has nothing yet. NULL: as above. */
static inline struct gust__coroutines *gust__coroutines_of(gust_loop *loop)
{
    struct gust__coroutines *coroutines = gust__coroutines_find(loop);
    return __builtin_expect(coroutines != NULL, 1) ? coroutines : gust__coroutines_make(loop);
}

/* A coroutine or a callback has ended: if the loop closes it looks whether that was the last. */
static inline void gust__coroutines_less(struct gust__coroutines *coroutines)
{
    if (__builtin_expect(coroutines->closing, 0))
        gust__loop_ready(coroutines->loop, &coroutines->nudge);
}

/* Makes the arena of stacks. 0; -1: ENOMEM. */
int gust__coroutines_begin(struct gust__coroutines *coroutines);

/* The home of the loop that this thread runs; NULL: none. */
struct gust__home *gust__home_here(void);

void gust__home_release(struct gust__home *home);

/* ---- coro/coroutine.c ---- */

/* Switches from the loop to the coroutine, until it parks or ends. */
void gust__coroutine_resume(struct gust__coroutine *coroutine);

/* A gust__loop_runner: gust_every's functions run in coroutines. */
int gust__coroutine_run_periodic(gust_loop *loop, int (*function)(void *argument), void *argument,
                                 void (*ended)(void *that), void *that);

/* ---- coro/park.c ---- */

/* Switches from the running coroutine to the loop, until it is resumed. */
void gust__coroutine_leave(struct gust__coroutine *coroutine);

/* The coroutine's timer. */
int gust__coroutine_timer(void *coroutine);

/* ---- coro/future.c ---- */

/* Does what other threads want of this home's futures. */
int gust__home_drain(void *home);

/* ---- coro/future_then.c ---- */

/* Cancels the futures with callbacks, which so run soon; forgets those that did not. */
void gust__thens_cancel(struct gust__coroutines *coroutines);
void gust__thens_forget(struct gust__coroutines *coroutines);

#endif
