/* Reading and writing, natively and on a coroutine. */
#include "differential.h"

#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

static void set_time(int fd, int option, int milliseconds)
{
    struct timeval time = {milliseconds / 1000, milliseconds % 1000 * 1000};
    differential_must(setsockopt(fd, SOL_SOCKET, option, &time, sizeof(time)) == 0, "setsockopt");
}

static void set_small_buffer(int fd)
{
    int size = 4096;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

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

static void shut(struct differential *d, int fd)
{
    (void)d;
    shutdown(fd, SHUT_RDWR);
}

static void drain(struct differential *d, int fd)
{
    static char room[1 << 16];
    (void)d;
    for (size_t left = 1 << 20; left > 0;) {
        ssize_t got = read(fd, room, left < sizeof(room) ? left : sizeof(room));
        if (got <= 0)
            break;
        left -= (size_t)got;
    }
}

static void drain_some_and_close(struct differential *d, int fd)
{
    char room[1000];
    (void)d;
    differential_must(read(fd, room, sizeof(room)) > 0, "read");
    close(fd);
}

static void reset(struct differential *d, int fd)
{
    struct linger now = {1, 0};
    (void)d;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

/* ---- read ---- */

static void read_waits_for_a_socket(struct differential *d)
{
    int ends[2];
    char room[16] = "";
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_later(d, 30, differential_write, ends[1]);
    NOTE(d, read(ends[0], room, sizeof(room)));
    differential_data(d, room, sizeof(room));
    differential_flags(d, ends[0]);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void read_waits_for_tcp(struct differential *d)
{
    int ends[2];
    char room[16] = "";
    differential_tcp(ends);
    differential_later(d, 30, differential_write, ends[1]);
    NOTE(d, read(ends[0], room, sizeof(room)));
    differential_data(d, room, sizeof(room));
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void read_waits_for_a_pipe(struct differential *d)
{
    int ends[2];
    char room[16] = "";
    differential_must(pipe(ends) == 0, "pipe");
    differential_later(d, 30, differential_write, ends[1]);
    NOTE(d, read(ends[0], room, sizeof(room)));
    differential_data(d, room, sizeof(room));
    differential_flags(d, ends[0]);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

/* Layers of this kind have ended waits after one second of their own accord. */
static void read_waits_longer_than_a_second(struct differential *d)
{
    int ends[2];
    char room[16] = "";
    differential_tcp(ends);
    differential_later(d, 1100, differential_write, ends[1]);
    NOTE(d, read(ends[0], room, sizeof(room)));
    differential_data(d, room, sizeof(room));
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void read_sees_a_pipe_close(struct differential *d)
{
    int ends[2];
    char room[16];
    differential_must(pipe(ends) == 0, "pipe");
    differential_later(d, 30, differential_close, ends[1]);
    NOTE(d, read(ends[0], room, sizeof(room)));
    differential_join(d);
    close(ends[0]);
}

static void read_sees_a_peer_close(struct differential *d)
{
    int ends[2];
    char room[16];
    differential_tcp(ends);
    differential_later(d, 30, differential_close, ends[1]);
    NOTE(d, read(ends[0], room, sizeof(room)));
    differential_join(d);
    close(ends[0]);
}

static void read_sees_a_peer_reset(struct differential *d)
{
    int ends[2];
    char room[16];
    differential_tcp(ends);
    differential_later(d, 30, reset, ends[1]);
    NOTE(d, read(ends[0], room, sizeof(room)));
    NOTE(d, read(ends[0], room, sizeof(room)));
    differential_join(d);
    close(ends[0]);
}

static void read_ends_when_a_sibling_shuts_its_socket(struct differential *d)
{
    int ends[2];
    char room[16];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_later(d, 30, shut, ends[0]);
    NOTE(d, read(ends[0], room, sizeof(room)));
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void read_honours_the_users_nonblocking(struct differential *d)
{
    int ends[2];
    char room[16];
    differential_must(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
    NOTE(d, read(ends[0], room, sizeof(room)));
    differential_flags(d, ends[0]);
    close(ends[0]);
    close(ends[1]);
}

static void read_of_a_nonblocking_socket(struct differential *d)
{
    int ends[2];
    char room[16];
    differential_pair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, ends);
    NOTE(d, read(ends[0], room, sizeof(room)));
    NOTE(d, recv(ends[0], room, sizeof(room), 0));
    NOTE(d, recv(ends[0], room, sizeof(room), MSG_WAITALL));
    differential_flags(d, ends[0]);
    close(ends[0]);
    close(ends[1]);
}

static void read_honours_a_receive_timeout(struct differential *d)
{
    int ends[2];
    char room[16];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    set_time(ends[0], SO_RCVTIMEO, 40);
    NOTE(d, read(ends[0], room, sizeof(room)));
    NOTE(d, recv(ends[0], room, sizeof(room), 0));
    close(ends[0]);
    close(ends[1]);
}

static void reads_that_fail(struct differential *d)
{
    char room[16];
    int ends[2];
    const struct iovec *volatile nowhere = (const struct iovec *)8;
    __attribute__((unused)) volatile int minus_one = -1,
                                         too_many =
                                             5000; /* unseen by the compiler, which would not compile it */
    differential_must(pipe(ends) == 0, "pipe");
    NOTE(d, read(-1, room, sizeof(room)));
    NOTE(d, read(999, room, sizeof(room)));
    NOTE(d, read(ends[1], room, sizeof(room)));
    NOTE(d, read(ends[0], room, 0));
    NOTE(d, write(ends[0], room, 1));
    NOTE(d, write(-1, room, 1));
    NOTE(d, readv(ends[0], nowhere, 0));
#ifndef DIFFERENTIAL_SANITIZED
    NOTE(d, readv(ends[0], nowhere, minus_one));
    NOTE(d, writev(ends[1], nowhere, too_many));
#endif
    NOTE(d, recv(ends[0], room, 1, 0));
    NOTE(d, send(ends[1], room, 1, 0));
    NOTE(d, read(ends[0], (void *)8, 0));
    int folder = open("/", O_RDONLY | O_DIRECTORY);
    NOTE(d, read(folder, room, 1));
    close(folder);
    close(ends[0]);
    close(ends[1]);
}

static void read_of_a_file(struct differential *d)
{
    char room[16] = "";
    int fd = open("/proc/self/comm", O_RDONLY);
    NOTE(d, read(fd, room, sizeof(room)));
    differential_data(d, room, 4);
    NOTE(d, read(fd, room, sizeof(room)));
    close(fd);
}

static void read_of_devices(struct differential *d)
{
    char room[16] = "x";
    int zero = open("/dev/zero", O_RDWR), null = open("/dev/null", O_RDWR);
    NOTE(d, read(zero, room, sizeof(room)));
    differential_data(d, room, sizeof(room));
    NOTE(d, read(null, room, sizeof(room)));
    NOTE(d, write(null, room, sizeof(room)));
    close(zero);
    close(null);
}

static void writes_and_reads_of_a_regular_file(struct differential *d)
{
    char room[8] = "";
    FILE *file = tmpfile();
    int fd = fileno(file);
    struct iovec parts[2] = {{"hello", 5}, {"world", 5}};
    NOTE(d, write(fd, "abc", 3));
    NOTE(d, writev(fd, parts, 2));
    NOTE(d, lseek(fd, 1, SEEK_SET));
    NOTE(d, read(fd, room, sizeof(room)));
    differential_data(d, room, sizeof(room));
    NOTE(d, read(fd, room, sizeof(room)));
    NOTE(d, read(fd, room, sizeof(room)));
    fclose(file);
}

static void read_waits_for_an_eventfd(struct differential *d)
{
    uint64_t value = 0;
    int fd = eventfd(0, 0);
    NOTE(d, eventfd_write(fd, 7));
    NOTE(d, read(fd, &value, sizeof(value)));
    differential_data(d, &value, sizeof(value));
    NOTE(d, write(fd, &value, 3));
    NOTE(d, eventfd_write(fd, UINT64_MAX));
    close(fd);
}

static void count_up(struct differential *d, int fd)
{
    (void)d;
    eventfd_write(fd, 3);
}

static void eventfd_read_waits(struct differential *d)
{
    eventfd_t value = 0;
    int fd = eventfd(0, 0);
    differential_later(d, 30, count_up, fd);
    NOTE(d, eventfd_read(fd, &value));
    differential_data(d, &value, sizeof(value));
    differential_join(d);
    close(fd);
}

static void count_down(struct differential *d, int fd)
{
    eventfd_t value;
    (void)d;
    eventfd_read(fd, &value);
}

static void eventfd_write_waits_for_room(struct differential *d)
{
    int fd = eventfd(0, 0);
    NOTE(d, eventfd_write(fd, UINT64_MAX - 1));
    differential_later(d, 30, count_down, fd);
    NOTE(d, eventfd_write(fd, 1));
    differential_join(d);
    close(fd);
}

static void read_waits_for_a_timer(struct differential *d)
{
    uint64_t count = 0;
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec when = {{0, 0}, {0, 30000000}};
    timerfd_settime(fd, 0, &when, NULL);
    NOTE(d, read(fd, &count, sizeof(count)));
    differential_data(d, &count, sizeof(count));
    close(fd);
}

static void readv_waits(struct differential *d)
{
    int ends[2];
    char first[2] = "", second[8] = "";
    struct iovec parts[2] = {{first, 2}, {second, 8}};
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_later(d, 30, differential_write, ends[1]);
    NOTE(d, readv(ends[0], parts, 2));
    differential_data(d, first, 2);
    differential_data(d, second, 3);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

/* ---- recv ---- */

static void recv_waits(struct differential *d)
{
    int ends[2];
    char room[16] = "";
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_later(d, 30, differential_write, ends[1]);
    NOTE(d, recv(ends[0], room, sizeof(room), 0));
    differential_data(d, room, 5);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void recv_with_dontwait_never_waits(struct differential *d)
{
    int ends[2];
    char room[16];
    struct iovec part = {room, sizeof(room)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    NOTE(d, recv(ends[0], room, sizeof(room), MSG_DONTWAIT));
    NOTE(d, recvfrom(ends[0], room, sizeof(room), MSG_DONTWAIT, NULL, NULL));
    NOTE(d, recvmsg(ends[0], &message, MSG_DONTWAIT));
    NOTE(d, recv(ends[0], room, sizeof(room), MSG_DONTWAIT | MSG_WAITALL));
    close(ends[0]);
    close(ends[1]);
}

static void recv_waits_for_all(struct differential *d)
{
    int ends[2];
    char room[5] = "";
    differential_tcp(ends);
    differential_later(d, 20, write_two, ends[1]);
    differential_later(d, 60, write_three, ends[1]);
    NOTE(d, recv(ends[0], room, 5, MSG_WAITALL));
    differential_data(d, room, 5);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void recv_of_all_gives_what_came_before_the_end(struct differential *d)
{
    int ends[2];
    char room[5] = "";
    differential_tcp(ends);
    differential_later(d, 20, write_two, ends[1]);
    differential_later(d, 60, differential_close, ends[1]);
    NOTE(d, recv(ends[0], room, 5, MSG_WAITALL));
    NOTE(d, recv(ends[0], room, 5, MSG_WAITALL));
    differential_join(d);
    close(ends[0]);
}

static void recv_of_all_gives_what_came_before_a_reset(struct differential *d)
{
    int ends[2];
    char room[5] = "";
    differential_tcp(ends);
    differential_later(d, 20, write_two, ends[1]);
    differential_later(d, 60, reset, ends[1]);
    NOTE(d, recv(ends[0], room, 5, MSG_WAITALL));
    NOTE(d, recv(ends[0], room, 5, MSG_WAITALL));
    NOTE(d, recv(ends[0], room, 5, MSG_WAITALL));
    differential_join(d);
    close(ends[0]);
}

static void recv_of_all_gives_what_came_before_its_timeout(struct differential *d)
{
    int ends[2];
    char room[5] = "";
    differential_tcp(ends);
    set_time(ends[0], SO_RCVTIMEO, 60);
    differential_later(d, 20, write_two, ends[1]);
    NOTE(d, recv(ends[0], room, 5, MSG_WAITALL));
    NOTE(d, recv(ends[0], room, 5, MSG_WAITALL));
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void recvmsg_waits_for_all_in_parts(struct differential *d)
{
    int ends[2];
    char first[1] = "", second[4] = "";
    struct iovec parts[2] = {{first, 1}, {second, 4}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    differential_tcp(ends);
    differential_later(d, 20, write_two, ends[1]);
    differential_later(d, 60, write_three, ends[1]);
    NOTE(d, recvmsg(ends[0], &message, MSG_WAITALL));
    differential_data(d, first, 1);
    differential_data(d, second, 4);
    differential_text(d, "flags %#x\n", (unsigned)message.msg_flags);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void recv_peeks(struct differential *d)
{
    int ends[2];
    char room[5] = "";
    differential_tcp(ends);
    differential_later(d, 20, differential_write, ends[1]);
    NOTE(d, recv(ends[0], room, 5, MSG_PEEK));
    NOTE(d, recv(ends[0], room, 5, MSG_PEEK | MSG_WAITALL));
    NOTE(d, recv(ends[0], room, 2, 0));
    NOTE(d, recv(ends[0], room, 5, 0));
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void recv_out_of_band(struct differential *d)
{
    int ends[2];
    char room[5] = "";
    differential_tcp(ends);
    NOTE(d, recv(ends[0], room, 1, MSG_OOB));
    NOTE(d, send(ends[1], "!", 1, MSG_OOB));
    usleep(20000);
    NOTE(d, recv(ends[0], room, 1, MSG_OOB));
    differential_data(d, room, 1);
    close(ends[0]);
    close(ends[1]);
}

static void datagrams_keep_their_bounds(struct differential *d)
{
    int ends[2];
    char room[16] = "";
    struct iovec part = {room, 3};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    differential_pair(AF_UNIX, SOCK_DGRAM, ends);
    NOTE(d, send(ends[1], "hello", 5, 0));
    NOTE(d, send(ends[1], "", 0, 0));
    NOTE(d, send(ends[1], "world", 5, 0));
    NOTE(d, recv(ends[0], room, sizeof(room), MSG_WAITALL));
    NOTE(d, recv(ends[0], room, sizeof(room), 0));
    NOTE(d, recvmsg(ends[0], &message, 0));
    differential_text(d, "flags %#x\n", (unsigned)message.msg_flags);
    differential_later(d, 30, differential_write, ends[1]);
    NOTE(d, recv(ends[0], room, sizeof(room), 0));
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static int udp(struct sockaddr_in *address)
{
    socklen_t length = sizeof(*address);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    differential_must(bind(fd, (struct sockaddr *)address, length) == 0, "bind");
    getsockname(fd, (struct sockaddr *)address, &length);
    return fd;
}

static struct sockaddr_in udp_to;

static void send_datagram(struct differential *d, int fd)
{
    (void)d;
    sendto(fd, "hello", 5, 0, (struct sockaddr *)&udp_to, sizeof(udp_to));
}

static void recvfrom_tells_the_sender(struct differential *d)
{
    char room[16] = "";
    struct sockaddr_in mine, other, from = {0};
    socklen_t length = sizeof(from);
    int fds[2] = {udp(&mine), udp(&other)};
    udp_to = mine;
    differential_later(d, 30, send_datagram, fds[1]);
    NOTE(d, recvfrom(fds[0], room, sizeof(room), 0, (struct sockaddr *)&from, &length));
    differential_text(d, "from the other %d, length %u\n", from.sin_port == other.sin_port, length);
    differential_join(d);
    close(fds[0]);
    close(fds[1]);
}

static void many_messages_at_once(struct differential *d)
{
    int ends[2];
    char rooms[4][8] = {""};
    struct iovec parts[4];
    struct mmsghdr messages[4] = {0};
    struct timespec timeout = {0, 50000000};
    for (int i = 0; i < 4; i++) {
        parts[i] = (struct iovec){rooms[i], sizeof(rooms[i])};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    differential_pair(AF_UNIX, SOCK_DGRAM, ends);
    differential_later(d, 20, write_two, ends[1]);
    differential_later(d, 40, write_three, ends[1]);
    NOTE(d, recvmmsg(ends[0], messages, 2, 0, NULL));
    differential_text(d, "lengths %u %u\n", messages[0].msg_len, messages[1].msg_len);
    differential_join(d);
    differential_later(d, 20, write_two, ends[1]);
    NOTE(d, recvmmsg(ends[0], messages, 4, MSG_WAITFORONE, NULL));
    NOTE(d, recvmmsg(ends[0], messages, 4, MSG_DONTWAIT, &timeout));
    for (int i = 0; i < 4; i++)
        parts[i] = (struct iovec){(void *)"abcd", (size_t)i + 1};
    NOTE(d, sendmmsg(ends[1], messages, 4, 0));
    differential_text(d, "lengths %u %u %u\n", messages[0].msg_len, messages[1].msg_len, messages[3].msg_len);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

/* ---- write and send ---- */

static char large[1 << 20];

static void write_waits_until_a_socket_has_taken_all(struct differential *d)
{
    int ends[2];
    differential_tcp(ends);
    set_small_buffer(ends[0]);
    differential_later(d, 30, drain, ends[1]);
    NOTE_UNTIMED(d, write(ends[0], large, sizeof(large)));
    differential_flags(d, ends[0]);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void write_waits_until_a_pipe_has_taken_all(struct differential *d)
{
    int ends[2];
    differential_must(pipe(ends) == 0, "pipe");
    differential_later(d, 30, drain, ends[0]);
    NOTE_UNTIMED(d, write(ends[1], large, sizeof(large)));
    differential_flags(d, ends[1]);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void send_waits_until_all_is_taken(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_later(d, 30, drain, ends[1]);
    NOTE(d, send(ends[0], large, sizeof(large), 0));
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void send_with_dontwait_is_short(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    ssize_t sent = send(ends[0], large, sizeof(large), MSG_DONTWAIT);
    differential_text(d, "short %d\n", sent > 0 && sent < (ssize_t)sizeof(large));
    while (send(ends[0], large, 1, MSG_DONTWAIT) == 1)
        ;
    NOTE(d, send(ends[0], large, sizeof(large), MSG_DONTWAIT));
    close(ends[0]);
    close(ends[1]);
}

static void write_to_a_nonblocking_pipe_is_short(struct differential *d)
{
    int ends[2];
    differential_must(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
    NOTE(d, write(ends[1], large, sizeof(large)));
    NOTE(d, write(ends[1], large, sizeof(large)));
    close(ends[0]);
    close(ends[1]);
}

static void drain_all(struct differential *d, int fd)
{
    unsigned sum = 0;
    unsigned char room[4096];
    for (ssize_t got; (got = read(fd, room, sizeof(room))) > 0;) {
        for (ssize_t i = 0; i < got; i++)
            sum = sum * 31 + room[i];
    }
    differential_text(d, "sum %u\n", sum);
}

static void writev_and_sendmsg_wait_until_all_is_taken(struct differential *d)
{
    int ends[2];
    struct iovec parts[5] = {{large, 100000}, {large, 0}, {large, 700000}, {large, 1}, {large, 0}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 5};
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_later(d, 10, drain_all, ends[1]);
    NOTE_UNTIMED(d, writev(ends[0], parts, 5));
    NOTE_UNTIMED(d, sendmsg(ends[0], &message, 0) > 0);
    close(ends[0]);
    differential_join(d);
    close(ends[1]);
}

static void writev_writes_every_byte_once_and_in_order(struct differential *d)
{
    int ends[2];
    static char pattern[300000];
    struct iovec parts[4] = {
        {pattern, 3}, {pattern + 3, 99997}, {pattern + 100000, 150000}, {pattern + 250000, 50000}};
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (char)(i * 7 + i / 251);
    differential_tcp(ends);
    set_small_buffer(ends[0]);
    differential_later(d, 10, drain_all, ends[1]);
    NOTE_UNTIMED(d, writev(ends[0], parts, 4));
    shutdown(ends[0], SHUT_WR);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void send_honours_a_send_timeout(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    set_time(ends[0], SO_SNDTIMEO, 40);
    ssize_t sent = send(ends[0], large, sizeof(large), 0);
    differential_text(d, "short %d\n", sent > 0 && sent < (ssize_t)sizeof(large));
    NOTE(d, send(ends[0], large, sizeof(large), 0));
    NOTE(d, write(ends[0], large, sizeof(large)));
    close(ends[0]);
    close(ends[1]);
}

static void writes_to_those_who_have_gone(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    close(ends[1]);
    NOTE(d, write(ends[0], "x", 1));
    NOTE(d, send(ends[0], "x", 1, MSG_NOSIGNAL));
    close(ends[0]);
    differential_must(pipe(ends) == 0, "pipe");
    close(ends[0]);
    NOTE(d, write(ends[1], "x", 1));
    close(ends[1]);
}

static void a_pipe_that_closes_under_a_write(struct differential *d)
{
    int ends[2];
    differential_must(pipe(ends) == 0, "pipe");
    differential_later(d, 30, drain_some_and_close, ends[0]);
    NOTE(d, write(ends[1], large, sizeof(large)));
    NOTE(d, write(ends[1], large, sizeof(large)));
    differential_join(d);
    close(ends[1]);
}

static void a_reset_under_a_write(struct differential *d)
{
    int ends[2];
    differential_tcp(ends);
    differential_later(d, 30, reset, ends[1]);
    NOTE(d, write(ends[0], large, sizeof(large)) > 0);
    int64_t left = 32 << 20;
    ssize_t sent;
    while ((sent = write(ends[0], large, sizeof(large))) > 0 && left > 0)
        left -= sent;
    differential_text(d, "then %zd %s\n", sent, strerrorname_np(errno));
    NOTE(d, write(ends[0], large, 1));
    differential_join(d);
    close(ends[0]);
}

static void a_unix_peer_that_closes_under_a_send(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_later(d, 30, differential_close, ends[1]);
    NOTE(d, send(ends[0], large, sizeof(large), 0) > 0);
    NOTE(d, send(ends[0], large, sizeof(large), 0));
    differential_join(d);
    close(ends[0]);
}

static void descriptors_are_sent_once(struct differential *d)
{
    int ends[2], sent = open("/dev/null", O_RDONLY), got;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = "";
    char room[8];
    struct iovec part = {"x", 1}, in = {room, sizeof(room)};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_len = CMSG_LEN(sizeof(int));
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(header), &sent, sizeof(sent));
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    NOTE(d, sendmsg(ends[0], &message, 0));
    message.msg_iov = &in;
    message.msg_controllen = sizeof(control);
    NOTE(d, recvmsg(ends[1], &message, 0));
    memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(got));
    differential_text(d, "controls %zu, good %d\n", message.msg_controllen, fcntl(got, F_GETFD) >= 0);
    close(got);
    close(sent);
    close(ends[0]);
    close(ends[1]);
}

/* ---- sendfile, splice, tee ---- */

static void sendfile_sends_all(struct differential *d)
{
    int ends[2];
    FILE *file = tmpfile();
    differential_must(write(fileno(file), large, sizeof(large)) == sizeof(large), "write");
    off_t offset = 10;
    differential_tcp(ends);
    set_small_buffer(ends[0]);
    differential_later(d, 10, drain_all, ends[1]);
    NOTE_UNTIMED(d, sendfile(ends[0], fileno(file), &offset, sizeof(large)));
    differential_text(d, "offset %ld\n", (long)offset);
    differential_flags(d, ends[0]);
    shutdown(ends[0], SHUT_WR);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
    fclose(file);
}

static void splice_waits_for_its_pipe(struct differential *d)
{
    int first[2], second[2];
    char room[8] = "";
    differential_must(pipe(first) == 0 && pipe(second) == 0, "pipe");
    differential_later(d, 30, differential_write, first[1]);
    NOTE(d, splice(first[0], NULL, second[1], NULL, 100, 0));
    NOTE(d, read(second[0], room, sizeof(room)));
    NOTE(d, splice(first[0], NULL, second[1], NULL, 100, SPLICE_F_NONBLOCK));
    differential_join(d);
    differential_later(d, 30, differential_write, first[1]);
    NOTE(d, tee(first[0], second[1], 100, 0));
    NOTE(d, read(second[0], room, sizeof(room)));
    NOTE(d, read(first[0], room, sizeof(room)));
    differential_flags(d, first[0]);
    differential_flags(d, second[1]);
    differential_join(d);
    for (int i = 0; i < 2; i++) {
        close(first[i]);
        close(second[i]);
    }
}

static void splice_waits_for_a_socket(struct differential *d)
{
    int ends[2], way[2];
    char room[8] = "";
    differential_tcp(ends);
    differential_must(pipe(way) == 0, "pipe");
    differential_later(d, 30, differential_write, ends[1]);
    NOTE(d, splice(ends[0], NULL, way[1], NULL, 100, 0));
    NOTE(d, read(way[0], room, sizeof(room)));
    differential_flags(d, ends[0]);
    differential_join(d);
    differential_later(d, 30, differential_close, ends[1]);
    NOTE(d, splice(ends[0], NULL, way[1], NULL, 100, 0));
    differential_join(d);
    close(ends[0]);
    close(way[0]);
    close(way[1]);
}

int main(void)
{
    static const struct differential_case cases[] = {
        CASE(read_waits_for_a_socket),
        CASE(read_waits_for_tcp),
        CASE(read_waits_for_a_pipe),
        CASE(read_waits_longer_than_a_second),
        CASE(read_sees_a_pipe_close),
        CASE(read_sees_a_peer_close),
        CASE(read_sees_a_peer_reset),
        CASE(read_ends_when_a_sibling_shuts_its_socket),
        CASE(read_honours_the_users_nonblocking),
        CASE(read_of_a_nonblocking_socket),
        CASE(read_honours_a_receive_timeout),
        CASE(reads_that_fail),
        CASE(read_of_a_file),
        CASE(read_of_devices),
        CASE(writes_and_reads_of_a_regular_file),
        CASE(read_waits_for_an_eventfd),
        CASE(eventfd_read_waits),
        CASE(eventfd_write_waits_for_room),
        CASE(read_waits_for_a_timer),
        CASE(readv_waits),
        CASE(recv_waits),
        CASE(recv_with_dontwait_never_waits),
        CASE(recv_waits_for_all),
        CASE(recv_of_all_gives_what_came_before_the_end),
        CASE(recv_of_all_gives_what_came_before_a_reset),
        CASE(recv_of_all_gives_what_came_before_its_timeout),
        CASE(recvmsg_waits_for_all_in_parts),
        CASE(recv_peeks),
        CASE(recv_out_of_band),
        CASE(datagrams_keep_their_bounds),
        CASE(recvfrom_tells_the_sender),
        CASE(many_messages_at_once),
        CASE(write_waits_until_a_socket_has_taken_all),
        CASE(write_waits_until_a_pipe_has_taken_all),
        CASE(send_waits_until_all_is_taken),
        CASE(send_with_dontwait_is_short),
        CASE(write_to_a_nonblocking_pipe_is_short),
        CASE(writev_and_sendmsg_wait_until_all_is_taken),
        CASE(writev_writes_every_byte_once_and_in_order),
        CASE(send_honours_a_send_timeout),
        CASE(writes_to_those_who_have_gone),
        CASE(a_pipe_that_closes_under_a_write),
        CASE(a_reset_under_a_write),
        CASE(a_unix_peer_that_closes_under_a_send),
        CASE(descriptors_are_sent_once),
        CASE(sendfile_sends_all),
        CASE(splice_waits_for_its_pipe),
        CASE(splice_waits_for_a_socket),
    };
    return differential_main(cases, GUST_LEN(cases));
}
