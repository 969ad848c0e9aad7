/* The table of gust's own children: who is in it, and how one ended that somebody else reaped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/children.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child_that_exits(int code)
{
    assert_int_equal(gust__children_begin(), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(code);
    gust__children_end(pid);
    assert_true(pid > 0);
    return pid;
}

static void knows_its_own_and_forgets_them(void **state)
{
    (void)state;
    enum { many = 100 };
    for (pid_t pid = 1000; pid < 1000 + many; pid++)
        assert_int_equal(gust__children_add(pid), 0);
    for (pid_t pid = 1000; pid < 1000 + many; pid += 2)
        gust__children_remove(pid);
    for (pid_t pid = 1000; pid < 1000 + many; pid++)
        assert_int_equal(gust__children_owns(pid), pid % 2);
    assert_false(gust__children_owns(999));
    assert_int_equal(gust__children_count(), many / 2);
    for (pid_t pid = 1000; pid < 1000 + many; pid++)
        gust__children_remove(pid);
    assert_int_equal(gust__children_count(), 0);
}

static void none_is_added_where_none_was_made(void **state)
{
    (void)state;
    assert_int_equal(gust__children_begin(), 0);
    gust__children_end(-1);
    assert_int_equal(gust__children_count(), 0);
    assert_false(gust__children_owns(-1));
}

static void reaps_a_child(void **state)
{
    (void)state;
    siginfo_t info;
    pid_t pid = child_that_exits(7);
    assert_int_equal(gust__children_wait(pid, &info, WEXITED), 1);
    assert_int_equal(info.si_code, CLD_EXITED);
    assert_int_equal(info.si_status, 7);
    gust__children_remove(pid);
    assert_int_equal(waitpid(pid, NULL, 0), -1);
}

static void tells_how_a_child_ended_that_another_reaped(void **state)
{
    (void)state;
    siginfo_t info = {0}, told;
    pid_t pid = child_that_exits(9);
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
    assert_true(gust__children_take(info.si_pid));
    assert_int_equal(waitpid(pid, NULL, 0), -1);
    assert_true(gust__children_take(pid));
    assert_int_equal(gust__children_wait(pid, &told, WEXITED | WNOWAIT), 1);
    assert_int_equal(gust__children_wait(pid, &told, WEXITED | WNOHANG), 1);
    assert_int_equal(told.si_status, 9);
    gust__children_remove(pid);
    assert_false(gust__children_take(pid));
    assert_int_equal(gust__children_wait(pid, &told, WEXITED | WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void a_child_that_runs_and_a_strangers_are_left_alone(void **state)
{
    (void)state;
    siginfo_t info;
    pid_t stranger = fork();
    if (stranger == 0)
        _exit(3);
    assert_int_equal(gust__children_begin(), 0);
    pid_t own = fork();
    if (own == 0)
        for (;;)
            pause();
    gust__children_end(own);
    assert_true(gust__children_take(own));
    assert_int_equal(gust__children_wait(own, &info, WEXITED | WNOHANG), 0);
    assert_int_equal(waitid(P_PID, (id_t)stranger, &info, WEXITED | WNOWAIT), 0);
    assert_false(gust__children_take(stranger));
    assert_int_equal(waitpid(stranger, NULL, 0), stranger);
    kill(own, SIGKILL);
    assert_int_equal(gust__children_wait(own, &info, WEXITED), 1);
    assert_int_equal(info.si_status, SIGKILL);
    gust__children_remove(own);
}

static void a_forked_child_has_none(void **state)
{
    (void)state;
    int status;
    assert_int_equal(gust__children_add(1000), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(gust__children_owns(1000) || gust__children_count() != 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(gust__children_owns(1000));
    gust__children_remove(1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_its_own_and_forgets_them),
        cmocka_unit_test(none_is_added_where_none_was_made),
        cmocka_unit_test(reaps_a_child),
        cmocka_unit_test(tells_how_a_child_ended_that_another_reaped),
        cmocka_unit_test(a_child_that_runs_and_a_strangers_are_left_alone),
        cmocka_unit_test(a_forked_child_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
