/* A server whose handlers start programs and do not see their end: for tests of what a request's end does to
 * them. */
#include <gust/gust.h>

#include <errno.h>

#define SHELL GUST_ARGV("sh", "-c", "sleep 1000 & wait")

static gust_subprocess *last; /* one process and one thread serve */
static pid_t last_id;

/* A shell that waits for a child of its own. */
static void start(bool detached)
{
    last = gust_subprocess_new(SHELL, .detached = detached);
    if (!last)
        gust_fail(503, "%s", gust_error_text(gust_error_last()));
    last_id = gust_subprocess_id(last);
}

static void leave(gust_request *req)
{
    (void)req;
    start(false);
}

static void fail(gust_request *req)
{
    (void)req;
    start(false);
    gust_fail(409, "too bad");
}

static void wait_for_it(gust_request *req)
{
    (void)req;
    start(false);
    if (gust_subprocess_wait(last) < 0 && errno == ETIMEDOUT)
        gust_fail(409, "out of time");
}

static void detach_it(gust_request *req)
{
    (void)req;
    start(true);
}

static void free_last(gust_request *req)
{
    (void)req;
    gust_subprocess_free(last);
}

static void last_number(gust_request *req)
{
    gust_printf(req, "%d\n", (int)last_id);
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_route(app, "GET /leave", leave);
    gust_route(app, "GET /fail", fail);
    gust_route(app, "GET /timeout", wait_for_it, .timeout = GUST_MS(500));
    gust_route(app, "GET /gone", wait_for_it, .cancel_when_gone = true);
    gust_route(app, "GET /wait", wait_for_it);
    gust_route(app, "GET /detached", detach_it);
    gust_route(app, "GET /free", free_last);
    gust_route(app, "GET /last", last_number);
    return gust_main(app, argc, argv);
}
