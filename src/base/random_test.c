#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/context.h"
#include "base/faults.h"
#include "base/lock.h"
#include "base/random.h"

static void bytes_fill_all_that_was_asked_for(void **state)
{
    (void)state;
    unsigned char bytes[3000] = {0};
    assert_int_equal(gust__random_bytes(bytes + 1, sizeof(bytes) - 2), 0);
    assert_int_equal(bytes[0] | bytes[sizeof(bytes) - 1], 0);
    unsigned zeros = 0;
    for (size_t i = 2000; i < 2999; i++)
        zeros += bytes[i] == 0;
    assert_true(zeros < 50);
    assert_int_equal(gust__random_bytes(bytes, 0), 0);
}

static void numbers_differ_and_use_all_bits(void **state)
{
    (void)state;
    uint64_t any = 0, all = UINT64_MAX, before = gust__random_u64();
    for (int i = 0; i < 1000; i++) {
        uint64_t next = gust__random_u64();
        assert_int_not_equal(next, before);
        any |= next;
        all &= next;
        before = next;
    }
    assert_int_equal(any, UINT64_MAX);
    assert_int_equal(all, 0);
}

static void a_forked_child_has_other_numbers(void **state)
{
    (void)state;
    struct gust__context context = {0};
    gust__random_u64();
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    gust__current = (struct gust__coroutine *)(void *)&context;
    pid_t child = fork();
    if (child == 0) {
        uint64_t number = gust__current ? 0 : gust__random_u64(); /* a child runs in no coroutine */
        _exit(write(fds[1], &number, sizeof(number)) == sizeof(number) ? 0 : 1);
    }
    gust__current = NULL;
    uint64_t ours = gust__random_u64(), theirs = 0;
    assert_int_equal(read(fds[0], &theirs, sizeof(theirs)), sizeof(theirs));
    assert_int_not_equal(theirs, 0);
    assert_int_not_equal(ours, theirs);
    waitpid(child, NULL, 0);
    close(fds[0]);
    close(fds[1]);
}

static void take_one(void *argument)
{
    *(uint64_t *)argument = gust__random_u64();
}

static void each_thread_has_its_own(void **state)
{
    (void)state;
    uint64_t numbers[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        struct gust__thread thread;
        assert_int_equal(gust__thread_start(&thread, "random", take_one, &numbers[i]), 0);
        gust__thread_join(&thread);
    }
    assert_int_not_equal(numbers[0], numbers[1]);
}

#ifdef GUST_FAULTS
static void take_two(void *argument)
{
    uint64_t *numbers = argument;
    errno = 77;
    numbers[0] = gust__random_u64();
    numbers[1] = gust__random_u64();
    numbers[2] = (uint64_t)errno;
}

static void without_the_kernel_bytes_fail_and_numbers_do_not(void **state)
{
    (void)state;
    char bytes[8];
    uint64_t numbers[3] = {0};
    struct gust__thread thread;
    gust__faults_sys_at("getrandom", 1, false, EINTR);
    assert_int_equal(gust__random_bytes(bytes, sizeof(bytes)), 0);
    gust__faults_sys_at("getrandom", 1, true, ENOSYS);
    assert_int_equal(gust__random_bytes(bytes, sizeof(bytes)), -1);
    assert_int_equal(errno, ENOSYS);
    assert_int_equal(gust__thread_start(&thread, "random", take_two, numbers), 0);
    gust__thread_join(&thread);
    gust__faults_set(NULL);
    assert_int_not_equal(numbers[0], numbers[1]);
    assert_int_equal(numbers[2], 77);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_fill_all_that_was_asked_for),
        cmocka_unit_test(numbers_differ_and_use_all_bits),
        cmocka_unit_test(a_forked_child_has_other_numbers),
        cmocka_unit_test(each_thread_has_its_own),
#ifdef GUST_FAULTS
        cmocka_unit_test(without_the_kernel_bytes_fail_and_numbers_do_not),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
