/*
 * The part of cmocka's interface that our unit tests use, for architectures for which we have no cmocka: they
 * run there under emulation. Natively the tests use cmocka itself. A failed assertion ends its test by
 * longjmp, as cmocka does.
 */
#ifndef CMOCKA_H_
#define CMOCKA_H_

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test_func)(void **state);
    int (*setup_func)(void **state);
    int (*teardown_func)(void **state);
    void *initial_state;
};

enum cmocka_outcome { cmocka_passed, cmocka_failed, cmocka_skipped };

static jmp_buf cmocka_end; /* of the running test; jumped to with its outcome */

static inline _Noreturn void cmocka_leave(enum cmocka_outcome outcome)
{
    longjmp(cmocka_end, (int)outcome);
}

static inline void cmocka_check(bool holds, const char *what, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: error: %s\n", file, line, what);
    cmocka_leave(cmocka_failed);
}

static inline void cmocka_compare(uintmax_t left, uintmax_t right, bool equal, const char *what,
                                  const char *file, int line)
{
    if ((left == right) == equal)
        return;
    fprintf(stderr, "%s:%d: error: %s: %#jx and %#jx\n", file, line, what, left, right);
    cmocka_leave(cmocka_failed);
}

static inline void cmocka_range(uintmax_t x, uintmax_t low, uintmax_t high, const char *what,
                                const char *file, int line)
{
    if (low <= x && x <= high)
        return;
    fprintf(stderr, "%s:%d: error: %s: %#jx is not within %#jx and %#jx\n", file, line, what, x, low, high);
    cmocka_leave(cmocka_failed);
}

#define CMOCKA_CHECK(holds, what)            cmocka_check(holds, what, __FILE__, __LINE__)
#define CMOCKA_COMPARE(a, b, is_equal, what) cmocka_compare(a, b, is_equal, what, __FILE__, __LINE__)
#define CMOCKA_NUMBER(x)                     ((uintmax_t)(x))
#define CMOCKA_ADDRESS(x)                    ((uintmax_t)(uintptr_t)(x))

#define assert_true(x)                CMOCKA_CHECK(!!(x), #x)
#define assert_false(x)               CMOCKA_CHECK(!(x), "not: " #x)
#define assert_null(x)                CMOCKA_COMPARE(CMOCKA_ADDRESS(x), 0, true, #x " is NULL")
#define assert_non_null(x)            CMOCKA_COMPARE(CMOCKA_ADDRESS(x), 0, false, #x " is not NULL")
#define assert_int_equal(a, b)        CMOCKA_COMPARE(CMOCKA_NUMBER(a), CMOCKA_NUMBER(b), true, #a " == " #b)
#define assert_int_not_equal(a, b)    CMOCKA_COMPARE(CMOCKA_NUMBER(a), CMOCKA_NUMBER(b), false, #a " != " #b)
#define assert_ptr_equal(a, b)        CMOCKA_COMPARE(CMOCKA_ADDRESS(a), CMOCKA_ADDRESS(b), true, #a " == " #b)
#define assert_ptr_not_equal(a, b)    CMOCKA_COMPARE(CMOCKA_ADDRESS(a), CMOCKA_ADDRESS(b), false, #a " != " #b)
#define assert_string_equal(a, b)     CMOCKA_CHECK(strcmp(a, b) == 0, #a " is the string " #b)
#define assert_string_not_equal(a, b) CMOCKA_CHECK(strcmp(a, b) != 0, #a " is not the string " #b)
#define assert_memory_equal(a, b, n)  CMOCKA_CHECK(memcmp(a, b, n) == 0, #a " holds the bytes of " #b)
#define assert_memory_not_equal(a, b, n) \
    CMOCKA_CHECK(memcmp(a, b, n) != 0, #a " does not hold the bytes of " #b)
#define assert_in_range(x, low, high) \
    cmocka_range(CMOCKA_NUMBER(x), CMOCKA_NUMBER(low), CMOCKA_NUMBER(high), #x, __FILE__, __LINE__)
#define assert_return_code(result, error) \
    ((void)(error), CMOCKA_CHECK((result) >= 0, #result " is not negative"))
#define fail()        CMOCKA_CHECK(false, "fail()")
#define fail_msg(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), fail())
#define skip()        cmocka_leave(cmocka_skipped)

#define print_message(...) fprintf(stdout, __VA_ARGS__)
#define print_error(...)   fprintf(stderr, __VA_ARGS__)

#define cmocka_unit_test(f)     \
    {                           \
#f, f, NULL, NULL, NULL \
    }
#define cmocka_unit_test_setup(f, setup) \
    {                                    \
#f, f, setup, NULL, NULL         \
    }
#define cmocka_unit_test_teardown(f, teardown) \
    {                                          \
#f, f, NULL, teardown, NULL            \
    }
#define cmocka_unit_test_setup_teardown(f, setup, end) \
    {                                                  \
#f, f, setup, end, NULL                        \
    }
#define cmocka_unit_test_prestate(f, state) \
    {                                       \
#f, f, NULL, NULL, state            \
    }
#define cmocka_unit_test_prestate_setup_teardown(f, setup, end, state) \
    {                                                                  \
#f, f, setup, end, state                                       \
    }

/* Runs one test between its fixtures. Whatever fails, its teardown runs. */
static inline enum cmocka_outcome cmocka_run(const struct CMUnitTest *test, void *group_state)
{
    static void *state;
    static int outcome; /* static: both live across the jump */
    state = test->initial_state ? test->initial_state : group_state;
    outcome = setjmp(cmocka_end);
    if (outcome == cmocka_passed) {
        cmocka_check(!test->setup_func || test->setup_func(&state) == 0, "the setup failed", test->name, 0);
        test->test_func(&state);
    }
    if (test->teardown_func && setjmp(cmocka_end) == 0 && test->teardown_func(&state) != 0)
        outcome = cmocka_failed;
    return (enum cmocka_outcome)outcome;
}

/* -> the number of failed tests */
static inline int cmocka_run_tests(const struct CMUnitTest *tests, size_t count, int (*setup)(void **),
                                   int (*teardown)(void **))
{
    static const char *const words[] = {"      OK", "  FAILED", " SKIPPED"};
    void *state = NULL;
    int failed = 0;
    if (setup && setup(&state) != 0)
        return (int)count;
    for (size_t i = 0; i < count; i++) {
        enum cmocka_outcome outcome = cmocka_run(&tests[i], state);
        fprintf(stderr, "[ %s ] %s\n", words[outcome], tests[i].name);
        failed += outcome == cmocka_failed;
    }
    if (teardown && teardown(&state) != 0)
        failed++;
    return failed;
}

#define cmocka_run_group_tests(tests, setup, teardown) \
    cmocka_run_tests(tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)
#define cmocka_run_group_tests_name(name, tests, setup, teardown) \
    cmocka_run_group_tests(tests, setup, teardown)

#endif
