/* Deadlines and cancels inside libc's calls: what they return, and what becomes of the connection. */
#include <gust/coroutine.h>
#include <gust/green.h>

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2];
static int other[2];

/* A connection with a name, as a server's is; a socketpair has none. */
static void open_connection(int pair[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&address, &length);
    pair[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(pair[0], (struct sockaddr *)&address, length), 0);
    pair[1] = accept(listener, NULL, NULL);
    close(listener);
}

static void close_two(const int pair[2])
{
    close(pair[0]);
    close(pair[1]);
}

/* The peer sees the end of the stream within a moment. */
static bool was_shut(int peer)
{
    struct pollfd entry = {.fd = peer, .events = POLLIN};
    char byte;
    return poll(&entry, 1, 200) == 1 && recv(peer, &byte, 1, MSG_DONTWAIT) == 0;
}

static bool lives(int peer)
{
    char byte;
    return recv(peer, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN;
}

static int run(int (*function)(void *argument))
{
    return gust_run(function, NULL, GUST_S(20));
}

static int recv_with_deadline(void *unused)
{
    char byte;
    (void)unused;
    GUST_DEADLINE(GUST_MS(3));
    return recv(ends[0], &byte, 1, 0) < 0 ? errno : 0;
}

static void a_deadline_ends_recv_and_shuts_the_connection(void **state)
{
    (void)state;
    open_connection(ends);
    assert_int_equal(run(recv_with_deadline), ETIMEDOUT);
    assert_true(was_shut(ends[1]));
    close_two(ends);
}

static int recv_keeping(void *unused)
{
    (void)unused;
    GUST_GREEN_KEEP;
    return recv_with_deadline(NULL);
}

static void a_scope_keeps_the_connection(void **state)
{
    (void)state;
    open_connection(ends);
    assert_int_equal(run(recv_keeping), ETIMEDOUT);
    assert_true(lives(ends[1]));
    close_two(ends);
}

static int poll_with_deadline(void *unused)
{
    struct pollfd entry = {.fd = ends[0], .events = POLLIN | POLLERR};
    (void)unused;
    GUST_DEADLINE(GUST_MS(3));
    return poll(&entry, 1, -1) < 0 ? errno : 0;
}

static void a_deadline_ends_poll_and_shuts_the_connection(void **state)
{
    (void)state;
    open_connection(ends);
    assert_int_equal(run(poll_with_deadline), ETIMEDOUT);
    assert_true(was_shut(ends[1]));
    close_two(ends);
}

/* An answer that comes as the wait is cut short would be the next question's. */
static int wait_to_write_with_deadline(void *unused)
{
    static const char much[1 << 16];
    char byte;
    (void)unused;
    while (send(ends[0], much, sizeof(much), MSG_DONTWAIT) > 0)
        ;
    {
        GUST_DEADLINE(GUST_MS(3));
        if (send(ends[0], much, sizeof(much), 0) >= 0 || errno != ETIMEDOUT)
            return -2;
    }
    return (int)recv(ends[0], &byte, 1, MSG_DONTWAIT);
}

static void of_an_interrupted_connection_nothing_that_had_come_is_read(void **state)
{
    (void)state;
    open_connection(ends);
    assert_int_equal(send(ends[1], "late", 4, 0), 4);
    assert_int_equal(run(wait_to_write_with_deadline), 0);
    close_two(ends);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(send(ends[1], "late", 4, 0), 4);
    assert_int_equal(run(wait_to_write_with_deadline), 0);
    close_two(ends);
}

static int poll_two_with_deadline(void *unused)
{
    struct pollfd entries[2] = {{.fd = ends[0], .events = POLLIN}, {.fd = other[0], .events = POLLIN}};
    (void)unused;
    GUST_DEADLINE(GUST_MS(3));
    return poll(entries, 2, -1) < 0 ? errno : 0;
}

static void of_several_the_socketpair_that_wakes_a_library_is_left_alone(void **state)
{
    (void)state;
    open_connection(ends);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    assert_int_equal(run(poll_two_with_deadline), ETIMEDOUT);
    assert_true(was_shut(ends[1]));
    assert_true(lives(other[1]));
    close_two(ends);
    close_two(other);
}

static int poll_in_time(void *unused)
{
    struct pollfd entry = {.fd = ends[0], .events = POLLIN};
    (void)unused;
    GUST_DEADLINE(GUST_S(10));
    return poll(&entry, 1, 3);
}

static void polls_own_timeout_harms_nobody(void **state)
{
    (void)state;
    open_connection(ends);
    assert_int_equal(run(poll_in_time), 0);
    assert_true(lives(ends[1]));
    close_two(ends);
}

/* The earlier of the two rules. */
static int recv_with_two_limits(void *argument)
{
    const int *milliseconds = argument;
    struct timeval own = {0, milliseconds[0] * 1000};
    char byte;
    GUST_DEADLINE(GUST_MS(milliseconds[1]));
    setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &own, sizeof(own));
    return recv(ends[0], &byte, 1, 0) < 0 ? errno : 0;
}

static void the_earlier_of_deadline_and_receive_timeout_rules(void **state)
{
    int own_first[2] = {10, 5000}, scope_first[2] = {900, 10};
    (void)state;
    open_connection(ends);
    assert_int_equal(gust_run(recv_with_two_limits, own_first, GUST_S(20)), EAGAIN);
    assert_true(lives(ends[1]));
    assert_int_equal(gust_run(recv_with_two_limits, scope_first, GUST_S(20)), ETIMEDOUT);
    assert_true(was_shut(ends[1]));
    close_two(ends);
}

static int code;

static int recv_until_cancelled(void *unused)
{
    char byte;
    (void)unused;
    code = recv(ends[0], &byte, 1, 0) < 0 ? errno : 0;
    return 0;
}

static int cancel_it(void *unused)
{
    (void)unused;
    GUST_GROUP(group);
    gust_go(&group, recv_until_cancelled, NULL);
    gust_sleep(GUST_MS(2));
    gust_group_cancel(&group);
    gust_group_wait(&group);
    return 0;
}

static void a_cancel_ends_recv(void **state)
{
    (void)state;
    open_connection(ends);
    code = 0;
    assert_int_equal(run(cancel_it), 0);
    assert_int_equal(code, ECANCELED);
    assert_true(was_shut(ends[1]));
    close_two(ends);
}

static int turns;

static int take_turns(void *unused)
{
    (void)unused;
    while (turns >= 0 && turns < 100000)
        turns++, gust_yield();
    return 0;
}

static int retry_for_ever(void *unused)
{
    char byte;
    (void)unused;
    GUST_GROUP(group);
    gust_go(&group, take_turns, NULL);
    {
        GUST_DEADLINE(GUST_MS(1));
        GUST_GREEN_KEEP;
        for (int i = 0; i < 50; i++) {
            if (recv(ends[0], &byte, 1, 0) != -1 || errno != ETIMEDOUT)
                return -1;
        }
    }
    int seen = turns;
    turns = -1;
    return seen >= 49 ? 0 : -1;
}

static void each_failed_call_lets_others_run(void **state)
{
    (void)state;
    open_connection(ends);
    turns = 0;
    assert_int_equal(run(retry_for_ever), 0);
    close_two(ends);
}

static int accept_with_deadline(void *unused)
{
    (void)unused;
    GUST_DEADLINE(GUST_MS(3));
    return accept(ends[0], NULL, NULL) < 0 ? errno : 0;
}

static void a_listening_socket_goes_on_listening(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    (void)state;
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(ends[0], (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(ends[0], 1), 0);
    getsockname(ends[0], (struct sockaddr *)&address, &length);
    assert_int_equal(run(accept_with_deadline), ETIMEDOUT);
    ends[1] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(ends[1], (struct sockaddr *)&address, length), 0);
    close_two(ends);
}

static int64_t ran;

static int count_up(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++)
        ran++, gust_yield();
    return 0;
}

static int poll_switched_off(void *unused)
{
    (void)unused;
    GUST_GROUP(group);
    gust_go(&group, count_up, NULL);
    {
        GUST_GREEN_OFF;
        poll(NULL, 0, 5); /* blocks the thread */
        if (ran != 0)
            return -1;
    }
    poll(NULL, 0, 1);
    return ran != 0 ? 0 : -1;
}

static void a_scope_switches_interposition_off(void **state)
{
    (void)state;
    ran = 0;
    assert_int_equal(run(poll_switched_off), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_ends_recv_and_shuts_the_connection),
        cmocka_unit_test(a_scope_keeps_the_connection),
        cmocka_unit_test(a_deadline_ends_poll_and_shuts_the_connection),
        cmocka_unit_test(of_an_interrupted_connection_nothing_that_had_come_is_read),
        cmocka_unit_test(of_several_the_socketpair_that_wakes_a_library_is_left_alone),
        cmocka_unit_test(polls_own_timeout_harms_nobody),
        cmocka_unit_test(the_earlier_of_deadline_and_receive_timeout_rules),
        cmocka_unit_test(a_cancel_ends_recv),
        cmocka_unit_test(each_failed_call_lets_others_run),
        cmocka_unit_test(a_listening_socket_goes_on_listening),
        cmocka_unit_test(a_scope_switches_interposition_off),
    };
    gust_green_require();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
