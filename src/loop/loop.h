/*
 * The loop as the floors above see it: descriptors registered once for their whole life (edge-triggered), a
 * run queue of tasks, and a place where each module keeps what it has for a loop.
 *
 * One iteration: the tasks that were ready when it began (a task readied meanwhile waits for the next), then
 * epoll (until the first timer; if tasks are ready without waiting, and not within 50 microseconds of the
 * last time), then ready descriptors, timers that are due, posts. A throw out of any callback lands in the
 * loop, is logged, and the loop goes on.
 *
 * Ready descriptors come in slices of up to 16. What many of them do alike at their end, such as the write of
 * an answer, may be gathered (gust__loop_gather) and done for the whole slice: sixteen reads, then sixteen
 * writes, keep the kernel's code and ours in the caches, which a write after each read do not.
 */
#ifndef GUST_LOOP_LOOP_H
#define GUST_LOOP_LOOP_H

#include <gust/loop.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* ---- descriptors ---- */

/* Called on the loop with EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR bits. May remove any descriptor.
 */
typedef void gust__ready_function(void *owner, uint32_t events);

#define GUST__EDGE (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

/* Registers fd, once for its whole life; events as for epoll (mostly GUST__EDGE). 0; -1: EEXIST, EPERM,
 * ENOMEM, ENOSPC, EBADF. An event of an earlier user of the same number never arrives: slots carry a
 * generation. */
GUST_API int gust__loop_add(gust_loop *loop, int fd, uint32_t events, gust__ready_function *ready,
                            void *owner);

/* Changes the epoll events of a registered descriptor (level-triggered watches only). */
GUST_API int gust__loop_modify(gust_loop *loop, int fd, uint32_t events);

/* Ends the registration; call it before close. Events of this descriptor not yet delivered are dropped. */
GUST_API void gust__loop_remove(gust_loop *loop, int fd);

/* Lets the registration of fd give way: to whoever adds the same descriptor later. Its owner is told by
 * events 0, once, when it no longer has it. */
GUST_API void gust__loop_lend(gust_loop *loop, int fd);

/* Changes who is told about a registered descriptor, without a system call. */
GUST_API void gust__loop_set_owner(gust_loop *loop, int fd, gust__ready_function *ready, void *owner);

/* ---- signals ---- */

/* Called, if libgust-green has set it, on the loop's thread after a handler has run there while the loop
 * waited in epoll. */
extern GUST_API void (*gust__loop_interrupted)(gust_loop *loop);

/* A signal whose handler is gust's own, none of the program's; 0: there is none. */
extern GUST_API _Atomic int gust__loop_own_signal;

/* [sig] That handler calls this: it has interrupted nobody. */
void gust__loop_own_handler(void);

/* ---- the run queue ---- */

/* {.run = function} is a task that is not queued. It is taken out before it runs, so it may queue itself
 * anew. */
struct gust__task {
    struct gust__task *next; /* NULL: not queued */
    struct gust__task *previous;
    void (*run)(struct gust__task *task);
};

static inline bool gust__task_queued(const struct gust__task *task)
{
    return task->next;
}

/* Queues a task, first in first out; one already queued stays where it is. */
GUST_API void gust__loop_ready(gust_loop *loop, struct gust__task *task);

/* Takes a queued task out again; harmless when it is not queued. */
GUST_API void gust__loop_unready(gust_loop *loop, struct gust__task *task);

/* Queues a task to run behind the slice of ready descriptors at hand; one already queued stays where it is.
 * Only while gust__loop_gathers. */
GUST_API void gust__loop_gather(gust_loop *loop, struct gust__task *task);

/* ---- what modules keep for a loop ---- */

enum gust__loop_module {
    GUST__LOOP_COROUTINES,
    GUST__LOOP_POOLS,
    GUST__LOOP_RESOLVER,
    GUST__LOOP_SUBPROCESSES,
    GUST__LOOP_HTTP,
    GUST__LOOP_FETCH,
    GUST__LOOP_WEB,
    GUST__LOOP_GREEN,
    GUST__LOOP_WATCHDOG,
    GUST__LOOP_MODULES
};

/* A module's state. close is called by gust_loop_close, highest module first, while the loop still works: it
 * ends what runs; release after all were closed: it frees. */
struct gust__loop_state {
    void (*close)(gust_loop *loop, struct gust__loop_state *state); /* NULL: nothing to do */
    void (*release)(struct gust__loop_state *state);
};

/* The first part of each loop: what the floors above look at with every request, without a call. */
struct gust__loop_face {
    int64_t time; /* gust_loop_time */
    bool closing; /* gust_loop_close has begun */
    bool gathers; /* further descriptors of the slice are ready, and have cost little lately */
    struct gust__loop_state *states[GUST__LOOP_MODULES];
};

static inline const struct gust__loop_face *gust__loop_face(const gust_loop *loop)
{
    return (const struct gust__loop_face *)(const void *)loop;
}

static inline bool gust__loop_gathers(const gust_loop *loop)
{
    return gust__loop_face(loop)->gathers;
}

static inline struct gust__loop_state *gust__loop_state(const gust_loop *loop, enum gust__loop_module module)
{
    return gust__loop_face(loop)->states[module];
}

GUST_API void gust__loop_set_state(gust_loop *loop, enum gust__loop_module module,
                                   struct gust__loop_state *state);

/* ---- coroutines under the loop's own things ---- */

/* Runs function(argument) where it may wait, and calls ended(that) on the loop's thread once it has ended,
 * however it ended; a failure is logged by the runner. 0; -1 and errno: it was not started, and ended is not
 * called. */
typedef int gust__loop_runner(gust_loop *loop, int (*function)(void *argument), void *argument,
                              void (*ended)(void *that), void *that);

/* From now on gust_every runs its function so; NULL: on the loop's own stack. */
void gust__loop_set_runner(gust_loop *loop, gust__loop_runner *runner);

/* ---- before loops ---- */

/* Called, if a floor above has set it, by gust_loop_new before anything else: the last chance to do what must
 * be done before a process has loops, and what comes with them. */
extern void (*gust__loop_before_new)(void);

/* ---- running ---- */

/* One iteration: waits at most until the monotonic time until (GUST__FOREVER; 0: not at all). */
GUST_API void gust__loop_iterate(gust_loop *loop, int64_t until);

/* Makes loop the calling thread's current one (gust_loop_current), for gust_run and for closing; returns the
 * one before. NULL: none. */
gust_loop *gust__loop_enter(gust_loop *loop);
void gust__loop_leave(gust_loop *before);

/* gust_loop_time, without a call. */
static inline int64_t gust__loop_time(const gust_loop *loop)
{
    return gust__loop_face(loop)->time;
}

/* The cached time, read anew. */
int64_t gust__loop_refresh_time(gust_loop *loop);

/* True once gust_loop_close has begun: nothing new is to be started. */
static inline bool gust__loop_closing(const gust_loop *loop)
{
    return gust__loop_face(loop)->closing;
}

/* Counts whatever begins to run, a task, a callback. Any thread may look: a loop that is busy (it runs, and
 * does not wait) while this stands still is held up by something. */
unsigned gust__loop_turns(const gust_loop *loop);
bool gust__loop_busy(const gust_loop *loop);

/* How long what becomes ready has to wait until it runs: ns, the mean of late and the longest since the last
 * call; iterations since the start; tasks queued now, counted one by one. */
struct gust__loop_figures {
    uint64_t iterations;
    size_t ready;
    int64_t lag_mean;
    int64_t lag_max;
};
void gust__loop_figures(gust_loop *loop, struct gust__loop_figures *figures);

/* Descriptors and timers registered now, for tests and metrics. */
GUST_API size_t gust__loop_descriptors(const gust_loop *loop);
size_t gust__loop_timers(const gust_loop *loop);

#endif
