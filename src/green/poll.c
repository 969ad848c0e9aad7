/*
 * poll, select, epoll_wait and their kin. The kernel is asked without waiting; when it says "nothing", the
 * coroutine waits for an event of any of the descriptors, and the kernel is asked again: so any bits, bad
 * descriptors, duplicates and whatever else it knows are as it has them.
 */
#include "base/alloc.h"
#include "green/green_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>

/* ---- Waiting for any of several ---- */

enum { FEW = 8 };

struct any {
    struct gust__green_call call;
    int64_t until;
    const sigset_t *signals; /* the caller's mask while it waits; NULL: as it is */
    int signal_fd;           /* readable when a signal comes that only that mask lets in; -1: none */
    bool over;               /* until has come */
    size_t count;
    size_t room;
    struct gust__green_waiter *waiters;
    struct gust__green_waiter few[FEW];
};

static int prepare(struct any *any, size_t count)
{
    any->waiters = any->few;
    any->room = count + 1;
    if (any->room <= FEW)
        return 0;
    any->waiters = gust__malloc(any->room * sizeof(*any->waiters));
    return any->waiters ? 0 : -1;
}

/* What epoll does not take is always ready or never: the kernel's answer was the last word on it. */
static int watch(struct any *any, int fd, uint32_t events)
{
    if (fd < 0)
        return 0;
    if (gust__green_watch(&any->waiters[any->count], fd, events) < 0)
        return errno == EPERM || errno == EBADF ? 0 : -1;
    any->count++;
    return 0;
}

/* Signals that are blocked in the thread, but not in the mask that the caller wants while it waits. */
static bool has_more_signals(const sigset_t *signals, sigset_t *more)
{
    sigset_t blocked;
    bool any = false;
    gust__sys_rt_sigprocmask(SIG_BLOCK, NULL, &blocked);
    sigemptyset(more);
    for (int number = 1; number < NSIG; number++) {
        if (sigismember(&blocked, number) == 1 && sigismember(signals, number) == 0) {
            sigaddset(more, number);
            any = true;
        }
    }
    return any;
}

/* The loop's thread goes on with its own mask, so a descriptor tells of signals that the caller's lets in. */
static int watch_signals(struct any *any)
{
    sigset_t more;
    if (!any->signals || !has_more_signals(any->signals, &more))
        return 0;
    if (any->signal_fd < 0)
        any->signal_fd = gust__sys_signalfd4(-1, &more, SFD_CLOEXEC | SFD_NONBLOCK);
    return any->signal_fd < 0 ? -1 : watch(any, any->signal_fd, EPOLLIN);
}

/* Ends what prepare and watch began; after a failed wait, what was waited for is shut down. errno is kept. */
static void finish(struct any *any)
{
    int saved = errno;
    for (size_t i = 0; i < any->count; i++)
        gust__green_unwatch(&any->waiters[i]);
    if (any->waiters != any->few)
        gust__free(any->waiters);
    if (any->signal_fd >= 0) {
        gust__green_forget(any->signal_fd);
        gust__sys_close(any->signal_fd);
        any->signal_fd = -1;
    }
    any->count = 0;
    errno = saved;
}

static bool any_ready(const struct any *any)
{
    for (size_t i = 0; i < any->count; i++) {
        if (any->waiters[i].ready)
            return true;
    }
    return false;
}

/* 0: ask the kernel again; -1: interrupted. */
static int park(struct any *any)
{
    if (watch_signals(any) < 0)
        return -1;
    any->call.handlers = GUST__GREEN_ANY_HANDLER;
    int result = gust__green_park(&any->call, GUST__INTERRUPTIBLE, any->until);
    if (result < 0 && errno == EINTR)
        return any_ready(any) ? 0 : -1;
    if (result < 0)
        any->call.interrupted = true;
    any->over = result == 1;
    return result < 0 ? -1 : 0;
}

/* ---- Times ---- */

static int64_t after(int64_t seconds, int64_t nanoseconds)
{
    int64_t sum;
    if (__builtin_mul_overflow(seconds, INT64_C(1000000000), &sum) ||
        __builtin_add_overflow(sum, nanoseconds, &sum))
        return GUST__FOREVER;
    return gust__clock_after(gust__clock_now(), sum);
}

static bool is_time(const struct timespec *time)
{
    return !time || (time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < 1000000000);
}

static bool is_zero(const struct timespec *time)
{
    return time && time->tv_sec == 0 && time->tv_nsec == 0;
}

static int64_t until_of(const struct timespec *timeout)
{
    return timeout ? after(timeout->tv_sec, timeout->tv_nsec) : GUST__FOREVER;
}

/* ---- poll ---- */

static uint32_t events_of(short events)
{
    uint32_t wanted = 0;
    if (events & (POLLIN | POLLRDNORM | POLLRDBAND | POLLRDHUP))
        wanted |= EPOLLIN | EPOLLRDHUP;
    if (events & (POLLPRI | POLLRDBAND))
        wanted |= EPOLLPRI;
    if (events & (POLLOUT | POLLWRNORM | POLLWRBAND))
        wanted |= EPOLLOUT;
    return wanted;
}

static int ask_poll(const struct any *any, struct pollfd *fds, nfds_t count)
{
    const struct timespec none = {0};
    return gust__sys_ppoll(fds, count, &none, any->signals);
}

static int park_for_poll(struct any *any, const struct pollfd *fds, nfds_t count)
{
    int result = prepare(any, count);
    for (nfds_t i = 0; i < count && result == 0; i++)
        result = watch(any, fds[i].fd, events_of(fds[i].events));
    if (result == 0)
        result = park(any);
    finish(any);
    for (nfds_t i = 0; i < count && any->call.interrupted; i++)
        gust__green_interrupted_among(fds[i].fd, count);
    return result;
}

/* One descriptor, and only bits that are registered: the event has told all that the kernel would say. */
static bool told(const struct any *any, struct pollfd *fds, nfds_t count)
{
    const short known = POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLERR | POLLHUP;
    uint32_t ready = any->few[0].ready;
    if (count != 1 || any->signals || fds->events & ~known || ready & GUST__GREEN_CLOSED)
        return false;
    fds->revents = (short)ready & (short)(fds->events | POLLERR | POLLHUP);
    return fds->revents;
}

/* Whether we may read what the caller points to. It may be no address at all, for which the kernel has
 * EFAULT; what lies on this stack is one. */
static bool is_on_stack(const struct pollfd *fds)
{
    const struct gust__stack *stack = &gust__current->stack;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), end = (uintptr_t)stack->low + stack->size;
    return (uintptr_t)fds > here && (uintptr_t)fds <= end - sizeof(*fds);
}

/* The kernel would say "nothing": one descriptor whose data have all been read, and nothing else is asked. */
static bool known(const struct any *any, const struct pollfd *fds, nfds_t count)
{
    const short of_data = POLLIN | POLLRDNORM | POLLRDHUP | POLLERR | POLLHUP;
    return count == 1 && !any->signals && is_on_stack(fds) && fds->events && !(fds->events & ~of_data) &&
           gust__green_drained(gust__green_descriptor(fds->fd));
}

static int poll_waiting(struct any *any, struct pollfd *fds, nfds_t count)
{
    int saved = errno;
    any->signal_fd = -1;
    count = (unsigned)count; /* as the kernel takes it */
    for (bool first = true;; first = false) {
        int ready = first && known(any, fds, count) ? 0 : ask_poll(any, fds, count);
        if (ready != 0 || any->over) {
            if (ready >= 0)
                errno = saved;
            return ready;
        }
        if (park_for_poll(any, fds, count) < 0)
            return -1;
        if (!any->over && told(any, fds, count)) {
            errno = saved;
            return 1;
        }
    }
}

static int poll_milliseconds(struct gust__green_call call, struct pollfd *fds, nfds_t count, int timeout)
{
    struct any any = {.call = call};
    any.until = timeout < 0 ? GUST__FOREVER : gust__clock_after(gust__clock_now(), GUST_MS(timeout));
    return poll_waiting(&any, fds, count);
}

GUST__EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    if (!gust__green_here() || timeout == 0)
        return gust__green_next.poll(fds, count, timeout);
    return poll_milliseconds((struct gust__green_call)GUST__GREEN_CALL("poll", -1), fds, count, timeout);
}

GUST__EXPORT int __poll(struct pollfd *fds, nfds_t count, int timeout);
GUST__EXPORT int __poll(struct pollfd *fds, nfds_t count, int timeout)
{
    if (!gust__green_here() || timeout == 0)
        return gust__green_next.__poll(fds, count, timeout);
    return poll_milliseconds((struct gust__green_call)GUST__GREEN_CALL("poll", -1), fds, count, timeout);
}

GUST__EXPORT int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room);
GUST__EXPORT int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room)
{
    if (!gust__green_here() || timeout == 0 || room / sizeof(*fds) < count) /* libc ends the program then */
        return gust__green_next.__poll_chk(fds, count, timeout, room);
    return poll_milliseconds((struct gust__green_call)GUST__GREEN_CALL("poll", -1), fds, count, timeout);
}

static bool ppoll_passes(const struct timespec *timeout)
{
    return !gust__green_here() || is_zero(timeout) || !is_time(timeout);
}

static int ppoll_waiting(struct gust__green_call call, struct pollfd *fds, nfds_t count,
                         const struct timespec *timeout, const sigset_t *signals)
{
    struct any any = {.call = call, .until = until_of(timeout), .signals = signals};
    return poll_waiting(&any, fds, count);
}

GUST__EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                       const sigset_t *signals)
{
    if (ppoll_passes(timeout))
        return gust__green_next.ppoll(fds, count, timeout, signals);
    return ppoll_waiting((struct gust__green_call)GUST__GREEN_CALL("ppoll", -1), fds, count, timeout,
                         signals);
}

GUST__EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                             const sigset_t *signals, size_t room);
GUST__EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                             const sigset_t *signals, size_t room)
{
    if (ppoll_passes(timeout) || room / sizeof(*fds) < count)
        return gust__green_next.__ppoll_chk(fds, count, timeout, signals, room);
    return ppoll_waiting((struct gust__green_call)GUST__GREEN_CALL("ppoll", -1), fds, count, timeout,
                         signals);
}

/* ---- select: sets may be longer than fd_set, whoever made them ---- */

enum { WORD_BITS = 64, USUAL = FD_SETSIZE / WORD_BITS };

struct sets {
    int count;         /* nfds */
    size_t words;      /* of each set */
    uint64_t *user[3]; /* to read, to write, exceptional; each may be NULL */
    uint64_t *asked;   /* copies of the three: the kernel overwrites its answers over the questions */
    uint64_t usual[3 * USUAL];
};

static int keep_question(struct sets *sets)
{
    sets->words = ((size_t)sets->count + WORD_BITS - 1) / WORD_BITS;
    sets->asked = sets->words <= USUAL ? sets->usual : gust__malloc(3 * sets->words * sizeof(uint64_t));
    if (!sets->asked)
        return -1;
    for (size_t i = 0; i < 3; i++) {
        if (sets->user[i])
            memcpy(sets->asked + i * sets->words, sets->user[i], sets->words * sizeof(uint64_t));
        else
            memset(sets->asked + i * sets->words, 0, sets->words * sizeof(uint64_t));
    }
    return 0;
}

static void put_question(const struct sets *sets)
{
    for (size_t i = 0; i < 3; i++) {
        if (sets->user[i])
            memcpy(sets->user[i], sets->asked + i * sets->words, sets->words * sizeof(uint64_t));
    }
}

static void forget_question(struct sets *sets)
{
    if (sets->asked != sets->usual)
        gust__free(sets->asked);
}

static uint32_t asked_of(const struct sets *sets, int fd)
{
    static const uint32_t kinds[3] = {EPOLLIN | EPOLLRDHUP, EPOLLOUT, EPOLLPRI};
    uint32_t events = 0;
    for (size_t i = 0; i < 3; i++) {
        if (sets->asked[i * sets->words + (size_t)fd / WORD_BITS] >> ((size_t)fd % WORD_BITS) & 1)
            events |= kinds[i];
    }
    return events;
}

static int ask_select(const struct any *any, const struct sets *sets)
{
    struct timespec none = {0};
    struct {
        const sigset_t *signals;
        size_t size;
    } mask = {any->signals, GUST__SYS_SIGNALS};
    return (int)gust__sys_call("pselect6", SYS_pselect6, sets->count, (long)sets->user[0],
                               (long)sets->user[1], (long)sets->user[2], (long)&none, (long)&mask);
}

static size_t asked_in_all(const struct sets *sets)
{
    size_t count = 0;
    for (int fd = 0; fd < sets->count; fd++)
        count += asked_of(sets, fd) != 0;
    return count;
}

static int park_for_select(struct any *any, const struct sets *sets)
{
    size_t count = asked_in_all(sets);
    int result = prepare(any, count);
    for (int fd = 0; fd < sets->count && result == 0; fd++) {
        uint32_t events = asked_of(sets, fd);
        if (events)
            result = watch(any, fd, events);
    }
    if (result == 0)
        result = park(any);
    finish(any);
    for (int fd = 0; fd < sets->count && any->call.interrupted; fd++) {
        if (asked_of(sets, fd))
            gust__green_interrupted_among(fd, count);
    }
    return result;
}

static int select_waiting(struct any *any, struct sets *sets)
{
    int saved = errno;
    any->signal_fd = -1;
    if (keep_question(sets) < 0)
        return -1;
    int ready;
    for (;;) {
        ready = ask_select(any, sets);
        if (ready != 0 || any->over)
            break;
        put_question(sets);
        ready = park_for_select(any, sets);
        if (ready < 0)
            break;
    }
    forget_question(sets);
    if (ready >= 0)
        errno = saved;
    return ready;
}

static int select_timed(struct gust__green_call call, int count, fd_set *reads, fd_set *writes,
                        fd_set *exceptions, struct timeval *timeout)
{
    struct any any = {.call = call, .until = GUST__FOREVER};
    struct sets sets = {.count = count, .user = {(void *)reads, (void *)writes, (void *)exceptions}};
    if (timeout)
        any.until = after(timeout->tv_sec, (int64_t)timeout->tv_usec * 1000);
    int ready = select_waiting(&any, &sets);
    if (timeout) { /* Linux tells how much was left */
        int64_t left = any.over ? 0 : any.until - gust__clock_now();
        timeout->tv_sec = left > 0 ? left / 1000000000 : 0;
        timeout->tv_usec = left > 0 ? left % 1000000000 / 1000 : 0;
    }
    return ready;
}

static bool select_passes(int count, const struct timeval *timeout)
{
    return !gust__green_here() || count < 0 ||
           (timeout &&
            (timeout->tv_sec < 0 || timeout->tv_usec < 0 || (timeout->tv_sec == 0 && timeout->tv_usec == 0)));
}

GUST__EXPORT int select(int count, fd_set *reads, fd_set *writes, fd_set *exceptions, struct timeval *timeout)
{
    if (select_passes(count, timeout))
        return gust__green_next.select(count, reads, writes, exceptions, timeout);
    return select_timed((struct gust__green_call)GUST__GREEN_CALL("select", -1), count, reads, writes,
                        exceptions, timeout);
}

GUST__EXPORT int __select(int count, fd_set *reads, fd_set *writes, fd_set *exceptions,
                          struct timeval *timeout);
GUST__EXPORT int __select(int count, fd_set *reads, fd_set *writes, fd_set *exceptions,
                          struct timeval *timeout)
{
    if (select_passes(count, timeout))
        return gust__green_next.__select(count, reads, writes, exceptions, timeout);
    return select_timed((struct gust__green_call)GUST__GREEN_CALL("select", -1), count, reads, writes,
                        exceptions, timeout);
}

GUST__EXPORT int pselect(int count, fd_set *reads, fd_set *writes, fd_set *exceptions,
                         const struct timespec *timeout, const sigset_t *signals)
{
    if (!gust__green_here() || count < 0 || is_zero(timeout) || !is_time(timeout))
        return gust__green_next.pselect(count, reads, writes, exceptions, timeout, signals);
    struct any any = {
        .call = GUST__GREEN_CALL("pselect", -1), .until = until_of(timeout), .signals = signals};
    struct sets sets = {.count = count, .user = {(void *)reads, (void *)writes, (void *)exceptions}};
    return select_waiting(&any, &sets);
}

/* FORTIFY's check of a number for FD_SET. A set has room for 1024 descriptors, and libc ends the program with
 * "buffer overflow detected" beyond: a server with many connections had better read why. */
GUST__EXPORT long __fdelt_chk(long fd);
GUST__EXPORT long __fdelt_chk(long fd)
{
    if (fd >= FD_SETSIZE || fd < 0) {
        static const char refusal[] =
            "gust: a library passes descriptor 1024 or above to select(), which has no room for it. Let it "
            "use poll(), or keep fewer descriptors open (RLIMIT_NOFILE 1024)\n";
        (void)!gust__sys_write(STDERR_FILENO, refusal, sizeof(refusal) - 1);
        abort();
    }
    return fd / __NFDBITS;
}

/* ---- epoll ---- */

struct wanted {
    struct epoll_event *events;
    int max;
};

static int ask_epoll(const struct any *any, const struct wanted *wanted)
{
    int ready = (int)gust__sys_call("epoll_pwait", SYS_epoll_pwait, any->call.fd, (long)wanted->events,
                                    wanted->max, 0, 0, GUST__SYS_SIGNALS);
    if (ready != 0 || !any->signals)
        return ready;
    const struct timespec none = {0}; /* which does not let signals in unless it waits; ppoll does */
    return gust__sys_ppoll(NULL, 0, &none, any->signals);
}

static int park_for_epoll(struct any *any)
{
    int result = prepare(any, 1);
    if (result == 0)
        result = watch(any, any->call.fd, EPOLLIN);
    if (result == 0)
        result = park(any);
    finish(any);
    return result;
}

static int epoll_waiting(struct any *any, const struct wanted *wanted)
{
    int saved = errno;
    any->signal_fd = -1;
    for (;;) {
        int ready = ask_epoll(any, wanted);
        if (ready != 0 || any->over) {
            if (ready >= 0)
                errno = saved;
            return ready;
        }
        if (park_for_epoll(any) < 0)
            return -1;
    }
}

static int epoll_milliseconds(struct gust__green_call call, struct wanted wanted, int timeout,
                              const sigset_t *signals)
{
    struct any any = {.call = call, .signals = signals};
    any.until = timeout < 0 ? GUST__FOREVER : gust__clock_after(gust__clock_now(), GUST_MS(timeout));
    return epoll_waiting(&any, &wanted);
}

GUST__EXPORT int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
    if (!gust__green_here() || timeout == 0)
        return gust__green_next.epoll_wait(epoll, events, max, timeout);
    return epoll_milliseconds((struct gust__green_call)GUST__GREEN_CALL("epoll_wait", epoll),
                              (struct wanted){events, max}, timeout, NULL);
}

GUST__EXPORT int epoll_pwait(int epoll, struct epoll_event *events, int max, int timeout,
                             const sigset_t *signals)
{
    if (!gust__green_here() || timeout == 0)
        return gust__green_next.epoll_pwait(epoll, events, max, timeout, signals);
    return epoll_milliseconds((struct gust__green_call)GUST__GREEN_CALL("epoll_pwait", epoll),
                              (struct wanted){events, max}, timeout, signals);
}

GUST__EXPORT int epoll_pwait2(int epoll, struct epoll_event *events, int max, const struct timespec *timeout,
                              const sigset_t *signals)
{
    if (ppoll_passes(timeout))
        return gust__green_next.epoll_pwait2(epoll, events, max, timeout, signals);
    struct any any = {
        .call = GUST__GREEN_CALL("epoll_pwait2", epoll), .until = until_of(timeout), .signals = signals};
    return epoll_waiting(&any, &(struct wanted){events, max});
}
