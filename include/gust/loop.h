/*
 * gust/loop.h - the event loop
 *
 * A loop waits for descriptors, timers, signals and posts of other threads, and runs what became ready. One
 * thread, one loop: it belongs to the thread that runs it. Most programs never name it: gust_main and
 * gust_run make one. A callback that returns -1 has failed: its error is logged and the loop goes on.
 *
 *     static int tick(void *arg)
 *     {
 *         printf("%d\n", ++*(int *)arg);
 *         return 0;
 *     }
 *
 *     gust_loop *loop = gust_loop_new();
 *     int ticks = 0;
 *     gust_periodic *clock = gust_every(GUST_S(1), tick, &ticks, .loop = loop);
 *     gust_loop_run(loop);
 *     gust_periodic_free(clock);
 *     gust_loop_free(loop);
 */
#ifndef GUST_LOOP_H
#define GUST_LOOP_H

#include <gust/base.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_loop gust_loop;

/* [any] A new loop, for whichever thread runs it first. NULL: EMFILE, ENFILE, ENOMEM. */
GUST_API gust_loop *gust_loop_new(void);

/* [loop] Ends a loop that does not run: coroutines on it are cancelled and joined, its descriptors closed,
 * posts that did not run are dropped. Afterwards gust_loop_post gives ECANCELED. Called twice it does
 * nothing. */
GUST_API void gust_loop_close(gust_loop *loop);

/* [loop] Closes the loop if that was not done, and frees it. NULL is allowed. */
GUST_API void gust_loop_free(gust_loop *loop);

/* [any] The loop that the calling thread runs; NULL: none. */
GUST_API gust_loop *gust_loop_current(void);

/* [loop] Runs callbacks until gust_loop_stop. 0; -1: EDEADLK when a loop already runs on this thread,
 * ECANCELED when this one is closed. A stop that came before has it return after one iteration. */
GUST_API int gust_loop_run(gust_loop *loop);

/* [any][sig] Lets gust_loop_run return after the iteration in progress. */
GUST_API void gust_loop_stop(gust_loop *loop);

/* [loop] Monotonic nanoseconds, read once an iteration. */
GUST_API int64_t gust_loop_time(const gust_loop *loop);

/* ---- posts: work from other threads ---- */

/* A post's node: the caller's memory, untouched until the callback starts (which may free or reuse it). */
typedef struct gust_post {
    struct gust_post *next;
    int (*function)(void *argument);
    void *argument;
} gust_post;

/* [any][sig] Has the loop call function(argument), in the order of posting. Allocates nothing.
 * 0; -1: ECANCELED when the loop is closed. */
GUST_API int gust_loop_post(gust_loop *loop, gust_post *post, int (*function)(void *argument),
                            void *argument);

/* ---- timers ---- */

/* A timer: the caller's memory; {0} is one that does not run. */
typedef struct gust_timer {
    int64_t when;                    /* monotonic nanoseconds */
    size_t place;                    /* in the loop's heap, from 1; 0: not running */
    int (*function)(void *argument); /* set before the start */
    void *argument;
} gust_timer;

/* [loop] Starts, or moves, a timer to the monotonic time when. Moving a running timer later costs next to
 * nothing. 0; -1: ENOMEM. */
GUST_API int gust_timer_start(gust_loop *loop, gust_timer *timer, int64_t when);

/* [loop] Stops a timer; harmless when it does not run or has fired. */
GUST_API void gust_timer_stop(gust_loop *loop, gust_timer *timer);

typedef struct gust_periodic gust_periodic;

typedef struct gust_periodic_options {
    size_t size;
    gust_loop *loop GUST_ZERO; /* default: the current one */
    double jitter GUST_ZERO;   /* 0.1: each period varies by up to ten per cent, so that processes spread */
} gust_periodic_options;

/* [loop] Calls function(argument) every period nanoseconds, counted from start to start; a cycle missed
 * because something took too long is skipped, not made up for. It runs in a coroutine where coroutines are in
 * use (it may wait); the next call comes after this one ended. NULL: EINVAL (period < 1, jitter not in 0..1),
 * ENOMEM, EDEADLK without a loop. */
GUST_API gust_periodic *gust_every_with(int64_t period, int (*function)(void *argument), void *argument,
                                        const gust_periodic_options *options);
#define gust_every(period, function, argument, ...) \
    gust_every_with(period, function, argument, GUST_OPTIONS(gust_periodic_options, ##__VA_ARGS__))

/* [loop] Ends it, from its own function too. NULL is allowed. */
GUST_API void gust_periodic_free(gust_periodic *periodic);

/* ---- descriptors and signals ---- */

/* The values of EPOLLIN, EPOLLOUT and EPOLLERR; GUST_BROKEN (an error, a hang-up) is reported unasked. */
enum { GUST_READABLE = 1, GUST_WRITABLE = 4, GUST_BROKEN = 8 };

typedef struct gust_watch gust_watch;

/* [loop] Calls function(fd, events, argument) while fd (borrowed) is ready for one of events
 * (level-triggered). One watch a descriptor. NULL: EEXIST, EPERM (a regular file), EBADF, ENOMEM, EDEADLK
 * without a loop. */
GUST_API gust_watch *gust_watch_new(gust_loop *loop, int fd, unsigned events,
                                    int (*function)(int fd, unsigned events, void *argument), void *argument);

/* [loop] Changes the events; 0 rests. 0, or -1 and errno. */
GUST_API int gust_watch_update(gust_watch *watch, unsigned events);

/* [loop] Ends it, before the descriptor is closed. NULL is allowed. */
GUST_API void gust_watch_free(gust_watch *watch);

/* [loop] Calls function(signal_number, 0, argument) on the loop when the signal arrives. gust changes no mask
 * and no disposition: the signal must be blocked in every thread before (EINVAL when it is not in this one).
 */
GUST_API gust_watch *gust_watch_signal(gust_loop *loop, int signal_number,
                                       int (*function)(int signal_number, unsigned zero, void *argument),
                                       void *argument);

GUST_END_DECLARATIONS

#endif
