#include "base/alloc.h"
#include "base/sys.h"
#include "loop/loop_int.h"

#include <errno.h>
#include <sys/signalfd.h>

struct gust_watch {
    gust_loop *loop; /* NULL: closed meanwhile */
    int fd;          /* a signal's: its signalfd, ours */
    bool signal;
    unsigned events;
    int (*function)(int number, unsigned events, void *argument);
    void *argument;
    struct gust__list member; /* of the loop's watches */
};

/* A watch that rests still gets EPOLLHUP and EPOLLERR from epoll: edge-triggered, so that it is only once. */
static uint32_t to_epoll(unsigned events)
{
    return events ? events & (GUST_READABLE | GUST_WRITABLE) : EPOLLET;
}

/* A hang-up is readiness for whatever was asked, too: the read or write then tells. */
static unsigned from_epoll(uint32_t ready, unsigned asked)
{
    if (asked == 0)
        return 0;
    if (ready & (EPOLLHUP | EPOLLERR))
        return asked | GUST_BROKEN;
    return ready & asked;
}

static void ready_descriptor(void *owner, uint32_t ready)
{
    gust_watch *watch = owner;
    unsigned events = from_epoll(ready, watch->events);
    if (events && watch->function(watch->fd, events, watch->argument) < 0)
        gust__loop_failed("a watch failed");
}

/* One signal a call: the function may free the watch, and the rest comes in the next iteration. */
static void ready_signal(void *owner, uint32_t ready)
{
    gust_watch *watch = owner;
    struct signalfd_siginfo info;
    (void)ready;
    if (gust__sys_read(watch->fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (watch->function((int)info.ssi_signo, 0, watch->argument) < 0)
        gust__loop_failed("a signal's watch failed");
}

static gust_watch *add(gust_loop *loop, const gust_watch *values, gust__ready_function *ready)
{
    gust_watch *watch = gust__malloc(sizeof(*watch));
    if (!watch)
        return NULL;
    *watch = *values;
    watch->loop = loop;
    if (gust__loop_add(loop, watch->fd, to_epoll(watch->events), ready, watch) < 0) {
        gust__free(watch);
        return NULL;
    }
    gust__list_append(&loop->watches, &watch->member);
    return watch;
}

static gust_loop *or_current(gust_loop *loop)
{
    if (!loop)
        loop = gust_loop_current();
    if (!loop)
        errno = EDEADLK;
    return loop;
}

gust_watch *gust_watch_new(gust_loop *loop, int fd, unsigned events,
                           int (*function)(int fd, unsigned events, void *argument), void *argument)
{
    gust_watch values = {.fd = fd, .events = events, .function = function, .argument = argument};
    loop = or_current(loop);
    return loop ? add(loop, &values, ready_descriptor) : NULL;
}

int gust_watch_update(gust_watch *watch, unsigned events)
{
    if (!watch->loop || watch->signal) {
        errno = watch->signal ? EINVAL : ECANCELED;
        return -1;
    }
    if (gust__loop_modify(watch->loop, watch->fd, to_epoll(events)) < 0)
        return -1;
    watch->events = events;
    return 0;
}

static void detach(gust_watch *watch)
{
    if (!watch->loop)
        return;
    gust__loop_remove(watch->loop, watch->fd);
    if (watch->signal)
        gust__sys_close(watch->fd);
    gust__list_remove(&watch->member);
    watch->loop = NULL;
}

void gust_watch_free(gust_watch *watch)
{
    int saved = errno;
    if (watch)
        detach(watch);
    gust__free(watch);
    errno = saved;
}

void gust__watches_fini(gust_loop *loop)
{
    while (!gust__list_empty(&loop->watches))
        detach(GUST__CONTAINER(loop->watches.next, gust_watch, member));
}

static bool blocked(int signal_number)
{
    sigset_t mask;
    if (gust__sys_rt_sigprocmask(SIG_BLOCK, NULL, &mask) < 0)
        return false;
    return sigismember(&mask, signal_number) == 1;
}

gust_watch *gust_watch_signal(gust_loop *loop, int signal_number,
                              int (*function)(int signal_number, unsigned zero, void *argument),
                              void *argument)
{
    gust_watch values = {.signal = true, .events = GUST_READABLE, .function = function, .argument = argument};
    loop = or_current(loop);
    if (!loop)
        return NULL;
    if (!blocked(signal_number)) {
        errno = EINVAL;
        return NULL;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, signal_number);
    values.fd = gust__sys_signalfd4(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (values.fd < 0)
        return NULL;
    gust_watch *watch = add(loop, &values, ready_signal);
    if (!watch) {
        int saved = errno;
        gust__sys_close(values.fd);
        errno = saved;
    }
    return watch;
}
