#include "base/alloc.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/log_int.h"
#include "base/throw.h"
#include "loop/loop_int.h"

#include <errno.h>

/* The thread's current loop, and in which process: a forked child has none. */
static _Thread_local struct {
    gust_loop *loop;
    unsigned fork_generation;
} current __attribute__((tls_model("initial-exec")));

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
    return loop;
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

static void poll_descriptors(gust_loop *loop)
{
    int64_t timeout = time_to_wait(loop);
    if (timeout != 0) {
        atomic_store(&loop->sleeping, 1);
        if (gust__posts_pending(loop))
            timeout = 0;
    }
    gust__descriptors_poll(loop, timeout);
    atomic_store_explicit(&loop->sleeping, 0, memory_order_relaxed);
    gust__loop_refresh_time(loop);
}

/* Everything here goes on where it stopped when a callback threw. */
static int dispatch(void *argument)
{
    gust_loop *loop = argument;
    gust__tasks_dispatch(loop);
    if (!loop->polled) {
        loop->polled = true;
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
    loop->polled = false;
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
    do {
        gust__loop_iterate(loop, GUST__FOREVER);
    } while (!atomic_exchange(&loop->stop, 0));
    loop->running = false;
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
