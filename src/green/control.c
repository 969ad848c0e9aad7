/*
 * What makes, replaces and ends descriptors. None of it waits, but whoever waits for a descriptor that is
 * closed must learn of it, and a number that comes into use anew must not be taken for its last bearer.
 */
#include "green/green_int.h"

#include <limits.h>
#include <linux/close_range.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

/* ---- Ends ---- */

GUST__EXPORT int close(int fd)
{
    gust__green_forget(fd);
    return gust__green_next.close(fd);
}

GUST__EXPORT int __close(int fd);
GUST__EXPORT int __close(int fd)
{
    gust__green_forget(fd);
    return gust__green_next.__close(fd);
}

GUST__EXPORT int close_range(unsigned first, unsigned last, int flags)
{
    if (!((unsigned)flags & CLOSE_RANGE_CLOEXEC))
        gust__green_forget_range(first, last);
    return gust__green_next.close_range(first, last, flags);
}

GUST__EXPORT void closefrom(int first)
{
    gust__green_forget_range(first < 0 ? 0 : (unsigned)first, UINT_MAX);
    gust__green_next.closefrom(first);
}

/* libc closes a stream's descriptor by a call of its own that nobody sees. */
static void forget_stream(FILE *file)
{
    int saved = errno;
    if (file)
        gust__green_forget(fileno(file));
    errno = saved;
}

GUST__EXPORT int fclose(FILE *file)
{
    forget_stream(file);
    return gust__green_next.fclose(file);
}

GUST__EXPORT FILE *freopen(const char *path, const char *mode, FILE *file)
{
    forget_stream(file);
    return gust__green_next.freopen(path, mode, file);
}

GUST__EXPORT FILE *freopen64(const char *path, const char *mode, FILE *file)
{
    forget_stream(file);
    return gust__green_next.freopen64(path, mode, file);
}

/* ---- Duplicates ---- */

static int fresh(int fd)
{
    if (fd >= 0)
        gust__green_forget(fd);
    return fd;
}

/* dup2 closes what has the number, if it does anything. */
static void make_way(int from, int to)
{
    int saved = errno;
    if (from != to && gust__green_known(to) && gust__sys_fcntl(from, F_GETFD, 0) >= 0)
        gust__green_forget(to);
    errno = saved;
}

GUST__EXPORT int dup(int fd)
{
    return fresh(gust__green_next.dup(fd));
}

GUST__EXPORT int dup2(int from, int to)
{
    make_way(from, to);
    return gust__green_next.dup2(from, to);
}

GUST__EXPORT int __dup2(int from, int to);
GUST__EXPORT int __dup2(int from, int to)
{
    make_way(from, to);
    return gust__green_next.__dup2(from, to);
}

GUST__EXPORT int dup3(int from, int to, int flags)
{
    make_way(from, to);
    return gust__green_next.dup3(from, to, flags);
}

/* ---- fcntl: duplicates, and locks that are waited for ---- */

struct lock_wait {
    int fd;
    int command;
    long lock;
};

static long wait_for_lock(void *argument)
{
    const struct lock_wait *wait = argument;
    return gust__sys_fcntl(wait->fd, wait->command, wait->lock);
}

/* Not where the lock is free: the thread is for those who have to wait. */
static int lock_waiting(struct gust__green_call call, int command, long lock)
{
    struct lock_wait wait = {call.fd, command, lock};
    int saved = errno;
    int at_once = command == F_SETLKW ? F_SETLK : F_OFD_SETLK;
    if (gust__sys_fcntl(call.fd, at_once, lock) == 0)
        return 0;
    if (errno != EAGAIN && errno != EACCES)
        return -1;
    errno = saved;
    return (int)gust__green_offload_alone(&call, wait_for_lock, &wait);
}

static int control(struct gust__green_call call, int (*next)(int, int, long), int command, long argument)
{
    if ((command == F_SETLKW || command == F_OFD_SETLKW) && gust__green_here())
        return lock_waiting(call, command, argument);
    if (command == F_SETFL)
        gust__green_settings_change();
    int result = next(call.fd, command, argument);
    if (command == F_SETFL)
        gust__green_settings_change(); /* a wait that began meanwhile may have seen either */
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? fresh(result) : result;
}

GUST__EXPORT int fcntl(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    long argument = va_arg(list, long);
    va_end(list);
    return control((struct gust__green_call)GUST__GREEN_CALL("fcntl", fd), gust__green_next.fcntl, command,
                   argument);
}

GUST__EXPORT int fcntl64(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    long argument = va_arg(list, long);
    va_end(list);
    return control((struct gust__green_call)GUST__GREEN_CALL("fcntl", fd), gust__green_next.fcntl64, command,
                   argument);
}

int __fcntl(int fd, int command, ...);
GUST__EXPORT int __fcntl(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    long argument = va_arg(list, long);
    va_end(list);
    return control((struct gust__green_call)GUST__GREEN_CALL("fcntl", fd), gust__green_next.__fcntl, command,
                   argument);
}

/* ---- New ones: an unseen close may have left something of an earlier one ---- */

GUST__EXPORT int socket(int domain, int type, int protocol)
{
    return fresh(gust__green_next.socket(domain, type, protocol));
}

static int fresh_two(int result, const int *fds)
{
    if (result == 0) {
        fresh(fds[0]);
        fresh(fds[1]);
    }
    return result;
}

GUST__EXPORT int socketpair(int domain, int type, int protocol, int fds[2])
{
    return fresh_two(gust__green_next.socketpair(domain, type, protocol, fds), fds);
}

GUST__EXPORT int pipe(int fds[2])
{
    return fresh_two(gust__green_next.pipe(fds), fds);
}

GUST__EXPORT int pipe2(int fds[2], int flags)
{
    return fresh_two(gust__green_next.pipe2(fds, flags), fds);
}

GUST__EXPORT int eventfd(unsigned start, int flags)
{
    return fresh(gust__green_next.eventfd(start, flags));
}

GUST__EXPORT int epoll_create(int size)
{
    return fresh(gust__green_next.epoll_create(size));
}

GUST__EXPORT int epoll_create1(int flags)
{
    return fresh(gust__green_next.epoll_create1(flags));
}

GUST__EXPORT int timerfd_create(int clock, int flags)
{
    return fresh(gust__green_next.timerfd_create(clock, flags));
}

/* With a descriptor of its own it changes that one. */
GUST__EXPORT int signalfd(int fd, const sigset_t *signals, int flags)
{
    int result = gust__green_next.signalfd(fd, signals, flags);
    return fd < 0 ? fresh(result) : result;
}

GUST__EXPORT int inotify_init(void)
{
    return fresh(gust__green_next.inotify_init());
}

GUST__EXPORT int inotify_init1(int flags)
{
    return fresh(gust__green_next.inotify_init1(flags));
}
