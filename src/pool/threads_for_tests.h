/* What the tests of the thread pool share: calls that last until a gate opens. */
#ifndef GUST_POOL_THREADS_FOR_TESTS_H
#define GUST_POOL_THREADS_FOR_TESTS_H

#include "pool/loop_for_tests.h"
#include "base/lock.h"
#include "pool/threads.h"

/* A gate that jobs wait at. */
static struct gate {
    struct gust__lock lock;
    struct gust__signal signal;
    bool open;
    unsigned waiting;
    unsigned passed;
} gate;

__attribute__((unused)) static int wait_at_gate(void *argument)
{
    (void)argument;
    gust__lock_take(&gate.lock);
    gate.waiting++;
    while (!gate.open)
        gust__signal_wait(&gate.signal, &gate.lock, INT64_MAX);
    gate.passed++;
    gust__lock_drop(&gate.lock);
    return 7;
}

__attribute__((unused)) static unsigned at_gate(void)
{
    gust__lock_take(&gate.lock);
    unsigned waiting = gate.waiting;
    gust__lock_drop(&gate.lock);
    return waiting;
}

__attribute__((unused)) static void open_gate(void)
{
    gust__lock_take(&gate.lock);
    gate.open = true;
    gust__signal_wake_all(&gate.signal);
    gust__lock_drop(&gate.lock);
}

__attribute__((unused)) static void close_gate(void)
{
    gate = (struct gate){0};
}

/* Lets the loop run so long: what should not happen has had time to. */
__attribute__((unused)) static void let_pass(int64_t nanoseconds)
{
    for (int64_t end = gust__clock_now() + nanoseconds; gust__clock_now() < end;)
        gust__loop_iterate(test_loop, end);
}

struct run {
    gust_threads *threads;
    int (*function)(void *argument);
    void *argument;
    int result, code;
    bool done;
};

__attribute__((unused)) static int run_there(void *argument)
{
    struct run *run = argument;
    errno = 0;
    run->result = gust_threads_run(run->threads, run->function, run->argument);
    run->code = errno;
    run->done = true;
    return 0;
}

__attribute__((unused)) static struct gust__coroutine *start(struct run *run)
{
    return gust__coroutine_start(test_loop, NULL, NULL, run_there, run);
}

#endif
