#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/throw.h"
#include "loop/loop_int.h"

#include <errno.h>
#include <string.h>

struct gust_periodic {
    gust_loop *loop; /* NULL: closed meanwhile */
    gust_timer timer;
    int64_t period;
    int64_t due; /* when the call in progress, or the next, was to start */
    double jitter;
    int (*function)(void *argument);
    void *argument;
    bool runs;  /* its function does */
    bool freed; /* from inside it */
    struct gust__list member;
};

/* From -1 to 1. */
static double random_share(void)
{
    return (double)(gust__random_u64() >> 11) * 0x1p-52 - 1;
}

static int64_t vary(const gust_periodic *periodic)
{
    double period = (double)periodic->period;
    if (periodic->jitter > 0)
        period *= 1 + periodic->jitter * random_share();
    return period < 1 ? 1 : period >= 0x1p62 ? INT64_C(1) << 62 : (int64_t)period;
}

/* The next start after now, counted from the last one; cycles in between are skipped. */
static int64_t next_start(const gust_periodic *periodic, int64_t now)
{
    int64_t period = vary(periodic);
    int64_t missed = now > periodic->due ? (now - periodic->due) / period : 0;
    return gust__clock_after(periodic->due + missed * period, period);
}

static void schedule(gust_periodic *periodic)
{
    periodic->due = next_start(periodic, gust__clock_now());
    if (gust_timer_start(periodic->loop, &periodic->timer, periodic->due) < 0)
        gust__loop_failed("a periodic call ended: no room for its timer");
}

static void ended(void *that)
{
    gust_periodic *periodic = that;
    periodic->runs = false;
    if (periodic->freed)
        gust__free(periodic);
    else if (periodic->loop && !periodic->loop->face.closing)
        schedule(periodic);
}

static void call_here(gust_periodic *periodic)
{
    if (gust__catch(periodic->function, periodic->argument) < 0)
        gust__loop_failed("a periodic call failed");
    ended(periodic);
}

static int due(void *argument)
{
    gust_periodic *periodic = argument;
    gust_loop *loop = periodic->loop;
    periodic->runs = true;
    if (!loop->runner) {
        call_here(periodic);
    } else if (loop->runner(loop, periodic->function, periodic->argument, ended, periodic) < 0) {
        gust__loop_failed("a periodic call was not started");
        ended(periodic);
    }
    return 0;
}

gust_periodic *gust_every_with(int64_t period, int (*function)(void *argument), void *argument,
                               const gust_periodic_options *options)
{
    gust_periodic_options given = {0};
    memcpy(&given, options, options->size < sizeof(given) ? options->size : sizeof(given));
    gust_loop *loop = given.loop ? given.loop : gust_loop_current();
    if (period < 1 || !(given.jitter >= 0 && given.jitter <= 1) || !loop) {
        errno = loop ? EINVAL : EDEADLK;
        return NULL;
    }
    gust_periodic *periodic = gust__malloc(sizeof(*periodic));
    if (!periodic)
        return NULL;
    *periodic = (gust_periodic){.loop = loop,
                                .timer = {.function = due, .argument = periodic},
                                .period = period,
                                .due = gust__clock_now(),
                                .jitter = given.jitter,
                                .function = function,
                                .argument = argument};
    periodic->due = next_start(periodic, periodic->due);
    if (gust_timer_start(loop, &periodic->timer, periodic->due) < 0) {
        gust__free(periodic);
        return NULL;
    }
    gust__list_append(&loop->periodics, &periodic->member);
    return periodic;
}

static void detach(gust_periodic *periodic)
{
    if (!periodic->loop)
        return;
    gust_timer_stop(periodic->loop, &periodic->timer);
    gust__list_remove(&periodic->member);
    periodic->loop = NULL;
}

void gust_periodic_free(gust_periodic *periodic)
{
    if (!periodic)
        return;
    detach(periodic);
    if (periodic->runs)
        periodic->freed = true;
    else
        gust__free(periodic);
}

void gust__periodics_fini(gust_loop *loop)
{
    while (!gust__list_empty(&loop->periodics))
        detach(GUST__CONTAINER(loop->periodics.next, gust_periodic, member));
}
