/* Sleeping. */
#include "base/alloc.h"
#include "green/errand.h"
#include "green/time.h"

#include <sys/timerfd.h>

static struct timespec left_until(int64_t until)
{
    int64_t left = until - gust__clock_now();
    left = left > 0 ? left : 0;
    return (struct timespec){.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
}

/* Until a monotonic time. 0, or the number of the error that cut it short; errno is kept. */
static int sleep_until(struct gust__green_call *call, int64_t until)
{
    int saved = errno, result;
    call->handlers = GUST__GREEN_ANY_HANDLER;
    do
        result = gust__green_park(call, GUST__INTERRUPTIBLE, until);
    while (result == 0); /* a stray wake */
    int code = result < 0 ? errno : 0;
    errno = saved;
    return code;
}

static int sleep_for(struct gust__green_call *call, const struct timespec *time, struct timespec *left)
{
    int64_t until = gust__clock_after(gust__clock_now(), gust__green_nanoseconds(time));
    int code = sleep_until(call, until);
    if (code && left)
        *left = left_until(until);
    return code;
}

/* ---- Clocks that may be set, or that go on while the machine is suspended: the kernel's timers ---- */

static int timer_on(clockid_t clock, int flags, const struct timespec *time)
{
    struct itimerspec when = {.it_value = *time};
    if (time->tv_sec == 0 && time->tv_nsec == 0)
        when.it_value.tv_nsec = 1; /* 0 would never fire */
    int fd = gust__sys_timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return -1;
    gust__green_forget(fd);
    if (gust__sys_timerfd_settime(fd, flags & TIMER_ABSTIME ? TFD_TIMER_ABSTIME : 0, &when, NULL) == 0)
        return fd;
    gust__sys_close(fd);
    return -1;
}

static bool has_fired(int fd)
{
    uint64_t times;
    return gust__sys_read(fd, &times, sizeof(times)) == sizeof(times);
}

static int sleep_by_timer(struct gust__green_call *call, clockid_t clock, int flags,
                          const struct timespec *time, struct timespec *left)
{
    struct itimerspec rest = {0};
    int saved = errno, code = 0;
    call->handlers = GUST__GREEN_ANY_HANDLER;
    call->fd = timer_on(clock, flags, time);
    if (call->fd < 0)
        code = errno;
    while (!code && !has_fired(call->fd)) {
        if (gust__green_wait(call, EPOLLIN, GUST__FOREVER) < 0)
            code = errno;
    }
    if (code && left && !(flags & TIMER_ABSTIME)) {
        if (call->fd >= 0)
            gust__sys_call("timerfd_gettime", SYS_timerfd_gettime, call->fd, (long)&rest, 0, 0, 0, 0);
        *left = rest.it_value;
    }
    if (call->fd >= 0) {
        gust__green_forget(call->fd);
        gust__sys_close(call->fd);
    }
    errno = saved;
    return code;
}

/* ---- Other clocks: of CPU time, of atomic time ---- */

struct nap {
    struct gust__green_errand errand;
    clockid_t clock;
    int flags;
    struct timespec time;
    int code;
};

static void nap_run(struct gust__green_errand *errand)
{
    struct nap *nap = (struct nap *)(void *)errand;
    nap->code = gust__sys_clock_nanosleep(nap->clock, nap->flags, &nap->time, NULL);
}

static void nap_release(struct gust__green_errand *errand)
{
    gust__free(errand);
}

static const struct gust__green_errand_kind nap_kind = {"sleep", nap_run, nap_release, NULL};

/* What is left when it is cut short nobody knows: all of it, so that who sleeps on sleeps long enough. */
static int sleep_on_thread(struct gust__green_call *call, clockid_t clock, int flags,
                           const struct timespec *time, struct timespec *left)
{
    int saved = errno;
    struct nap *nap = gust__calloc(1, sizeof(*nap));
    if (!nap)
        return ENOMEM;
    *nap = (struct nap){.errand.kind = &nap_kind, .clock = clock, .flags = flags, .time = *time};
    nap = (struct nap *)(void *)gust__green_errand_run(call, &nap->errand);
    int code = nap ? nap->code : errno;
    if (nap)
        gust__green_errand_drop(&nap->errand);
    else if (left && !(flags & TIMER_ABSTIME))
        *left = *time;
    errno = saved;
    return code;
}

static int sleep_by_clock(struct gust__green_call *call, clockid_t clock, int flags,
                          const struct timespec *time, struct timespec *left)
{
    bool absolute = flags & TIMER_ABSTIME;
    if (clock == CLOCK_MONOTONIC && absolute)
        return sleep_until(call, gust__green_nanoseconds(time));
    if (clock == CLOCK_MONOTONIC || (clock == CLOCK_REALTIME && !absolute)) /* setting it moves no delay */
        return sleep_for(call, time, left);
    if (clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME)
        return sleep_by_timer(call, clock, flags, time, left);
    return sleep_on_thread(call, clock, flags, time, left);
}

/* ---- The hooks ---- */

/* What is left is cut off to seconds, as libc does it; but a deadline or cancel rounds up, and so never says
 * that it slept to its end. */
GUST__EXPORT unsigned sleep(unsigned seconds)
{
    if (!gust__green_here())
        return gust__green_next.sleep(seconds);
    struct gust__green_call call = GUST__GREEN_CALL("sleep", -1);
    struct timespec time = {.tv_sec = seconds}, left;
    int code = sleep_for(&call, &time, &left);
    if (!code)
        return 0;
    errno = code;
    return (unsigned)left.tv_sec + (code != EINTR && (left.tv_nsec > 0 || left.tv_sec == 0));
}

static int sleep_or_fail(struct gust__green_call *call, const struct timespec *time, struct timespec *left)
{
    int code = sleep_for(call, time, left);
    if (!code)
        return 0;
    errno = code;
    return -1;
}

GUST__EXPORT int usleep(useconds_t microseconds)
{
    if (!gust__green_here())
        return gust__green_next.usleep(microseconds);
    struct gust__green_call call = GUST__GREEN_CALL("usleep", -1);
    struct timespec time = {.tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000};
    return sleep_or_fail(&call, &time, NULL);
}

GUST__EXPORT int nanosleep(const struct timespec *time, struct timespec *left)
{
    if (!gust__green_here() || !gust__green_valid(time))
        return gust__green_next.nanosleep(time, left);
    struct gust__green_call call = GUST__GREEN_CALL("nanosleep", -1);
    return sleep_or_fail(&call, time, left);
}

int __nanosleep(const struct timespec *time, struct timespec *left);
GUST__EXPORT int __nanosleep(const struct timespec *time, struct timespec *left)
{
    if (!gust__green_here() || !gust__green_valid(time))
        return gust__green_next.nanosleep(time, left);
    struct gust__green_call call = GUST__GREEN_CALL("nanosleep", -1);
    return sleep_or_fail(&call, time, left);
}

GUST__EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                                 struct timespec *left)
{
    if (!gust__green_here() || !gust__green_valid(time) || clock == CLOCK_THREAD_CPUTIME_ID) /* refused */
        return gust__green_next.clock_nanosleep(clock, flags, time, left);
    struct gust__green_call call = GUST__GREEN_CALL("clock_nanosleep", -1);
    return sleep_by_clock(&call, clock, flags, time, left);
}

GUST__EXPORT int thrd_sleep(const struct timespec *time, struct timespec *left)
{
    if (!gust__green_here() || !gust__green_valid(time))
        return gust__green_next.thrd_sleep(time, left);
    struct gust__green_call call = GUST__GREEN_CALL("thrd_sleep", -1);
    return sleep_for(&call, time, left) ? -1 : 0;
}
