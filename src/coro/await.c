/* Awaiting futures, one and several. */
#include "base/alloc.h"
#include "base/error_int.h"
#include "base/log_int.h"
#include "coro/future.h"

#include <errno.h>

/* ---- Another loop's future ---- */

static void free_from_elsewhere(struct gust_future *future)
{
    gust__lock_take(&future->home->lock);
    bool open = future->home->loop;
    if (open)
        gust__future_want(future, GUST__WANT_FREE);
    gust__lock_drop(&future->home->lock);
    if (!open)
        gust__future_end_taker(future);
}

/* Its loop has closed: nobody else touches it any more. */
static void take_from_closed(struct gust_future *future, struct gust_future *here)
{
    struct gust__made made = future->got;
    future->got = (struct gust__made){0};
    if (!future->done)
        made.error = gust__error_new(NULL, 0, ECANCELED, GUST__ERROR_PLAIN, NULL);
    gust__future_end_taker(future);
    gust__future_resolve(here, &made);
}

/* A future of this loop for the same result. Takes future, and gives NULL when it fails. */
static struct gust_future *bring_here(struct gust_future *future)
{
    struct gust_future *here = gust_future_new(NULL);
    if (!here) {
        free_from_elsewhere(future);
        return NULL;
    }
    gust__future_reference(future);
    here->source = future;
    gust__lock_take(&future->home->lock);
    bool open = future->home->loop;
    if (open) {
        future->forward_to = here;
        gust__future_want(future, GUST__WANT_FORWARD);
    }
    gust__lock_drop(&future->home->lock);
    if (!open)
        take_from_closed(future, here);
    return here;
}

/* ---- One ---- */

static int wait_for(struct gust_future *future)
{
    while (!future->done) {
        struct gust__future_wait wait = {.coroutine = gust__current};
        gust__list_append(&future->waiters, &wait.member);
        int result = gust__park(GUST__INTERRUPTIBLE, "a future");
        gust__list_remove(&wait.member);
        if (result < 0)
            return -1;
    }
    return 0;
}

static void take_result(struct gust_future *future, struct gust__made *got)
{
    *got = future->got;
    future->got = (struct gust__made){0};
    gust__future_end_taker(future);
}

/* 0, and the result is the caller's; or -1, and the error is where it belongs. Takes future. */
static int await(struct gust_future *future, struct gust__made *got)
{
    if (!future)
        return -1;
    if (!gust__current) {
        errno = EDEADLK;
        return -1;
    }
    if (!gust__future_is_here(future) && !(future = bring_here(future)))
        return -1;
    if (wait_for(future) < 0) {
        gust_future_free(future);
        return -1;
    }
    take_result(future, got);
    return got->error ? gust__error_put(got->error) : 0;
}

int gust_await(gust_future *future)
{
    struct gust__made got;
    if (await(future, &got) < 0)
        return -1;
    if (got.value && got.drop)
        got.drop(got.value);
    return got.result;
}

void *gust_await_ptr(gust_future *future)
{
    struct gust__made got;
    if (await(future, &got) < 0)
        return NULL;
    if (!got.value)
        errno = 0;
    return got.value;
}

/* ---- The first of several ---- */

enum { few = 8 };

static int first_done(gust_future *const *futures, size_t count)
{
    int first = -1;
    for (size_t i = 0; i < count; i++) {
        if (futures[i] && futures[i]->done && (first < 0 || futures[i]->order < futures[first]->order))
            first = (int)i;
    }
    return first;
}

static int check_any(gust_future *const *futures, size_t count)
{
    bool some = false;
    for (size_t i = 0; i < count; i++) {
        if (futures[i] && !gust__future_is_here(futures[i])) {
            errno = EPERM;
            return -1;
        }
        some |= futures[i] != NULL;
    }
    if (some && count <= INT32_MAX)
        return 0;
    errno = EINVAL;
    return -1;
}

static int wait_with(gust_future *const *futures, size_t count, struct gust__future_wait *waits)
{
    for (size_t i = 0; i < count; i++) {
        waits[i].coroutine = gust__current;
        gust__list_init(&waits[i].member);
        if (futures[i])
            gust__list_append(&futures[i]->waiters, &waits[i].member);
    }
    int first = -1, result = 0;
    while (first < 0 && result == 0) {
        result = gust__park(GUST__INTERRUPTIBLE, "the first of some futures");
        first = first_done(futures, count);
    }
    for (size_t i = 0; i < count; i++)
        gust__list_remove(&waits[i].member);
    return first;
}

int gust_wait_any(gust_future *const *futures, size_t count)
{
    if (!gust__current) {
        errno = EDEADLK;
        return -1;
    }
    if (check_any(futures, count) < 0)
        return -1;
    int first = first_done(futures, count);
    if (first >= 0)
        return first;
    struct gust__future_wait room[few];
    struct gust__future_wait *waits = count <= few ? room : gust__malloc(count * sizeof(*waits));
    if (!waits)
        return -1;
    first = wait_with(futures, count, waits);
    if (waits != room)
        gust__free(waits);
    return first;
}

/* ---- All of several ---- */

static void free_all(struct gust_future **futures, size_t count)
{
    int saved = errno;
    for (size_t i = 0; i < count; i++) {
        if (futures[i] && gust__future_is_here(futures[i]))
            gust_future_free(futures[i]);
        else if (futures[i])
            free_from_elsewhere(futures[i]);
    }
    errno = saved;
}

/* All in this loop and done; -1: an interruption, or no memory. */
static int wait_each(struct gust_future **futures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (futures[i] && !gust__future_is_here(futures[i]) && !(futures[i] = bring_here(futures[i])))
            return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (futures[i] && wait_for(futures[i]) < 0)
            return -1;
    }
    return 0;
}

static struct gust_future *first_failed(struct gust_future *const *futures, size_t count)
{
    struct gust_future *first = NULL;
    for (size_t i = 0; i < count; i++) {
        if (futures[i] && futures[i]->code && (!first || futures[i]->order < first->order))
            first = futures[i];
    }
    return first;
}

/* Each is done. missing: errno of those that are NULL, which failed before they were futures; 0: there are
 * none. */
static int collect(struct gust_future **futures, size_t count, void **values, int missing)
{
    const struct gust_future *failed = first_failed(futures, count);
    struct gust_error *error = NULL;
    if (missing)
        error = gust__error_take_for(missing);
    else if (failed)
        error = failed->got.error;
    if (failed && !missing)
        ((struct gust_future *)(uintptr_t)failed)->got.error = NULL;
    for (size_t i = 0; values && !error && i < count; i++)
        values[i] = gust_future_take(futures[i]);
    free_all(futures, count);
    return error ? gust__error_put(error) : 0;
}

int gust_wait_all(gust_future *const *futures, size_t count, void **values)
{
    int missing = 0, code = errno ? errno : EINVAL;
    if (!gust__current) {
        errno = EDEADLK;
        return -1;
    }
    for (size_t i = 0; values && i < count; i++)
        values[i] = NULL;
    struct gust_future *room[few];
    struct gust_future **mine = count <= few ? room : gust__malloc(count * sizeof(*mine));
    if (!mine) {
        for (size_t i = 0; i < count; i++)
            free_all((struct gust_future *[]){futures[i]}, 1);
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        mine[i] = futures[i];
        missing = futures[i] ? missing : code;
    }
    int result = wait_each(mine, count);
    if (result < 0)
        free_all(mine, count);
    else
        result = collect(mine, count, values, missing);
    if (mine != room)
        gust__free(mine);
    return result;
}
