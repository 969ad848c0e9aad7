/* Calls that can only block: on another thread, while their coroutine is parked. */
#include "base/lock.h"
#include "green/green_int.h"
#include "pool/threads.h"

struct offload {
    struct gust__work work;
    struct gust__thread thread;
    gust_post post;
    struct gust__coroutine *coroutine;
    long (*function)(void *argument);
    void *argument;
    long result;
    int code;
    bool ended; /* on the loop's thread */
};

static int ended(void *argument)
{
    struct offload *offload = argument;
    offload->ended = true;
    gust__wake(offload->coroutine);
    return 0;
}

static void run(void *argument)
{
    struct offload *offload = argument;
    errno = 0;
    offload->result = offload->function(offload->argument);
    offload->code = errno;
    gust_loop_post(offload->coroutine->loop, &offload->post, ended, offload);
}

static void run_work(struct gust__work *work)
{
    run(work); /* its first member */
}

/* No thread is to be had: better the loop waits than a call fails that cannot. */
static long run_here(struct offload *offload)
{
    offload->coroutine->green.off++;
    long result = offload->function(offload->argument);
    offload->coroutine->green.off--;
    return result;
}

static long await(struct gust__green_call *call, struct offload *offload)
{
    while (!offload->ended)
        gust__green_park(call, 0, GUST__FOREVER);
    return offload->result;
}

long gust__green_offload(struct gust__green_call *call, long (*function)(void *argument), void *argument)
{
    struct offload offload = {
        .work.run = run_work, .coroutine = gust__current, .function = function, .argument = argument};
    int saved = errno;
    bool taken = gust__threads_submit(NULL, &offload.work) == 0;
    errno = saved;
    if (!taken)
        return run_here(&offload);
    long result = await(call, &offload);
    errno = offload.code ? offload.code : saved;
    return result;
}

long gust__green_offload_alone(struct gust__green_call *call, long (*function)(void *argument),
                               void *argument)
{
    struct offload offload = {.coroutine = gust__current, .function = function, .argument = argument};
    int saved = errno;
    bool taken = gust__thread_start(&offload.thread, call->name, run, &offload) == 0;
    errno = saved;
    if (!taken)
        return run_here(&offload);
    long result = await(call, &offload);
    gust__thread_join(&offload.thread);
    errno = offload.code ? offload.code : saved;
    return result;
}
