#include "base/alloc.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/lock.h"
#include "base/log_int.h"
#include "base/throw.h"
#include "loop/loop_int.h"

#include <errno.h>
#include <pthread.h>

/* The thread's current loop, and in which process: a forked child has none. */
static _Thread_local struct {
    gust_loop *loop;
    unsigned fork_generation;
} current __attribute__((tls_model("initial-exec")));

/* All loops that are not closed: for tools/gust-gdb.py, who reads them in a stopped program. */
struct gust__list gust__loops = {&gust__loops, &gust__loops};
static struct gust__lock loops_lock;

/* The parent's loops are none of the child's. */
static void after_fork(void)
{
    loops_lock = (struct gust__lock){0};
    gust__list_init(&gust__loops);
}

static __attribute__((constructor)) void begin(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

/* ---- The current loop ---- */

gust_loop *gust_loop_current(void)
{
    return current.fork_generation == gust__fork_generation ? current.loop : NULL;
}

gust_loop *gust__loop_enter(gust_loop *loop)
{
    gust_loop *before = gust_loop_current();
    gust__loop_leave(loop);
    gust__loop_refresh_time(loop);
    return before;
}

void gust__loop_leave(gust_loop *before)
{
    current.loop = before;
    current.fork_generation = gust__fork_generation;
}

bool gust__loop_own(const gust_loop *loop)
{
    return loop->fork_generation == gust__fork_generation;
}

/* ---- Beginning and end ---- */

void (*gust__loop_before_new)(void);

gust_loop *gust_loop_new(void)
{
    if (gust__loop_before_new)
        gust__loop_before_new();
    gust_loop *loop = gust__aligned_alloc(_Alignof(gust_loop), sizeof(*loop));
    if (!loop)
        return NULL;
    *loop = (gust_loop){.fork_generation = gust__fork_generation};
    gust__list_init(&loop->watches);
    gust__list_init(&loop->periodics);
    if (gust__descriptors_init(loop) < 0) {
        gust__descriptors_fini(loop);
        gust__free(loop);
        return NULL;
    }
    gust__loop_refresh_time(loop);
    gust__lock_take(&loops_lock);
    gust__list_append(&gust__loops, &loop->everywhere);
    gust__lock_drop(&loops_lock);
    return loop;
}

static void forget(gust_loop *loop)
{
    gust__lock_take(&loops_lock);
    if (gust__loop_own(loop))
        gust__list_remove(&loop->everywhere);
    gust__lock_drop(&loops_lock);
}

static void close_modules(gust_loop *loop)
{
    for (int i = GUST__LOOP_MODULES - 1; i >= 0; i--) {
        struct gust__loop_state *state = loop->face.states[i];
        if (state && state->close)
            state->close(loop, state);
    }
    for (int i = GUST__LOOP_MODULES - 1; i >= 0; i--) {
        struct gust__loop_state *state = loop->face.states[i];
        loop->face.states[i] = NULL;
        if (state && state->release)
            state->release(state);
    }
}

void gust_loop_close(gust_loop *loop)
{
    if (loop->face.closing)
        return;
    loop->face.closing = true;
    gust_loop *before = gust__loop_enter(loop);
    close_modules(loop);
    gust__loop_leave(before == loop ? NULL : before);
    forget(loop);
    gust__periodics_fini(loop);
    gust__watches_fini(loop);
    gust__posts_fini(loop);
    gust__tasks_fini(loop);
    gust__timers_fini(loop);
    gust__descriptors_fini(loop);
    loop->closed = true;
}

void gust_loop_free(gust_loop *loop)
{
    if (!loop)
        return;
    gust_loop_close(loop);
    gust__free(loop->slots);
    gust__free(loop);
}

/* ---- One iteration ---- */

/* How long epoll may wait. The clock is read again if it may wait at all: tasks took their time. */
static int64_t time_to_wait(gust_loop *loop)
{
    if (loop->ready || gust__posts_pending(loop))
        return 0;
    int64_t until = gust__timers_next(loop);
    if (loop->until < until)
        until = loop->until;
    if (until == GUST__FOREVER)
        return GUST__FOREVER;
    if (until <= loop->face.time)
        return 0;
    int64_t now = gust__loop_refresh_time(loop);
    return until > now ? until - now : 0;
}

/* What a poll finds waits until all that was found before has run, so an iteration's length is the longest
 * that anything had to wait. before: when the poll began, or a little later. */
static void count_lag(gust_loop *loop, int64_t before, int events)
{
    int64_t lag = before - loop->polled;
    loop->iterations++;
    loop->cheap = lag < (int64_t)events * GUST__LOOP_CHEAP;
    if (loop->polled == 0)
        return;
    loop->lag_mean += (lag - loop->lag_mean) / 16;
    if (lag > loop->lag_max)
        loop->lag_max = lag;
}

static void poll_descriptors(gust_loop *loop)
{
    int64_t timeout = time_to_wait(loop);
    int64_t before = loop->face.time;
    int events = loop->event_count;
    if (timeout != 0) {
        atomic_store(&loop->sleeping, 1);
        if (gust__posts_pending(loop))
            timeout = 0;
    }
    gust__descriptors_poll(loop, timeout);
    atomic_store_explicit(&loop->sleeping, 0, memory_order_relaxed);
    gust__loop_refresh_time(loop);
    count_lag(loop, timeout != 0 ? before : loop->face.time, events);
    loop->polled = loop->face.time;
}

/* Whether tasks that ready each other, as yielding coroutines do, go on without a look at descriptors: a
 * round of few costs less than epoll. By the clock, so that descriptors wait for so long, or for one long
 * round, and no longer. */
static bool tasks_go_on(gust_loop *loop)
{
    return loop->ready && gust__loop_refresh_time(loop) < loop->polled + GUST__LOOP_POLL_LATEST;
}

/* Everything here goes on where it stopped when a callback threw. */
static int dispatch(void *argument)
{
    gust_loop *loop = argument;
    gust__tasks_dispatch(loop);
    if (!loop->poll_done) {
        loop->poll_done = true;
        if (!tasks_go_on(loop))
            poll_descriptors(loop);
    }
    gust__descriptors_dispatch(loop);
    gust__timers_dispatch(loop);
    gust__posts_dispatch(loop);
    return 0;
}

void gust__loop_iterate(gust_loop *loop, int64_t until)
{
    loop->until = until;
    loop->poll_done = false;
    gust__loop_turn(loop);
    gust__tasks_begin(loop);
    while (gust__catch(dispatch, loop) < 0)
        gust__loop_failed("a callback threw");
}

int gust_loop_run(gust_loop *loop)
{
    if (gust_loop_current() || loop->face.closing) {
        errno = loop->face.closing ? ECANCELED : EDEADLK;
        return -1;
    }
    gust_loop *before = gust__loop_enter(loop);
    loop->running = true;
    loop->polled = 0;
    atomic_store(&loop->busy, true);
    gust__log_defers = true;
    do {
        gust__loop_iterate(loop, GUST__FOREVER);
    } while (!atomic_exchange(&loop->stop, 0));
    gust__log_defers = false;
    gust__log_drain();
    loop->running = false;
    atomic_store(&loop->busy, false);
    gust__loop_leave(before);
    return 0;
}

void gust__loop_set_runner(gust_loop *loop, gust__loop_runner *runner)
{
    loop->runner = runner;
}

void gust__loop_failed(const char *what)
{
    gust__log_error(GUST_ERROR, gust_error_last(), what);
}

/* ---- What is known of a loop ---- */

unsigned gust__loop_turns(const gust_loop *loop)
{
    return atomic_load_explicit(&loop->turns, memory_order_relaxed);
}

bool gust__loop_busy(const gust_loop *loop)
{
    return atomic_load(&loop->busy) && !atomic_load(&loop->sleeping);
}

void gust__loop_figures(gust_loop *loop, struct gust__loop_figures *figures)
{
    *figures =
        (struct gust__loop_figures){loop->iterations, gust__tasks_count(loop), loop->lag_mean, loop->lag_max};
    loop->lag_max = 0;
}

int64_t gust_loop_time(const gust_loop *loop)
{
    return loop->face.time;
}

int64_t gust__loop_refresh_time(gust_loop *loop)
{
    return loop->face.time = gust__clock_now();
}

void gust__loop_set_state(gust_loop *loop, enum gust__loop_module module, struct gust__loop_state *state)
{
    loop->face.states[module] = state;
}
