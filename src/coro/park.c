/* Waiting: parked coroutines, their deadlines, cancel, and what wakes them. */
#include "base/clock.h"
#include "base/throw.h"
#include "coro/home.h"

#include <errno.h>

enum {
    share = 10 * 1000 * 1000
}; /* nanoseconds that a coroutine may compute before gust_checkpoint yields */

void gust__coroutine_leave(struct gust__coroutine *coroutine)
{
    struct gust__coroutines *home = coroutine->home;
    gust__fiber_leave(&coroutine->fiber, &home->fiber);
    gust__flow_switch(&coroutine->flow, &home->flow);
    gust__fiber_arrive(&coroutine->fiber, &home->fiber);
}

/* ---- Deadline and cancel ---- */

/* When interruptible waits begin to fail. */
static int64_t interrupted_at(struct gust__coroutine *coroutine)
{
    struct gust__context *context = &coroutine->context;
    int64_t at = context->deadline ? context->deadline : GUST__FOREVER;
    if (coroutine->cancelled)
        at = INT64_MIN;
    if (at != GUST__FOREVER && context->shield) {
        int64_t shielded = gust__shield_ends(context, gust__loop_time(coroutine->loop));
        at = at > shielded ? at : shielded;
    }
    return at;
}

static int cause_of(const struct gust__coroutine *coroutine)
{
    return coroutine->cancelled ? ECANCELED : ETIMEDOUT;
}

/* Sees to it that the coroutine is looked at when a time has come. Its timer is left running when a wait
 * ends: moving it later in the next wait costs next to nothing, and one that fires between waits is ignored.
 * 0, or -1 and ENOMEM. */
static int arm(struct gust__coroutine *coroutine, int64_t at)
{
    coroutine->wakes_at = at;
    return at == GUST__FOREVER ? 0 : gust_timer_start(coroutine->loop, &coroutine->timer, at);
}

int gust__coroutine_timer(void *argument)
{
    struct gust__coroutine *coroutine = argument;
    if (!coroutine->parked || coroutine->wakes_at == GUST__FOREVER)
        return 0;
    if (gust__loop_time(coroutine->loop) >= coroutine->wakes_at || arm(coroutine, coroutine->wakes_at) < 0)
        gust__loop_ready(coroutine->loop, &coroutine->task);
    return 0;
}

void gust__coroutine_cancel(struct gust__coroutine *coroutine)
{
    coroutine->cancelled = true;
    if (!coroutine->parked || !coroutine->interruptible)
        return;
    int64_t at = interrupted_at(coroutine);
    if (at > coroutine->wakes_at)
        return;
    if (at <= gust__loop_time(coroutine->loop) || arm(coroutine, at) < 0)
        gust__loop_ready(coroutine->loop, &coroutine->task);
}

/* ---- Parking ---- */

/* How a wait stands that nobody has ended: 0 goes on, 1 its own time has come, else the errno of its
 * interruption, negated. */
static int verdict(struct gust__coroutine *coroutine, int64_t until)
{
    int64_t now = gust__loop_time(coroutine->loop);
    int64_t interrupted = coroutine->interruptible ? interrupted_at(coroutine) : GUST__FOREVER;
    if (interrupted <= now && interrupted < until)
        return -cause_of(coroutine);
    return until <= now;
}

static int arm_for(struct gust__coroutine *coroutine, int64_t until)
{
    int64_t interrupted = coroutine->interruptible ? interrupted_at(coroutine) : GUST__FOREVER;
    return arm(coroutine, until < interrupted ? until : interrupted);
}

static int wait_until(struct gust__coroutine *coroutine, int64_t until)
{
    if (verdict(coroutine, until) != 0) { /* already over: it yields nevertheless */
        coroutine->wakes_at = GUST__FOREVER;
        gust__loop_ready(coroutine->loop, &coroutine->task);
    } else if (arm_for(coroutine, until) < 0) {
        return -ENOMEM;
    }
    for (;;) {
        gust__coroutine_leave(coroutine);
        if (coroutine->woken)
            return 0;
        int over = verdict(coroutine, until);
        if (over != 0)
            return over;
        if (arm_for(coroutine, until) < 0)
            return -ENOMEM;
    }
}

int gust__park_until(int flags, const char *what, int64_t until)
{
    struct gust__coroutine *coroutine = gust__current;
    if (!coroutine) {
        errno = EDEADLK;
        return -1;
    }
    int saved = errno;
    coroutine->waits_for = what;
    coroutine->interruptible = flags & GUST__INTERRUPTIBLE;
    coroutine->woken = false;
    coroutine->parked = true;
    int result = wait_until(coroutine, until);
    coroutine->parked = false;
    coroutine->waits_for = NULL;
    if (result >= 0) {
        errno = saved;
        return result;
    }
    coroutine->interruptions++;
    errno = -result;
    return -1;
}

int gust__park(int flags, const char *what)
{
    return gust__park_until(flags, what, GUST__FOREVER);
}

void gust__wake(struct gust__coroutine *coroutine)
{
    if (!coroutine->parked || coroutine->woken)
        return;
    coroutine->woken = true;
    gust__loop_ready(coroutine->loop, &coroutine->task);
}

int gust__wake_posted(void *coroutine)
{
    gust__wake(coroutine);
    return 0;
}

/* ---- What users call ---- */

int gust_sleep(int64_t nanoseconds)
{
    if (nanoseconds <= 0)
        return gust_yield();
    int64_t until = gust__clock_after(gust__clock_now(), nanoseconds);
    int result;
    do
        result = gust__park_until(GUST__INTERRUPTIBLE, "sleep", until);
    while (result == 0); /* a stray wake: sleep on */
    return result < 0 ? -1 : 0;
}

int gust_yield(void)
{
    int64_t now = gust__current ? gust__loop_time(gust__current->loop) : 0;
    return gust__park_until(GUST__INTERRUPTIBLE, "its turn", now) < 0 ? -1 : 0;
}

int gust_checkpoint(void)
{
    const struct gust__coroutine *coroutine = gust__current;
    if (!coroutine) {
        errno = EDEADLK;
        return -1;
    }
    return gust__clock_now() - coroutine->resumed < share ? 0 : gust_yield();
}

bool gust_cancelled(void)
{
    return gust__current && gust__current->cancelled;
}
