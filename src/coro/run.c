/* Running one function to its end, and gust_every's functions in coroutines. */
#include "base/clock.h"
#include "base/error_int.h"
#include "base/alloc.h"
#include "base/log_int.h"
#include "base/throw.h"
#include "coro/home.h"

#include <errno.h>

struct run {
    gust_loop *loop;
    struct gust__coroutine *coroutine;
    int (*function)(void *argument);
    void *argument;
    gust_timer timer;
    bool timed_out;
    bool ended;
    int result;
    struct gust_error *error;
};

static int time_is_up(void *argument)
{
    struct run *run = argument;
    run->timed_out = true;
    gust__coroutine_cancel(run->coroutine);
    return 0;
}

static int call(void *argument)
{
    struct run *run = argument;
    run->result = gust__catch(run->function, run->argument);
    if (run->result < 0)
        run->error = gust__error_take_for(errno ? errno : EIO);
    run->ended = true;
    gust_timer_stop(run->loop, &run->timer);
    gust_loop_stop(run->loop);
    return 0;
}

static int start(struct run *run, int64_t timeout)
{
    int64_t until = gust__clock_after(gust__clock_now(), timeout);
    run->timer.function = time_is_up;
    run->timer.argument = run;
    if (timeout > 0 && gust_timer_start(run->loop, &run->timer, until) < 0)
        return -1;
    run->coroutine = gust__coroutine_start(run->loop, NULL, NULL, call, run);
    if (!run->coroutine)
        return -1;
    run->coroutine->main = true;
    return 0;
}

static int run_on(gust_loop *loop, struct run *run, int64_t timeout)
{
    run->loop = loop;
    if (start(run, timeout) < 0)
        return -1;
    while (!run->ended)
        gust_loop_run(loop);
    return 0;
}

static int answer(struct run *run)
{
    if (run->timed_out) {
        gust__error_free(run->error);
        return gust_error_set(ETIMEDOUT, NULL);
    }
    return run->error ? gust__error_put(run->error) : run->result;
}

int gust_run(int (*function)(void *argument), void *argument, int64_t timeout)
{
    if (gust__current || gust_loop_current()) {
        errno = EDEADLK;
        return -1;
    }
    struct run run = {.function = function, .argument = argument};
    gust_loop *loop = gust_loop_new();
    if (!loop)
        return -1;
    int result = run_on(loop, &run, timeout);
    int code = errno;
    gust_loop_free(loop);
    errno = code;
    return result < 0 ? -1 : answer(&run);
}

/* ---- gust_every ---- */

struct periodic_call {
    int (*function)(void *argument);
    void *argument;
    void (*ended)(void *that);
    void *that;
};

static int call_periodic(void *argument)
{
    struct periodic_call call_now = *(struct periodic_call *)argument;
    gust__free(argument);
    if (gust__catch(call_now.function, call_now.argument) < 0)
        gust__log_error(GUST_ERROR, gust_error_last(), "a periodic call failed");
    call_now.ended(call_now.that);
    return 0;
}

int gust__coroutine_run_periodic(gust_loop *loop, int (*function)(void *argument), void *argument,
                                 void (*ended)(void *that), void *that)
{
    struct periodic_call *call_later = gust__malloc(sizeof(*call_later));
    if (!call_later)
        return -1;
    *call_later = (struct periodic_call){function, argument, ended, that};
    if (gust__coroutine_start(loop, NULL, NULL, call_periodic, call_later))
        return 0;
    gust__free(call_later);
    return -1;
}
