#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/error_int.h"
#include "base/throw.h"

#include <errno.h>
#include <gust/log.h>
#include <gust/scope.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned log_lines;
static char trail[64]; /* what ran, in order */

static void count_line(void *arg, const gust_log_line *line)
{
    (void)arg, (void)line;
    log_lines++;
}

static int begin(void **state)
{
    (void)state;
    log_lines = 0;
    trail[0] = '\0';
    gust_log_sink(count_line, NULL);
    gust_error_clear();
    return 0;
}

/* Whatever a test did, nothing of it may be left in the context. */
static int end(void **state)
{
    (void)state;
    const struct gust__context *context = gust__context();
    gust_log_sink(NULL, NULL);
    return context->scopes || context->catcher || context->shield || context->deadline ? -1 : 0;
}

static void mark(const char *text)
{
    strncat(trail, text, sizeof(trail) - strlen(trail) - 1);
}

/* ---- Defers ---- */

static void defers_run_last_first_at_the_blocks_end(void **state)
{
    (void)state;
    {
        GUST_DEFER(mark, "a");
        GUST_DEFER(mark, "b");
        {
            GUST_DEFER(mark, "c");
        }
        mark("d");
    }
    mark("e");
    assert_string_equal(trail, "cdbae");
}

static int return_early(int way)
{
    for (int i = 0; i < 2; i++) {
        GUST_DEFER(mark, "i");
        if (way == 1)
            return 1;
        if (way == 2)
            break;
        if (way == 3)
            continue;
        if (way == 4)
            goto out;
    }
    mark("l");
out:
    mark("o");
    return 0;
}

static void defers_run_however_the_block_ends(void **state)
{
    (void)state;
    static const char *const expected[] = {"iilo", "i", "ilo", "iilo", "io"};
    for (int way = 0; way < 5; way++) {
        trail[0] = '\0';
        return_early(way);
        assert_string_equal(trail, expected[way]);
    }
}

struct values {
    int64_t a;
    unsigned char b;
    int c;
    const char *d;
};
static struct values taken;

static void none(void)
{
    mark("0");
}
static void one(struct values *to)
{
    to->a = 1;
}
static int two(struct values *to, unsigned char b)
{
    to->b = b;
    return -1;
}
static void three(unsigned char b, struct values *to, int c)
{
    to->b = b;
    to->c = c;
}
static void four(int64_t a, unsigned char b, int c, const char *d)
{
    taken = (struct values){a, b, c, d};
}

static void up_to_four_arguments_are_taken_when_the_scope_opens(void **state)
{
    (void)state;
    struct values v1 = {0}, v2 = {0}, v3 = {0};
    int64_t a = INT64_MIN;
    unsigned char b = 200;
    int c = -5;
    const char *d = "d";
    {
        GUST_DEFER(none);
        GUST_DEFER(one, &v1);
        GUST_DEFER(two, &v2, b);
        GUST_DEFER(three, b, &v3, c);
        GUST_DEFER(four, a, b, c, d);
        a = 0, b = 0, c = 0, d = NULL;
    }
    assert_string_equal(trail, "0");
    assert_int_equal(v1.a, 1);
    assert_int_equal(v2.b, 200);
    assert_true(v3.b == 200 && v3.c == -5);
    assert_true(taken.a == INT64_MIN && taken.b == 200 && taken.c == -5);
    assert_string_equal(taken.d, "d");
}

static void spoil(int code)
{
    errno = 0;
    if (code)
        gust_error_set(code, "of the clean-up");
}

static int fail_with_defer(int code)
{
    GUST_DEFER(spoil, code);
    return gust_error_set(ENOENT, "the real one");
}

static void errno_and_the_last_error_survive(void **state)
{
    (void)state;
    for (int code = 0; code <= EIO; code += EIO) {
        assert_int_equal(fail_with_defer(code), -1);
        assert_int_equal(errno, ENOENT);
        assert_string_equal(gust_error_text(gust_error_last()), "the real one");
    }
    gust_error_clear();
    {
        GUST_DEFER(spoil, EIO);
    }
    assert_null(gust_error_last());
}

static unsigned shield_seen;

static void see_shield(void)
{
    shield_seen = gust__context()->shield;
}

static void defers_run_shielded(void **state)
{
    (void)state;
    struct gust__context *context = gust__context();
    shield_seen = 0;
    {
        GUST_DEFER(see_shield);
        assert_int_equal(context->shield, 0);
    }
    assert_int_equal(shield_seen, 1);
    assert_int_equal(context->shield, 0);
    gust__shield_begin();
    gust__shield_begin();
    int64_t ends = gust__shield_ends(context, 1000);
    assert_int_equal(ends, 1000 + GUST_S(5));
    assert_int_equal(gust__shield_ends(context, 2000), ends);
    gust__shield_end();
    gust__shield_begin(); /* an inner one gives no more time */
    assert_int_equal(gust__shield_ends(context, 3000), ends);
    gust__shield_end();
    gust__shield_end();
    gust__shield_begin();
    assert_int_equal(gust__shield_ends(context, 4000), 4000 + GUST_S(5));
    gust__shield_end();
}

/* ---- Throwing ---- */

struct plan {
    int depth;
    int code;
    bool defers;
    int value;
};

static int go_deep(void *argument)
{
    struct plan *plan = argument;
    GUST_DEFER(mark, plan->depth % 2 ? "x" : "y");
    GUST_DEADLINE(GUST_S(100));
    if (plan->depth-- == 0) {
        if (plan->code)
            gust_throw(plan->code, "at the bottom, %d", plan->value);
        return plan->value;
    }
    return go_deep(plan);
}

static void try_gives_what_the_function_returned(void **state)
{
    (void)state;
    struct plan plan = {.value = 42};
    assert_int_equal(gust_try(go_deep, &plan), 42);
    assert_false(gust__caught());
    plan = (struct plan){.value = -1};
    assert_int_equal(gust_try(go_deep, &plan), -1);
    assert_false(gust__caught());
}

static void a_throw_ends_scopes_newest_first(void **state)
{
    (void)state;
    struct plan plan = {.depth = 3, .code = EBADF, .value = 7};
    GUST_DEFER(mark, "outside");
    assert_int_equal(gust_try(go_deep, &plan), -1);
    assert_int_equal(errno, EBADF);
    assert_true(gust__caught());
    assert_string_equal(trail, "yxyx");
    assert_string_equal(gust_error_text(gust_error_last()), "at the bottom, 7");
    assert_int_equal(gust_deadline_left(), INT64_MAX);
}

static int try_inside(void *argument)
{
    struct plan inner = {.code = EIO};
    assert_int_equal(gust_try(go_deep, &inner), -1);
    mark("|");
    return go_deep(argument);
}

static void the_innermost_try_catches(void **state)
{
    (void)state;
    struct plan plan = {.code = EBADF};
    assert_int_equal(gust_try(try_inside, &plan), -1);
    assert_int_equal(errno, EBADF);
    assert_string_equal(trail, "y|y");
    plan = (struct plan){.value = 1};
    assert_int_equal(gust_try(try_inside, &plan), 1);
    assert_false(gust__caught());
}

static void try_and_fail(void)
{
    struct plan plan = {.code = EIO};
    gust_try(go_deep, &plan);
    spoil(ENOMEM);
}

static int throw_with_errors_on_the_way(void *unused)
{
    (void)unused;
    GUST_DEFER(spoil, ENOMEM);
    GUST_DEFER(try_and_fail);
    gust_error_set_detail("http", 404, ENOENT, "no such post");
    gust_throw_last();
}

static void the_thrown_error_survives_its_way(void **state)
{
    (void)state;
    assert_int_equal(gust_try(throw_with_errors_on_the_way, NULL), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(gust_error_detail(gust_error_last()), 404);
    assert_string_equal(trail, "y");
}

static void throw_it(int code)
{
    GUST_DEFER(mark, "t");
    gust_throw(code, "out of a clean-up");
}

static int leave_through_bad_defers(void *argument)
{
    const int *code = argument;
    GUST_DEFER(mark, "last");
    GUST_DEFER(throw_it, EIO);
    GUST_DEFER(mark, "first ");
    if (*code)
        gust_throw(*code, "the real one");
    return 5;
}

static void a_clean_up_that_throws_at_a_blocks_end_throws(void **state)
{
    (void)state;
    int code = 0;
    for (int i = 0; i < 2; i++) { /* the second time there is an error from before */
        trail[0] = '\0';
        assert_int_equal(gust_try(leave_through_bad_defers, &code), -1);
        assert_int_equal(errno, EIO);
        assert_string_equal(trail, "first tlast");
        assert_string_equal(gust_error_text(gust_error_last()), "out of a clean-up");
    }
    assert_int_equal(log_lines, 0);
}

static void a_clean_up_that_throws_during_a_throw_is_logged(void **state)
{
    (void)state;
    int code = ENOENT;
    assert_int_equal(gust_try(leave_through_bad_defers, &code), -1);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(trail, "first tlast");
    assert_string_equal(gust_error_text(gust_error_last()), "the real one");
    assert_int_equal(log_lines, 1);
}

/* Three levels of clean-up, each with an error of its own when the innermost throws. */
static void clean_level(int level)
{
    gust_error_set(EIO, "level %d", level);
    GUST_DEFER(mark, "l");
    if (level == 3)
        gust_throw(EPIPE, "from inside");
    GUST_DEFER(clean_level, level + 1);
}

static int begin_levels(void *code)
{
    GUST_DEFER(clean_level, 1);
    if (*(int *)code)
        gust_throw(*(int *)code, "the real one");
    return 0;
}

static void a_throw_out_of_nested_clean_ups_loses_nothing(void **state)
{
    (void)state;
    int code = 0;
    gust_error_set(EIO, "before");
    assert_int_equal(gust_try(begin_levels, &code), -1);
    assert_int_equal(errno, EPIPE);
    assert_string_equal(trail, "lll");
    code = ENOENT;
    assert_int_equal(gust_try(begin_levels, &code), -1);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(gust_error_text(gust_error_last()), "the real one");
}

static char seen_text[32];

static void see_error(void)
{
    strncpy(seen_text, gust_error_text(gust_error_last()), sizeof(seen_text) - 1);
    gust__error_free(gust__error_take());
    gust_error_clear();
}

static int fail_with_reader(void)
{
    GUST_DEFER(see_error);
    return gust_error_set(ENOENT, "to be read");
}

static void a_clean_up_sees_the_last_error_and_may_take_it(void **state)
{
    (void)state;
    assert_int_equal(fail_with_reader(), -1);
    assert_string_equal(seen_text, "to be read");
    assert_string_equal(gust_error_text(gust_error_last()), "to be read");
}

static int throw_last(void *unused)
{
    (void)unused;
    gust_throw_last();
}

static void throwing_nothing_throws_errno(void **state)
{
    (void)state;
    errno = EPIPE;
    assert_int_equal(gust_try(throw_last, NULL), -1);
    assert_int_equal(errno, EPIPE);
}

/* Values that live in registers across the call must be what they were. */
static void registers_survive_a_throw(void **state)
{
    (void)state;
    volatile int source = 3;
    int a = source, b = a * a, c = b * a, d = c * a, e = d * a, f = e * a, g = f * a;
    double x = source / 2.0, y = x * x;
    for (int i = 0; i < 100; i++) {
        struct plan plan = {.depth = i % 7, .code = EIO};
        assert_int_equal(gust_try(go_deep, &plan), -1);
        trail[0] = '\0';
    }
    assert_true(a == 3 && b == 9 && c == 27 && d == 81 && e == 243 && f == 729 && g == 2187);
    assert_true(x == 1.5 && y == 2.25);
}

static void a_throw_without_a_catcher_aborts(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        signal(SIGABRT, SIG_DFL);
        gust_throw(EIO, "nobody catches");
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- What coroutines use ---- */

static void scopes_are_ended_up_to_a_given_one(void **state)
{
    (void)state;
    GUST_DEFER(mark, "z");
    {
        struct gust__scope *until = gust__context()->scopes;
        GUST_DEFER(mark, "b");
        GUST_DEFER(mark, "a");
        gust__scopes_end_until(until);
        assert_string_equal(trail, "ab");
        gust__scopes_end_until(until);
    } /* those ended are left alone */
    assert_string_equal(trail, "ab");
}

static sigjmp_buf away;

static void jump_away(void)
{
    GUST_DEFER(mark, "never");
    siglongjmp(away, 1);
}

static void scopes_of_frames_left_by_a_jump_are_forgotten(void **state)
{
    (void)state;
    {
        GUST_DEFER(mark, "mine");
        if (sigsetjmp(away, 0) == 0)
            jump_away();
    }
    assert_string_equal(trail, "mine");
}

/* ---- Deadlines ---- */

static void the_earliest_deadline_rules_until_its_block_ends(void **state)
{
    (void)state;
    assert_int_equal(gust_deadline_left(), INT64_MAX);
    {
        GUST_DEADLINE(GUST_S(100));
        int64_t outer = gust__context()->deadline;
        int64_t left = gust_deadline_left();
        assert_true(left > GUST_S(50) && left <= GUST_S(100));
        {
            GUST_DEADLINE(GUST_S(200));
            assert_int_equal(gust__context()->deadline, outer);
            {
                GUST_DEADLINE(GUST_S(10));
                assert_true(gust_deadline_left() <= GUST_S(10));
                GUST_DEADLINE(INT64_MAX);
                assert_true(gust_deadline_left() <= GUST_S(10));
            }
            assert_int_equal(gust__context()->deadline, outer);
        }
        assert_int_equal(gust__context()->deadline, outer);
    }
    assert_int_equal(gust_deadline_left(), INT64_MAX);
}

static void a_deadline_may_have_passed_from_the_start(void **state)
{
    (void)state;
    static const int64_t durations[] = {0, -1, INT64_MIN};
    for (size_t i = 0; i < GUST_LEN(durations); i++) {
        GUST_DEADLINE(durations[i]);
        assert_true(gust_deadline_left() <= 0);
    }
    GUST_DEADLINE(INT64_MAX);
    assert_int_equal(gust_deadline_left(), INT64_MAX);
}

#define SCOPE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCOPE_TEST(defers_run_last_first_at_the_blocks_end),
        SCOPE_TEST(defers_run_however_the_block_ends),
        SCOPE_TEST(up_to_four_arguments_are_taken_when_the_scope_opens),
        SCOPE_TEST(errno_and_the_last_error_survive),
        SCOPE_TEST(defers_run_shielded),
        SCOPE_TEST(try_gives_what_the_function_returned),
        SCOPE_TEST(a_throw_ends_scopes_newest_first),
        SCOPE_TEST(the_innermost_try_catches),
        SCOPE_TEST(the_thrown_error_survives_its_way),
        SCOPE_TEST(a_clean_up_that_throws_at_a_blocks_end_throws),
        SCOPE_TEST(a_clean_up_that_throws_during_a_throw_is_logged),
        SCOPE_TEST(a_throw_out_of_nested_clean_ups_loses_nothing),
        SCOPE_TEST(a_clean_up_sees_the_last_error_and_may_take_it),
        SCOPE_TEST(throwing_nothing_throws_errno),
        SCOPE_TEST(registers_survive_a_throw),
        SCOPE_TEST(a_throw_without_a_catcher_aborts),
        SCOPE_TEST(scopes_are_ended_up_to_a_given_one),
        SCOPE_TEST(scopes_of_frames_left_by_a_jump_are_forgotten),
        SCOPE_TEST(the_earliest_deadline_rules_until_its_block_ends),
        SCOPE_TEST(a_deadline_may_have_passed_from_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
