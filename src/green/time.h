/* Times as libc's calls have them. */
#ifndef GUST_GREEN_TIME_H
#define GUST_GREEN_TIME_H

#include "green/green_int.h"

static inline bool gust__green_valid(const struct timespec *time)
{
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < 1000000000;
}

/* Of a valid time; saturates at GUST__FOREVER. */
static inline int64_t gust__green_nanoseconds(const struct timespec *time)
{
    int64_t sum;
    if (__builtin_mul_overflow(time->tv_sec, (int64_t)1000000000, &sum) ||
        __builtin_add_overflow(sum, time->tv_nsec, &sum))
        return GUST__FOREVER;
    return sum;
}

#endif
