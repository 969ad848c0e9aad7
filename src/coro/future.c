/* Futures: their two ends, and how results come from other threads. */
#include "coro/future.h"
#include "base/alloc.h"
#include "base/error_int.h"
#include "base/log_int.h"

#include <errno.h>
#include <stdarg.h>

/* ---- References ---- */

void gust__future_reference(struct gust_future *future)
{
    atomic_fetch_add_explicit(&future->references, 1, memory_order_relaxed);
}

void gust__future_release(struct gust_future *future)
{
    if (atomic_fetch_sub_explicit(&future->references, 1, memory_order_acq_rel) != 1)
        return;
    if (future->source)
        gust__future_release(future->source);
    gust__home_release(future->home);
    gust__free(future);
}

gust_future *gust_future_new(gust_loop *loop)
{
    if (!loop)
        loop = gust_loop_current();
    if (!loop) {
        errno = EDEADLK;
        return NULL;
    }
    struct gust__coroutines *coroutines = gust__coroutines_of(loop);
    if (!coroutines)
        return NULL;
    struct gust_future *future = gust__calloc(1, sizeof(*future));
    if (!future)
        return NULL;
    atomic_fetch_add_explicit(&coroutines->home->references, 1, memory_order_relaxed);
    future->home = coroutines->home;
    future->coroutines = coroutines;
    atomic_init(&future->references, 2); /* its maker's and its taker's */
    gust__list_init(&future->waiters);
    gust__list_init(&future->then_member);
    return future;
}

bool gust__future_is_here(const struct gust_future *future)
{
    return gust__home_here() == future->home;
}

/* ---- Dropping what nobody took ---- */

static void drop_value(struct gust__made *made)
{
    if (made->value && made->drop)
        made->drop(made->value);
    made->value = NULL;
}

/* Whoever cancelled expects an error. */
static bool is_expected(const struct gust_future *future, const struct gust_error *error)
{
    return future->read || (future->cancelled && (error->code == ECANCELED || error->code == ETIMEDOUT));
}

static void drop_error(const struct gust_future *future, struct gust__made *made)
{
    struct gust_error *error = made->error;
    made->error = NULL;
    if (error && !is_expected(future, error))
        gust__log_error(GUST_ERROR, error, "a future failed, and nobody asked");
    gust__error_free(error);
}

static void drop(const struct gust_future *future, struct gust__made *made)
{
    drop_value(made);
    drop_error(future, made);
}

void gust__future_end_taker(struct gust_future *future)
{
    int saved = errno;
    future->abandoned = true;
    if (future->done)
        drop(future, &future->got);
    else
        atomic_store_explicit(&future->refused, true, memory_order_release);
    gust__future_release(future);
    errno = saved;
}

/* ---- The maker's end, on the loop's thread ---- */

static void wake_waiters(struct gust_future *future)
{
    for (struct gust__list *node = future->waiters.next; node != &future->waiters; node = node->next)
        gust__wake(GUST__CONTAINER(node, struct gust__future_wait, member)->coroutine);
}

static void become_done(struct gust_future *future, const struct gust__made *made)
{
    future->got = *made;
    future->code = made->error ? made->error->code : 0;
    future->done = true;
    future->order = ++future->coroutines->resolved;
    wake_waiters(future);
    if (future->then)
        gust__future_then_ready(future);
}

int gust__future_resolve(struct gust_future *future, struct gust__made *made)
{
    bool refused = future->done || future->abandoned;
    if (refused)
        drop(future, made);
    else
        become_done(future, made);
    gust__future_release(future);
    if (!refused)
        return 0;
    errno = ECANCELED;
    return -1;
}

void gust__future_coroutine_started(struct gust_future *future, struct gust__coroutine *coroutine)
{
    future->coroutine = coroutine;
    if (coroutine)
        return;
    int code = errno;
    struct gust__made made = {.error = gust__error_new(NULL, 0, code, GUST__ERROR_PLAIN, NULL), .result = -1};
    gust__future_resolve(future, &made);
    errno = code;
}

void gust__future_coroutine_ended(struct gust_future *future, int result, struct gust_error *error)
{
    struct gust__made made = {.error = error, .result = error ? -1 : result};
    future->coroutine = NULL;
    gust__future_resolve(future, &made);
}

void gust__future_cancel_here(struct gust_future *future)
{
    if (future->done || future->cancelled)
        return;
    future->cancelled = true;
    if (future->coroutine) {
        gust__coroutine_cancel(future->coroutine);
    } else if (future->on_cancel) {
        gust__future_reference(future); /* it may set the future, which may be the last of it */
        if (future->on_cancel(future->on_cancel_argument) < 0)
            gust__log_error(GUST_ERROR, gust_error_last(), "a future's cancel failed");
        gust__future_release(future);
    } else if (future->source) {
        gust_cancel(future->source);
    } else {
        struct gust__made made = {.error = gust__error_new(NULL, 0, ECANCELED, GUST__ERROR_PLAIN, NULL)};
        atomic_store_explicit(&future->refused, true, memory_order_release);
        become_done(future, &made);
    }
}

/* ---- From any thread ---- */

void gust__future_want(struct gust_future *future, enum gust__want want)
{
    struct gust__home *home = future->home;
    if (!future->wanted) {
        gust__future_reference(future);
        future->next = NULL;
        if (home->first)
            home->last->next = future;
        else
            home->first = future;
        home->last = future;
    }
    future->wanted |= want;
    if (!home->posted)
        home->posted = gust_loop_post(home->loop, &home->post, gust__home_drain, home) == 0;
}

/* The next future that other threads want something of, and what; NULL: none. Its place's reference is the
 * caller's. */
static struct gust_future *next_wanted(struct gust__home *home, unsigned *wanted)
{
    gust__lock_take(&home->lock);
    struct gust_future *future = home->first;
    if (future) {
        home->first = future->next;
        *wanted = future->wanted;
        future->wanted = 0;
    } else {
        home->posted = false;
    }
    gust__lock_drop(&home->lock);
    return future;
}

int gust__home_drain(void *argument)
{
    struct gust__home *home = argument;
    struct gust_future *future;
    unsigned wanted;
    atomic_fetch_add_explicit(&home->references, 1, memory_order_relaxed);
    while ((future = next_wanted(home, &wanted))) {
        if (wanted & GUST__WANT_DONE)
            gust__future_resolve(future, &future->made);
        if (wanted & GUST__WANT_CANCEL)
            gust__future_cancel_here(future);
        if (wanted & GUST__WANT_FORWARD)
            gust_future_chain(future, future->forward_to);
        if (wanted & GUST__WANT_FREE)
            gust_future_free(future);
        gust__future_release(future);
    }
    gust__home_release(home);
    return 0;
}

static int end_from_elsewhere(struct gust_future *future, struct gust__made *made)
{
    struct gust__home *home = future->home;
    gust__lock_take(&home->lock);
    bool open = home->loop;
    bool refused = !open || atomic_load_explicit(&future->refused, memory_order_acquire);
    if (open) {
        future->made = *made;
        gust__future_want(future, GUST__WANT_DONE);
    }
    gust__lock_drop(&home->lock);
    if (!open) { /* no loop is left to drop it on */
        drop(future, made);
        gust__future_release(future);
    }
    if (!refused)
        return 0;
    errno = ECANCELED;
    return -1;
}

int gust__future_end_maker(struct gust_future *future, struct gust__made *made)
{
    return gust__future_is_here(future) ? gust__future_resolve(future, made)
                                        : end_from_elsewhere(future, made);
}

int gust_future_set(gust_future *future, void *value, void (*drop_function)(void *value))
{
    struct gust__made made = {.value = value, .drop = drop_function};
    return gust__future_end_maker(future, &made);
}

int gust_future_fail(gust_future *future, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct gust__made made = {.result = -1};
    made.error = gust__error_vnew(NULL, 0, code ? code : EIO, gust__error_usual_flags(NULL, 0, code), format,
                                  arguments);
    va_end(arguments);
    return gust__future_end_maker(future, &made);
}

int gust_future_fail_last(gust_future *future)
{
    int code = errno ? errno : EIO;
    const struct gust_error *last = gust_error_last();
    struct gust__made made = {.result = -1};
    made.error = last && last->code == code ? gust__error_copy(last)
                                            : gust__error_new(NULL, 0, code, GUST__ERROR_PLAIN, NULL);
    return gust__future_end_maker(future, &made);
}

void gust_cancel(gust_future *future)
{
    if (gust__future_is_here(future)) {
        gust__future_cancel_here(future);
        return;
    }
    gust__lock_take(&future->home->lock);
    if (future->home->loop)
        gust__future_want(future, GUST__WANT_CANCEL);
    gust__lock_drop(&future->home->lock);
}

void gust_future_on_cancel(gust_future *future, int (*function)(void *argument), void *argument)
{
    future->on_cancel = function;
    future->on_cancel_argument = argument;
}

/* ---- The taker's end ---- */

void gust_future_free(gust_future *future)
{
    if (!future)
        return;
    int saved = errno;
    if (!future->done && future->home->loop)
        gust__future_cancel_here(future);
    gust__future_end_taker(future);
    errno = saved;
}

bool gust_future_done(const gust_future *future)
{
    return future->done;
}

/* A future is never an object that is const itself. */
static void was_read(const struct gust_future *future)
{
    ((struct gust_future *)(uintptr_t)future)->read = true;
}

int gust_future_code(const gust_future *future)
{
    was_read(future);
    return future->code;
}

int gust_future_result(const gust_future *future)
{
    return future->got.result;
}

void *gust_future_value(const gust_future *future)
{
    return future->got.value;
}

const gust_error *gust_future_error(const gust_future *future)
{
    was_read(future);
    return future->got.error;
}

void *gust_future_take(gust_future *future)
{
    void *value = future->got.value;
    future->got.value = NULL;
    return value;
}
