/* Waits that only other threads end, each on a thread of its own: joins and barriers. */
#include "green/locks.h"

struct apart {
    struct gust__thread thread;
    gust_post post;
    struct gust__coroutine *coroutine;
    int (*function)(void *argument);
    void *argument;
    int result;
    bool ended; /* on the loop's thread */
};

static int ended(void *argument)
{
    struct apart *apart = argument;
    apart->ended = true;
    gust__wake(apart->coroutine);
    return 0;
}

static void run(void *argument)
{
    struct apart *apart = argument;
    apart->result = apart->function(apart->argument);
    gust_loop_post(apart->coroutine->loop, &apart->post, ended, apart);
}

int gust__green_apart(struct gust__green_call *call, int (*function)(void *argument), void *argument)
{
    struct apart apart = {.coroutine = gust__current, .function = function, .argument = argument};
    int saved = errno;
    if (gust__thread_start(&apart.thread, call->name, run, &apart) < 0) {
        errno = saved;
        return EAGAIN;
    }
    while (!apart.ended)
        gust__green_park(call, 0, GUST__FOREVER);
    gust__thread_join(&apart.thread);
    return apart.result;
}

/* ---- Joins ---- */

struct join {
    pthread_t thread;
    void **result;
    clockid_t clock;
    const struct timespec *time; /* NULL: for ever */
};

static int join_now(void *argument)
{
    const struct join *join = argument;
    return join->time
               ? gust__green_next.pthread_clockjoin_np(join->thread, join->result, join->clock, join->time)
               : gust__green_next.pthread_join(join->thread, join->result);
}

/* Without a thread to wait on it asks now and then. */
static int join_by_asking(struct gust__green_call *call, struct join *join)
{
    int64_t until = GUST__FOREVER, interval = 0;
    int code;
    if (join->time && gust__lock_until(join->clock, join->time, &until))
        return EINVAL;
    while ((code = gust__green_next.pthread_tryjoin_np(join->thread, join->result)) == EBUSY) {
        int64_t at = gust__lot_look_again(&interval, until);
        if (gust__green_park(call, 0, at) == 1 && at == until)
            return ETIMEDOUT;
    }
    return code;
}

/* Joins are never interrupted: the thread may use the caller's stack. */
static int join_in_coroutine(struct gust__green_call *call, struct join *join)
{
    if (pthread_equal(join->thread, pthread_self()))
        return EDEADLK;
    int code = gust__green_next.pthread_tryjoin_np(join->thread, join->result);
    if (code != EBUSY)
        return code;
    code = gust__green_apart(call, join_now, join);
    return code == EAGAIN ? join_by_asking(call, join) : code;
}

/* Here only because ours need the next one: a sanitizer's own must not be asked twice. */
GUST__EXPORT int pthread_tryjoin_np(pthread_t thread, void **result)
{
    return gust__green_next.pthread_tryjoin_np(thread, result);
}

GUST__EXPORT int pthread_join(pthread_t thread, void **result)
{
    if (!gust__green_here())
        return gust__green_next.pthread_join(thread, result);
    struct gust__green_call call = GUST__GREEN_CALL("pthread_join", -1);
    struct join join = {thread, result, 0, NULL};
    return join_in_coroutine(&call, &join);
}

GUST__EXPORT int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *time)
{
    if (!gust__green_here())
        return gust__green_next.pthread_timedjoin_np(thread, result, time);
    struct gust__green_call call = GUST__GREEN_CALL("pthread_timedjoin_np", -1);
    struct join join = {thread, result, CLOCK_REALTIME, time};
    return join_in_coroutine(&call, &join);
}

GUST__EXPORT int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock,
                                      const struct timespec *time)
{
    if (!gust__green_here())
        return gust__green_next.pthread_clockjoin_np(thread, result, clock, time);
    struct gust__green_call call = GUST__GREEN_CALL("pthread_clockjoin_np", -1);
    struct join join = {thread, result, clock, time};
    return join_in_coroutine(&call, &join);
}

/* Not by way of pthread_join: ThreadSanitizer does not know threads that thrd_create made. */
GUST__EXPORT int thrd_join(thrd_t thread, int *result)
{
    if (!gust__green_here())
        return gust__green_next.thrd_join(thread, result);
    struct gust__green_call call = GUST__GREEN_CALL("thrd_join", -1);
    void *value = NULL;
    struct join join = {thread, &value, 0, NULL};
    if (join_in_coroutine(&call, &join) != 0)
        return thrd_error;
    if (result)
        *result = (int)(intptr_t)value;
    return thrd_success;
}

/* ---- Barriers ---- */

static int wait_at(void *barrier)
{
    return gust__green_next.pthread_barrier_wait(barrier);
}

GUST__EXPORT int pthread_barrier_wait(pthread_barrier_t *barrier)
{
    if (!gust__green_here())
        return gust__green_next.pthread_barrier_wait(barrier);
    struct gust__green_call call = GUST__GREEN_CALL("pthread_barrier_wait", -1);
    int code;
    while ((code = gust__green_apart(&call, wait_at, barrier)) == EAGAIN)
        gust__green_park(&call, 0, gust__clock_after(gust__clock_now(), GUST_MS(10)));
    return code;
}

GUST__EXPORT int pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attributes,
                                      unsigned count)
{
    return gust__green_next.pthread_barrier_init(barrier, attributes, count);
}

GUST__EXPORT int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
    return gust__green_next.pthread_barrier_destroy(barrier);
}
