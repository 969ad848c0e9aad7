/*
 * Blocking work, on the loop and on a pool of threads (Tornado's run_on_executor).
 *
 *     $ build/examples/executor --port=8888 --seconds=1 --pool=30 &
 *     $ build/examples/executor_client --port=8888 --count=20
 *     /loop: 20 requests in 20.02 s
 *     /pool: 20 requests in 1.01 s
 *
 * Both handlers sleep by a plain nanosleep, which knows nothing of gust. On the loop nobody else is served
 * meanwhile; on the pool only that request waits.
 */
#include <gust/gust.h>

#include <stdlib.h>
#include <time.h>

static gust_threads *pool;

static int sleep_long(void *arg)
{
    double seconds = atof(gust_option("seconds"));
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    (void)arg;
    return nanosleep(&time, NULL);
}

static void on_the_loop(gust_request *req)
{
    if (sleep_long(NULL) < 0)
        gust_fail(500, "nanosleep failed");
    gust_print(req, "slept on the loop\n");
}

static void on_the_pool(gust_request *req)
{
    if (gust_threads_run(pool, sleep_long, NULL) < 0)
        gust_fail(503, "%s", gust_error_text(gust_error_last()));
    gust_print(req, "slept on the pool\n");
}

/* A failure on a thread is the handler's: gust_error_last() has its text, and where on the thread it was. */
static int fail_on_thread(void *arg)
{
    (void)arg;
    gust_throw(EIO, "failed on a thread");
}

static void failing(gust_request *req)
{
    if (gust_threads_run(pool, fail_on_thread, NULL) < 0)
        gust_fail(502, "%s", gust_error_text(gust_error_last()));
    gust_print(req, "never\n");
}

static void figures(gust_request *req)
{
    gust_threads_stats stats;
    gust_threads_read_stats(pool, &stats);
    gust_json(req, "{s:i, s:i, s:i, s:I, s:I, s:I}", "threads", (int)stats.threads, "running",
              (int)stats.running, "waiting", (int)stats.waiting, "done", (int64_t)stats.done, "refused",
              (int64_t)stats.refused, "cancelled", (int64_t)stats.cancelled);
}

static int open_pool(void *arg)
{
    (void)arg;
    pool = gust_threads_new(.workers = (unsigned)atoi(gust_option("pool")),
                            .max_queue = atoll(gust_option("queue")), .name = "sleepers");
    return pool ? 0 : -1;
}

static int close_pool(void *arg)
{
    (void)arg;
    gust_threads_free(pool);
    return 0;
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_define("seconds", .value = "1", .help = "how long each request sleeps");
    gust_define("pool", .value = "30", .help = "threads of the pool, at most");
    gust_define("queue", .value = "1000", .help = "requests that wait for a thread, at most; -1: none");
    gust_on_start(app, open_pool, NULL);
    gust_on_stop(app, close_pool, NULL);
    gust_route(app, "GET /", figures);
    gust_route(app, "GET /loop", on_the_loop);
    gust_route(app, "GET /pool", on_the_pool);
    gust_route(app, "GET /fail", failing);
    return gust_main(app, argc, argv);
}
