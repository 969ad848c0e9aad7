/* Reading and writing on coroutines: who waits, and that nobody else does. */
#include <gust/coroutine.h>
#include <gust/green.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
    int ends[2];
    char got[16];
    ssize_t result;
};

static int read_one(void *argument)
{
    struct pair *pair = argument;
    pair->result = read(pair->ends[0], pair->got, sizeof(pair->got));
    return 0;
}

static int write_one(void *argument)
{
    const struct pair *pair = argument;
    return write(pair->ends[1], "hello", 5) == 5 ? 0 : -1;
}

static int read_and_write(void *argument)
{
    GUST_GROUP(both);
    gust_go(&both, read_one, argument);
    gust_go(&both, write_one, argument);
    return gust_group_wait(&both);
}

static void a_read_lets_another_coroutine_write(void **state)
{
    struct pair pair;
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.ends), 0);
    assert_int_equal(gust_run(read_and_write, &pair, GUST_S(10)), 0);
    assert_int_equal(pair.result, 5);
    assert_memory_equal(pair.got, "hello", 5);
    close(pair.ends[0]);
    close(pair.ends[1]);
}

static int read_until_deadline(void *argument)
{
    struct pair *pair = argument;
    GUST_DEADLINE(GUST_MS(5));
    pair->result = read(pair->ends[0], pair->got, sizeof(pair->got));
    return pair->result < 0 ? errno : 0;
}

static void a_deadline_ends_a_read_and_shuts_the_socket(void **state)
{
    struct pair pair;
    char byte;
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.ends), 0);
    assert_int_equal(gust_run(read_until_deadline, &pair, GUST_S(10)), ETIMEDOUT);
    assert_int_equal(recv(pair.ends[1], &byte, 1, MSG_DONTWAIT), 0);
    close(pair.ends[0]);
    close(pair.ends[1]);
}

static void everything_is_bound(void **state)
{
    (void)state;
    if (gust_green_on() < 0)
        fail_msg("%s", gust_error_text(gust_error_last()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_bound),
        cmocka_unit_test(a_read_lets_another_coroutine_write),
        cmocka_unit_test(a_deadline_ends_a_read_and_shuts_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
