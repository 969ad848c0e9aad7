/* What the tests of this folder and of net share: a loop for each test, and a count of descriptors before and
 * after. */
#ifndef GUST_POOL_LOOP_FOR_TESTS_H
#define GUST_POOL_LOOP_FOR_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "coro/coroutine.h"
#include "loop/loop.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static gust_loop *test_loop;
static gust_loop *test_loop_before;
static int test_descriptors;

__attribute__((unused)) static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = -3; /* ".", ".." and the folder itself */
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

__attribute__((unused)) static int set_up_loop(void **state)
{
    (void)state;
    test_descriptors = count_descriptors();
    test_loop = gust_loop_new();
    assert_non_null(test_loop);
    test_loop_before = gust__loop_enter(test_loop);
    return 0;
}

__attribute__((unused)) static int tear_down_loop(void **state)
{
    (void)state;
    gust__loop_leave(test_loop_before);
    gust_loop_free(test_loop);
    assert_int_equal(count_descriptors(), test_descriptors);
    return 0;
}

#define loop_test(function) cmocka_unit_test_setup_teardown(function, set_up_loop, tear_down_loop)

/* Runs the loop until the condition holds; fails after 20 s without. */
#define RUN_UNTIL(condition)                                                \
    do {                                                                    \
        int64_t run_until_end = gust__clock_now() + GUST_S(20);             \
        while (!(condition)) {                                              \
            assert_true(gust__clock_now() < run_until_end);                 \
            gust__loop_iterate(test_loop, gust__clock_now() + GUST_MS(20)); \
        }                                                                   \
    } while (0)

/* Lets the loop do all that it has to do now. */
__attribute__((unused)) static void settle(void)
{
    for (int i = 0; i < 5; i++)
        gust__loop_iterate(test_loop, 0);
}

/* Runs function(argument) in a coroutine of the test's loop, to its end; its result. */
struct test_call {
    int (*function)(void *argument);
    void *argument;
    int result;
    bool ended;
};

__attribute__((unused)) static int run_test_call(void *argument)
{
    struct test_call *call = argument;
    call->result = call->function(call->argument);
    call->ended = true;
    return 0;
}

__attribute__((unused)) static int in_coroutine(int (*function)(void *argument), void *argument)
{
    struct test_call call = {function, argument, 0, false};
    assert_non_null(gust__coroutine_start(test_loop, NULL, NULL, run_test_call, &call));
    RUN_UNTIL(call.ended);
    return call.result;
}

/* A blocking client, connected; -1 and errno. */
__attribute__((unused)) static int connect_tcp(unsigned port, int family)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_addr = in6addr_loopback;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    int result = family == AF_INET ? connect(fd, (struct sockaddr *)&v4, sizeof(v4))
                                   : connect(fd, (struct sockaddr *)&v6, sizeof(v6));
    if (result == 0)
        return fd;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

__attribute__((unused)) static int connect_local(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    memcpy(address.sun_path, path, length + (path[0] != '@'));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, (socklen_t)(2 + length + (path[0] != '@'))) == 0)
        return fd;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

__attribute__((unused)) static bool machine_has_v6(void)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&v6, sizeof(v6)) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

#endif
