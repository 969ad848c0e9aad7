/*
 * Which of several loops accepts the next connection. The loops, of one process or of many, watch the same
 * listening sockets; each has a slot in memory that all of them share, with the number of its connections.
 *
 * A loop that has clearly more than the mean leaves the next connection to the others: it wakes the one that
 * has the fewest, by that one's doorbell, and does not look at its sockets for a moment. What still waits
 * after the moment it takes itself, however many it has: the others are busy, and a connection does not wait
 * for a better balance. So nobody polls, and no connection is left behind.
 *
 *     struct gust__balance *balance = gust__balance_new(2);      // before fork
 *     ...
 *     gust__balance_join(loop, balance, task);                   // in each, before its listeners start
 *
 * A loop that does not take part (one process, one thread) has none of this.
 */
#ifndef GUST_NET_BALANCE_H
#define GUST_NET_BALANCE_H

#include "loop/loop.h"

#include <stdatomic.h>

struct gust__balance;

/* A loop's part in it. */
struct gust__seat {
    struct gust__balance *balance; /* NULL: it takes no part */
    unsigned slot;
};

/* Slots and doorbells for count loops, shared with the children of later forks. NULL: ENOMEM, EMFILE. */
struct gust__balance *gust__balance_new(unsigned count);

/* Gives back this process's view of it, and its descriptors. NULL is allowed. */
void gust__balance_free(struct gust__balance *balance);

/* The loop's listeners, which start from now on, are balanced as the given slot. Of the loop's thread. 0; -1:
 * ENOMEM... */
int gust__balance_join(gust_loop *loop, struct gust__balance *balance, unsigned slot);

/* It accepts no more: the others leave it nothing any longer. */
void gust__balance_leave(struct gust__seat *seat);

/* The process of these slots has ended, however it did: they are empty, and what it was woken for is the
 * others'. */
void gust__balance_clear(struct gust__balance *balance, unsigned first, unsigned count);

/* How many connections a slot has. */
unsigned gust__balance_connections(const struct gust__balance *balance, unsigned slot);

/* ---- for listeners ---- */

void gust__balance_opened(struct gust__seat *seat);
void gust__balance_closed(struct gust__seat *seat);

/* Whether the others are to have the next one. */
bool gust__balance_heavy(const struct gust__seat *seat);

/* Something waits that this loop does not take: wakes the one that has the fewest. */
void gust__balance_pass(const struct gust__seat *seat);

/* Ends the loop's part: its doorbell is watched no more. */
void gust__balance_end(struct gust__seat *seat, gust_loop *loop);

#endif
