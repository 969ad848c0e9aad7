#include "coro/coroutine.h"

#include <gust/debug.h>

#include <string.h>

void gust__loop_stats(gust_loop *loop, gust_stats *stats, size_t size)
{
    struct gust__loop_figures figures;
    gust__loop_figures(loop, &figures);
    gust_stats now = {.iterations = figures.iterations,
                      .lag_mean = figures.lag_mean,
                      .lag_max = figures.lag_max,
                      .ready = figures.ready,
                      .coroutines = gust__coroutine_count(loop),
                      .timers = gust__loop_timers(loop),
                      .descriptors = gust__loop_descriptors(loop)};
    memcpy(stats, &now, size < sizeof(now) ? size : sizeof(now));
}
