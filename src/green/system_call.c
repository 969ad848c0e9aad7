/*
 * syscall, of which programs use a futex wait; and getrandom.
 *
 * A futex is its address, so a thread can wait in the coroutine's stead; it cannot be called back without
 * taking a wake-up that was another's, so the wait is not interrupted by the scope. Futexes with priority
 * inheritance know the thread that owns them: those calls, and every other system call made raw, pass
 * through.
 */
#include "green/green_int.h"

#include <linux/futex.h>
#include <stdarg.h>
#include <sys/random.h>

struct raw_call {
    long number;
    long a[6];
};

static long run_raw(void *argument)
{
    const struct raw_call *raw = argument;
    const long *a = raw->a;
    return gust__sys_call("syscall", raw->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static bool waits_on_futex(long number, long operation)
{
    int command = (int)operation & FUTEX_CMD_MASK;
    return number == SYS_futex && (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET);
}

/* With a time limit that is over, so that the kernel only looks whether it would wait. */
static long wait_on_futex(struct gust__green_call *call, struct raw_call *raw)
{
    static const struct timespec over;
    int saved = errno;
    struct raw_call look = *raw;
    look.a[3] = (long)&over;
    long result = run_raw(&look);
    if (result == 0 || errno != ETIMEDOUT)
        return result;
    errno = saved;
    return gust__green_offload_alone(call, run_raw, raw);
}

/* Reads six arguments, as libc's does, of which the caller may have passed fewer. */
GUST__EXPORT __attribute__((no_sanitize("address"))) long syscall(long number, ...)
{
    struct raw_call raw = {.number = number};
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        raw.a[i] = va_arg(arguments, long);
    va_end(arguments);
    gust__green_raw_call(number, raw.a[1], raw.a[2]);
    if (!gust__green_here() || !waits_on_futex(number, raw.a[1]))
        return gust__green_next.syscall(number, raw.a[0], raw.a[1], raw.a[2], raw.a[3], raw.a[4], raw.a[5]);
    struct gust__green_call call = GUST__GREEN_CALL("futex", -1);
    return wait_on_futex(&call, &raw);
}

/* It waits only while the machine starts. */
struct random_call {
    void *data;
    size_t size;
    unsigned flags;
};

static long run_getrandom(void *argument)
{
    const struct random_call *that = argument;
    return gust__green_next.getrandom(that->data, that->size, that->flags);
}

GUST__EXPORT ssize_t getrandom(void *data, size_t size, unsigned flags)
{
    if (!gust__green_here() || flags & GRND_NONBLOCK)
        return gust__green_next.getrandom(data, size, flags);
    int saved = errno;
    ssize_t done = gust__green_next.getrandom(data, size, flags | GRND_NONBLOCK);
    if (done >= 0 || errno != EAGAIN)
        return done;
    errno = saved;
    struct gust__green_call call = GUST__GREEN_CALL("getrandom", -1);
    struct random_call that = {data, size, flags};
    return gust__green_offload_alone(&call, run_getrandom, &that);
}
