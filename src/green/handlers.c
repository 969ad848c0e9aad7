/*
 * EINTR. A signal that is sent to a process goes to the main thread, if it does not block it, and ends the
 * call in which that thread waits; other threads' calls go on. A coroutine is to its siblings what a thread
 * is to others, and the one that gust_run runs is the main one: its wait ends with EINTR, no other's does.
 *
 * The loop hears of a handler when it ran while the thread waited in epoll_wait. Which handler it was nobody
 * tells (to be told, we would have to put our own in place of each, in a table that a vfork's child shares
 * with us). So the handlers that the program has now, for signals that this thread does not block, stand for
 * it: a call that SA_RESTART lets go on is ended only if none of them has that flag.
 */
#include "green/green_int.h"

#include <signal.h>

/* The wait of gust_run's coroutine, while a handler may end it. */
static _Thread_local struct {
    struct gust__green_call *call; /* NULL: there is none */
    struct gust__coroutine *coroutine;
} exposed __attribute__((tls_model("initial-exec")));

static bool is_fault(int signal)
{
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
           signal == SIGTRAP || signal == SIGSYS || signal == SIGABRT;
}

/* Whether what may have run ends such a call. */
static bool ends(enum gust__green_handlers which)
{
    struct sigaction action;
    sigset_t blocked;
    bool found = false;
    sigemptyset(&blocked);
    gust__sys_rt_sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int signal = 1; signal < NSIG; signal++) {
        if (is_fault(signal) || signal == gust__loop_own_signal || sigismember(&blocked, signal) == 1 ||
            sigaction(signal, NULL, &action) < 0 || action.sa_handler == SIG_DFL ||
            action.sa_handler == SIG_IGN)
            continue;
        if (which == GUST__GREEN_UNLESS_RESTARTED && action.sa_flags & SA_RESTART)
            return false;
        found = true;
    }
    return found;
}

/* Called by the loop, on its thread. */
static void handler_ran(gust_loop *loop)
{
    if (!exposed.call || exposed.coroutine->loop != loop || !ends(exposed.call->handlers))
        return;
    exposed.call->handled = true;
    gust__wake(exposed.coroutine);
}

int gust__green_park_exposed(struct gust__green_call *call, int flags, int64_t until)
{
    call->handled = false;
    exposed.call = call;
    exposed.coroutine = gust__current;
    int result = gust__park_until(flags, call->name, until);
    exposed.call = NULL;
    if (result != 0 || !call->handled)
        return result;
    errno = EINTR;
    return -1;
}

/* In a forked child: the coroutine is the parent's. */
static void begin_anew(void)
{
    exposed.call = NULL;
}

static __attribute__((constructor)) void begin(void)
{
    gust__loop_interrupted = handler_ran;
    pthread_atfork(NULL, NULL, begin_anew);
}
