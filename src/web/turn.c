/* How many requests of a route run at once: .max_running. */
#include "web/life.h"

/* The count is the only thing of a route that changes while it serves; loops of several threads share it. */
static _Atomic unsigned *running(const gust_request *request)
{
    return &((struct gust__route *)(uintptr_t)request->route)->running;
}

void gust__turn_take(gust_request *request)
{
    unsigned before = atomic_fetch_add_explicit(running(request), 1, memory_order_relaxed);
    request->has_turn = true;
    if (before < request->route->options.max_running)
        return;
    gust_set_header(request, "Retry-After", "1");
    gust_fail(503, "%s: %u requests run already", request->route->pattern,
              request->route->options.max_running);
}

void gust__turn_give(gust_request *request)
{
    atomic_fetch_sub_explicit(running(request), 1, memory_order_relaxed);
}
