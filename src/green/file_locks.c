/*
 * Locks of files: flock and lockf; fcntl's are control.c's, in the same way. A lock that is free is taken at
 * once; else a thread waits for it, in the kernel's own queue, where it finds a deadlock too. As all locks,
 * and because nobody could give back what a thread that was left behind has taken, they are never interrupted
 * by the scope.
 */
#include "green/green_int.h"

#include <sys/file.h>

struct lock_call {
    int fd;
    int operation;
    off_t length;
};

/* ---- flock ---- */

static long wait_flock(void *argument)
{
    const struct lock_call *that = argument;
    return gust__green_next.flock(that->fd, that->operation);
}

GUST__EXPORT int flock(int fd, int operation)
{
    if (!gust__green_here() || operation & (LOCK_NB | LOCK_UN))
        return gust__green_next.flock(fd, operation);
    int saved = errno;
    int result = gust__green_next.flock(fd, operation | LOCK_NB);
    if (result == 0 || errno != EWOULDBLOCK)
        return result;
    errno = saved;
    struct gust__green_call call = GUST__GREEN_CALL("flock", fd);
    return (int)gust__green_offload_alone(&call, wait_flock,
                                          &(struct lock_call){.fd = fd, .operation = operation});
}

/* ---- lockf ---- */

static long wait_lockf(void *argument)
{
    const struct lock_call *that = argument;
    return gust__green_next.lockf(that->fd, that->operation, that->length);
}

GUST__EXPORT int lockf(int fd, int operation, off_t length)
{
    if (!gust__green_here() || operation != F_LOCK)
        return gust__green_next.lockf(fd, operation, length);
    int saved = errno;
    int result = gust__green_next.lockf(fd, F_TLOCK, length);
    if (result == 0 || (errno != EACCES && errno != EAGAIN))
        return result;
    errno = saved;
    struct gust__green_call call = GUST__GREEN_CALL("lockf", fd);
    struct lock_call that = {.fd = fd, .operation = operation, .length = length};
    return (int)gust__green_offload_alone(&call, wait_lockf, &that);
}

GUST__EXPORT int lockf64(int fd, int operation, off64_t length) __attribute__((alias("lockf")));
