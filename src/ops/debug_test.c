/* The watchdog, the dump and the figures, from inside; tests/test_watchdog.py has them in a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log_int.h"
#include "base/sys.h"
#include "coro/sanitizer.h"

#include <gust/coroutine.h>
#include <gust/debug.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic int reports;
static char reported[20000];

static void keep(void *argument, const gust_log_line *line)
{
    (void)argument;
    if (!strstr(line->text, "holds the loop up"))
        return;
    snprintf(reported, sizeof(reported), "%s", line->text);
    atomic_fetch_add(&reports, 1);
}

static int set_up(void **state)
{
    (void)state;
    atomic_store(&reports, 0);
    gust_log_sink(keep, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gust_log_sink(NULL, NULL);
    return 0;
}

/* ---- the watchdog ---- */

static bool spin_until_reported(int wanted)
{
    int64_t end = gust__clock_now() + GUST_S(20);
    while (atomic_load(&reports) < wanted && gust__clock_now() < end)
        continue;
    return atomic_load(&reports) >= wanted;
}

static int hold_up(void *argument)
{
    (void)argument;
    gust_coroutine_set_name("the culprit");
    assert_int_equal(gust_watchdog(GUST_MS(20)), 0);
    assert_true(spin_until_reported(1));
    assert_true(spin_until_reported(2));             /* it lasts */
    assert_int_equal(gust_watchdog(GUST_MS(30)), 0); /* another limit */
    gust_yield();
    assert_true(spin_until_reported(3)); /* once more */
    return 0;
}

static void reports_while_it_lasts(void **state)
{
    (void)state;
    assert_int_equal(gust_run(hold_up, NULL, 0), 0);
#ifndef GUST__TSAN /* which hands signals on later, and between calls */
    assert_memory_equal(reported, "the culprit holds the loop up, since ", 37);
    assert_non_null(strstr(reported, "spin_until_reported"));
#endif
}

static int hold_up_unwatched(void *argument)
{
    (void)argument;
    assert_int_equal(gust_watchdog(GUST_MS(5)), 0);
    assert_int_equal(gust_watchdog(0), 0);
    int64_t end = gust__clock_now() + GUST_MS(100);
    while (gust__clock_now() < end)
        continue;
    return 0;
}

static void switched_off_it_reports_nothing(void **state)
{
    (void)state;
    assert_int_equal(gust_run(hold_up_unwatched, NULL, 0), 0);
    assert_int_equal(reports, 0);
    assert_int_equal(gust_watchdog(GUST_MS(5)), -1);
    assert_int_equal(errno, EDEADLK);
}

static int sleep_watched(void *argument)
{
    (void)argument;
    assert_int_equal(gust_watchdog(GUST_MS(10)), 0);
    return gust_sleep(GUST_MS(100));
}

static void a_loop_that_sleeps_is_not_held_up(void **state)
{
    (void)state;
    assert_int_equal(gust_run(sleep_watched, NULL, 0), 0);
    assert_int_equal(reports, 0);
}

/* ---- the dump ---- */

static int park_somewhere(void *argument)
{
    (void)argument;
    int result = gust_sleep(GUST_S(1000));
    __asm__ volatile(""); /* no tail call: the dump is to name this function */
    return result;
}

static int read_all(int fd, char *text, size_t size)
{
    ssize_t got = pread(fd, text, size - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    return (int)got;
}

static int dump_all(void *argument)
{
    static char text[20000];
    (void)argument;
    int fd = memfd_create("dump", MFD_CLOEXEC);
    GUST_GROUP(group);
    for (int i = 0; i < 3; i++)
        gust_go(&group, park_somewhere, NULL);
    gust_yield();
    gust_go(&group, park_somewhere, NULL); /* not begun */
    gust_coroutine_set_name("who \033 asks");
    assert_int_equal(gust_dump(fd), 0);
    assert_true(read_all(fd, text, sizeof(text)) > 0);
    assert_memory_equal(text, "---- 5 coroutines of process ", 29);
    assert_non_null(strstr(text, "\n3 all here:\n"));
#ifndef GUST_PORTABLE_SWITCH
    assert_non_null(strstr(text, "  at park_somewhere"));
#endif
    assert_non_null(strstr(text, "\n    coroutine 2: sleep, for "));
    assert_non_null(strstr(text, "\n1 that have not begun:\n    coroutine 5: not begun, for "));
    assert_non_null(strstr(text, "\n    who ? asks: runs, for "));
    assert_non_null(strstr(text, "\n---- end of 5 coroutines ----\n"));
    close(fd);
    assert_int_equal(gust_dump(fd), -1);
    assert_int_equal(errno, EBADF);
    gust_group_cancel(&group);
    return 0;
}

static void a_dump_has_all(void **state)
{
    (void)state;
    assert_int_equal(gust_run(dump_all, NULL, 0), 0);
    assert_int_equal(gust_dump(2), -1);
    assert_int_equal(errno, EDEADLK);
}

/* ---- figures ---- */

static int never(int fd, unsigned events, void *argument)
{
    (void)fd, (void)events, (void)argument;
    return 0;
}

static int measure(void *argument)
{
    (void)argument;
    gust_stats stats, old;
    GUST_GROUP(group);
    for (int i = 0; i < 3; i++)
        gust_go(&group, park_somewhere, NULL);
    gust_loop_stats(gust_loop_current(), &stats);
    assert_int_equal(stats.coroutines, 4);
    assert_int_equal(stats.ready, 3);
    gust_yield();
    gust_loop_stats(gust_loop_current(), &stats);
    assert_int_equal(stats.ready, 0);
    assert_int_equal(stats.timers, 3);
    assert_int_equal(stats.descriptors, 0);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    gust_watch *watch = gust_watch_new(NULL, ends[0], GUST_READABLE, never, NULL);
    gust_loop_stats(gust_loop_current(), &stats);
    assert_int_equal(stats.descriptors, 1);
    gust_watch_free(watch);
    close(ends[0]);
    close(ends[1]);
    int64_t end = gust__clock_now() + GUST_MS(20);
    while (gust__clock_now() < end)
        continue;
    gust_yield();
    uint64_t before = stats.iterations;
    gust_loop_stats(gust_loop_current(), &stats);
    assert_true(stats.iterations > before);
    assert_true(stats.lag_max >= GUST_MS(20));
    assert_true(stats.lag_mean > 0 && stats.lag_mean < stats.lag_max);
    memset(&old, 0x55, sizeof(old)); /* of a program that knows the first member only */
    gust__loop_stats(gust_loop_current(), &old, sizeof(old.iterations));
    assert_int_equal(old.iterations, stats.iterations);
    assert_int_equal(old.lag_mean, 0x5555555555555555);
    gust_group_cancel(&group);
    return 0;
}

static void figures_count_and_measure(void **state)
{
    (void)state;
    assert_int_equal(gust_run(measure, NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reports_while_it_lasts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(switched_off_it_reports_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_loop_that_sleeps_is_not_held_up, set_up, tear_down),
        cmocka_unit_test(a_dump_has_all),
        cmocka_unit_test(figures_count_and_measure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
