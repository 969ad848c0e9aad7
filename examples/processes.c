/*
 * What --processes and --threads do, and SIGHUP and SIGUSR2.
 *
 *     GET /          who answers: task, process, thread
 *     GET /wait      the same after 20 ms, or ?ms=
 *     GET /crash     ends the process that answers; its supervisor starts it anew under the same number
 *
 * --refuse=N: task N does not start, to see what becomes of the others.
 */
#include <gust/gust.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* With --threads handlers run on several threads at once: what they share is atomic, or behind a lock. */
static atomic_uint answers;

static void who(gust_request *req)
{
    unsigned answered = ++answers;
    gust_printf(req, "task %d, process %d, thread %d, answer %u\n", gust_task_id(), (int)getpid(),
                (int)gettid(), answered);
}

static void wait_a_moment(gust_request *req)
{
    const char *ms = gust_query_arg(req, "ms");
    gust_sleep(GUST_MS(ms ? atoi(ms) : 20));
    who(req);
}

static void crash(gust_request *req)
{
    (void)req;
    abort();
}

/* For each loop: connections to databases would be opened here, not before the processes are forked. */
static int start(void *arg)
{
    const char *refuses = gust_option("refuse");
    (void)arg;
    if (refuses && atoi(refuses) == gust_task_id())
        return gust_error_set(EIO, "task %d was told not to start", gust_task_id());
    gust_log(GUST_INFO, "task %d starts", gust_task_id());
    return 0;
}

static int stop(void *arg)
{
    (void)arg;
    gust_log(GUST_INFO, "task %d ends", gust_task_id());
    return 0;
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_define("refuse", .value = NULL, .help = "the number of a task that does not start");
    gust_on_start(app, start, NULL);
    gust_on_stop(app, stop, NULL);
    gust_route(app, "GET /", who);
    gust_route(app, "GET /wait", wait_a_moment);
    gust_route(app, "GET /crash", crash);
    return gust_main(app, argc, argv);
}
