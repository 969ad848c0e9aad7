/* Time: monotonic nanoseconds for every wait and deadline; wall time only for what people and HTTP read. */
#ifndef GUST_BASE_CLOCK_H
#define GUST_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define GUST__FOREVER INT64_MAX

static inline int64_t gust__clock_now(void) /* CLOCK_MONOTONIC, through the vDSO */
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static inline int64_t gust__clock_wall(void) /* CLOCK_REALTIME, nanoseconds since 1970 */
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* now + delay, which saturates at GUST__FOREVER; a negative delay counts as 0. */
static inline int64_t gust__clock_after(int64_t now, int64_t delay)
{
    int64_t sum;
    if (delay <= 0)
        return now;
    return __builtin_add_overflow(now, delay, &sum) ? GUST__FOREVER : sum;
}

#endif
