/*
 * Message queues and semaphore sets. A POSIX queue is a descriptor. For those of System V there is nothing to
 * wait on, and a thread that waits cannot be called back without losing the message it took: they are looked
 * at again and again.
 */
#include "green/pace.h"
#include "green/time.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

/* ---- POSIX ---- */

/* When an absolute time of CLOCK_REALTIME is. Setting the clock meanwhile moves it natively, not here. */
static int64_t deadline_of(const struct timespec *until)
{
    if (!until)
        return GUST__FOREVER;
    return gust__clock_after(gust__clock_now(), gust__green_nanoseconds(until) - gust__clock_wall());
}

struct queue_call {
    struct gust__green_call call;
    char *data;
    size_t size;
    unsigned *priority; /* of a receive */
    unsigned send_priority;
    const struct timespec *until;
};

/* A time in the past has them fail with ETIMEDOUT where they would wait. */
static const struct timespec past;

static ssize_t try_receive(const struct queue_call *queue)
{
    return gust__sys_call("mq_timedreceive", SYS_mq_timedreceive, queue->call.fd, (long)queue->data,
                          (long)queue->size, (long)queue->priority, (long)&past, 0);
}

static ssize_t try_send(const struct queue_call *queue)
{
    return gust__sys_call("mq_timedsend", SYS_mq_timedsend, queue->call.fd, (long)queue->data,
                          (long)queue->size, (long)queue->send_priority, (long)&past, 0);
}

static ssize_t try_or_wait(struct queue_call *queue, ssize_t (*try)(const struct queue_call *queue),
                           uint32_t events)
{
    int saved = errno;
    int64_t until = deadline_of(queue->until);
    queue->call.handlers = GUST__GREEN_UNLESS_RESTARTED;
    for (;;) {
        ssize_t done = try(queue);
        if (done >= 0)
            errno = saved;
        if (done >= 0 || errno != ETIMEDOUT)
            return done;
        int result = gust__green_wait(&queue->call, events, until);
        if (result == 1)
            errno = ETIMEDOUT;
        if (result != 0)
            return -1;
    }
}

static bool wrong(const struct timespec *until)
{
    return until && !gust__green_valid(until); /* which libc refuses at once */
}

GUST__EXPORT ssize_t mq_receive(mqd_t queue, char *data, size_t size, unsigned *priority)
{
    if (!gust__green_here())
        return gust__green_next.mq_receive(queue, data, size, priority);
    struct queue_call that = {GUST__GREEN_CALL("mq_receive", queue), data, size, priority, 0, NULL};
    return try_or_wait(&that, try_receive, EPOLLIN);
}

GUST__EXPORT ssize_t mq_timedreceive(mqd_t queue, char *data, size_t size, unsigned *priority,
                                     const struct timespec *until)
{
    if (!gust__green_here() || wrong(until))
        return gust__green_next.mq_timedreceive(queue, data, size, priority, until);
    struct queue_call that = {GUST__GREEN_CALL("mq_timedreceive", queue), data, size, priority, 0, until};
    return try_or_wait(&that, try_receive, EPOLLIN);
}

GUST__EXPORT int mq_send(mqd_t queue, const char *data, size_t size, unsigned priority)
{
    if (!gust__green_here())
        return gust__green_next.mq_send(queue, data, size, priority);
    struct queue_call that = {GUST__GREEN_CALL("mq_send", queue), (char *)data, size, NULL, priority, NULL};
    return (int)try_or_wait(&that, try_send, EPOLLOUT);
}

GUST__EXPORT int mq_timedsend(mqd_t queue, const char *data, size_t size, unsigned priority,
                              const struct timespec *until)
{
    if (!gust__green_here() || wrong(until))
        return gust__green_next.mq_timedsend(queue, data, size, priority, until);
    struct queue_call that = {
        GUST__GREEN_CALL("mq_timedsend", queue), (char *)data, size, NULL, priority, until};
    return (int)try_or_wait(&that, try_send, EPOLLOUT);
}

/* ---- System V ---- */

/* Who waits while it is removed is told so; a look afterwards finds nothing. */
static void removed_meanwhile(void)
{
    if (errno == EINVAL)
        errno = EIDRM;
}

GUST__EXPORT ssize_t msgrcv(int queue, void *message, size_t size, long type, int flags)
{
    if (!gust__green_here() || flags & IPC_NOWAIT)
        return gust__green_next.msgrcv(queue, message, size, type, flags);
    struct gust__green_call call = GUST__GREEN_CALL("msgrcv", -1);
    call.handlers = GUST__GREEN_ANY_HANDLER;
    struct gust__green_pace pace = {GUST__GREEN_FIRST_PAUSE, GUST__FOREVER};
    int saved = errno;
    for (;;) {
        ssize_t done = gust__green_next.msgrcv(queue, message, size, type, flags | IPC_NOWAIT);
        if (done >= 0)
            errno = saved;
        else if (pace.pause > GUST__GREEN_FIRST_PAUSE)
            removed_meanwhile();
        if (done >= 0 || errno != ENOMSG || gust__green_put_off(&call, &pace) < 0)
            return done;
    }
}

GUST__EXPORT int msgsnd(int queue, const void *message, size_t size, int flags)
{
    if (!gust__green_here() || flags & IPC_NOWAIT)
        return gust__green_next.msgsnd(queue, message, size, flags);
    struct gust__green_call call = GUST__GREEN_CALL("msgsnd", -1);
    call.handlers = GUST__GREEN_ANY_HANDLER;
    struct gust__green_pace pace = {GUST__GREEN_FIRST_PAUSE, GUST__FOREVER};
    int saved = errno;
    for (;;) {
        int done = gust__green_next.msgsnd(queue, message, size, flags | IPC_NOWAIT);
        if (done == 0)
            errno = saved;
        else if (pace.pause > GUST__GREEN_FIRST_PAUSE)
            removed_meanwhile();
        if (done == 0 || errno != EAGAIN || gust__green_put_off(&call, &pace) < 0)
            return done;
    }
}

/* The kernel says EAGAIN when an operation that would wait must not, and when the time limit is over, which
 * is 0 here. With some of both kinds it stays open which it was: then the call does not wait. */
static bool any_refuses_to_wait(const struct sembuf *operations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (operations[i].sem_flg & IPC_NOWAIT)
            return true;
    }
    return false;
}

static int operate(struct gust__green_call *call, int set, struct sembuf *operations, size_t count,
                   int64_t until)
{
    static const struct timespec at_once;
    struct gust__green_pace pace = {GUST__GREEN_FIRST_PAUSE, until};
    call->handlers = GUST__GREEN_ANY_HANDLER;
    int saved = errno;
    for (;;) {
        int done = gust__green_next.semtimedop(set, operations, count, &at_once);
        if (done == 0)
            errno = saved;
        else if (pace.pause > GUST__GREEN_FIRST_PAUSE)
            removed_meanwhile();
        if (done == 0 || errno != EAGAIN || any_refuses_to_wait(operations, count) ||
            gust__green_put_off(call, &pace) != 0)
            return done;
    }
}

GUST__EXPORT int semop(int set, struct sembuf *operations, size_t count)
{
    if (!gust__green_here())
        return gust__green_next.semop(set, operations, count);
    struct gust__green_call call = GUST__GREEN_CALL("semop", -1);
    return operate(&call, set, operations, count, GUST__FOREVER);
}

GUST__EXPORT int semtimedop(int set, struct sembuf *operations, size_t count, const struct timespec *timeout)
{
    if (!gust__green_here() || (timeout && !gust__green_valid(timeout)))
        return gust__green_next.semtimedop(set, operations, count, timeout);
    struct gust__green_call call = GUST__GREEN_CALL("semtimedop", -1);
    int64_t until = GUST__FOREVER;
    if (timeout)
        until = gust__clock_after(gust__clock_now(), gust__green_nanoseconds(timeout));
    return operate(&call, set, operations, count, until);
}
