/* Lines with a backtrace on a thread that runs a loop: written by another, in order, and none is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/lock.h"
#include "base/log_int.h"
#include "base/sanitize.h"
#include "base/sys.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- a sink that can be held ---- */

static struct gust__lock gate;
static struct gust__lock seen_lock;
static char seen[1100][80];
static size_t seen_count;
static pid_t seen_by;
static _Atomic int entered;

static void keep(void *argument, const gust_log_line *line)
{
    (void)argument;
    atomic_store(&entered, 1);
    gust__lock_take(&gate);
    gust__lock_drop(&gate);
    gust__lock_take(&seen_lock);
    if (strstr(line->text, "\n      at ") || strstr(line->text, "\n    "))
        seen_by = gust__sys_gettid();
    snprintf(seen[seen_count++ % 1100], 80, "%.*s", (int)strcspn(line->text, "\n"), line->text);
    gust__lock_drop(&seen_lock);
}

static int set_up(void **state)
{
    (void)state;
    seen_count = 0;
    seen_by = 0;
    atomic_store(&entered, 0);
    gust_log_sink(keep, NULL);
    gust__log_defers = true;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gust__log_defers = false;
    gust_log_sink(NULL, NULL);
    return 0;
}

static void log_error(const char *what)
{
    gust_error_set(EIO, "broken");
    gust__log_error(GUST_ERROR, gust_error_last(), what);
}

static void lines_keep_their_order(void **state)
{
    (void)state;
    gust__lock_take(&gate); /* nothing is written now, and nobody waits for that */
    log_error("first");
    gust_log(GUST_INFO, "second");
    log_error("third");
    gust_log(GUST_INFO, "fourth");
    gust__lock_drop(&gate);
    gust__log_drain();
    gust_log(GUST_INFO, "fifth");
    assert_int_equal(seen_count, 5);
    assert_string_equal(seen[0], "first: broken");
    assert_string_equal(seen[1], "second");
    assert_string_equal(seen[2], "third: broken");
    assert_string_equal(seen[3], "fourth");
    assert_string_equal(seen[4], "fifth");
    assert_true(seen_by != 0 && seen_by != gust__sys_gettid());
}

static void without_a_loop_it_is_written_at_once(void **state)
{
    (void)state;
    gust__log_defers = false;
    log_error("now");
    assert_int_equal(seen_count, 1);
    assert_int_equal(seen_by, gust__sys_gettid());
}

static void a_new_sink_gets_no_line_from_before(void **state)
{
    (void)state;
    log_error("before");
    gust_log_sink(NULL, NULL);
    assert_int_equal(seen_count, 1);
}

static _Atomic int logged_one_more;

static void log_one_more(void *argument)
{
    gust_log(GUST_INFO, "%s", (const char *)argument);
    atomic_store(&logged_one_more, 1);
}

static void who_logs_too_much_waits(void **state)
{
    (void)state;
    struct gust__thread thread;
    struct timespec a_while = {.tv_nsec = 50 * 1000 * 1000};
    gust__lock_take(&gate);
    log_error("0");
    while (!atomic_load(&entered))
        sched_yield();
    for (int i = 1; i < 1000; i++)
        gust_log(GUST_INFO, "%d", i);
    assert_int_equal(gust__thread_start(&thread, "one-more", log_one_more, "1000"), 0);
    gust__sys_nanosleep(&a_while, NULL);
    assert_false(atomic_load(&logged_one_more));
    gust__lock_drop(&gate);
    gust__thread_join(&thread);
    gust__log_drain();
    assert_int_equal(seen_count, 1001);
    for (int i = 1; i < 1001; i++)
        assert_int_equal(atoi(seen[i]), i);
}

/* What a child that runs function wrote to standard error. */
static void errors_of_child(void (*function)(void), char *text, size_t size)
{
    int ends[2];
    size_t length = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        function();
        _exit(99);
    }
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], text + length, size - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#ifndef GUST__TSAN
static void log_and_exit(void)
{
    gust_log_sink(NULL, NULL);
    gust__log_defers = true;
    log_error("last words");
    gust_log(GUST_INFO, "and more");
    exit(0);
}

static void exit_loses_nothing(void **state)
{
    (void)state;
    char text[20000];
    errors_of_child(log_and_exit, text, sizeof(text));
    const char *words = strstr(text, "last words: broken\n      at "), *more = strstr(text, "and more\n");
    assert_non_null(words);
    assert_non_null(more);
    assert_true(words < more);
}
#endif

static void log_plainly(void)
{
    gust_log_sink(NULL, NULL);
    gust_log(GUST_INFO, "the child's own");
}

static void a_child_does_not_write_what_its_parent_will(void **state)
{
    (void)state;
    char text[20000];
    gust__lock_take(&gate);
    log_error("the parent's");
    while (!atomic_load(&entered))
        sched_yield();
    gust_log(GUST_INFO, "the parent's, too");
    errors_of_child(log_plainly, text, sizeof(text));
    gust__lock_drop(&gate);
    gust__log_drain();
    assert_int_equal(seen_count, 2);
    assert_null(strstr(text, "parent"));
    assert_non_null(strstr(text, "the child's own\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_keep_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_loop_it_is_written_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_sink_gets_no_line_from_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_logs_too_much_waits, set_up, tear_down),
#ifndef GUST__TSAN /* it allows a child of several threads none of its own, and the log's may just be ending \
                    */
        cmocka_unit_test_setup_teardown(exit_loses_nothing, set_up, tear_down),
#endif
        cmocka_unit_test_setup_teardown(a_child_does_not_write_what_its_parent_will, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
