/*
 * What the layer remembers of a TCP connection, so that a wait in steady state asks the kernel nothing: that
 * it does, and that nothing is missed by it. Each test first brings its connection into steady state: a
 * coroutine has waited for it and read all that there was.
 */
#include <gust/coroutine.h>
#include <gust/green.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2]; /* the coroutine reads ends[0] */

static void open_connection(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    const int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&address, &length);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(ends[0], (struct sockaddr *)&address, length), 0);
    ends[1] = accept(listener, NULL, NULL);
    setsockopt(ends[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    close(listener);
}

static int send_later(void *text)
{
    gust_sleep(GUST_MS(1));
    return send(ends[1], text, strlen(text), 0) > 0 ? 0 : -1;
}

/* What is read while "x" comes a little later, or 1: another result. */
static int read_waiting(void)
{
    char room[8];
    GUST_GROUP(group);
    gust_go(&group, send_later, "x");
    return read(ends[0], room, sizeof(room)) == 1 && gust_group_wait(&group) == 0 ? 0 : 1;
}

/* Brings the connection into steady state: registered, asked for everything, and drained. */
static int settle(void)
{
    return read_waiting() || read_waiting();
}

static int read_text(const char *wanted)
{
    char room[64];
    ssize_t got = read(ends[0], room, sizeof(room));
    return got == (ssize_t)strlen(wanted) && !memcmp(room, wanted, (size_t)got) ? 0 : 1;
}

static int poll_for(short events)
{
    struct pollfd entry = {.fd = ends[0], .events = events};
    return poll(&entry, 1, -1) == 1 ? entry.revents : -1;
}

/* Runs function in a coroutine, on a new connection. It must give 0 before long. */
static void run(int (*function)(void *unused))
{
    if (ends[0] == 0)
        open_connection();
    int result = gust_run(function, NULL, GUST_S(10));
    close(ends[0]);
    close(ends[1]);
    ends[0] = ends[1] = 0;
    assert_int_equal(result, 0);
}

/* ---- nothing is asked ---- */

/* Sanitizers make system calls of their own. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

#ifndef SANITIZED
/* Every system call but these kills the process. */
static void allow_only(const int *numbers, unsigned char count)
{
    struct sock_filter filter[32] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    unsigned short at = 1;
    for (unsigned char i = 0; i < count; i++)
        filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i],
                                                    (unsigned char)(count - i), 0);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {at, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        _exit(77);
}

enum { EXCHANGES = 20 };

static int answer_all(void *unused)
{
    (void)unused;
    char byte;
    for (int i = 0; i < 2 * EXCHANGES; i++) {
        if (recv(ends[1], &byte, 1, 0) != 1 || send(ends[1], &byte, 1, 0) != 1)
            return -1;
    }
    return 0;
}

/* As hiredis does, and as libpq does. */
static int exchange(bool polls)
{
    char room[64];
    if (write(ends[0], "x", 1) != 1 || (polls && poll_for(POLLIN | POLLERR) != POLLIN))
        return -1;
    return read(ends[0], room, sizeof(room)) == 1 ? 0 : -1;
}

static int exchange_often(void *unused)
{
    static const int allowed[] = {SYS_epoll_pwait2, SYS_epoll_pwait, SYS_recvfrom,
                                  SYS_sendto,       SYS_exit_group,  SYS_clock_gettime};
    (void)unused;
    GUST_GROUP(group);
    gust_go(&group, answer_all, NULL);
    for (int i = 0; i < 2 * EXCHANGES; i++) {
        if (i == EXCHANGES)
            allow_only(allowed, sizeof(allowed) / sizeof(allowed[0]));
        if (exchange(i % 2) < 0)
            _exit(2);
    }
    _exit(0);
}

static void in_steady_state_there_is_one_system_call_a_wait(void **state)
{
    int status;
    (void)state;
    open_connection();
    pid_t child = fork();
    if (child == 0) {
        gust_run(exchange_often, NULL, GUST_S(10));
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    close(ends[0]);
    close(ends[1]);
    ends[0] = ends[1] = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip(); /* no filters here */
    assert_int_equal(status, 0);
}
#endif

/* ---- nothing is missed ---- */

static int in_pieces(void *unused)
{
    (void)unused;
    char room[2];
    if (settle())
        return 1;
    send(ends[1], "abcde", 5, 0);
    return read(ends[0], room, 2) != 2 || read(ends[0], room, 2) != 2 || poll_for(POLLIN) != POLLIN ||
           read(ends[0], room, 2) != 1 || room[0] != 'e' || read_waiting();
}

static void what_a_full_read_leaves_is_there(void **state)
{
    (void)state;
    run(in_pieces);
}

static int peek(void *unused)
{
    (void)unused;
    char room[8];
    if (settle())
        return 1;
    send(ends[1], "ab", 2, 0);
    return recv(ends[0], room, sizeof(room), MSG_PEEK) != 2 || poll_for(POLLIN) != POLLIN ||
           read_text("ab") || read_waiting();
}

static void what_was_only_looked_at_is_there(void **state)
{
    (void)state;
    run(peek);
}

static int last_words(void *unused)
{
    (void)unused;
    if (settle())
        return 1;
    send(ends[1], "bye", 3, 0);
    shutdown(ends[1], SHUT_WR);
    /* Once the event for both has come, and once it has not. */
    return poll_for(POLLIN) != POLLIN || gust_sleep(GUST_MS(1)) || read_text("bye") ||
           poll_for(POLLIN) != POLLIN || read_text("") || read_text("");
}

static int end_after_words(void *unused)
{
    (void)unused;
    if (settle())
        return 1;
    send(ends[1], "bye", 3, 0);
    shutdown(ends[1], SHUT_WR);
    return read_text("bye") || read_text("");
}

static int own_end(void *unused)
{
    (void)unused;
    if (settle())
        return 1;
    shutdown(ends[0], SHUT_RD);
    return read_text("") || poll_for(POLLIN) != POLLIN;
}

static void an_end_is_there(void **state)
{
    (void)state;
    run(last_words);
    run(end_after_words);
    run(own_end);
}

static int urgent(void *unused)
{
    (void)unused;
    if (settle())
        return 1;
    send(ends[1], "ab", 2, 0);
    send(ends[1], "!", 1, MSG_OOB);
    send(ends[1], "cd", 2, 0);
    gust_sleep(GUST_MS(1)); /* the event has come for all of it */
    return read_text("ab") || poll_for(POLLIN) != POLLIN || read_text("cd");
}

static void what_follows_urgent_data_is_there(void **state)
{
    (void)state;
    run(urgent);
}

static int reset(void *unused)
{
    (void)unused;
    const struct linger at_once = {1, 0};
    char room[8];
    if (settle())
        return 1;
    setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    shutdown(ends[1], SHUT_RD);
    int other = dup(ends[1]);
    close(ends[1]);
    close(other);
    ends[1] = dup(ends[0]);
    return read(ends[0], room, sizeof(room)) != -1 || errno != ECONNRESET;
}

static void a_reset_is_there(void **state)
{
    (void)state;
    run(reset);
}

/* Two messages with descriptors: a read ends between them. */
static void send_descriptor(void)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec part = {"m", 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    const int fd = STDERR_FILENO;
    memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    assert_int_equal(sendmsg(ends[1], &message, 0), 1);
}

static int messages(void *unused)
{
    (void)unused;
    if (settle())
        return 1;
    send_descriptor();
    send_descriptor();
    gust_sleep(GUST_MS(1));
    return read_text("m") || read_text("m");
}

static void a_unix_sockets_next_message_is_there(void **state)
{
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    run(messages);
}

/* Data come, and whoever polls sees them, without the loop's having heard of it. */
static int come_unheard(void)
{
    struct pollfd entry = {.fd = ends[0], .events = POLLIN};
    if (send(ends[1], "abc", 3, 0) != 3)
        return 1;
    while (poll(&entry, 1, 0) == 0)
        ;
    return entry.revents == POLLIN ? 0 : 1;
}

static int look_without_waiting(void *unused)
{
    char room[8];
    (void)unused;
    if (settle() || come_unheard() || recv(ends[0], room, sizeof(room), MSG_DONTWAIT) != 3)
        return 1;
    if (settle() || fcntl(ends[0], F_SETFL, O_RDWR | O_NONBLOCK) < 0)
        return 1;
    return come_unheard() || read_text("abc");
}

static int look_with_a_limit(void *unused)
{
    const struct timeval time = {.tv_sec = 5};
    (void)unused;
    if (settle() || setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) < 0)
        return 1;
    return come_unheard() || read_text("abc");
}

static void who_does_not_wait_sees_what_the_loop_has_not_heard(void **state)
{
    (void)state;
    run(look_without_waiting);
    run(look_with_a_limit);
}

static int read_late(void *unused)
{
    (void)unused;
    if (settle())
        return 1;
    GUST_DEADLINE(GUST_MS(1));
    gust_sleep(GUST_MS(5));
    send(ends[1], "ab", 2, 0);
    int kept = read_text("ab"); /* does not wait */
    return kept;
}

static void data_that_are_there_are_read_after_the_deadline(void **state)
{
    (void)state;
    run(read_late);
}

/* ---- the user's settings ---- */

/* A read that must not wait for ever: it says EAGAIN. Then the same setting taken back: it waits. */
static int says_eagain(void)
{
    char room[8];
    return read(ends[0], room, sizeof(room)) == -1 && errno == EAGAIN ? 0 : 1;
}

static int by_fcntl(void *unused)
{
    (void)unused;
    int other = dup(ends[0]);
    if (settle() || fcntl(other, F_SETFL, O_RDWR | O_NONBLOCK) < 0 || says_eagain())
        return 1;
    int result = fcntl(other, F_SETFL, O_RDWR) < 0 || settle();
    close(other);
    return result;
}

static int by_ioctl(void *unused)
{
    (void)unused;
    int on = 1, off = 0;
    return settle() || ioctl(ends[0], FIONBIO, &on) < 0 || says_eagain() ||
           ioctl(ends[0], FIONBIO, &off) < 0 || settle();
}

static int by_raw_fcntl(void *unused)
{
    (void)unused;
    return settle() || syscall(SYS_fcntl, ends[0], F_SETFL, O_RDWR | O_NONBLOCK) < 0 || says_eagain();
}

static int by_raw_ioctl(void *unused)
{
    (void)unused;
    int on = 1;
    return settle() || syscall(SYS_ioctl, ends[0], FIONBIO, &on) < 0 || says_eagain();
}

static void it_becomes_nonblocking(void **state)
{
    (void)state;
    run(by_fcntl);
    run(by_ioctl);
    run(by_raw_fcntl);
    run(by_raw_ioctl);
}

static const struct timeval limit = {.tv_usec = 5000};

static int by_setsockopt(void *unused)
{
    const struct timeval none = {0};
    (void)unused;
    int other = dup(ends[0]);
    if (settle() || setsockopt(other, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 || says_eagain())
        return 1;
    int result = setsockopt(other, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none)) < 0 || settle();
    close(other);
    return result;
}

static int by_raw_setsockopt(void *unused)
{
    (void)unused;
    return settle() || syscall(SYS_setsockopt, ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
           says_eagain();
}

static void it_gets_a_time_limit(void **state)
{
    (void)state;
    run(by_setsockopt);
    run(by_raw_setsockopt);
}

/* docs/green.md has this among the limits. */
static int by_another_process(void *unused)
{
    int status;
    (void)unused;
    if (settle())
        return 1;
    pid_t child = fork();
    if (child == 0)
        _exit(fcntl(ends[0], F_SETFL, O_RDWR | O_NONBLOCK) < 0);
    if (waitpid(child, &status, 0) != child || status != 0)
        return 1;
    return read_waiting();
}

static void another_processs_setting_is_not_seen(void **state)
{
    (void)state;
    run(by_another_process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef SANITIZED
        cmocka_unit_test(in_steady_state_there_is_one_system_call_a_wait),
#endif
        cmocka_unit_test(what_a_full_read_leaves_is_there),
        cmocka_unit_test(what_was_only_looked_at_is_there),
        cmocka_unit_test(an_end_is_there),
        cmocka_unit_test(what_follows_urgent_data_is_there),
        cmocka_unit_test(a_reset_is_there),
        cmocka_unit_test(a_unix_sockets_next_message_is_there),
        cmocka_unit_test(data_that_are_there_are_read_after_the_deadline),
        cmocka_unit_test(who_does_not_wait_sees_what_the_loop_has_not_heard),
        cmocka_unit_test(it_becomes_nonblocking),
        cmocka_unit_test(it_gets_a_time_limit),
        cmocka_unit_test(another_processs_setting_is_not_seen),
    };
    gust_green_require();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
