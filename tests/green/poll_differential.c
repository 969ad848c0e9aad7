/* Waiting for readiness, connecting, and what closes and duplicates, natively and on a coroutine. */
#include "differential.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/un.h>

/* ---- poll ---- */

static void poll_waits_for_data(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    struct pollfd fds[1] = {{.fd = ends[0], .events = POLLIN}};
    differential_later(d, 30, differential_write, ends[1]);
    NOTE(d, poll(fds, 1, -1));
    differential_text(d, "revents %#x\n", (unsigned)fds[0].revents);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void poll_times_out(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    struct pollfd fds[1] = {{.fd = ends[0], .events = POLLIN, .revents = 77}};
    NOTE(d, poll(fds, 1, 40));
    differential_text(d, "revents %#x\n", (unsigned)fds[0].revents);
    NOTE(d, poll(fds, 1, 0));
    NOTE(d, poll(NULL, 0, 40));
    NOTE(d, poll(fds, 0, 20));
    close(ends[0]);
    close(ends[1]);
}

static void poll_with_errors_asked_for(struct differential *d)
{
    int ends[2];
    differential_tcp(ends);
    struct pollfd fds[1] = {{.fd = ends[0], .events = POLLIN | POLLERR}};
    differential_later(d, 30, differential_write, ends[1]);
    NOTE(d, poll(fds, 1, 2000));
    differential_text(d, "revents %#x\n", (unsigned)fds[0].revents);
    differential_join(d);
    fds[0].events = POLLOUT | POLLERR;
    NOTE(d, poll(fds, 1, 2000));
    differential_text(d, "revents %#x\n", (unsigned)fds[0].revents);
    fds[0].events = POLLERR | POLLHUP;
    NOTE(d, poll(fds, 1, 30));
    differential_text(d, "revents %#x\n", (unsigned)fds[0].revents);
    close(ends[0]);
    close(ends[1]);
}

static void poll_sees_a_hang_up(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    struct pollfd fds[1] = {{.fd = ends[0], .events = 0}};
    differential_later(d, 30, differential_close, ends[1]);
    NOTE(d, poll(fds, 1, 2000));
    differential_text(d, "revents %#x\n", (unsigned)fds[0].revents);
    fds[0].events = POLLIN | POLLRDHUP | POLLOUT;
    NOTE(d, poll(fds, 1, 2000));
    differential_text(d, "revents %#x\n", (unsigned)fds[0].revents);
    differential_join(d);
    close(ends[0]);
}

static void shut_write(struct differential *d, int fd)
{
    (void)d;
    shutdown(fd, SHUT_WR);
}

static void poll_sees_a_half_close(struct differential *d)
{
    int ends[2];
    differential_tcp(ends);
    struct pollfd fds[1] = {{.fd = ends[0], .events = POLLRDHUP}};
    differential_later(d, 30, shut_write, ends[1]);
    NOTE(d, poll(fds, 1, 2000));
    differential_text(d, "revents %#x\n", (unsigned)fds[0].revents);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void send_urgent(struct differential *d, int fd)
{
    (void)d;
    send(fd, "!", 1, MSG_OOB);
}

static void poll_sees_urgent_data(struct differential *d)
{
    int ends[2];
    differential_tcp(ends);
    struct pollfd fds[1] = {{.fd = ends[0], .events = POLLPRI}};
    differential_later(d, 30, send_urgent, ends[1]);
    NOTE(d, poll(fds, 1, 2000));
    differential_text(d, "revents %#x\n", (unsigned)fds[0].revents);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void poll_takes_any_mix(struct differential *d)
{
    int ends[2], way[2], event = eventfd(0, 0), file = open("/dev/null", O_RDONLY);
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_must(pipe(way) == 0, "pipe");
    struct pollfd fds[12] = {{.fd = ends[0], .events = POLLIN},
                             {.fd = -1, .events = POLLIN, .revents = 5},
                             {.fd = ends[0], .events = POLLRDNORM},
                             {.fd = way[0], .events = POLLIN},
                             {.fd = event, .events = POLLIN},
                             {.fd = ends[0], .events = POLLIN | POLLPRI},
                             {.fd = ends[1], .events = POLLIN},
                             {.fd = way[1], .events = POLLERR},
                             {.fd = file, .events = 0},
                             {.fd = ends[0], .events = 0},
                             {.fd = way[0], .events = POLLIN},
                             {.fd = ends[0], .events = POLLIN}};
    differential_later(d, 30, differential_write, ends[1]);
    NOTE(d, poll(fds, 12, 2000));
    for (int i = 0; i < 12; i++)
        differential_text(d, "revents %#x\n", (unsigned)fds[i].revents);
    differential_join(d);
    differential_later(d, 30, differential_close, way[1]);
    fds[0].fd = fds[2].fd = fds[5].fd = fds[11].fd = -1;
    fds[7].fd = -2;
    NOTE(d, poll(fds, 12, 2000));
    for (int i = 0; i < 12; i++)
        differential_text(d, "revents %#x\n", (unsigned)fds[i].revents);
    differential_join(d);
    fds[3].fd = 987;
    NOTE(d, poll(fds, 12, 2000));
    for (int i = 0; i < 12; i++)
        differential_text(d, "revents %#x\n", (unsigned)fds[i].revents);
    close(file);
    close(event);
    close(way[0]);
    close(ends[0]);
    close(ends[1]);
}

static void poll_of_a_full_socket_waits_for_room(struct differential *d)
{
    int ends[2];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    static char room[4096];
    while (send(ends[0], room, sizeof(room), MSG_DONTWAIT) > 0)
        ;
    struct pollfd fds[1] = {{.fd = ends[0], .events = POLLOUT}};
    NOTE(d, poll(fds, 1, 20));
    differential_later(d, 20, differential_close, ends[1]);
    NOTE(d, poll(fds, 1, 2000));
    differential_text(d, "revents %#x\n", (unsigned)fds[0].revents & ~(unsigned)POLLOUT); /* a little later */
    differential_join(d);
    close(ends[0]);
}

static void polls_that_fail(struct differential *d)
{
    struct timespec bad = {0, 1000000000}, negative = {-1, 0}, some = {0, 20000000};
    struct pollfd none = {.fd = -1};
#ifndef DIFFERENTIAL_SANITIZED
    struct pollfd *volatile nowhere = (struct pollfd *)8;
    volatile nfds_t too_many = (nfds_t)1 << 40;
    NOTE(d, poll(nowhere, 1, 10));
    NOTE(d, poll(&none, too_many, 10));
    too_many = (nfds_t)1 << 30;
    NOTE(d, poll(&none, too_many, 10));
#endif
    NOTE(d, ppoll(&none, 1, &bad, NULL));
    NOTE(d, ppoll(&none, 1, &negative, NULL));
    NOTE(d, ppoll(&none, 1, &some, NULL));
    differential_text(d, "%ld %ld\n", (long)some.tv_sec, some.tv_nsec);
}

static void ppoll_waits(struct differential *d)
{
    int way[2];
    struct timespec time = {2, 0};
    differential_must(pipe(way) == 0, "pipe");
    struct pollfd fds[1] = {{.fd = way[0], .events = POLLIN}};
    differential_later(d, 30, differential_write, way[1]);
    NOTE(d, ppoll(fds, 1, &time, NULL));
    differential_text(d, "revents %#x, %ld %ld\n", (unsigned)fds[0].revents, (long)time.tv_sec, time.tv_nsec);
    NOTE(d, ppoll(fds, 1, NULL, NULL));
    differential_join(d);
    close(way[0]);
    close(way[1]);
}

/* ---- signals: those that only the caller's mask lets in ---- */

static volatile sig_atomic_t caught;
static pthread_t catcher;

static void catch_signal(int number)
{
    caught += number == SIGUSR1;
}

static void raise_signal(struct differential *d, int unused)
{
    (void)d, (void)unused;
    pthread_kill(catcher, SIGUSR1);
}

static void let_in_only_by_mask(sigset_t *before)
{
    struct sigaction action = {.sa_handler = catch_signal}, is;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, before);
    sigaction(SIGUSR1, &action, &is);
    caught = 0;
    catcher = pthread_self();
}

static void ppoll_lets_signals_in(struct differential *d)
{
    int way[2];
    sigset_t before, none;
    sigemptyset(&none);
    differential_must(pipe(way) == 0, "pipe");
    struct pollfd fds[1] = {{.fd = way[0], .events = POLLIN}};
    let_in_only_by_mask(&before);
    differential_later(d, 30, raise_signal, 0);
    NOTE(d, ppoll(fds, 1, NULL, &none));
    differential_text(d, "caught %d\n", caught);
    differential_join(d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(way[0]);
    close(way[1]);
}

static void pselect_lets_signals_in(struct differential *d)
{
    sigset_t before, none;
    sigemptyset(&none);
    let_in_only_by_mask(&before);
    differential_later(d, 30, raise_signal, 0);
    NOTE(d, pselect(0, NULL, NULL, NULL, NULL, &none));
    differential_text(d, "caught %d\n", caught);
    differential_join(d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void epoll_pwait_lets_signals_in(struct differential *d)
{
    struct epoll_event event;
    int epoll = epoll_create1(0);
    sigset_t before, none;
    sigemptyset(&none);
    let_in_only_by_mask(&before);
    differential_later(d, 30, raise_signal, 0);
    NOTE(d, epoll_pwait(epoll, &event, 1, 2000, &none));
    differential_text(d, "caught %d\n", caught);
    differential_join(d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(epoll);
}

/* ---- select ---- */

static void select_waits_for_data(struct differential *d)
{
    int ends[2];
    fd_set reads, writes;
    struct timeval time = {2, 0};
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    FD_ZERO(&reads);
    FD_ZERO(&writes);
    FD_SET(ends[0], &reads);
    FD_SET(ends[1], &reads);
    differential_later(d, 30, differential_write, ends[1]);
    NOTE(d, select(ends[1] + 1, &reads, &writes, NULL, &time));
    differential_text(d, "ready %d %d, left %d\n", !!FD_ISSET(ends[0], &reads), !!FD_ISSET(ends[1], &reads),
                      time.tv_sec == 1 && time.tv_usec > 0);
    differential_join(d);
    FD_SET(ends[0], &writes);
    NOTE(d, select(ends[1] + 1, &reads, &writes, NULL, NULL));
    close(ends[0]);
    close(ends[1]);
}

static void select_times_out(struct differential *d)
{
    int ends[2];
    fd_set reads;
    struct timeval time = {0, 40000}, none = {0, 0}, negative = {-1, 0};
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    FD_ZERO(&reads);
    FD_SET(ends[0], &reads);
    NOTE(d, select(ends[0] + 1, &reads, NULL, NULL, &time));
    differential_text(d, "set %d, left %ld %ld\n", !!FD_ISSET(ends[0], &reads), (long)time.tv_sec,
                      (long)time.tv_usec);
    NOTE(d, select(ends[0] + 1, &reads, NULL, NULL, &none));
    NOTE(d, select(0, NULL, NULL, NULL, &negative));
    time.tv_usec = 40000;
    NOTE(d, select(0, NULL, NULL, NULL, &time));
    volatile int bad = -1;
    NOTE(d, select(bad, NULL, NULL, NULL, &time));
    close(ends[0]);
    FD_SET(ends[0], &reads);
    NOTE(d, select(ends[0] + 1, &reads, NULL, NULL, &time));
    close(ends[1]);
}

static void pselect_waits(struct differential *d)
{
    int ends[2];
    fd_set reads;
    struct timespec time = {2, 0}, soon = {0, 30000000}, bad = {0, -1};
    differential_tcp(ends);
    FD_ZERO(&reads);
    FD_SET(ends[0], &reads);
    NOTE(d, pselect(ends[0] + 1, NULL, NULL, &reads, &soon, NULL));
    FD_SET(ends[0], &reads);
    differential_later(d, 30, send_urgent, ends[1]);
    NOTE(d, pselect(ends[0] + 1, NULL, NULL, &reads, &time, NULL));
    differential_text(d, "left %ld\n", (long)time.tv_sec);
    NOTE(d, pselect(ends[0] + 1, NULL, NULL, &reads, &bad, NULL));
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void select_takes_sets_beyond_1024(struct differential *d)
{
    enum { HIGH = 1500 };
    static unsigned long reads[HIGH / 64 + 1];
    int way[2];
    differential_must(pipe(way) == 0, "pipe");
    differential_must(dup2(way[0], HIGH) == HIGH, "dup2");
    memset(reads, 0, sizeof(reads));
    reads[HIGH / 64] |= 1UL << HIGH % 64;
    differential_later(d, 30, differential_write, way[1]);
    NOTE(d, select(HIGH + 1, (fd_set *)(void *)reads, NULL, NULL, NULL));
    differential_text(d, "ready %d\n", (int)(reads[HIGH / 64] >> HIGH % 64 & 1));
    differential_join(d);
    close(HIGH);
    close(way[0]);
    close(way[1]);
}

/* ---- epoll ---- */

static void epoll_waits(struct differential *d)
{
    int ends[2], epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 5}, got = {0};
    struct timespec soon = {0, 30000000};
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
    NOTE(d, epoll_wait(epoll, &got, 1, 30));
    NOTE(d, epoll_wait(epoll, &got, 1, 0));
    NOTE(d, epoll_pwait2(epoll, &got, 1, &soon, NULL));
    differential_later(d, 30, differential_write, ends[1]);
    NOTE(d, epoll_wait(epoll, &got, 1, -1));
    differential_text(d, "events %#x, %d\n", got.events, (int)got.data.u64);
    NOTE(d, epoll_pwait(epoll, &got, 1, 1000, NULL));
    NOTE(d, epoll_wait(epoll, &got, 0, 10));
    NOTE(d, epoll_wait(ends[0], &got, 1, 10));
    NOTE(d, epoll_wait(-1, &got, 1, 10));
    differential_join(d);
    close(epoll);
    close(ends[0]);
    close(ends[1]);
}

static void epoll_reports_edges(struct differential *d)
{
    int ends[2], epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP}, got = {0};
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
    for (int i = 0; i < 3; i++) {
        differential_later(d, 20, differential_write, ends[1]);
        NOTE(d, epoll_wait(epoll, &got, 1, 2000));
        differential_text(d, "events %#x\n", got.events);
        differential_join(d);
    }
    NOTE(d, epoll_wait(epoll, &got, 1, 20));
    differential_later(d, 20, differential_close, ends[1]);
    NOTE(d, epoll_wait(epoll, &got, 1, 2000));
    differential_text(d, "events %#x\n", got.events);
    differential_join(d);
    close(epoll);
    close(ends[0]);
}

/* ---- connect and accept ---- */

static void connect_to(struct differential *d, int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    (void)d;
    getsockname(fd, (struct sockaddr *)&address, &length);
    differential_must(connect(client, (struct sockaddr *)&address, length) == 0, "connect");
    close(client);
}

static void accept_waits(struct differential *d)
{
    struct sockaddr_in address, peer = {0};
    socklen_t length = sizeof(peer);
    int listener = differential_listen(&address);
    differential_later(d, 30, connect_to, listener);
    int fd = accept(listener, (struct sockaddr *)&peer, &length);
    differential_text(d, "accepted %d, family %d, length %u\n", fd >= 0, peer.sin_family, length);
    differential_flags(d, fd);
    differential_flags(d, listener);
    differential_text(d, "close on exec %d\n", fcntl(fd, F_GETFD));
    differential_join(d);
    close(fd);
    differential_later(d, 30, connect_to, listener);
    fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    differential_flags(d, fd);
    differential_text(d, "close on exec %d\n", fcntl(fd, F_GETFD));
    differential_join(d);
    close(fd);
    close(listener);
}

static void accepts_that_fail(struct differential *d)
{
    int ends[2], tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address;
    struct timeval time = {0, 40000};
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    NOTE(d, accept(-1, NULL, NULL));
    NOTE(d, accept(tcp, NULL, NULL));
    NOTE(d, accept(udp, NULL, NULL));
    NOTE(d, accept(ends[0], NULL, NULL));
    int listener = differential_listen(&address);
    NOTE(d, accept4(listener, NULL, NULL, 12345));
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
    NOTE(d, accept(listener, NULL, NULL));
    fcntl(listener, F_SETFL, O_NONBLOCK);
    NOTE(d, accept(listener, NULL, NULL));
    NOTE(d, accept4(listener, NULL, NULL, 0));
    differential_flags(d, listener);
    close(listener);
    close(tcp);
    close(udp);
    close(ends[0]);
    close(ends[1]);
}

static void shut(struct differential *d, int fd)
{
    (void)d;
    shutdown(fd, SHUT_RDWR);
}

static void accept_ends_when_its_socket_is_shut(struct differential *d)
{
    struct sockaddr_in address;
    int listener = differential_listen(&address);
    differential_later(d, 30, shut, listener);
    NOTE(d, accept(listener, NULL, NULL));
    differential_join(d);
    close(listener);
}

static void connect_works_and_fails(struct differential *d)
{
    struct sockaddr_in address;
    int listener = differential_listen(&address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    NOTE(d, connect(fd, (struct sockaddr *)&address, sizeof(address)));
    differential_flags(d, fd);
    NOTE(d, connect(fd, (struct sockaddr *)&address, sizeof(address)));
    close(fd);
    close(listener);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    NOTE(d, connect(fd, (struct sockaddr *)&address, sizeof(address)));
    differential_flags(d, fd);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    NOTE(d, connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0);
    differential_flags(d, fd);
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    NOTE(d, connect(fd, (struct sockaddr *)&address, sizeof(address)));
    NOTE(d, connect(fd, (struct sockaddr *)&address, 3));
    NOTE(d, connect(-1, (struct sockaddr *)&address, sizeof(address)));
    NOTE(d, connect(1000, (struct sockaddr *)&address, sizeof(address)));
    close(fd);
}

static int unix_listener(struct sockaddr_un *address, int backlog)
{
    static int number;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "gust-differential-%d-%d", getpid(),
             ++number);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    differential_must(bind(fd, (struct sockaddr *)address, sizeof(*address)) == 0, "bind");
    differential_must(listen(fd, backlog) == 0, "listen");
    return fd;
}

static void accept_one(struct differential *d, int fd)
{
    (void)d;
    close(accept(fd, NULL, NULL));
}

static void connect_waits_for_room_in_a_unix_queue(struct differential *d)
{
    struct sockaddr_un address;
    struct timeval time = {0, 40000};
    int listener = unix_listener(&address, 0), fds[3];
    for (int i = 0; i < 3; i++)
        fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
    NOTE(d, connect(fds[0], (struct sockaddr *)&address, sizeof(address)));
    setsockopt(fds[1], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
    NOTE(d, connect(fds[1], (struct sockaddr *)&address, sizeof(address)));
    differential_later(d, 50, accept_one, listener);
    NOTE(d, connect(fds[2], (struct sockaddr *)&address, sizeof(address)));
    differential_flags(d, fds[2]);
    differential_join(d);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close(listener);
}

/* 192.0.2.0/24 is for documentation: whether packets to it vanish or are refused is the machine's affair. */
static void connect_honours_a_send_timeout(struct differential *d)
{
    struct sockaddr_in address;
    struct timeval time = {0, 60000};
    int listener = differential_listen(&address), fds[40];
    listen(listener, 0); /* beyond its queue, SYNs are dropped */
    int code = 0, count = 0;
    while (count < 40 && code == 0) {
        fds[count] = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fds[count], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
        code = connect(fds[count++], (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
    }
    differential_text(d, "after %d: %s\n", count, strerrorname_np(code));
    NOTE(d, connect(fds[count - 1], (struct sockaddr *)&address, sizeof(address)));
    differential_flags(d, fds[count - 1]);
    while (count > 0)
        close(fds[--count]);
    close(listener);
}

/* ---- duplicates and closing ---- */

static void duplicates_see_the_same(struct differential *d)
{
    int ends[2];
    char room[8];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    int copy = dup(ends[0]), other = fcntl(ends[0], F_DUPFD_CLOEXEC, 100);
    differential_later(d, 20, differential_write, ends[1]);
    NOTE(d, read(ends[0], room, sizeof(room)));
    differential_join(d);
    close(ends[0]);
    differential_later(d, 20, differential_write, ends[1]);
    NOTE(d, read(copy, room, sizeof(room)));
    differential_join(d);
    NOTE(d, dup2(other, copy) == copy);
    differential_later(d, 20, differential_write, ends[1]);
    NOTE(d, read(copy, room, sizeof(room)));
    differential_join(d);
    NOTE(d, dup2(copy, copy) == copy);
    NOTE(d, dup2(999, copy));
    NOTE(d, dup3(copy, copy, 0));
    NOTE(d, dup3(other, copy, O_CLOEXEC) == copy);
    differential_text(d, "close on exec %d\n", fcntl(copy, F_GETFD));
    differential_later(d, 20, differential_close, ends[1]);
    NOTE(d, read(other, room, sizeof(room)));
    differential_join(d);
    close(copy);
    close(other);
}

static void numbers_are_used_again(struct differential *d)
{
    char room[8];
    for (int i = 0; i < 6; i++) {
        int ends[2];
        if (i % 2)
            differential_must(pipe(ends) == 0, "pipe");
        else
            differential_pair(AF_UNIX, SOCK_STREAM, ends);
        differential_later(d, 5, differential_write, ends[1]);
        NOTE(d, read(ends[0], room, sizeof(room)));
        differential_join(d);
        if (i == 3) {
            NOTE(d, fclose(fdopen(ends[0], "r")));
            NOTE(d, close(ends[1]));
        } else if (i == 4) {
            NOTE(d, close_range((unsigned)ends[0], (unsigned)ends[1], 0));
        } else {
            NOTE(d, close(ends[0]));
            NOTE(d, close(ends[1]));
        }
    }
}

static void unlock(struct differential *d, int fd)
{
    struct flock none = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    (void)d;
    fcntl(fd, F_OFD_SETLK, &none);
}

static void fcntl_waits_for_a_lock(struct differential *d)
{
    char path[64];
    FILE *file = tmpfile();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(file));
    int other = open(path, O_RDWR);
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    NOTE(d, fcntl(fileno(file), F_OFD_SETLKW, &all));
    NOTE(d, fcntl(other, F_OFD_SETLK, &all));
    differential_later(d, 40, unlock, fileno(file));
    NOTE(d, fcntl(other, F_OFD_SETLKW, &all));
    NOTE(d, fcntl(-1, F_OFD_SETLKW, &all));
    differential_join(d);
    close(other);
    fclose(file);
}

static void calls_on_closed_descriptors(struct differential *d)
{
    int ends[2];
    char room[8];
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
    differential_later(d, 5, differential_write, ends[1]);
    NOTE(d, read(ends[0], room, sizeof(room)));
    differential_join(d);
    close(ends[0]);
    NOTE(d, read(ends[0], room, sizeof(room)));
    NOTE(d, recv(ends[0], room, sizeof(room), 0));
    NOTE(d, write(ends[0], room, sizeof(room)));
    NOTE(d, close(ends[0]));
    struct pollfd entry = {.fd = ends[0], .events = POLLIN};
    NOTE(d, poll(&entry, 1, 1000));
    close(ends[1]);
}

int main(void)
{
    static const struct differential_case cases[] = {
        CASE(poll_waits_for_data),
        CASE(poll_times_out),
        CASE(poll_with_errors_asked_for),
        CASE(poll_sees_a_hang_up),
        CASE(poll_sees_a_half_close),
        CASE(poll_sees_urgent_data),
        CASE(poll_takes_any_mix),
        CASE(poll_of_a_full_socket_waits_for_room),
        CASE(polls_that_fail),
        CASE(ppoll_waits),
        CASE(ppoll_lets_signals_in),
        CASE(pselect_lets_signals_in),
        CASE(epoll_pwait_lets_signals_in),
        CASE(select_waits_for_data),
        CASE(select_times_out),
        CASE(pselect_waits),
        CASE(select_takes_sets_beyond_1024),
        CASE(epoll_waits),
        CASE(epoll_reports_edges),
        CASE(accept_waits),
        CASE(accepts_that_fail),
        CASE(accept_ends_when_its_socket_is_shut),
        CASE(connect_works_and_fails),
        CASE(connect_waits_for_room_in_a_unix_queue),
        CASE(connect_honours_a_send_timeout),
        CASE(duplicates_see_the_same),
        CASE(numbers_are_used_again),
        CASE(fcntl_waits_for_a_lock),
        CASE(calls_on_closed_descriptors),
    };
    return differential_main(cases, GUST_LEN(cases));
}
