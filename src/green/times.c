/* Absolute times of POSIX clocks. */
#include "green/locks.h"

static int64_t nanoseconds(const struct timespec *time)
{
    int64_t sum;
    if (time->tv_sec < 0)
        return INT64_MIN;
    if (__builtin_mul_overflow((int64_t)time->tv_sec, INT64_C(1000000000), &sum) ||
        __builtin_add_overflow(sum, (int64_t)time->tv_nsec, &sum))
        return GUST__FOREVER;
    return sum;
}

int gust__lock_until(clockid_t clock, const struct timespec *time, int64_t *until)
{
    if ((clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME) || time->tv_nsec < 0 ||
        time->tv_nsec >= 1000000000)
        return EINVAL;
    int64_t at = nanoseconds(time), distance;
    if (clock == CLOCK_REALTIME && at != GUST__FOREVER && at != INT64_MIN) {
        if (__builtin_sub_overflow(at, gust__clock_wall(), &distance) || distance < 0)
            distance = 0;
        at = gust__clock_after(gust__clock_now(), distance);
    }
    *until = at < 0 ? 0 : at;
    return 0;
}
