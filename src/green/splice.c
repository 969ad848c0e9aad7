/* Moving data between descriptors in the kernel: splice, tee and vmsplice have a flag, sendfile none. */
#include "green/io.h"
#include "green/moment.h"

static bool is_ready(int fd, short events)
{
    struct pollfd entry = {.fd = fd, .events = events};
    const struct timespec none = {0};
    return gust__sys_ppoll(&entry, 1, &none, NULL) != 0;
}

/* One of two descriptors would have blocked: waits for whichever is not ready. If both are by now, another
 * try tells. 0; -1: EAGAIN by one that the user made non-blocking, or as gust__green_wait. */
static int wait_for_either(struct gust__green_call *call, int in, int out)
{
    bool lacks_room = is_ready(in, POLLIN);
    call->fd = lacks_room ? out : in;
    if (lacks_room && is_ready(out, POLLOUT))
        return gust__green_park(call, GUST__INTERRUPTIBLE, gust__clock_now()) < 0 ? -1 : 0;
    int flags = gust__sys_fcntl(call->fd, F_GETFL, 0);
    if (flags >= 0 && flags & O_NONBLOCK) {
        errno = EAGAIN;
        return -1;
    }
    call->began = gust__clock_now();
    int64_t until = gust__green_socket_limit(call, lacks_room ? SO_SNDTIMEO : SO_RCVTIMEO);
    call->handlers = gust__green_handlers_for(until);
    int result = gust__green_wait(call, lacks_room ? EPOLLOUT : EPOLLIN, until);
    if (result == 1)
        errno = EAGAIN;
    return result != 0 || (lacks_room && gust__green_take_error(call)) ? -1 : 0;
}

/* ---- sendfile ---- */

static ssize_t try_sendfile(int out, int in, off_t *offset, size_t size)
{
    int flags = gust__green_moment_begin(out);
    ssize_t sent = gust__sys_sendfile(out, in, offset, size);
    gust__green_moment_end(out, flags);
    return sent;
}

/* As the blocking call: all of it, or to the end of the file. */
static ssize_t sendfile_waiting(struct gust__green_call *call, int in, off_t *offset, size_t size)
{
    int out = call->fd, saved = errno;
    size_t sent = 0;
    while (sent < size) {
        ssize_t now = try_sendfile(out, in, offset, size - sent);
        if (now > 0)
            sent += (size_t)now;
        else if (now == 0)
            break;
        else if (errno != EAGAIN || wait_for_either(call, in, out) < 0)
            return sent > 0 && !call->interrupted ? (ssize_t)sent : -1;
    }
    errno = saved;
    return (ssize_t)sent;
}

static bool nonblocking(int fd)
{
    int flags = gust__sys_fcntl(fd, F_GETFL, 0);
    return flags >= 0 && flags & O_NONBLOCK;
}

GUST__EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t size)
{
    if (!gust__green_here() || nonblocking(out) || size == 0)
        return gust__green_next.sendfile(out, in, offset, size);
    struct gust__green_call call = GUST__GREEN_CALL("sendfile", out);
    return sendfile_waiting(&call, in, offset, size);
}

GUST__EXPORT ssize_t sendfile64(int out, int in, off64_t *offset, size_t size)
{
    if (!gust__green_here() || nonblocking(out) || size == 0)
        return gust__green_next.sendfile64(out, in, offset, size);
    struct gust__green_call call = GUST__GREEN_CALL("sendfile", out);
    return sendfile_waiting(&call, in, offset, size);
}

/* ---- splice, tee, vmsplice ---- */

/* The flag is for pipes; of a socket or terminal only O_NONBLOCK counts. */
static ssize_t try_splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t size,
                          unsigned flags)
{
    int in_flags = gust__green_moment_begin(in);
    int out_flags = gust__green_moment_begin(out);
    ssize_t moved = gust__sys_call("splice", SYS_splice, in, (long)in_offset, out, (long)out_offset,
                                   (long)size, flags | SPLICE_F_NONBLOCK);
    gust__green_moment_end(out, out_flags);
    gust__green_moment_end(in, in_flags);
    return moved;
}

GUST__EXPORT ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t size,
                            unsigned flags)
{
    if (!gust__green_here() || flags & SPLICE_F_NONBLOCK || size == 0)
        return gust__green_next.splice(in, in_offset, out, out_offset, size, flags);
    struct gust__green_call call = GUST__GREEN_CALL("splice", in);
    int saved = errno;
    for (;;) {
        ssize_t moved = try_splice(in, in_offset, out, out_offset, size, flags);
        if (moved >= 0)
            errno = saved;
        if (moved >= 0 || errno != EAGAIN || wait_for_either(&call, in, out) < 0)
            return moved;
    }
}

GUST__EXPORT ssize_t tee(int in, int out, size_t size, unsigned flags)
{
    if (!gust__green_here() || flags & SPLICE_F_NONBLOCK || size == 0)
        return gust__green_next.tee(in, out, size, flags);
    struct gust__green_call call = GUST__GREEN_CALL("tee", in);
    int saved = errno;
    for (;;) {
        ssize_t moved = gust__sys_call("tee", SYS_tee, in, out, (long)size, flags | SPLICE_F_NONBLOCK, 0, 0);
        if (moved >= 0)
            errno = saved;
        if (moved >= 0 || errno != EAGAIN || wait_for_either(&call, in, out) < 0)
            return moved;
    }
}

/* To a pipe it waits for room; from one, for data. */
GUST__EXPORT ssize_t vmsplice(int fd, const struct iovec *vector, size_t count, unsigned flags)
{
    if (!gust__green_here() || flags & SPLICE_F_NONBLOCK || count == 0)
        return gust__green_next.vmsplice(fd, vector, count, flags);
    struct gust__green_call call = GUST__GREEN_CALL("vmsplice", fd);
    call.handlers = GUST__GREEN_UNLESS_RESTARTED;
    bool writes = (gust__sys_fcntl(fd, F_GETFL, 0) & O_ACCMODE) != O_RDONLY;
    int saved = errno;
    for (;;) {
        ssize_t moved = gust__sys_call("vmsplice", SYS_vmsplice, fd, (long)vector, (long)count,
                                       flags | SPLICE_F_NONBLOCK, 0, 0);
        if (moved >= 0)
            errno = saved;
        if (moved >= 0 || errno != EAGAIN ||
            gust__green_wait(&call, writes ? EPOLLOUT : EPOLLIN, GUST__FOREVER) < 0)
            return moved;
    }
}
