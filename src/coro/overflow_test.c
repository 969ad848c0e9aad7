#include "coro/overflow.h"

#include "base/sys.h"
#include "coro/sanitizer.h"
#include "coro/switch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Each overflow happens in a child; what it wrote to standard error, and how it ended. */
struct outcome {
    char text[8192];
    int status;
};

static const char *name_at_the_top(struct gust__stack stack)
{
    return stack.low + stack.size - 64; /* where the child put it */
}

static struct gust__flow thread_flow, flow;
static struct gust__fiber thread_fiber, fiber;

static __attribute__((noinline)) int recurse(int left)
{
    volatile char frame[512];
    frame[0] = (char)left;
    if (left == 0)
        return frame[0];
    int below = recurse(left - 1);
    return below + frame[0];
}

static void run_deep(void *argument)
{
    gust__fiber_arrive(&fiber, &thread_fiber);
    recurse(*(int *)argument);
    gust__fiber_leave_last(&fiber, &thread_fiber);
    gust__flow_switch(&flow, &thread_flow);
    abort();
}

static void on_a_stack(const char *name, int levels)
{
    struct gust__stack_arena *arena = gust__stack_arena_new(&(struct gust__stack_options){.max = 10});
    struct gust__stack stack = {0};
    if (!arena || gust__stack_take(arena, &stack) < 0 || gust__stack_take(arena, &stack) < 0)
        exit(3);
    if (gust__overflow_install(name_at_the_top) < 0 || gust__overflow_enter(arena) < 0)
        exit(4);
    memcpy(stack.low + stack.size - 64, name, strlen(name) + 1);
    gust__fiber_init_thread(&thread_fiber);
    gust__fiber_init(&fiber, stack.low, stack.size - 64);
    gust__flow_init(&flow, stack.low, stack.size - 64, run_deep, &levels);
    gust__fiber_leave(&thread_fiber, &fiber);
    gust__flow_switch(&thread_flow, &flow);
    gust__fiber_arrive(&thread_fiber, &fiber);
    gust__fiber_fini(&fiber);
    gust__overflow_leave();
    gust__overflow_uninstall();
    gust__stack_arena_free(arena);
}

static void overflow(void)
{
    on_a_stack("GET /posts/7", 1000000);
}

static void overflow_with_a_bad_name(void)
{
    on_a_stack("a\x1b[2J\nb", 1000000);
}

static void fit(void)
{
    on_a_stack("shallow", 50);
}

static volatile char *volatile nowhere = (volatile char *)(uintptr_t)16;

static void fault_elsewhere(void)
{
    gust__overflow_install(name_at_the_top);
    *nowhere = 1;
}

static void be_sent_the_signal(void)
{
    gust__overflow_install(name_at_the_top);
    raise(SIGSEGV);
    exit(5);
}

static void on_segv(int signal)
{
    (void)signal;
    _exit(42);
}

static void fault_with_a_handler_of_its_own(void)
{
    signal(SIGSEGV, on_segv);
    gust__overflow_install(name_at_the_top);
    *nowhere = 1;
}

static struct outcome in_a_child(void (*run)(void))
{
    struct outcome outcome = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        signal(SIGSEGV, SIG_DFL); /* cmocka has a handler */
        signal(SIGBUS, SIG_DFL);
        alarm(60);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        run();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; length < sizeof(outcome.text) - 1; length += (size_t)got) {
        got = read(ends[0], outcome.text + length, sizeof(outcome.text) - 1 - length);
        if (got <= 0)
            break;
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, &outcome.status, 0), child);
    return outcome;
}

static void check_died_of_segv(const struct outcome *outcome)
{
    assert_true(WIFSIGNALED(outcome->status));
    assert_int_equal(WTERMSIG(outcome->status), SIGSEGV);
}

static size_t lines_with(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

static void an_overflow_is_reported_by_name_and_kills(void **state)
{
    (void)state;
    struct outcome outcome = in_a_child(overflow);
    check_died_of_segv(&outcome);
    assert_non_null(strstr(outcome.text, "gust: the stack of coroutine \"GET /posts/7\" overflowed ("));
    assert_true(lines_with(outcome.text, "+0x") >= 20); /* the recursion */
}

static int by_protection(void **state)
{
    (void)state;
    setenv("GUST_NO_GUARD_INSTALL", "1", 1);
    gust__stack_probe();
    return 0;
}

static int as_usual(void **state)
{
    (void)state;
    unsetenv("GUST_NO_GUARD_INSTALL");
    gust__stack_probe();
    return 0;
}

static void an_overflow_into_a_guard_by_mprotect_is_the_same(void **state)
{
    an_overflow_is_reported_by_name_and_kills(state);
}

static void control_characters_of_a_name_are_not_printed(void **state)
{
    (void)state;
    struct outcome outcome = in_a_child(overflow_with_a_bad_name);
    check_died_of_segv(&outcome);
    assert_non_null(strstr(outcome.text, "coroutine \"a?[2J?b\" overflowed"));
}

static void a_stack_that_suffices_is_no_event(void **state)
{
    (void)state;
    struct outcome outcome = in_a_child(fit);
    assert_int_equal(outcome.status, 0);
    assert_null(strstr(outcome.text, "overflowed"));
}

static void other_faults_kill_as_ever(void **state)
{
    (void)state;
    struct outcome outcome = in_a_child(fault_elsewhere);
    check_died_of_segv(&outcome);
    assert_null(strstr(outcome.text, "overflowed"));
    outcome = in_a_child(be_sent_the_signal);
    check_died_of_segv(&outcome);
}

static void other_faults_go_to_the_handler_before(void **state)
{
    (void)state;
    struct outcome outcome = in_a_child(fault_with_a_handler_of_its_own);
    assert_true(WIFEXITED(outcome.status));
    assert_int_equal(WEXITSTATUS(outcome.status), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_overflow_is_reported_by_name_and_kills, as_usual),
        cmocka_unit_test_setup(an_overflow_into_a_guard_by_mprotect_is_the_same, by_protection),
        cmocka_unit_test_setup(control_characters_of_a_name_are_not_printed, as_usual),
        cmocka_unit_test(a_stack_that_suffices_is_no_event),
        cmocka_unit_test(other_faults_kill_as_ever),
        cmocka_unit_test(other_faults_go_to_the_handler_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
