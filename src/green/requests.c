/*
 * libc's own asynchronous requests: aio_* and getaddrinfo_a, made by threads of libc's. Nothing tells us when
 * one is done, and a thread that waited for them in our stead would read a list on the caller's stack: so
 * they are looked at again and again, as queues.c does.
 */
#include "green/pace.h"
#include "green/time.h"

#include <aio.h>

static const struct timespec at_once;

static struct gust__green_pace pace_of(const struct timespec *timeout)
{
    int64_t until = GUST__FOREVER;
    if (timeout)
        until = gust__clock_after(gust__clock_now(), gust__green_nanoseconds(timeout));
    return (struct gust__green_pace){GUST__GREEN_FIRST_PAUSE, until};
}

/* ---- Input and output ---- */

GUST__EXPORT int aio_suspend(const struct aiocb *const list[], int count, const struct timespec *timeout)
{
    if (!gust__green_here() || (timeout && !gust__green_valid(timeout)))
        return gust__green_next.aio_suspend(list, count, timeout);
    struct gust__green_call call = GUST__GREEN_CALL("aio_suspend", -1);
    struct gust__green_pace pace = pace_of(timeout);
    call.handlers = gust__green_handlers_for(pace.until);
    int saved = errno;
    for (;;) {
        int result = gust__green_next.aio_suspend(list, count, &at_once);
        if (result == 0)
            errno = saved;
        if (result == 0 || errno != EAGAIN || gust__green_put_off(&call, &pace) != 0)
            return result;
    }
}

GUST__EXPORT int aio_suspend64(const struct aiocb64 *const list[], int count, const struct timespec *timeout)
    __attribute__((alias("aio_suspend")));

/* ---- Names ---- */

static int in_progress(const struct gaicb *const list[], int count)
{
    int found = 0;
    for (int i = 0; i < count; i++)
        found += list[i] && gai_error((struct gaicb *)(uintptr_t)list[i]) == EAI_INPROGRESS;
    return found;
}

/* Not by libc's own with a time that is over, as above: in glibc 2.36 it crashes now and then when there are
 * several requests. What it says when the time is over it says itself: not what its manual says. */
GUST__EXPORT int gai_suspend(const struct gaicb *const list[], int count, const struct timespec *timeout)
{
    if (!gust__green_here() || (timeout && !gust__green_valid(timeout)))
        return gust__green_next.gai_suspend(list, count, timeout);
    struct gust__green_call call = GUST__GREEN_CALL("gai_suspend", -1);
    struct gust__green_pace pace = pace_of(timeout);
    call.handlers = gust__green_handlers_for(pace.until);
    int before = in_progress(list, count);
    while (before > 0 && in_progress(list, count) == before) {
        int over = gust__green_put_off(&call, &pace);
        if (over != 0)
            return over > 0         ? gust__green_next.gai_suspend(list, count, &at_once)
                   : errno == EINTR ? EAI_INTR
                                    : EAI_SYSTEM;
    }
    return before > 0 ? 0 : EAI_ALLDONE;
}
