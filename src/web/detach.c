/* Requests whose answer comes after their handler has returned. */
#include "web/life.h"

#include "base/throw.h"
#include "coro/coroutine.h"

#include <gust/error.h>

static const char wait_name[] = "its completion";

void gust_detach(gust_request *request)
{
    request->detached = true;
}

void gust_complete(gust_request *request)
{
    request->completed = true;
    gust__wake(request->exchange->coroutine);
}

void gust__detached_wait(gust_request *request)
{
    while (request->detached && !request->completed) {
        if (gust__park(GUST__INTERRUPTIBLE, wait_name) < 0)
            gust_throw(errno, "a detached request was not completed in time");
    }
}

void gust__detached_join(gust_request *request)
{
    while (request->detached && !request->completed)
        gust__park(0, wait_name);
}
