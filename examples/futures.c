/*
 * Futures: what a plain thread computes reaches the loop. The thread knows nothing of gust but the future
 * that it sets.
 *
 *     $ build/examples/futures --port=8888 --seconds=5
 *     long task done in 5 sec                      printed by a callback on the loop
 *     $ curl http://127.0.0.1:8888/7               waits for its own thread; others are served meanwhile
 *     {"pk": 7, "data": "Data from No.7's"}
 */
#include <gust/gust.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct task {
    gust_future *future;
    char *result;
};

static double seconds(void)
{
    return atof(gust_option("seconds"));
}

/* The long task: a plain blocking thread. */
static void *work(void *arg)
{
    struct task *task = arg;
    double wait = seconds();
    struct timespec time = {(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)};
    nanosleep(&time, NULL);
    gust_future_set(task->future, task->result, free);
    free(task);
    return NULL;
}

/* Starts it; the result text is given away with it. NULL and errno: nothing was started. */
static gust_future *start_work(char *result)
{
    pthread_t thread;
    struct task *task = malloc(sizeof(*task));
    gust_future *future = gust_future_new(NULL);
    int code = ENOMEM;
    if (task && future && result) {
        *task = (struct task){future, result};
        code = pthread_create(&thread, NULL, work, task);
    }
    if (code == 0) {
        pthread_detach(thread);
        return future;
    }
    free(task);
    free(result);
    if (future)
        gust_future_set(future, NULL, NULL);
    gust_future_free(future);
    gust_error_set(code, "no thread for the task");
    return NULL;
}

static char *text(const char *format, ...) GUST_PRINTF(1, 2);

static char *text(const char *format, ...)
{
    char *result = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&result, format, arguments);
    va_end(arguments);
    return length < 0 ? NULL : result;
}

static int after_task_done(gust_future *future, void *arg)
{
    (void)arg;
    printf("%s\n", (const char *)gust_future_value(future));
    fflush(stdout);
    return 0;
}

static int start_long_task(void *arg)
{
    (void)arg;
    gust_future *future = start_work(text("long task done in %g sec", seconds()));
    return future ? gust_future_then(future, after_task_done, NULL) : -1;
}

static void get_data(gust_request *req)
{
    const char *pk = gust_path_arg(req, 1);
    char *data = gust_await_ptr(start_work(text("Data from No.%s's", pk)));
    if (!data)
        gust_fail(503, "no data: %s", gust_error_text(gust_error_last()));
    GUST_DEFER(free, data);
    gust_json(req, "{s:I, s:s}", "pk", (int64_t)atoll(pk), "data", data);
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_define("seconds", .value = "5", .help = "how long each task takes");
    gust_on_start(app, start_long_task, NULL);
    gust_route(app, "GET /(\\d{1,18})", get_data);
    return gust_main(app, argc, argv);
}
