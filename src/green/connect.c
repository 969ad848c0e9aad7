/* connect and accept. */
#include "green/io.h"
#include "green/moment.h"

static bool is_ready(int fd, short events)
{
    struct pollfd entry = {.fd = fd, .events = events};
    const struct timespec none = {0};
    return gust__sys_ppoll(&entry, 1, &none, NULL) != 0;
}

/* ---- connect ---- */

static int try_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    int flags = gust__green_moment_begin(fd);
    int result = gust__sys_connect(fd, address, length);
    gust__green_moment_end(fd, flags);
    return result;
}

/* The connection is on its way. code: what the call says if the socket's own time limit comes first. */
static int await_connection(struct gust__green_call *call, int64_t until, int code)
{
    do {
        int result = gust__green_wait(call, EPOLLOUT, until);
        if (result == 1)
            errno = code;
        if (result != 0)
            return -1;
    } while (!is_ready(call->fd, POLLOUT));
    return 0;
}

/* A Unix server's queue is full, and no event tells when it no longer is. */
static int await_room(struct gust__green_call *call, int64_t until, int64_t *pause)
{
    int64_t next = gust__clock_after(gust__clock_now(), *pause);
    if (*pause < GUST_MS(50))
        *pause *= 2;
    int result = gust__green_park(call, GUST__INTERRUPTIBLE, next < until ? next : until);
    if (result == 1 && next >= until) {
        errno = EAGAIN;
        return -1;
    }
    return result < 0 ? -1 : 0;
}

/* Asked again once the connection stands or has failed, the kernel says so, and has the socket connected. */
static int connect_waiting(struct gust__green_call *call, const struct sockaddr *address, socklen_t length)
{
    int64_t pause = GUST_MS(1);
    int saved = errno;
    call->began = gust__clock_now();
    for (;;) {
        int result = try_connect(call->fd, address, length);
        int code = errno;
        bool on_its_way = code == EINPROGRESS || code == EALREADY;
        bool no_room = code == EAGAIN && address->sa_family == AF_UNIX;
        if (result == 0)
            errno = saved;
        if (result == 0 || (!on_its_way && !no_room))
            return result;
        int64_t until = gust__green_socket_limit(call, SO_SNDTIMEO);
        call->handlers = gust__green_handlers_for(until);
        result = no_room ? await_room(call, until, &pause) : await_connection(call, until, code);
        if (result < 0)
            return -1;
    }
}

GUST__EXPORT int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t length)
{
    if (!gust__green_here() || gust__green_nonblocking(fd))
        return gust__green_next.connect(fd, address.__sockaddr__, length);
    struct gust__green_call call = GUST__GREEN_CALL("connect", fd);
    return connect_waiting(&call, address.__sockaddr__, length);
}

GUST__EXPORT int __connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t length);
GUST__EXPORT int __connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t length)
{
    if (!gust__green_here() || gust__green_nonblocking(fd))
        return gust__green_next.__connect(fd, address.__sockaddr__, length);
    struct gust__green_call call = GUST__GREEN_CALL("connect", fd);
    return connect_waiting(&call, address.__sockaddr__, length);
}

/* ---- accept ---- */

struct accepting {
    struct gust__green_io io; /* first */
    int accept_flags;
};

/* Polled first, so that O_NONBLOCK is changed only when there is a connection, which another may yet take. */
static ssize_t try_accept(struct gust__green_io *io)
{
    const struct accepting *accepting = (struct accepting *)(void *)io;
    if (!is_ready(io->call.fd, POLLIN)) {
        errno = EAGAIN;
        return -1;
    }
    int flags = gust__green_moment_begin(io->call.fd);
    int fd = gust__sys_accept4(io->call.fd, io->address, io->address_length, accepting->accept_flags);
    gust__green_moment_end(io->call.fd, flags);
    return fd;
}

static int accept_waiting(struct gust__green_call call, struct sockaddr *address, socklen_t *length,
                          int flags)
{
    struct accepting accepting = {
        .io = {.call = call, .try = try_accept, .address = address, .address_length = length},
        .accept_flags = flags};
    int fd = (int)gust__green_io_once(&accepting.io, EPOLLIN);
    if (fd >= 0)
        gust__green_forget(fd);
    return fd;
}

/* What does not listen has its error at once. */
static bool waits_for_connections(int fd)
{
    int listens = 0;
    socklen_t length = sizeof(listens);
    int saved = errno;
    bool answer = gust__sys_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens;
    errno = saved;
    return answer;
}

GUST__EXPORT int accept(int fd, __SOCKADDR_ARG address, socklen_t *length)
{
    if (!gust__green_here() || !waits_for_connections(fd)) {
        int made = gust__green_next.accept(fd, address.__sockaddr__, length);
        gust__green_forget(made);
        return made;
    }
    return accept_waiting((struct gust__green_call)GUST__GREEN_CALL("accept", fd), address.__sockaddr__,
                          length, 0);
}

GUST__EXPORT int accept4(int fd, __SOCKADDR_ARG address, socklen_t *length, int flags)
{
    bool valid = !(flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!gust__green_here() || !valid || !waits_for_connections(fd)) {
        int made = gust__green_next.accept4(fd, address.__sockaddr__, length, flags);
        gust__green_forget(made);
        return made;
    }
    return accept_waiting((struct gust__green_call)GUST__GREEN_CALL("accept4", fd), address.__sockaddr__,
                          length, flags);
}
