/* Signal handlers that run while coroutines wait: the main coroutine's call ends with EINTR, no other's. */
#include "loop/loop.h"

#include <gust/coroutine.h>
#include <gust/green.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2], other[2];
static pthread_t self;
static volatile sig_atomic_t handled;

static void handler(int signal)
{
    handled = signal;
}

static void handle(int signal, int flags)
{
    const struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    assert_int_equal(sigaction(signal, &action, NULL), 0);
}

static pid_t self_number; /* of that thread */

static bool is_asleep(void)
{
    char path[64], state = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)self_number);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%*d %*[^)]) %c", &state) != 1)
        abort();
    fclose(file);
    return state == 'S';
}

/* A handler that runs before the loop waits ends nothing. */
static void await_sleep(void)
{
    for (int asleep = 0; asleep < 10; asleep = is_asleep() ? asleep + 1 : 0)
        usleep(2000);
}

static void *signal_after_a_moment(void *unused)
{
    (void)unused;
    await_sleep();
    pthread_kill(self, SIGUSR1);
    usleep(20000);
    (void)!write(other[1], "o", 1);
    usleep(20000);
    (void)!write(ends[1], "e", 1);
    return NULL;
}

/* Runs function while a thread first signals this one, and then writes to both pairs. -> what it returned */
static int with_signal(int (*function)(void *))
{
    pthread_t thread;
    self = pthread_self();
    self_number = gettid();
    handled = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    pthread_create(&thread, NULL, signal_after_a_moment, NULL);
    int result = gust_run(function, NULL, GUST_S(20));
    pthread_join(thread, NULL);
    assert_int_equal(handled, SIGUSR1);
    close(ends[0]), close(ends[1]), close(other[0]), close(other[1]);
    return result;
}

static int end(void **state)
{
    (void)state;
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    return 0;
}

/* 0 for a byte, or errno. */
static int receive(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0) == 1 ? 0 : errno;
}

static int sibling_result;

static int receive_in_sibling(void *unused)
{
    (void)unused;
    sibling_result = receive(other[0]);
    return 0;
}

static int receive_in_both(void *unused)
{
    (void)unused;
    GUST_GROUP(group);
    sibling_result = -1;
    gust_go(&group, receive_in_sibling, NULL);
    int mine = receive(ends[0]);
    gust_group_wait(&group);
    return mine;
}

static void of_two_the_main_coroutine_is_interrupted(void **state)
{
    (void)state;
    handle(SIGUSR1, 0);
    assert_int_equal(with_signal(receive_in_both), EINTR);
    assert_int_equal(sibling_result, 0);
}

static int poll_in_sibling(void *unused)
{
    struct pollfd entry = {.fd = other[0], .events = POLLIN};
    (void)unused;
    sibling_result = poll(&entry, 1, 5000) == 1 ? 0 : errno;
    return 0;
}

static int wait_for_sibling(void *unused)
{
    (void)unused;
    GUST_GROUP(group);
    gust_go(&group, poll_in_sibling, NULL);
    return gust_group_wait(&group);
}

static void while_the_main_coroutine_does_not_call_nobody_is(void **state)
{
    (void)state;
    handle(SIGUSR1, 0);
    assert_int_equal(with_signal(wait_for_sibling), 0);
    assert_int_equal(sibling_result, 0);
}

static int receive_twice(void *unused)
{
    (void)unused;
    if (receive(ends[0]) != EINTR)
        return 1;
    return receive(ends[0]); /* shut down, it would say the end */
}

static void an_interrupted_connection_goes_on(void **state)
{
    (void)state;
    handle(SIGUSR1, 0);
    assert_int_equal(with_signal(receive_twice), 0);
}

static int receive_in_main(void *unused)
{
    (void)unused;
    return receive(ends[0]);
}

static int poll_in_main(void *unused)
{
    struct pollfd entry = {.fd = ends[0], .events = POLLIN};
    (void)unused;
    return poll(&entry, 1, 5000) == 1 ? 0 : errno;
}

/* Nobody tells which of them ran. */
static void beside_a_handler_that_restarts_only_what_never_restarts_is_interrupted(void **state)
{
    (void)state;
    handle(SIGUSR1, 0);
    handle(SIGUSR2, SA_RESTART);
    assert_int_equal(with_signal(receive_in_main), 0);
    assert_int_equal(with_signal(poll_in_main), EINTR);
}

static void a_handler_whose_signal_is_blocked_does_not_count(void **state)
{
    sigset_t set, before;
    (void)state;
    handle(SIGUSR1, 0);
    handle(SIGUSR2, SA_RESTART);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    assert_int_equal(with_signal(receive_in_main), EINTR);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void gusts_own_handler_does_not_count(void **state)
{
    (void)state;
    handle(SIGUSR1, 0);
    handle(SIGUSR2, SA_RESTART);
    gust__loop_own_signal = SIGUSR2;
    assert_int_equal(with_signal(receive_in_main), EINTR);
    gust__loop_own_signal = SIGUSR1;
    assert_int_equal(with_signal(receive_in_main), 0);
    gust__loop_own_signal = 0;
}

static int receive_on_thread(void *unused)
{
    (void)unused;
    return receive(ends[0]);
}

static void *run_elsewhere(void *result)
{
    __atomic_store_n(&self_number, gettid(), __ATOMIC_RELEASE);
    *(int *)result = gust_run(receive_on_thread, NULL, GUST_S(20));
    return NULL;
}

static int receive_other(void *thread)
{
    (void)thread;
    return receive(other[0]);
}

/* Each loop's own thread: a handler on another interrupts nobody here. */
static void another_threads_handler_interrupts_its_own_loop(void **state)
{
    pthread_t loop;
    int result = -1;
    (void)state;
    handle(SIGUSR1, 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    self_number = 0;
    pthread_create(&loop, NULL, run_elsewhere, &result);
    while (!__atomic_load_n(&self_number, __ATOMIC_ACQUIRE))
        usleep(100);
    self = loop;
    pthread_t thread;
    pthread_create(&thread, NULL, signal_after_a_moment, NULL);
    assert_int_equal(gust_run(receive_other, NULL, GUST_S(20)), 0);
    pthread_join(loop, NULL);
    pthread_join(thread, NULL);
    assert_int_equal(result, EINTR);
    close(ends[0]), close(ends[1]), close(other[0]), close(other[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(of_two_the_main_coroutine_is_interrupted, end),
        cmocka_unit_test_teardown(while_the_main_coroutine_does_not_call_nobody_is, end),
        cmocka_unit_test_teardown(an_interrupted_connection_goes_on, end),
        cmocka_unit_test_teardown(beside_a_handler_that_restarts_only_what_never_restarts_is_interrupted,
                                  end),
        cmocka_unit_test_teardown(a_handler_whose_signal_is_blocked_does_not_count, end),
        cmocka_unit_test_teardown(gusts_own_handler_does_not_count, end),
        cmocka_unit_test_teardown(another_threads_handler_interrupts_its_own_loop, end),
    };
    gust_green_require();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
