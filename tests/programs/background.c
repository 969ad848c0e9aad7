/*
 * A server whose requests leave work behind on the default pool: GET /COUNT starts as many calls of --seconds
 * each, and nobody waits for them. What each has done is printed.
 */
#include <gust/gust.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int work(void *text)
{
    double seconds = atof(gust_option("seconds"));
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
    printf("%s\n", (const char *)text);
    fflush(stdout);
    return 0;
}

static int ended(gust_future *future, void *arg)
{
    (void)arg;
    if (gust_future_code(future)) {
        printf("cancelled: %s\n", gust_error_text(gust_future_error(future)));
        fflush(stdout);
    }
    return 0;
}

static void start(gust_request *req)
{
    int count = atoi(gust_path_arg(req, 1));
    for (int i = 0; i < count; i++) {
        gust_future *future = gust_threads_async(NULL, work, (void *)(uintptr_t) "worked");
        if (!future)
            gust_fail(503, "%s", gust_error_text(gust_error_last()));
        gust_future_then(future, ended, NULL);
    }
    gust_printf(req, "%d started\n", count);
}

/* The pool takes calls again, for the stop functions. */
static int stop(void *arg)
{
    (void)arg;
    return gust_threads_run(NULL, work, (void *)(uintptr_t) "stopped");
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_define("seconds", .value = "0.05", .help = "of each call");
    gust_on_stop(app, stop, NULL);
    gust_route(app, "GET /(\\d+)", start);
    return gust_main(app, argc, argv);
}
