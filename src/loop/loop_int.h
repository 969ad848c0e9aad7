/*
 * Inside the loop: what loop.c, descriptors.c, timers.c, tasks.c, posts.c, watch.c and periodic.c share.
 */
#ifndef GUST_LOOP_LOOP_INT_H
#define GUST_LOOP_LOOP_INT_H

#include "base/list.h"
#include "loop/loop.h"

#include <stdatomic.h>

enum {
    GUST__LOOP_BATCH = 256,         /* events of one epoll_wait */
    GUST__LOOP_POLL_LATEST = 50000, /* nanoseconds after which epoll is asked although tasks are ready */
    GUST__LOOP_SLICE = 16,          /* ready descriptors whose ends may be gathered */
    GUST__LOOP_CHEAP = 20000,       /* nanoseconds; where one costs more on average, its end is not put off */
};

/* A descriptor's entry, at its number. ready NULL: free. The generation goes into the epoll data. */
struct gust__slot {
    gust__ready_function *ready;
    void *owner;
    uint32_t generation;
    bool lent; /* gives way */
};

/* A heap entry. when is at most the timer's own: a timer that was moved later is put right when it comes up.
 */
struct gust__timer_entry {
    int64_t when;
    gust_timer *timer;
};

struct gust_loop {
    struct gust__loop_face face; /* first */
    int epoll;
    int wake_fd;
    int timer_fd;             /* -1: the system has none to give, and each wait carries its time itself */
    int64_t alarm;            /* when timer_fd makes an event; GUST__FOREVER: not */
    unsigned fork_generation; /* of the process that made it */
    bool running;             /* in gust_loop_run */
    _Atomic bool busy;        /* the same, for the watchdog's thread */
    _Atomic unsigned turns;   /* everything that was begun to run; the watchdog sees by it that we go on */
    bool closed;
    struct gust__list everywhere; /* among the process's loops */

    struct gust__slot *slots;
    size_t slot_count;
    size_t descriptors;

    struct gust__task *ready;    /* the last of a ring, so that ->next is the first */
    struct gust__task *current;  /* the same for what this iteration runs */
    struct gust__task *gathered; /* the same for what runs behind a slice of ready descriptors */

    struct gust__timer_entry *timers;
    size_t timer_count;
    size_t timer_room;
    int64_t earliest; /* timers started by a due timer wait for the next iteration: not before this */

    gust_post *drained; /* posts of this iteration, first in first out */
    uint64_t iterations;
    int64_t polled;   /* when the last poll returned; 0: none yet */
    int64_t lag_mean; /* of what became ready: how long it waited. Weighted, new ones by 1/16 */
    int64_t lag_max;

    struct gust__list watches;
    struct gust__list periodics;
    gust__loop_runner *runner;

    /* The iteration in progress; a throw out of a callback goes on from here. */
    int64_t until;
    bool poll_done; /* or the tasks go on without it */
    bool cheap;     /* the events of the last poll were */
    int event_count;
    int event_next;
    struct epoll_event events[GUST__LOOP_BATCH];

    /* What other threads touch, on a cache line of its own. */
    _Alignas(64) _Atomic(gust_post *) posts; /* newest first */
    _Atomic int sleeping; /* 1: in epoll_wait or about to be; whoever makes it 0 wakes it */
    _Atomic int stop;
    _Atomic unsigned callers; /* threads inside gust_loop_post or gust_loop_stop */
};

/* Something begins to run. */
static inline void gust__loop_turn(gust_loop *loop)
{
    unsigned turns = atomic_load_explicit(&loop->turns, memory_order_relaxed);
    atomic_store_explicit(&loop->turns, turns + 1, memory_order_relaxed);
}

/* True in the process that made the loop: in a forked child epoll is the parent's. */
bool gust__loop_own(const gust_loop *loop);

extern struct gust__list gust__loops;

/* Logs what a callback reported by -1, or threw. */
void gust__loop_failed(const char *what);

/* descriptors.c */
int gust__descriptors_init(gust_loop *loop);
void gust__descriptors_fini(gust_loop *loop);
void gust__descriptors_poll(gust_loop *loop, int64_t timeout);
void gust__descriptors_dispatch(gust_loop *loop);

/* timers.c */
int64_t gust__timers_next(gust_loop *loop); /* when the first is due; GUST__FOREVER: none */
void gust__timers_dispatch(gust_loop *loop);
void gust__timers_fini(gust_loop *loop);

/* tasks.c */
void gust__tasks_begin(gust_loop *loop);
void gust__tasks_dispatch(gust_loop *loop);
void gust__tasks_gathered(gust_loop *loop);
void gust__tasks_fini(gust_loop *loop);
size_t gust__tasks_count(const gust_loop *loop);

/* posts.c */
bool gust__posts_pending(gust_loop *loop); /* posts, or a stop: not to sleep */
void gust__posts_dispatch(gust_loop *loop);
void gust__posts_fini(gust_loop *loop);

/* watch.c, periodic.c: lets them outlive the loop. */
void gust__watches_fini(gust_loop *loop);
void gust__periodics_fini(gust_loop *loop);

#endif
