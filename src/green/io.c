/*
 * How reading and writing go: tried first without blocking and without touching O_NONBLOCK, which belongs to
 * the open file and whoever else has it; then a wait, and another try.
 */
#include "green/io.h"
#include "green/vector.h"

/* ---- Waiting ---- */

int64_t gust__green_socket_limit(const struct gust__green_call *call, int option)
{
    struct timeval limit = {0};
    socklen_t length = sizeof(limit);
    if (gust__sys_getsockopt(call->fd, SOL_SOCKET, option, &limit, &length) < 0)
        return GUST__FOREVER; /* no socket */
    if (limit.tv_sec == 0 && limit.tv_usec == 0)
        return GUST__FOREVER;
    return gust__clock_after(call->began, (int64_t)limit.tv_sec * 1000000000 + limit.tv_usec * 1000);
}

bool gust__green_nonblocking(int fd)
{
    int flags = gust__sys_fcntl(fd, F_GETFL, 0);
    return flags >= 0 && flags & O_NONBLOCK;
}

/* How long the call may wait. 0; -1: EAGAIN, not at all. */
static int begin_to_wait(struct gust__green_io *io, bool writes)
{
    struct gust__green_call *call = &io->call;
    uint32_t since;
    call->began = gust__clock_now();
    io->until = GUST__FOREVER;
    call->handlers = GUST__GREEN_UNLESS_RESTARTED;
    if (!(io->flags & MSG_DONTWAIT) && gust__green_unlimited(io->known, writes, &since))
        return 0;
    if (io->flags & MSG_DONTWAIT || gust__green_nonblocking(call->fd)) {
        errno = EAGAIN;
        return -1;
    }
    io->until = gust__green_socket_limit(call, writes ? SO_SNDTIMEO : SO_RCVTIMEO);
    call->handlers = gust__green_handlers_for(io->until);
    if (io->until == GUST__FOREVER)
        gust__green_note_unlimited(io->known, writes, since);
    return 0;
}

int gust__green_io_wait(struct gust__green_io *io, uint32_t events)
{
    struct gust__green_call *call = &io->call;
    if (!call->began && begin_to_wait(io, events & EPOLLOUT) < 0)
        return -1;
    int result = gust__green_wait(call, events, io->until);
    if (result == 0)
        io->known = gust__green_descriptor(call->fd);
    if (result == 1)
        errno = EAGAIN;
    return result == 0 ? 0 : -1;
}

/* epoll refuses files, which are always ready. */
static bool is_file_after_all(struct gust__green_io *io)
{
    if (errno != EPERM || !io->file)
        return false;
    io->try = io->file;
    return true;
}

bool gust__green_take_error(const struct gust__green_call *call)
{
    if (!(call->ready & EPOLLERR))
        return false;
    int code = 0;
    socklen_t length = sizeof(code);
    if (gust__sys_getsockopt(call->fd, SOL_SOCKET, SO_ERROR, &code, &length) < 0 || code == 0)
        return false;
    errno = code;
    return true;
}

static ssize_t try(struct gust__green_io *io)
{
    ssize_t done = io->try(io);
    if (io->reads && !(io->flags & MSG_PEEK)) {
        size_t count;
        const struct iovec *vector = gust__green_io_vector(io, &count);
        gust__green_note_read(io->known, gust__green_vector_size(vector, (int)count), done);
    }
    return done;
}

/* A read that is known to find nothing, and is going to wait, is not made. What is known is what the loop has
 * heard: who does not wait may have polled the descriptor since, and would poll and read for ever. */
static ssize_t try_first(struct gust__green_io *io)
{
    uint32_t since;
    if (!io->reads || io->flags & MSG_DONTWAIT || !gust__green_drained(io->known) ||
        !gust__green_unlimited(io->known, false, &since))
        return try(io);
    errno = EAGAIN;
    return -1;
}

ssize_t gust__green_io_once(struct gust__green_io *io, uint32_t events)
{
    int saved = errno;
    for (bool first = true;; first = false) {
        ssize_t done = first ? try_first(io) : try(io);
        if (done >= 0) {
            errno = saved;
            return done;
        }
        if (errno != EAGAIN || (gust__green_io_wait(io, events) < 0 && !is_file_after_all(io)))
            return -1;
        if (io->done > 0 && io->call.ready & EPOLLERR)
            return -1; /* a try would take the error away from the next call, whose it is */
        if (events & EPOLLOUT && gust__green_take_error(&io->call))
            return -1;
    }
}

/* ---- All of it ---- */

static void advance(struct gust__green_io *io, size_t done)
{
    io->done += (ssize_t)done;
    if (io->rest.iov_len) {
        io->rest.iov_base = (char *)io->rest.iov_base + done;
        io->rest.iov_len -= done;
        done = 0;
    }
    while (io->count && done >= io->vector->iov_len && !io->rest.iov_len) {
        done -= io->vector->iov_len;
        io->vector++;
        io->count--;
    }
    if (done) {
        io->rest.iov_base = (char *)io->vector->iov_base + done;
        io->rest.iov_len = io->vector->iov_len - done;
        io->vector++;
        io->count--;
    }
}

/* What a call gives that failed after it had transferred something: as the kernel, what it has; the failure
 * is the next call's. But a connection that an interrupted wait has shut down is past counting. */
static ssize_t partly(const struct gust__green_io *io, int saved)
{
    if (io->done == 0 || (io->call.interrupted && !gust__current->green.keep))
        return -1;
    errno = saved;
    return io->done;
}

ssize_t gust__green_io_all(struct gust__green_io *io, uint32_t events)
{
    int saved = errno;
    do {
        ssize_t done = gust__green_io_once(io, events);
        if (done < 0)
            return partly(io, saved);
        advance(io, (size_t)done);
        if (done == 0)
            break; /* the end of the stream */
        io->message = NULL;
        io->flags |= io->flags_after;
    } while (io->count || io->rest.iov_len);
    errno = saved;
    return io->done;
}
