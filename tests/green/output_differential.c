/* Every call that writes to a descriptor, in every situation, natively and on a coroutine. */
#include "differential.h"

#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>

enum { SOCKET = 1, PIPE = 2, WHOLE = 4 }; /* WHOLE: waits until all is written, from memory */

ssize_t __write(int fd, const void *data, size_t size);
ssize_t __send(int fd, const void *data, size_t size, int flags);

enum { LARGE = 1 << 19 };
static char large[LARGE];
static size_t size; /* how much the operation is to write */

/* ---- operations ---- */

static long by_write(struct differential *d, int fd)
{
    (void)d;
    return write(fd, large, size);
}

static long by_write_alias(struct differential *d, int fd)
{
    (void)d;
    return __write(fd, large, size);
}

static long by_writev(struct differential *d, int fd)
{
    struct iovec parts[3] = {{large, size / 3}, {large, 0}, {large + size / 3, size - size / 3}};
    (void)d;
    return writev(fd, parts, 3);
}

static long by_send(struct differential *d, int fd)
{
    (void)d;
    return send(fd, large, size, 0);
}

static long by_send_alias(struct differential *d, int fd)
{
    (void)d;
    return __send(fd, large, size, 0);
}

static long by_send_without_waiting(struct differential *d, int fd)
{
    (void)d;
    return send(fd, large, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static long by_sendto(struct differential *d, int fd)
{
    (void)d;
    return sendto(fd, large, size, MSG_NOSIGNAL, NULL, 0);
}

static long by_sendmsg(struct differential *d, int fd)
{
    struct iovec parts[2] = {{large, size / 2}, {large + size / 2, size - size / 2}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    (void)d;
    return sendmsg(fd, &message, 0);
}

static long by_sendmmsg(struct differential *d, int fd)
{
    struct iovec part = {large, size};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
    int sent = sendmmsg(fd, &message, 1, 0);
    differential_text(d, "of it %u\n", sent == 1 ? message.msg_len : 0);
    return sent;
}

static int the_file(void)
{
    static int fd = -1;
    if (fd < 0) {
        fd = dup(fileno(tmpfile()));
        differential_must(ftruncate(fd, LARGE) == 0, "ftruncate");
    }
    return fd;
}

static long by_sendfile(struct differential *d, int fd)
{
    off_t offset = LARGE - (off_t)size;
    long sent = sendfile(fd, the_file(), &offset, size);
    differential_text(d, "offset %ld\n", (long)offset);
    return sent;
}

static long by_sendfile64(struct differential *d, int fd)
{
    (void)d;
    lseek(the_file(), LARGE - (off_t)size, SEEK_SET);
    return sendfile64(fd, the_file(), NULL, size);
}

static const struct differential_operation operations[] = {
    {"write", by_write, SOCKET | PIPE | WHOLE},   {"__write", by_write_alias, SOCKET | PIPE | WHOLE},
    {"writev", by_writev, SOCKET | PIPE | WHOLE}, {"send", by_send, SOCKET | WHOLE},
    {"__send", by_send_alias, SOCKET | WHOLE},    {"send without waiting", by_send_without_waiting, SOCKET},
    {"sendto", by_sendto, SOCKET | WHOLE},        {"sendmsg", by_sendmsg, SOCKET | WHOLE},
    {"sendmmsg", by_sendmmsg, SOCKET | WHOLE},    {"sendfile", by_sendfile, SOCKET | PIPE},
    {"sendfile64", by_sendfile64, SOCKET | PIPE},
};

/* ---- what siblings do ---- */

static void drain(struct differential *d, int fd)
{
    unsigned sum = 0;
    size_t count = 0;
    unsigned char room[4096];
    for (ssize_t got; (got = read(fd, room, sizeof(room))) > 0; count += (size_t)got) {
        for (ssize_t i = 0; i < got; i++)
            sum = sum * 31 + room[i];
    }
    differential_text(d, "received %zu, sum %u\n", count, sum);
}

static void drain_for_a_moment(struct differential *d, int fd)
{
    static char room[1 << 16];
    (void)d;
    for (int left = 2000; left > 0 && recv(fd, room, sizeof(room), MSG_DONTWAIT) > 0; left--)
        ;
}

static void shut(struct differential *d, int fd)
{
    (void)d;
    shutdown(fd, SHUT_RDWR);
}

static void reset(struct differential *d, int fd)
{
    const struct linger now = {1, 0};
    (void)d;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

/* ---- set-up ---- */

static void fill(int fd)
{
    while (send(fd, large, LARGE, MSG_DONTWAIT) > 0)
        ;
    for (int left = 1000; left > 0 && send(fd, large, 1, MSG_DONTWAIT) > 0; left--)
        ;
}

static void full_pair(int ends[2])
{
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    fill(ends[0]);
    size = 5;
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

static void set_pattern(void)
{
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)(i * 7 + i / 251);
}

/* ---- scenarios ---- */

static void there_is_room(struct differential *d)
{
    int ends[2];
    size = 5;
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void there_is_room_in_a_pipe(struct differential *d)
{
    int ends[2];
    size = 5;
    differential_must(pipe(ends) == 0, "pipe");
    differential_operate(d, ends[1]);
    differential_flags(d, ends[1]);
    end(d, ends);
}

static void nothing_is_written(struct differential *d)
{
    int ends[2];
    full_pair(ends);
    size = 0;
    differential_operate(d, ends[0]);
    end(d, ends);
}

/* All of it arrives, once and in order, however often the writer waits. */
static void much_by(struct differential *d, int ends[2], int from, int to)
{
    size = LARGE;
    set_pattern();
    differential_later(d, 5, drain, ends[to]);
    differential_operate(d, ends[from]);
    differential_flags(d, ends[from]);
    close(ends[from]);
    differential_join(d);
    close(ends[to]);
}

static void much_is_written_by_unix(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    much_by(d, ends, 0, 1);
}

static void much_is_written_by_tcp(struct differential *d)
{
    int ends[2], small = 4096;
    differential_tcp(ends);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    much_by(d, ends, 0, 1);
}

static void much_is_written_by_a_pipe(struct differential *d)
{
    int ends[2];
    differential_must(pipe(ends) == 0, "pipe");
    much_by(d, ends, 1, 0);
}

static void room_comes(struct differential *d)
{
    int ends[2];
    full_pair(ends);
    differential_later(d, 12, drain_for_a_moment, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void the_peer_has_gone(struct differential *d)
{
    int ends[2];
    size = 5;
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    close(ends[1]);
    differential_operate(d, ends[0]);
    end_one(d, ends[0]);
}

static void the_pipe_has_no_reader(struct differential *d)
{
    int ends[2];
    size = 5;
    differential_must(pipe(ends) == 0, "pipe");
    close(ends[0]);
    differential_operate(d, ends[1]);
    end_one(d, ends[1]);
}

static void the_peer_closes(struct differential *d)
{
    int ends[2];
    full_pair(ends);
    differential_later(d, 12, differential_close, ends[1]);
    differential_operate(d, ends[0]);
    differential_operate(d, ends[0]);
    end_one(d, ends[0]);
}

static void the_peer_resets(struct differential *d)
{
    int ends[2];
    differential_tcp(ends);
    fill(ends[0]);
    size = LARGE; /* TCP finds room for a few bytes more */
    differential_later(d, 30, reset, ends[1]);
    differential_operate(d, ends[0]);
    differential_operate(d, ends[0]);
    end_one(d, ends[0]);
}

static void a_sibling_shuts_it_down(struct differential *d)
{
    int ends[2];
    full_pair(ends);
    differential_later(d, 12, shut, ends[0]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void a_sibling_closes_it(struct differential *d)
{
    int ends[2];
    full_pair(ends);
    differential_later(d, 12, differential_close, ends[0]);
    differential_later(d, 40, drain_for_a_moment, ends[1]); /* ends the thread's call */
    differential_operate(d, ends[0]);
    differential_join(d);
    close(ends[1]);
}

static void its_limit_comes(struct differential *d)
{
    int ends[2];
    const struct timeval time = {0, 20000};
    full_pair(ends);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void it_is_nonblocking(struct differential *d)
{
    int ends[2];
    full_pair(ends);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    differential_operate(d, ends[0]);
    drain_for_a_moment(d, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void it_is_no_descriptor(struct differential *d)
{
    size = 5;
    differential_operate(d, -1);
    differential_operate(d, 999);
}

static void it_cannot_be_written(struct differential *d)
{
    int ends[2];
    size = 5;
    differential_must(pipe(ends) == 0, "pipe");
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void it_is_not_connected(struct differential *d)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size = 5;
    differential_operate(d, fd);
    end_one(d, fd);
}

static void a_datagram_waits_for_room(struct differential *d)
{
    int ends[2];
    size = 5;
    differential_pair(AF_UNIX, SOCK_DGRAM, ends);
    while (send(ends[0], large, 5, MSG_DONTWAIT) > 0)
        ;
    differential_later(d, 12, drain_for_a_moment, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void a_signal_comes(struct differential *d)
{
    int ends[2];
    full_pair(ends);
    differential_signal(d, 10, 0);
    differential_later(d, 40, drain_for_a_moment, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void a_signal_comes_that_restarts(struct differential *d)
{
    int ends[2];
    full_pair(ends);
    differential_signal(d, 10, SA_RESTART);
    differential_later(d, 40, drain_for_a_moment, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static const struct differential_scenario scenarios[] = {
    {"there is room", there_is_room, SOCKET},
    {"there is room in a pipe", there_is_room_in_a_pipe, PIPE},
    {"nothing is written", nothing_is_written, WHOLE},
    {"much is written by Unix", much_is_written_by_unix, WHOLE},
    {"much is written by TCP", much_is_written_by_tcp, WHOLE},
    {"much is written by a pipe", much_is_written_by_a_pipe, PIPE | WHOLE},
    {"room comes", room_comes, SOCKET},
    {"the peer has gone", the_peer_has_gone, SOCKET},
    {"the pipe has no reader", the_pipe_has_no_reader, PIPE},
    {"the peer closes", the_peer_closes, SOCKET},
    {"the peer resets", the_peer_resets, SOCKET},
    {"a sibling shuts it down", a_sibling_shuts_it_down, SOCKET},
    {"a sibling closes it", a_sibling_closes_it, WHOLE},
    {"its limit comes", its_limit_comes, SOCKET},
    {"it is non-blocking", it_is_nonblocking, SOCKET},
    {"it is no descriptor", it_is_no_descriptor, SOCKET},
    {"it cannot be written", it_cannot_be_written, PIPE},
    {"it is not connected", it_is_not_connected, SOCKET},
    {"a datagram waits for room", a_datagram_waits_for_room, WHOLE},
    {"a signal comes", a_signal_comes, WHOLE},
    {"a signal comes that restarts", a_signal_comes_that_restarts, WHOLE},
};

static const struct differential_difference differences[] = {
    {"a sibling closes it", SOCKET, "errno 0", "errno EBADF",
     "a wait ends when its descriptor is closed; the kernel's goes on with the open file"},
    {.scenario = NULL},
};

int main(void)
{
    the_file();
    return differential_table(operations, GUST_LEN(operations), scenarios, GUST_LEN(scenarios), differences);
}
