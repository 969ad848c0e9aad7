/* How a hooked call waits. */
#include "green/green_int.h"

#include <stdatomic.h>

int gust__green_park(struct gust__green_call *call, int flags, int64_t until)
{
    if (__builtin_expect(gust__green_settings.trace, 0))
        gust__green_trace(call);
    /* Before another coroutine can mix its errors with ours. The caller is in its waker's list already: a
     * wake that came while the probe waited has ended the probe's wait, not this one, so it looks again. */
    if (__builtin_expect(atomic_load_explicit(&gust__green_values_new, memory_order_relaxed), 0) &&
        gust__green_values_probe())
        return 0;
    if (__builtin_expect(gust__current->main, 0) && call->handlers != GUST__GREEN_NO_HANDLER)
        return gust__green_park_exposed(call, flags, until);
    return gust__park_until(flags, call->name, until);
}

int gust__green_wait(struct gust__green_call *call, uint32_t events, int64_t until)
{
    struct gust__green_waiter waiter;
    int saved = errno;
    if (gust__green_watch(&waiter, call->fd, events) < 0)
        return -1;
    int result = gust__green_park(call, GUST__INTERRUPTIBLE, until);
    gust__green_unwatch(&waiter);
    call->ready = waiter.ready;
    if (result < 0 && errno == EINTR && waiter.ready)
        result = 0; /* both at once: what came counts */
    if (result < 0 && errno == EINTR)
        return -1;
    if (result < 0) {
        call->interrupted = true;
        gust__green_interrupted(call->fd);
        return -1;
    }
    if (waiter.ready & GUST__GREEN_CLOSED) {
        errno = EBADF;
        return -1;
    }
    errno = saved;
    return result;
}
