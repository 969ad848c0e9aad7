/* For what can only be looked at again and again: at first after a millisecond, later every 16. */
#ifndef GUST_GREEN_PACE_H
#define GUST_GREEN_PACE_H

#include "green/green_int.h"

/* How long the next look is put off. */
struct gust__green_pace {
    int64_t pause; /* begins as GUST__GREEN_FIRST_PAUSE */
    int64_t until;
};

enum { GUST__GREEN_FIRST_PAUSE = 1000 * 1000, GUST__GREEN_LAST_PAUSE = 16 * 1000 * 1000 };

/* 0: look again; 1: until came; -1: by the scope, or EINTR by a handler. errno is kept on 0 and 1. */
static inline int gust__green_put_off(struct gust__green_call *call, struct gust__green_pace *pace)
{
    int64_t next = gust__clock_after(gust__clock_now(), pace->pause);
    int saved = errno;
    if (pace->pause < GUST__GREEN_LAST_PAUSE)
        pace->pause *= 2;
    bool last = next >= pace->until;
    int result = gust__green_park(call, GUST__INTERRUPTIBLE, last ? pace->until : next);
    if (result < 0)
        return -1;
    errno = saved;
    return last && result == 1;
}

#endif
