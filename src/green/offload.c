/* Calls that can only block: on a thread of their own, while their coroutine is parked. */
#include "base/lock.h"
#include "green/green_int.h"

struct offload {
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

long gust__green_offload(struct gust__green_call *call, long (*function)(void *argument), void *argument)
{
    struct offload offload = {.coroutine = gust__current, .function = function, .argument = argument};
    int saved = errno;
    if (gust__thread_start(&offload.thread, call->name, run, &offload) < 0)
        return -1;
    while (!offload.ended)
        gust__green_park(call, 0, GUST__FOREVER);
    gust__thread_join(&offload.thread);
    errno = offload.code ? offload.code : saved;
    return offload.result;
}
