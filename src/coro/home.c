/* A loop's coroutines as a whole: what is made for them, and how they end with the loop. */
#include "coro/home.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log_int.h"

#include <dlfcn.h>
#include <errno.h>

enum { grace = 6 }; /* seconds that closing gives coroutines to end: shielded clean-up has 5 */

/* ---- Home ---- */

static struct gust__home *home_new(gust_loop *loop)
{
    struct gust__home *home = gust__calloc(1, sizeof(*home));
    if (!home)
        return NULL;
    atomic_init(&home->references, 1);
    home->loop = loop;
    return home;
}

void gust__home_release(struct gust__home *home)
{
    if (atomic_fetch_sub_explicit(&home->references, 1, memory_order_acq_rel) == 1)
        gust__free(home);
}

struct gust__home *gust__home_here(void)
{
    gust_loop *loop = gust_loop_current();
    struct gust__coroutines *coroutines = loop ? gust__coroutines_find(loop) : NULL;
    return coroutines ? coroutines->home : NULL;
}

static void home_close(struct gust__home *home)
{
    gust__lock_take(&home->lock);
    home->loop = NULL;
    gust__lock_drop(&home->lock);
    gust__home_drain(home);
}

/* ---- The end of a loop ---- */

static void cancel_one(struct gust__coroutine *coroutine, void *unused)
{
    (void)unused;
    gust__coroutine_cancel(coroutine);
}

static bool has_more(const struct gust__coroutines *coroutines)
{
    return coroutines->count > 0 || !gust__list_empty(&coroutines->thens);
}

/* The last may have ended while this was queued already: then it stays queued, so that the loop does not
 * sleep. */
static void nudged(struct gust__task *task)
{
    struct gust__coroutines *coroutines = GUST__CONTAINER(task, struct gust__coroutines, nudge);
    if (!has_more(coroutines))
        gust__loop_ready(coroutines->loop, task);
}

static void give_up_one(struct gust__coroutine *coroutine, void *unused)
{
    (void)unused;
    const char *wait = coroutine->waits_for ? coroutine->waits_for : "its turn";
    gust_log(GUST_ERROR, "%s did not end with its loop: it waits for %s", gust__coroutine_name(coroutine),
             wait);
    gust_timer_stop(coroutine->loop, &coroutine->timer);
    gust__loop_unready(coroutine->loop, &coroutine->task);
    coroutine->parked = false; /* nobody can wake it any more */
}

/* Cancels all coroutines and joins them. Those that do not end are left as they are, parked for ever; their
 * stacks stay, since other coroutines and threads may still point into them. */
static void close_coroutines(gust_loop *loop, struct gust__loop_state *state)
{
    struct gust__coroutines *coroutines = (struct gust__coroutines *)(void *)state;
    coroutines->closing = true;
    gust__coroutine_each(loop, cancel_one, NULL);
    gust__thens_cancel(coroutines);
    int64_t until = gust__clock_after(gust__clock_now(), GUST_S(grace));
    while (has_more(coroutines) && gust__clock_now() < until)
        gust__loop_iterate(loop, until);
    gust__coroutine_each(loop, give_up_one, NULL);
}

static void release(struct gust__loop_state *state)
{
    struct gust__coroutines *coroutines = (struct gust__coroutines *)(void *)state;
    gust__loop_unready(coroutines->loop, &coroutines->nudge);
    home_close(coroutines->home);
    gust__thens_forget(coroutines);
    gust__home_release(coroutines->home);
    if (coroutines->count > 0)
        return; /* they were given up */
    gust__stack_arena_free(coroutines->arena);
    gust__free(coroutines);
}

/* ---- Its beginning ---- */

static struct gust__coroutines *coroutines_new(gust_loop *loop)
{
    struct gust__coroutines *coroutines = gust__calloc(1, sizeof(*coroutines));
    if (!coroutines)
        return NULL;
    coroutines->home = home_new(loop);
    if (!coroutines->home) {
        gust__free(coroutines);
        return NULL;
    }
    coroutines->state.close = close_coroutines;
    coroutines->state.release = release;
    coroutines->loop = loop;
    coroutines->nudge.run = nudged;
    gust__list_init(&coroutines->all);
    gust__list_init(&coroutines->thens);
    gust__loop_set_state(loop, GUST__LOOP_COROUTINES, &coroutines->state);
    gust__loop_set_runner(loop, gust__coroutine_run_periodic);
    return coroutines;
}

struct gust__coroutines *gust__coroutines_make(gust_loop *loop)
{
    if (gust__loop_closing(loop)) {
        errno = ECANCELED;
        return NULL;
    }
    return coroutines_new(loop);
}

static void warn(const char *text)
{
    gust_log(GUST_WARNING, "%s", text);
}

/* Whether a warm stack may keep its flow: sanitizers and valgrind want to know each stack's beginning and
 * end. */
static bool may_recycle(void)
{
#if defined(GUST__ASAN) || defined(GUST__TSAN) || defined(GUST_PORTABLE_SWITCH)
    return false;
#elif defined(GUST__VALGRIND)
    return !RUNNING_ON_VALGRIND;
#else
    return true;
#endif
}

/* A million stacks are 256 GiB of addresses, which some environments don't have (ulimit -v, valgrind,
 * sanitizers): then it is fewer. */
/* Weak for what is linked in, dlsym for what comes with another library. */
extern struct gust__exceptions *__cxa_get_globals(void) __attribute__((weak));

static void find_exceptions(struct gust__coroutines *coroutines)
{
    coroutines->exceptions = __cxa_get_globals;
    if (!coroutines->exceptions)
        *(void **)(void *)&coroutines->exceptions = dlsym(RTLD_DEFAULT, "__cxa_get_globals");
}

int gust__coroutines_begin(struct gust__coroutines *coroutines)
{
    enum { most = 1024 * 1024, least = 256 };
    struct gust__stack_options options = {.max = most, .warn = warn};
#ifdef GUST__TSAN
    options.max = 16384; /* so that several loops fit beside its shadow */
#endif
    int saved = errno;
    while (!(coroutines->arena = gust__stack_arena_new(&options))) {
        options.max /= 4;
        if (errno != ENOMEM || options.max < least)
            return -1;
    }
    errno = saved;
    coroutines->max = options.max;
    coroutines->stack_shift = (unsigned)__builtin_ctzl(gust__stack_arena_stride(coroutines->arena));
    coroutines->recycles = may_recycle();
    find_exceptions(coroutines);
#ifndef GUST_PORTABLE_SWITCH
    char stack[256] __attribute__((aligned(16)));
    gust__flow_init(&coroutines->flow, stack, sizeof(stack), NULL, NULL); /* only for the modes it reads */
    coroutines->float_modes = coroutines->flow.float_modes;
#endif
    return 0;
}

const struct gust__stack_arena *gust__coroutine_arena(gust_loop *loop)
{
    struct gust__coroutines *coroutines = gust__coroutines_of(loop);
    if (!coroutines || (!coroutines->arena && gust__coroutines_begin(coroutines) < 0))
        return NULL;
    return coroutines->arena;
}
