/* The HTTP client: one fetch from its URL to its answer. */
#include "base/alloc.h"
#include "base/context.h"
#include "base/options.h"
#include "coro/future.h"
#include "http/fetch_answer.h"
#include "http/fetch_send.h"
#include "http/response.h"

#include <gust/coroutine.h>

#include <errno.h>

struct fetch {
    struct gust__fetch_request request;
    struct gust__connection *connection;
    struct gust__fetched answer;
};

/* However the fetch ends, also by a throw out of a callback: a connection that is still here is in the middle
 * of something, and a response was not handed out. */
static void end(struct fetch *fetch)
{
    gust__connection_close(fetch->connection);
    gust_response_free(fetch->answer.response);
    gust__fetch_request_fini(&fetch->request);
}

/* ---- one attempt ---- */

/* Ends the sender, if it still runs, and finds out whose error it is. */
static int settle(gust_group *group, struct gust__sending *sending, int result)
{
    if (sending->abandoned)
        return gust_group_wait(group) < 0 ? -1 : result;
    sending->unwanted = true;
    return result;
}

/* With the request sent by a coroutine of its own meanwhile. */
static int exchange_both_ways(struct fetch *fetch, struct gust__sending *sending)
{
    GUST_GROUP(group);
    if (gust_go(&group, gust__sending_run, sending) < 0)
        return -1;
    int result = gust__answer_read(&fetch->answer, fetch->connection, &fetch->request);
    return settle(&group, sending, result);
}

static int exchange(struct fetch *fetch)
{
    struct gust__sending sending = {.request = &fetch->request, .connection = fetch->connection};
    int result;
    if (!gust__sending_is_small(&fetch->request))
        result = exchange_both_ways(fetch, &sending);
    else if (gust__sending_run(&sending) < 0)
        result = -1;
    else
        result = gust__answer_read(&fetch->answer, fetch->connection, &fetch->request);
    fetch->answer.may_keep = fetch->answer.may_keep && sending.sent;
    return result;
}

static bool connection_was_dead(const struct fetch *fetch, int code)
{
    return fetch->connection->used && !fetch->answer.begun && (code == ECONNRESET || code == EPIPE);
}

/* Sends the request and reads its answer; the connection ends in the pool or is closed. 0; 1: the kept
 * connection had been closed by the server, nothing of an answer came, and the request may be sent again; -1
 */
static int attempt(struct fetch *fetch)
{
    const gust_fetch_options *options = &fetch->request.options;
    if (exchange(fetch) < 0)
        return connection_was_dead(fetch, errno) && fetch->request.may_repeat ? 1 : -1;
    if (fetch->answer.may_keep && !options->no_keep_alive) {
        struct gust__connection *connection = fetch->connection;
        fetch->connection = NULL;
        gust__connection_keep(connection);
    }
    return 0;
}

/* ---- the whole ---- */

static int open_connection(struct fetch *fetch)
{
    const struct gust__fetch_request *request = &fetch->request;
    fetch->connection = gust__connection_open(request->address, request->options.connect_timeout);
    return fetch->connection ? 0 : -1;
}

static int run(struct fetch *fetch)
{
    if (!fetch->request.options.no_keep_alive)
        fetch->connection = gust__connection_take(fetch->request.address);
    if (!fetch->connection && open_connection(fetch) < 0)
        return -1;
    int result = attempt(fetch);
    if (result <= 0)
        return result;
    gust__connection_close(fetch->connection);
    fetch->connection = NULL;
    return open_connection(fetch) < 0 ? -1 : attempt(fetch);
}

static int run_in_time(struct fetch *fetch)
{
    if (fetch->request.options.timeout < 0)
        return run(fetch);
    GUST_DEADLINE(fetch->request.options.timeout);
    return run(fetch);
}

gust_response *gust_fetch_with(const char *url, const gust_fetch_options *options)
{
    struct fetch fetch = {0};
    if (!gust__current) {
        gust_error_set(EDEADLK, "gust_fetch waits, and so is for coroutines");
        return NULL;
    }
    GUST_DEFER(end, &fetch);
    if (gust__fetch_request_init(&fetch.request, url, options) < 0 || run_in_time(&fetch) < 0)
        return NULL;
    gust_response *response = fetch.answer.response;
    fetch.answer.response = NULL;
    return response;
}

/* ---- as a future ---- */

struct job {
    gust_future *future; /* its maker's end */
    struct gust__coroutine *coroutine;
    gust_response *response;
    gust_fetch_options options;
    char url[];
};

static int fetch_for_job(void *argument)
{
    struct job *job = argument;
    job->response = gust_fetch_with(job->url, &job->options);
    return job->response ? 0 : -1;
}

static void drop_response(void *response)
{
    gust_response_free(response);
}

/* Its failure is the future's, and so not this coroutine's. */
static int run_job(void *argument)
{
    struct job *job = argument;
    if (gust_try(fetch_for_job, job) < 0)
        gust_future_fail_last(job->future);
    else
        gust_future_set(job->future, job->response, drop_response);
    gust__free(job);
    return 0;
}

static int cancel_job(void *argument)
{
    struct job *job = argument;
    gust__coroutine_cancel(job->coroutine);
    return 0;
}

static struct job *new_job(const char *url, const gust_fetch_options *options)
{
    size_t size = url ? strlen(url) + 1 : 1;
    struct job *job = gust__malloc(sizeof(*job) + size);
    if (!job)
        return NULL;
    *job = (struct job){0};
    memcpy(job->url, url ? url : "", size);
    gust__options_read(&job->options, sizeof(job->options), options);
    job->options.size = sizeof(job->options);
    return job;
}

/* Ends both ends; the caller gets errno instead. */
static void give_up(gust_future *future)
{
    int code = errno;
    gust_future_fail(future, code, NULL);
    future->read = true;
    gust_future_free(future);
    errno = code;
}

gust_future *gust_fetch_async_with(const char *url, const gust_fetch_options *options)
{
    gust_future *future = gust_future_new(NULL);
    struct job *job = future ? new_job(url, options) : NULL;
    if (!job)
        goto fail;
    job->future = future;
    job->coroutine = gust__coroutine_start(gust_loop_current(), NULL, NULL, run_job, job);
    if (!job->coroutine)
        goto fail;
    job->coroutine->context.deadline = gust__context()->deadline;
    gust_future_on_cancel(future, cancel_job, job);
    return future;
fail:
    gust__free(job);
    if (future)
        give_up(future);
    return NULL;
}
