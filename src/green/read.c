/*
 * read, write and their vectors, on descriptors of any kind. RWF_NOWAIT serves sockets, pipes and most
 * others; what does not know it is a socket of an older kernel (MSG_DONTWAIT), a file (files.c), or has to be
 * polled first: a terminal, an eventfd that is written.
 */
#include "green/io.h"
#include "green/vector.h"

#include <sys/eventfd.h>

/* Whether another may come between the question and the call, and this then block the loop: yes. There is no
 * better way to these. */
static bool is_ready(int fd, short events)
{
    struct pollfd entry = {.fd = fd, .events = events};
    const struct timespec none = {0};
    int count = gust__sys_ppoll(&entry, 1, &none, NULL);
    if (count == 0)
        errno = EAGAIN;
    return count > 0;
}

static bool is_file(int fd)
{
    struct stat status;
    return gust__sys_fstat(fd, &status) == 0 &&
           (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode) || S_ISDIR(status.st_mode));
}

/* A file that said EAGAIN: it waits for its disk, O_NONBLOCK or not. errno is kept. */
static bool is_waiting_file(const struct gust__green_io *io)
{
    int saved = errno;
    bool is = saved == EAGAIN && !gust__green_registered(io->call.fd) && is_file(io->call.fd);
    errno = saved;
    return is;
}

/* ---- Reading ---- */

static ssize_t read_polled(struct gust__green_io *io)
{
    return is_ready(io->call.fd, POLLIN) ? gust__sys_readv(io->call.fd, io->vector, (int)io->count) : -1;
}

static ssize_t read_file(struct gust__green_io *io)
{
    return gust__green_file_read(&io->call, io->vector, (int)io->count, -1, 0);
}

static ssize_t read_socket(struct gust__green_io *io)
{
    struct msghdr message = {.msg_iov = (struct iovec *)io->vector, .msg_iovlen = io->count};
    ssize_t done = io->count == 1
                       ? gust__sys_recv(io->call.fd, io->vector->iov_base, io->vector->iov_len, MSG_DONTWAIT)
                       : gust__sys_recvmsg(io->call.fd, &message, MSG_DONTWAIT);
    if (done >= 0 || errno != ENOTSOCK)
        return done;
    io->try = is_file(io->call.fd) ? read_file : read_polled;
    return io->try(io);
}

/* A short count of a file may only mean that the page cache ends there. What a coroutine has waited for is no
 * file, so that connections in use are not asked. */
static bool may_end_too_early(const struct gust__green_io *io, ssize_t done)
{
    return done > 0 && (size_t)done < gust__green_vector_size(io->vector, (int)io->count) &&
           !gust__green_registered(io->call.fd) && is_file(io->call.fd);
}

static ssize_t read_at_once(struct gust__green_io *io)
{
    ssize_t done = gust__sys_preadv2(io->call.fd, io->vector, (int)io->count, -1, RWF_NOWAIT);
    if (may_end_too_early(io, done))
        return gust__green_file_read_on(&io->call, io->vector, (int)io->count, -1, 0, done);
    if (done < 0 && is_waiting_file(io)) {
        io->try = read_file;
        return read_file(io);
    }
    if (done >= 0 || errno != EOPNOTSUPP)
        return done;
    io->try = read_socket;
    return read_socket(io);
}

static ssize_t read_vector(struct gust__green_io *io)
{
    /* A read of nothing is 0, and a recv of nothing waits. */
    bool some = gust__green_vector_size(io->vector, (int)io->count) > 0;
    io->known = gust__green_descriptor(io->call.fd);
    io->try = some && gust__green_tcp(io->known) ? read_socket : read_at_once;
    io->reads = some;
    io->file = read_file;
    return gust__green_io_once(io, EPOLLIN);
}

/* ---- Writing ---- */

/* A pipe that is writable takes this much without blocking, in one piece; of others we hope so. */
enum { PIECE = 4096 };

static ssize_t write_polled(struct gust__green_io *io)
{
    size_t count;
    const struct iovec *vector = gust__green_io_vector(io, &count);
    if (!is_ready(io->call.fd, POLLOUT))
        return -1;
    while (count > 1 && vector->iov_len == 0)
        vector++, count--;
    return gust__sys_write(io->call.fd, vector->iov_base, vector->iov_len < PIECE ? vector->iov_len : PIECE);
}

static ssize_t write_file(struct gust__green_io *io)
{
    size_t count;
    const struct iovec *vector = gust__green_io_vector(io, &count);
    return gust__green_file_write(&io->call, vector, (int)count, -1, 0);
}

static ssize_t write_socket(struct gust__green_io *io)
{
    size_t count;
    const struct iovec *vector = gust__green_io_vector(io, &count);
    struct msghdr message = {.msg_iov = (struct iovec *)vector, .msg_iovlen = count};
    int quietly = io->done > 0 ? MSG_NOSIGNAL : 0; /* the kernel's own raises SIGPIPE for the first only */
    if (count == 1)
        return gust__sys_send(io->call.fd, vector->iov_base, vector->iov_len, quietly | MSG_DONTWAIT);
    return gust__sys_sendmsg(io->call.fd, &message, quietly | MSG_DONTWAIT);
}

static ssize_t write_unknown(struct gust__green_io *io)
{
    ssize_t done = write_socket(io);
    if (done >= 0 || errno != ENOTSOCK)
        return done;
    io->try = is_file(io->call.fd) ? write_file : write_polled;
    return io->try(io);
}

static ssize_t write_no_socket(struct gust__green_io *io)
{
    size_t count;
    const struct iovec *vector = gust__green_io_vector(io, &count);
    ssize_t done = gust__sys_pwritev2(io->call.fd, vector, (int)count, -1, RWF_NOWAIT);
    if (done < 0 && is_waiting_file(io)) {
        io->try = write_file;
        return write_file(io);
    }
    if (done >= 0 || errno != EOPNOTSUPP)
        return done;
    io->try = write_unknown;
    return write_unknown(io);
}

static ssize_t write_at_once(struct gust__green_io *io)
{
    if (io->done == 0 && !gust__green_tcp(io->known))
        return write_no_socket(io);
    ssize_t done = write_socket(io);
    if (done >= 0 || errno != ENOTSOCK)
        return done;
    io->try = write_no_socket;
    return write_no_socket(io);
}

static ssize_t write_vector(struct gust__green_io *io)
{
    io->try = write_at_once;
    io->known = gust__green_descriptor(io->call.fd);
    io->file = write_file;
    return gust__green_io_all(io, EPOLLOUT);
}

/* ---- The hooks ---- */

static ssize_t read_one(struct gust__green_call call, void *data, size_t size)
{
    const struct iovec part = {data, size};
    struct gust__green_io io = {.call = call, .vector = &part, .count = 1};
    return read_vector(&io);
}

static ssize_t write_one(struct gust__green_call call, const void *data, size_t size)
{
    const struct iovec part = {(void *)data, size};
    struct gust__green_io io = {.call = call, .vector = &part, .count = 1};
    return write_vector(&io);
}

GUST__EXPORT ssize_t read(int fd, void *data, size_t size)
{
    if (!gust__green_here())
        return gust__green_next.read(fd, data, size);
    return read_one((struct gust__green_call)GUST__GREEN_CALL("read", fd), data, size);
}

GUST__EXPORT ssize_t __read(int fd, void *data, size_t size)
{
    if (!gust__green_here())
        return gust__green_next.__read(fd, data, size);
    return read_one((struct gust__green_call)GUST__GREEN_CALL("read", fd), data, size);
}

GUST__EXPORT ssize_t __read_chk(int fd, void *data, size_t size, size_t room)
{
    if (!gust__green_here() || size > room) /* libc ends the program then */
        return gust__green_next.__read_chk(fd, data, size, room);
    return read_one((struct gust__green_call)GUST__GREEN_CALL("read", fd), data, size);
}

GUST__EXPORT ssize_t write(int fd, const void *data, size_t size)
{
    if (!gust__green_here())
        return gust__green_next.write(fd, data, size);
    return write_one((struct gust__green_call)GUST__GREEN_CALL("write", fd), data, size);
}

GUST__EXPORT ssize_t __write(int fd, const void *data, size_t size)
{
    if (!gust__green_here())
        return gust__green_next.__write(fd, data, size);
    return write_one((struct gust__green_call)GUST__GREEN_CALL("write", fd), data, size);
}

GUST__EXPORT ssize_t readv(int fd, const struct iovec *vector, int count)
{
    if (!gust__green_here() || count <= 0)
        return gust__green_next.readv(fd, vector, count);
    struct gust__green_io io = {
        .call = GUST__GREEN_CALL("readv", fd), .vector = vector, .count = (size_t)count};
    return read_vector(&io);
}

GUST__EXPORT ssize_t writev(int fd, const struct iovec *vector, int count)
{
    if (!gust__green_here() || count <= 0)
        return gust__green_next.writev(fd, vector, count);
    struct gust__green_io io = {
        .call = GUST__GREEN_CALL("writev", fd), .vector = vector, .count = (size_t)count};
    return write_vector(&io);
}

GUST__EXPORT int eventfd_read(int fd, eventfd_t *value)
{
    if (!gust__green_here())
        return gust__green_next.eventfd_read(fd, value);
    ssize_t got =
        read_one((struct gust__green_call)GUST__GREEN_CALL("eventfd_read", fd), value, sizeof(*value));
    return got == sizeof(*value) ? 0 : -1;
}

GUST__EXPORT int eventfd_write(int fd, eventfd_t value)
{
    if (!gust__green_here())
        return gust__green_next.eventfd_write(fd, value);
    ssize_t put =
        write_one((struct gust__green_call)GUST__GREEN_CALL("eventfd_write", fd), &value, sizeof(value));
    return put == sizeof(value) ? 0 : -1;
}
