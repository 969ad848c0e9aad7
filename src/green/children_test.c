/* A program's wait for any child does not find those that gust itself started. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/children.h"

#include <gust/coroutine.h>
#include <gust/green.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t own, stranger;

static pid_t start_own(int code)
{
    assert_int_equal(gust__children_begin(), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(code);
    gust__children_end(pid);
    assert_true(pid > 0);
    return pid;
}

/* The own one is a zombie before the other has begun. */
static void start_both(void)
{
    siginfo_t info;
    own = start_own(5);
    assert_int_equal(waitid(P_PID, (id_t)own, &info, WEXITED | WNOWAIT), 0);
    stranger = fork();
    if (stranger == 0) {
        usleep(20000);
        _exit(6);
    }
}

static void own_is_still_known(void)
{
    siginfo_t info;
    assert_int_equal(gust__children_wait(own, &info, WEXITED), 1);
    assert_int_equal(info.si_status, 5);
    gust__children_remove(own);
}

static int use_waitpid(void *argument)
{
    (void)argument;
    int status;
    start_both();
    assert_int_equal(waitpid(-1, &status, WNOHANG), 0);
    assert_int_equal(waitpid(-1, &status, 0), stranger);
    assert_int_equal(WEXITSTATUS(status), 6);
    own_is_still_known();
    start_both();
    assert_int_equal(wait(&status), stranger);
    own_is_still_known();
    start_both();
    assert_int_equal(wait3(&status, 0, NULL), stranger);
    own_is_still_known();
    assert_int_equal(waitpid(-1, &status, 0), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

static int use_waitid(void *argument)
{
    (void)argument;
    siginfo_t info = {0};
    start_both();
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), 0);
    assert_int_equal(info.si_pid, 0);
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(info.si_pid, stranger);
    assert_int_equal(waitid(P_ALL, 0, NULL, WEXITED), 0);
    own_is_still_known();
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

static void on_a_coroutine(void **state)
{
    (void)state;
    assert_int_equal(gust_run(use_waitpid, NULL, 0), 0);
    assert_int_equal(gust_run(use_waitid, NULL, 0), 0);
}

static void on_a_plain_thread(void **state)
{
    (void)state;
    use_waitpid(NULL);
    use_waitid(NULL);
}

int main(void)
{
    gust_green_on();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_a_coroutine),
        cmocka_unit_test(on_a_plain_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
