/*
 * A future, inside. Its fields belong to the loop's thread, but for those at the end: another thread hands a
 * result over in `made`, marks what it wants in `wanted`, queues the future in its home and posts to the
 * loop, all under the home's lock. References count the two ends, a place in that queue, and futures that
 * forward from this one.
 */
#ifndef GUST_CORO_FUTURE_H
#define GUST_CORO_FUTURE_H

#include "coro/home.h"

#include <gust/future.h>

/* What a maker gives. */
struct gust__made {
    void *value;
    void (*drop)(void *value);
    struct gust_error *error; /* NULL: success. Owned */
    int result;
};

struct gust_future {
    struct gust__home *home;
    struct gust__coroutines *coroutines; /* of its loop: only for the loop's thread, while the loop is open */
    _Atomic uint32_t references;
    bool done;
    bool abandoned; /* the taker's end is ended */
    bool cancelled;
    bool read;                         /* somebody looked at the error */
    struct gust__made got;             /* once done. Each part until it is taken */
    int code;                          /* once done */
    uint64_t order;                    /* once done: counted by the loop */
    struct gust__list waiters;         /* struct gust__future_wait */
    struct gust__coroutine *coroutine; /* whose result it is to be, while that runs */
    struct gust_future *source;        /* whose result is forwarded here, counted */
    int (*on_cancel)(void *argument);
    void *on_cancel_argument;
    int (*then)(struct gust_future *future, void *argument);
    void *then_argument;
    struct gust__task task;        /* calls then */
    struct gust__list then_member; /* of the loop's, while then is to be called */

    _Atomic bool refused; /* a set is answered ECANCELED */
    unsigned wanted;      /* from here on under the home's lock: a set of enum gust__want */
    struct gust_future *next;
    struct gust__made made;
    struct gust_future *forward_to;
};

enum gust__want {
    GUST__WANT_DONE = 1,
    GUST__WANT_CANCEL = 2,
    GUST__WANT_FORWARD = 4, /* takes the taker's end */
    GUST__WANT_FREE = 8,    /* the same */
};

struct gust__future_wait {
    struct gust__list member;
    struct gust__coroutine *coroutine;
};

/* The future is to be the coroutine's result; NULL: it could not be started, and the future fails with errno.
 */
void gust__future_coroutine_started(struct gust_future *future, struct gust__coroutine *coroutine);

/* The coroutine whose result the future is has ended. Takes error; ends the maker's end. */
void gust__future_coroutine_ended(struct gust_future *future, int result, struct gust_error *error);

/* On the loop's thread: it is done, with what made holds. Ends the maker's end. 0; -1 and ECANCELED: it was
 * dropped. */
int gust__future_resolve(struct gust_future *future, struct gust__made *made);

/* The same from any thread. */
int gust__future_end_maker(struct gust_future *future, struct gust__made *made);

/* On the loop's thread: what gust_cancel does. */
void gust__future_cancel_here(struct gust_future *future);

/* Ends the taker's end: drops what was not taken, logs an error that was not read. */
void gust__future_end_taker(struct gust_future *future);

void gust__future_reference(struct gust_future *future);
void gust__future_release(struct gust_future *future);

/* True on the thread that runs the future's loop. */
bool gust__future_is_here(const struct gust_future *future);

/* Queues the future in its home. With the home's lock held and the loop open. */
void gust__future_want(struct gust_future *future, enum gust__want want);

/* Has the callback of a future that is done called. In coro/future_then.c. */
void gust__future_then_ready(struct gust_future *future);

#endif
