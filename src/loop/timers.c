/*
 * Timers: a heap of four children a node, in an array of times and pointers, so that a comparison touches no
 * timer.
 *
 * Most timers are timeouts that are moved later again and again and never come. Moving a running timer later
 * therefore only writes the timer; its heap entry keeps the old time, and when it comes up it is given the
 * new one and sinks. So an entry's time is never after its timer's (but for those of `earliest`), and the
 * first entry whose time is right is the first timer.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "loop/loop_int.h"

#include <errno.h>

static void put(gust_loop *loop, size_t at, struct gust__timer_entry entry)
{
    loop->timers[at] = entry;
    entry.timer->place = at + 1;
}

static void rise(gust_loop *loop, size_t at, struct gust__timer_entry entry)
{
    while (at > 0) {
        size_t parent = (at - 1) / 4;
        if (loop->timers[parent].when <= entry.when)
            break;
        put(loop, at, loop->timers[parent]);
        at = parent;
    }
    put(loop, at, entry);
}

static size_t first_child(const gust_loop *loop, size_t at)
{
    size_t best = 4 * at + 1;
    size_t end = best + 4 < loop->timer_count ? best + 4 : loop->timer_count;
    for (size_t i = best + 1; i < end; i++) {
        if (loop->timers[i].when < loop->timers[best].when)
            best = i;
    }
    return best;
}

static void sink(gust_loop *loop, size_t at, struct gust__timer_entry entry)
{
    while (4 * at + 1 < loop->timer_count) {
        size_t child = first_child(loop, at);
        if (loop->timers[child].when >= entry.when)
            break;
        put(loop, at, loop->timers[child]);
        at = child;
    }
    put(loop, at, entry);
}

static void take_out(gust_loop *loop, size_t at)
{
    loop->timers[at].timer->place = 0;
    struct gust__timer_entry last = loop->timers[--loop->timer_count];
    if (at == loop->timer_count)
        return;
    if (at > 0 && loop->timers[(at - 1) / 4].when > last.when)
        rise(loop, at, last);
    else
        sink(loop, at, last);
}

static int make_room(gust_loop *loop)
{
    if (loop->timer_count < loop->timer_room)
        return 0;
    size_t room = loop->timer_room ? loop->timer_room * 2 : 64;
    struct gust__timer_entry *timers = gust__realloc(loop->timers, room * sizeof(*timers));
    if (!timers)
        return -1;
    loop->timers = timers;
    loop->timer_room = room;
    return 0;
}

int gust_timer_start(gust_loop *loop, gust_timer *timer, int64_t when)
{
    int64_t effective = when > loop->earliest ? when : loop->earliest;
    if (timer->place) {
        timer->when = when;
        struct gust__timer_entry *entry = &loop->timers[timer->place - 1];
        if (effective < entry->when)
            rise(loop, timer->place - 1, (struct gust__timer_entry){effective, timer});
        return 0;
    }
    if (loop->closed) {
        errno = ECANCELED;
        return -1;
    }
    if (make_room(loop) < 0)
        return -1;
    timer->when = when;
    rise(loop, loop->timer_count++, (struct gust__timer_entry){effective, timer});
    return 0;
}

void gust_timer_stop(gust_loop *loop, gust_timer *timer)
{
    if (timer->place)
        take_out(loop, timer->place - 1);
}

int64_t gust__timers_next(gust_loop *loop)
{
    while (loop->timer_count > 0) {
        struct gust__timer_entry entry = loop->timers[0];
        if (entry.when >= entry.timer->when)
            return entry.when;
        entry.when = entry.timer->when;
        sink(loop, 0, entry);
    }
    return GUST__FOREVER;
}

/* A timer that is started from here on comes in the next iteration at the earliest: one that starts itself
 * anew for a time that has passed must not keep everything else waiting. */
void gust__timers_dispatch(gust_loop *loop)
{
    int64_t now = loop->face.time;
    loop->earliest = now + 1;
    while (gust__timers_next(loop) <= now) {
        gust_timer *timer = loop->timers[0].timer;
        take_out(loop, 0);
        gust__loop_turn(loop);
        if (timer->function(timer->argument) < 0)
            gust__loop_failed("a timer failed");
    }
    loop->earliest = 0;
}

void gust__timers_fini(gust_loop *loop)
{
    for (size_t i = 0; i < loop->timer_count; i++)
        loop->timers[i].timer->place = 0;
    gust__free(loop->timers);
    loop->timers = NULL;
    loop->timer_count = 0;
    loop->timer_room = 0;
}

size_t gust__loop_timers(const gust_loop *loop)
{
    return loop->timer_count;
}
