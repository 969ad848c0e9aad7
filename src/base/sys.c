#include "base/sys.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { UNKNOWN, FINE, COARSE };
static _Atomic int precision; /* what epoll can do; written by whoever finds out, always the same */

void gust__sys_epoll_choose(void)
{
    const char *text = getenv("GUST_NO_EPOLL_PWAIT2");
    bool refused = text && *text && strcmp(text, "0") != 0;
    atomic_store_explicit(&precision, refused ? COARSE : FINE, memory_order_relaxed);
}

static int wait_coarse(int epoll, struct epoll_event *events, int max, int64_t timeout_ns)
{
    int64_t milliseconds = timeout_ns < 0 ? -1 : timeout_ns / 1000000 + (timeout_ns % 1000000 > 0);
    if (milliseconds > INT_MAX)
        milliseconds = INT_MAX; /* 24 days; the caller looks at the clock and comes again */
    return (int)gust__sys_call("epoll_wait", SYS_epoll_pwait, epoll, (long)events, max, (long)milliseconds, 0,
                               GUST__SYS_SIGNALS);
}

static int wait_fine(int epoll, struct epoll_event *events, int max, int64_t timeout_ns)
{
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    return (int)gust__sys_call("epoll_wait", SYS_epoll_pwait2, epoll, (long)events, max,
                               timeout_ns < 0 ? 0 : (long)&timeout, 0, GUST__SYS_SIGNALS);
}

int gust__sys_epoll_wait(int epoll, struct epoll_event *events, int max, int64_t timeout_ns)
{
    if (timeout_ns == INT64_MAX)
        timeout_ns = -1;
    if (max > 0)
        gust__asan_check(events, (size_t)max * sizeof(*events), 1);
    if (__builtin_expect(atomic_load_explicit(&precision, memory_order_relaxed) == UNKNOWN, 0))
        gust__sys_epoll_choose();
    if (atomic_load_explicit(&precision, memory_order_relaxed) == FINE) {
        int saved = errno;
        int ready = wait_fine(epoll, events, max, timeout_ns);
        /* Container filters that are older than the call answer EPERM, which epoll itself never does. */
        if (ready >= 0 || (errno != ENOSYS && errno != EPERM))
            return ready;
        errno = saved;
        atomic_store_explicit(&precision, COARSE, memory_order_relaxed);
    }
    return wait_coarse(epoll, events, max, timeout_ns);
}
