/*
 * Queues of parked coroutines behind gust_mutex, gust_cond and the others: first come, first served. Who
 * waits is a node on its own stack; whoever serves it takes it out and wakes it, and may leave something in
 * `item`.
 */
#ifndef GUST_CORO_WAITERS_H
#define GUST_CORO_WAITERS_H

#include "coro/coroutine.h"

#include <gust/sync.h>

struct gust__waiter {
    struct gust__waiter *next;
    struct gust__waiter *previous;
    struct gust__coroutine *coroutine;
    void *item;
    bool served;
};

/* 0 when the running coroutine may wait with those that wait already; else -1: EDEADLK, EPERM. */
int gust__waiters_check(const struct gust__waiters *waiters);

/* Waits until it is served. 0; -1: EDEADLK, EPERM, ETIMEDOUT, ECANCELED. */
int gust__waiters_wait(struct gust__waiters *waiters, struct gust__waiter *waiter, const char *what);

/* Takes the first out and wakes it. NULL: nobody waits. Valid until the caller waits itself. */
struct gust__waiter *gust__waiters_serve(struct gust__waiters *waiters);

#endif
