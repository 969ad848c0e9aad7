/* recv, send and their kin: sockets, tried with MSG_DONTWAIT. */
#include "green/io.h"

/* These never wait, whatever the socket. */
enum { AT_ONCE = MSG_DONTWAIT | MSG_ERRQUEUE | MSG_OOB };

/* ---- Receiving ---- */

static ssize_t try_recv(struct gust__green_io *io)
{
    size_t count;
    const struct iovec *part = gust__green_io_vector(io, &count);
    return gust__sys_recvfrom(io->call.fd, part->iov_base, part->iov_len, io->flags | MSG_DONTWAIT,
                              io->address, io->address_length);
}

/* Of datagrams it is always one. */
static bool waits_for_all(const struct gust__green_io *io)
{
    int type = 0;
    socklen_t length = sizeof(type);
    return io->flags & MSG_WAITALL && !(io->flags & MSG_PEEK) &&
           gust__sys_getsockopt(io->call.fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

static ssize_t receive(struct gust__green_io *io)
{
    io->try = try_recv;
    io->known = gust__green_descriptor(io->call.fd);
    io->reads = true;
    return waits_for_all(io) ? gust__green_io_all(io, EPOLLIN) : gust__green_io_once(io, EPOLLIN);
}

static ssize_t try_recvmsg(struct gust__green_io *io)
{
    struct msghdr rest = {0};
    if (io->message)
        return gust__sys_recvmsg(io->call.fd, io->message, io->flags | MSG_DONTWAIT);
    rest.msg_iov = (struct iovec *)gust__green_io_vector(io, &rest.msg_iovlen);
    return gust__sys_recvmsg(io->call.fd, &rest, io->flags | MSG_DONTWAIT);
}

static ssize_t receive_message(struct gust__green_io *io)
{
    io->try = try_recvmsg;
    io->known = gust__green_descriptor(io->call.fd);
    io->reads = true;
    return waits_for_all(io) ? gust__green_io_all(io, EPOLLIN) : gust__green_io_once(io, EPOLLIN);
}

GUST__EXPORT ssize_t recv(int fd, void *data, size_t size, int flags)
{
    if (!gust__green_here() || flags & AT_ONCE)
        return gust__green_next.recv(fd, data, size, flags);
    const struct iovec part = {data, size};
    struct gust__green_io io = {
        .call = GUST__GREEN_CALL("recv", fd), .vector = &part, .count = 1, .flags = flags};
    return receive(&io);
}

GUST__EXPORT ssize_t __recv_chk(int fd, void *data, size_t size, size_t room, int flags)
{
    if (!gust__green_here() || flags & AT_ONCE || size > room)
        return gust__green_next.__recv_chk(fd, data, size, room, flags);
    const struct iovec part = {data, size};
    struct gust__green_io io = {
        .call = GUST__GREEN_CALL("recv", fd), .vector = &part, .count = 1, .flags = flags};
    return receive(&io);
}

GUST__EXPORT ssize_t recvfrom(int fd, void *data, size_t size, int flags, __SOCKADDR_ARG address,
                              socklen_t *length)
{
    if (!gust__green_here() || flags & AT_ONCE)
        return gust__green_next.recvfrom(fd, data, size, flags, address.__sockaddr__, length);
    const struct iovec part = {data, size};
    struct gust__green_io io = {.call = GUST__GREEN_CALL("recvfrom", fd),
                                .vector = &part,
                                .count = 1,
                                .flags = flags,
                                .address = address.__sockaddr__,
                                .address_length = length};
    return receive(&io);
}

GUST__EXPORT ssize_t __recvfrom_chk(int fd, void *data, size_t size, size_t room, int flags,
                                    __SOCKADDR_ARG address, socklen_t *length)
{
    if (!gust__green_here() || flags & AT_ONCE || size > room)
        return gust__green_next.__recvfrom_chk(fd, data, size, room, flags, address.__sockaddr__, length);
    const struct iovec part = {data, size};
    struct gust__green_io io = {.call = GUST__GREEN_CALL("recvfrom", fd),
                                .vector = &part,
                                .count = 1,
                                .flags = flags,
                                .address = address.__sockaddr__,
                                .address_length = length};
    return receive(&io);
}

GUST__EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    if (!gust__green_here() || flags & AT_ONCE)
        return gust__green_next.recvmsg(fd, message, flags);
    struct gust__green_io io = {.call = GUST__GREEN_CALL("recvmsg", fd),
                                .vector = message->msg_iov,
                                .count = message->msg_iovlen,
                                .message = message,
                                .flags = flags};
    return receive_message(&io);
}

/* ---- Many at once: each waits as recvmsg does; the timeout is looked at between them, as the kernel's ----
 */

static ssize_t receive_one_of_many(struct gust__green_call call, struct mmsghdr *one, int flags)
{
    struct gust__green_io io = {.call = call,
                                .vector = one->msg_hdr.msg_iov,
                                .count = one->msg_hdr.msg_iovlen,
                                .message = &one->msg_hdr,
                                .flags = flags};
    ssize_t got = receive_message(&io);
    if (got >= 0)
        one->msg_len = (unsigned)got;
    return got;
}

static void put_left(struct timespec *left, int64_t until)
{
    int64_t nanoseconds = until - gust__clock_now();
    if (nanoseconds < 0)
        nanoseconds = 0;
    left->tv_sec = nanoseconds / 1000000000;
    left->tv_nsec = nanoseconds % 1000000000;
}

static int64_t time_of(const struct timespec *timeout)
{
    int64_t nanoseconds;
    if (__builtin_mul_overflow((int64_t)timeout->tv_sec, INT64_C(1000000000), &nanoseconds))
        return GUST__FOREVER;
    return gust__clock_after(gust__clock_now(), gust__clock_after(nanoseconds, timeout->tv_nsec));
}

GUST__EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                          struct timespec *timeout)
{
    bool valid = !timeout || (timeout->tv_sec >= 0 && timeout->tv_nsec >= 0 && timeout->tv_nsec < 1000000000);
    if (!gust__green_here() || flags & AT_ONCE || !valid)
        return gust__green_next.recvmmsg(fd, messages, count, flags, timeout);
    struct gust__green_call call = GUST__GREEN_CALL("recvmmsg", fd);
    int64_t until = timeout ? time_of(timeout) : GUST__FOREVER;
    unsigned got = 0;
    int once = flags & MSG_WAITFORONE, saved = errno;
    flags &= ~MSG_WAITFORONE;
    while (got < count && (got == 0 || gust__clock_now() < until)) {
        if (receive_one_of_many(call, &messages[got], flags) < 0)
            break;
        got++;
        if (once)
            flags |= MSG_DONTWAIT;
    }
    if (timeout)
        put_left(timeout, until);
    if (got == 0 && count > 0)
        return -1;
    errno = saved;
    return (int)got;
}

/* ---- Sending ---- */

static ssize_t try_send(struct gust__green_io *io)
{
    size_t count;
    const struct iovec *part = gust__green_io_vector(io, &count);
    return gust__sys_sendto(io->call.fd, part->iov_base, part->iov_len, io->flags | MSG_DONTWAIT, io->address,
                            io->address_length ? *io->address_length : 0);
}

static ssize_t try_sendmsg(struct gust__green_io *io)
{
    struct msghdr rest = {0};
    if (io->message)
        return gust__sys_sendmsg(io->call.fd, io->message, io->flags | MSG_DONTWAIT);
    rest.msg_iov = (struct iovec *)gust__green_io_vector(io, &rest.msg_iovlen);
    return gust__sys_sendmsg(io->call.fd, &rest, io->flags | MSG_DONTWAIT);
}

static ssize_t send_all(struct gust__green_call call, const void *data, size_t size, int flags,
                        const struct sockaddr *address, socklen_t length)
{
    const struct iovec part = {(void *)data, size};
    struct gust__green_io io = {.call = call,
                                .try = try_send,
                                .vector = &part,
                                .count = 1,
                                .flags = flags,
                                .flags_after = MSG_NOSIGNAL,
                                .address = (struct sockaddr *)address,
                                .address_length = &length};
    return gust__green_io_all(&io, EPOLLOUT);
}

GUST__EXPORT ssize_t send(int fd, const void *data, size_t size, int flags)
{
    if (!gust__green_here() || flags & AT_ONCE)
        return gust__green_next.send(fd, data, size, flags);
    return send_all((struct gust__green_call)GUST__GREEN_CALL("send", fd), data, size, flags, NULL, 0);
}

GUST__EXPORT ssize_t __send(int fd, const void *data, size_t size, int flags)
{
    if (!gust__green_here() || flags & AT_ONCE)
        return gust__green_next.__send(fd, data, size, flags);
    return send_all((struct gust__green_call)GUST__GREEN_CALL("send", fd), data, size, flags, NULL, 0);
}

GUST__EXPORT ssize_t sendto(int fd, const void *data, size_t size, int flags, __CONST_SOCKADDR_ARG address,
                            socklen_t length)
{
    if (!gust__green_here() || flags & AT_ONCE)
        return gust__green_next.sendto(fd, data, size, flags, address.__sockaddr__, length);
    return send_all((struct gust__green_call)GUST__GREEN_CALL("sendto", fd), data, size, flags,
                    address.__sockaddr__, length);
}

static ssize_t send_message(struct gust__green_call call, const struct msghdr *message, int flags)
{
    struct gust__green_io io = {.call = call,
                                .try = try_sendmsg,
                                .vector = message->msg_iov,
                                .count = message->msg_iovlen,
                                .message = (struct msghdr *)message,
                                .flags = flags,
                                .flags_after = MSG_NOSIGNAL};
    return gust__green_io_all(&io, EPOLLOUT);
}

GUST__EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (!gust__green_here() || flags & AT_ONCE)
        return gust__green_next.sendmsg(fd, message, flags);
    return send_message((struct gust__green_call)GUST__GREEN_CALL("sendmsg", fd), message, flags);
}

GUST__EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (!gust__green_here() || flags & AT_ONCE)
        return gust__green_next.sendmmsg(fd, messages, count, flags);
    struct gust__green_call call = GUST__GREEN_CALL("sendmmsg", fd);
    unsigned put = 0;
    while (put < count) {
        ssize_t sent = send_message(call, &messages[put].msg_hdr, flags);
        if (sent < 0)
            return put > 0 ? (int)put : -1;
        messages[put++].msg_len = (unsigned)sent;
    }
    return (int)put;
}
