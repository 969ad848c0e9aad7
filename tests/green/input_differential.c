/* Every call that reads from a descriptor, in every situation, natively and on a coroutine. */
#include "differential.h"

#include <sys/time.h>
#include <sys/uio.h>

enum { SOCKET = 1, PIPE = 2, ALL = 4, LESS = 8 }; /* ALL waits for all five bytes, LESS for what there is */

/* FORTIFY's names, which no header declares to those who do not ask for it. */
ssize_t __read(int fd, void *data, size_t size);
ssize_t __read_chk(int fd, void *data, size_t size, size_t room);
ssize_t __recv_chk(int fd, void *data, size_t size, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *data, size_t size, size_t room, int flags, struct sockaddr *address,
                       socklen_t *length);

/* ---- operations ---- */

static long by_read(struct differential *d, int fd)
{
    return read(fd, d->room, 5);
}

static long by_read_alias(struct differential *d, int fd)
{
    return __read(fd, d->room, 5);
}

static long by_read_chk(struct differential *d, int fd)
{
    return __read_chk(fd, d->room, 5, sizeof(d->room));
}

static long by_readv(struct differential *d, int fd)
{
    struct iovec parts[3] = {{d->room, 2}, {d->room, 0}, {d->room + 2, 3}};
    return readv(fd, parts, 3);
}

static long by_recv(struct differential *d, int fd)
{
    return recv(fd, d->room, 5, 0);
}

static long by_recv_all(struct differential *d, int fd)
{
    return recv(fd, d->room, 5, MSG_WAITALL);
}

static long by_recv_chk(struct differential *d, int fd)
{
    return __recv_chk(fd, d->room, 5, sizeof(d->room), 0);
}

static long by_recvfrom(struct differential *d, int fd)
{
    return recvfrom(fd, d->room, 5, 0, NULL, NULL);
}

static long by_recvfrom_chk(struct differential *d, int fd)
{
    return __recvfrom_chk(fd, d->room, 5, sizeof(d->room), 0, NULL, NULL);
}

static long by_recvmsg(struct differential *d, int fd)
{
    struct iovec parts[2] = {{d->room, 1}, {d->room + 1, 4}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    return recvmsg(fd, &message, 0);
}

static long by_recvmsg_all(struct differential *d, int fd)
{
    struct iovec parts[2] = {{d->room, 1}, {d->room + 1, 4}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    return recvmsg(fd, &message, MSG_WAITALL);
}

static long by_recvmmsg(struct differential *d, int fd)
{
    struct iovec part = {d->room, 5};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
    return recvmmsg(fd, &message, 1, 0, NULL);
}

static const struct differential_operation operations[] = {
    {"read", by_read, SOCKET | PIPE | LESS},
    {"__read", by_read_alias, SOCKET | PIPE | LESS},
    {"__read_chk", by_read_chk, SOCKET | PIPE | LESS},
    {"readv", by_readv, SOCKET | PIPE | LESS},
    {"recv", by_recv, SOCKET | LESS},
    {"recv for all", by_recv_all, SOCKET | ALL},
    {"__recv_chk", by_recv_chk, SOCKET | LESS},
    {"recvfrom", by_recvfrom, SOCKET | LESS},
    {"__recvfrom_chk", by_recvfrom_chk, SOCKET | LESS},
    {"recvmsg", by_recvmsg, SOCKET | LESS},
    {"recvmsg for all", by_recvmsg_all, SOCKET | ALL},
    {"recvmmsg", by_recvmmsg, SOCKET | LESS},
};

/* ---- what siblings do ---- */

static void write_two(struct differential *d, int fd)
{
    (void)d;
    differential_must(write(fd, "he", 2) == 2, "write");
}

static void write_three(struct differential *d, int fd)
{
    (void)d;
    differential_must(write(fd, "llo", 3) == 3, "write");
}

static void try_to_write(struct differential *d, int fd)
{
    (void)d;
    (void)!write(fd, "hello", 5);
}

static void shut(struct differential *d, int fd)
{
    (void)d;
    shutdown(fd, SHUT_RDWR);
}

static void shut_write(struct differential *d, int fd)
{
    (void)d;
    shutdown(fd, SHUT_WR);
}

static void reset(struct differential *d, int fd)
{
    const struct linger now = {1, 0};
    (void)d;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

static void end(struct differential *d, int ends[2])
{
    differential_flags(d, ends[0]);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void end_one(struct differential *d, int fd)
{
    differential_flags(d, fd);
    differential_join(d);
    close(fd);
}

static void set_limit(int fd, int milliseconds)
{
    const struct timeval time = {0, milliseconds * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
}

/* ---- scenarios ---- */

static void data_is_there(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_write(d, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void data_comes_by_unix(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_later(d, 12, differential_write, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void data_comes_by_tcp(struct differential *d)
{
    int ends[2];
    differential_tcp(ends);
    differential_later(d, 12, differential_write, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void data_comes_by_pipe(struct differential *d)
{
    int ends[2];
    differential_must(pipe(ends) == 0, "pipe");
    differential_later(d, 12, differential_write, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void a_datagram_comes(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_DGRAM, ends);
    differential_later(d, 12, write_two, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void data_comes_in_two_parts(struct differential *d)
{
    int ends[2];
    differential_tcp(ends);
    differential_later(d, 10, write_two, ends[1]);
    differential_later(d, 60, write_three, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void the_peer_closes(struct differential *d)
{
    int ends[2];
    differential_tcp(ends);
    differential_later(d, 12, differential_close, ends[1]);
    differential_operate(d, ends[0]);
    differential_operate(d, ends[0]);
    end_one(d, ends[0]);
}

static void the_peer_closes_after_a_part(struct differential *d)
{
    int ends[2];
    differential_tcp(ends);
    write_two(d, ends[1]);
    differential_later(d, 12, differential_close, ends[1]);
    differential_operate(d, ends[0]);
    differential_operate(d, ends[0]);
    end_one(d, ends[0]);
}

static void the_pipe_closes(struct differential *d)
{
    int ends[2];
    differential_must(pipe(ends) == 0, "pipe");
    differential_later(d, 12, differential_close, ends[1]);
    differential_operate(d, ends[0]);
    end_one(d, ends[0]);
}

static void the_peer_half_closes(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_later(d, 12, shut_write, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void the_peer_resets(struct differential *d)
{
    int ends[2];
    differential_tcp(ends);
    differential_later(d, 12, reset, ends[1]);
    differential_operate(d, ends[0]);
    differential_operate(d, ends[0]);
    end_one(d, ends[0]);
}

static void a_sibling_shuts_it_down(struct differential *d)
{
    int ends[2];
    differential_tcp(ends);
    differential_later(d, 12, shut, ends[0]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void a_sibling_closes_it(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_later(d, 12, differential_close, ends[0]);
    differential_later(d, 40, try_to_write, ends[1]); /* ends the thread's call */
    differential_operate(d, ends[0]);
    differential_join(d);
    close(ends[1]);
}

static void its_limit_comes(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    set_limit(ends[0], 20);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void its_limit_comes_after_a_part(struct differential *d)
{
    int ends[2];
    differential_tcp(ends);
    set_limit(ends[0], 20);
    write_two(d, ends[1]);
    differential_operate(d, ends[0]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void it_is_nonblocking(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, ends);
    differential_operate(d, ends[0]);
    write_two(d, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void it_becomes_nonblocking_by_its_duplicate(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    int copy = dup(ends[0]);
    fcntl(copy, F_SETFL, O_NONBLOCK);
    differential_operate(d, ends[0]);
    fcntl(copy, F_SETFL, 0);
    differential_later(d, 12, differential_write, ends[1]);
    differential_operate(d, ends[0]);
    close(copy);
    end(d, ends);
}

static void it_is_no_descriptor(struct differential *d)
{
    differential_operate(d, -1);
    differential_operate(d, 999);
}

static void it_cannot_be_read(struct differential *d)
{
    int ends[2];
    differential_must(pipe(ends) == 0, "pipe");
    differential_operate(d, ends[1]);
    end(d, ends);
}

static void it_is_a_socket_that_listens(struct differential *d)
{
    struct sockaddr_in address;
    int fd = differential_listen(&address);
    differential_operate(d, fd);
    end_one(d, fd);
}

static void a_signal_comes(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_signal(d, 10, 0);
    differential_later(d, 40, differential_write, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void a_signal_comes_that_restarts(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_signal(d, 10, SA_RESTART);
    differential_later(d, 40, differential_write, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static const struct differential_scenario scenarios[] = {
    {"data is there", data_is_there, SOCKET},
    {"data comes by Unix", data_comes_by_unix, SOCKET},
    {"data comes by TCP", data_comes_by_tcp, SOCKET},
    {"data comes by a pipe", data_comes_by_pipe, PIPE},
    {"a datagram comes", a_datagram_comes, SOCKET},
    {"data comes in two parts", data_comes_in_two_parts, ALL},
    {"the peer closes", the_peer_closes, SOCKET},
    {"the peer closes after a part", the_peer_closes_after_a_part, SOCKET},
    {"the pipe closes", the_pipe_closes, PIPE},
    {"the peer half-closes", the_peer_half_closes, SOCKET},
    {"the peer resets", the_peer_resets, SOCKET},
    {"a sibling shuts it down", a_sibling_shuts_it_down, SOCKET},
    {"a sibling closes it", a_sibling_closes_it, SOCKET},
    {"its limit comes", its_limit_comes, SOCKET},
    {"its limit comes after a part", its_limit_comes_after_a_part, ALL},
    {"it is non-blocking", it_is_nonblocking, SOCKET},
    {"it becomes non-blocking by its duplicate", it_becomes_nonblocking_by_its_duplicate, SOCKET},
    {"it is no descriptor", it_is_no_descriptor, SOCKET},
    {"it cannot be read", it_cannot_be_read, PIPE},
    {"it is a socket that listens", it_is_a_socket_that_listens, SOCKET},
    {"a signal comes", a_signal_comes, SOCKET},
    {"a signal comes that restarts", a_signal_comes_that_restarts, SOCKET},
};

static const struct differential_difference differences[] = {
    {"a sibling closes it", SOCKET, "data 68656c6c6f", "errno EBADF",
     "a wait ends when its descriptor is closed; the kernel's goes on with the open file"},
    {.scenario = NULL},
};

int main(void)
{
    return differential_table(operations, GUST_LEN(operations), scenarios, GUST_LEN(scenarios), differences);
}
