/* What a loop has of this folder: its clients of each gust_pool, its calls on threads. */
#ifndef GUST_POOL_STATE_H
#define GUST_POOL_STATE_H

#include "base/list.h"
#include "base/lock.h"
#include "loop/loop.h"

struct gust__pools {
    struct gust__loop_state state; /* first */
    gust_loop *loop;
    struct gust__list sets;  /* of gust_pool: pool/pool.c */
    struct gust__list calls; /* with a future: pool/offload.c */

    /* Threads that bring a call's result, for the loop's end; in a forked child there are none. */
    unsigned generation; /* gust__fork_generation of its making */
    _Atomic unsigned arriving;
    _Atomic bool waits; /* for them, under the lock */
    struct gust__lock lock;
    struct gust__signal arrived;
};

/* The loop's; made if there is none yet. NULL: ENOMEM, ECANCELED (it is closing). */
struct gust__pools *gust__pools_of(gust_loop *loop);

/* ---- pool/offload.c ---- */

/* Withdraws what has not begun. */
void gust__calls_cancel(struct gust__pools *pools);

/* Waits for what runs. */
void gust__calls_end(struct gust__pools *pools);

/* ---- pool/pool.c ---- */

/* Closes what rests, and from now on what is given back; wakes who waits with ECANCELED. */
void gust__sets_close(struct gust__pools *pools);

/* Forgets clients that were never given back. */
void gust__sets_end(struct gust__pools *pools);

#endif
