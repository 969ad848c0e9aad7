#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log_int.h"
#include "base/throw.h"
#include "coro/coroutine.h"

#include <errno.h>
#include <gust/log.h>
#include <stdio.h>
#include <string.h>

static char logged[4096];
static int ended; /* children that came to their end */
static int last_code;

static void keep_line(void *unused, const gust_log_line *line)
{
    (void)unused;
    size_t length = strlen(logged);
    snprintf(logged + length, sizeof(logged) - length, "%s\n", line->text);
}

static int set_up(void **state)
{
    (void)state;
    logged[0] = '\0';
    ended = 0;
    last_code = 0;
    gust_log_sink(keep_line, NULL);
    gust_log_set_level(GUST_DEBUG);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gust_log_sink(NULL, NULL);
    gust_log_set_level(GUST_INFO);
    gust_error_clear();
    return 0;
}

static void inside(int (*function)(void *), void *argument)
{
    assert_int_equal(gust_run(function, argument, GUST_S(100)), 0);
}

static int sleep_long(void *argument)
{
    (void)argument;
    int result = gust_sleep(GUST_S(1000));
    last_code = errno;
    ended++;
    return result;
}

static int slow_clean_up(void *argument)
{
    int result = sleep_long(argument);
    gust__shield_begin();
    gust_sleep(GUST_MS(1));
    gust__shield_end();
    ended += 10;
    return result;
}

static int fail_soon(void *argument)
{
    gust_yield();
    ended++;
    return gust_error_set(*(int *)argument, "child %d", *(int *)argument);
}

static int succeed(void *argument)
{
    (void)argument;
    gust_yield();
    ended++;
    return 3;
}

/* ---- Waiting ---- */

static int wait_for_three(void *argument)
{
    (void)argument;
    GUST_GROUP(group);
    assert_int_equal(gust_group_wait(&group), 0); /* of none */
    for (int i = 0; i < 3; i++)
        assert_int_equal(gust_go(&group, succeed, NULL), 0);
    assert_int_equal(gust_group_wait(&group), 0);
    assert_int_equal(ended, 3);
    assert_int_equal(gust_go(&group, succeed, NULL), 0); /* and again */
    assert_int_equal(gust_group_wait(&group), 0);
    assert_int_equal(ended, 4);
    return 0;
}

static void wait_joins_all(void **state)
{
    (void)state;
    inside(wait_for_three, NULL);
    assert_string_equal(logged, "");
}

static int first_error(void *argument)
{
    (void)argument;
    int domain = EDOM, range = ERANGE;
    GUST_GROUP(group);
    gust_go(&group, sleep_long, NULL);
    gust_go(&group, fail_soon, &domain);
    gust_go(&group, fail_soon, &range);
    gust_go(&group, sleep_long, NULL);
    assert_int_equal(gust_group_wait(&group), -1);
    assert_int_equal(errno, EDOM);
    assert_string_equal(gust_error_text(gust_error_last()), "child 33");
    assert_int_equal(ended, 4);
    assert_int_equal(last_code, ECANCELED);
    gust__log_drain();
    assert_non_null(strstr(logged, "child 34")); /* a further error is not lost */
    gust__log_drain();
    assert_null(strstr(logged, "child 33"));
    assert_int_equal(gust_go(&group, succeed, NULL), -1);
    assert_int_equal(errno, ECANCELED);
    assert_null(gust_spawn(&group, succeed, NULL));
    assert_int_equal(errno, ECANCELED);
    return 0;
}

static void the_first_error_cancels_the_others(void **state)
{
    (void)state;
    inside(first_error, NULL);
}

static int spawned_failure(void *argument)
{
    (void)argument;
    int domain = EDOM;
    GUST_GROUP(group);
    gust_future *failing = gust_spawn(&group, fail_soon, &domain);
    gust_future *other = gust_spawn(&group, succeed, NULL);
    assert_int_equal(gust_group_wait(&group), 0);
    assert_int_equal(gust_await(other), 3);
    assert_int_equal(gust_await(failing), -1);
    assert_int_equal(errno, EDOM);
    return 0;
}

static void a_spawned_childs_failure_is_its_futures(void **state)
{
    (void)state;
    inside(spawned_failure, NULL);
    assert_string_equal(logged, "");
}

static int cut_short(void *argument)
{
    (void)argument;
    GUST_DEADLINE(GUST_MS(1));
    GUST_GROUP(group);
    gust_go(&group, slow_clean_up, NULL);
    assert_int_equal(gust_group_wait(&group), -1);
    assert_int_equal(errno, ETIMEDOUT);
    assert_int_equal(ended, 11); /* joined, its clean-up too */
    return 0;
}

static void a_wait_cut_short_cancels_and_joins(void **state)
{
    (void)state;
    inside(cut_short, NULL);
    assert_string_equal(logged, "");
}

static int wait_for_foreign(void *group)
{
    assert_int_equal(gust_group_wait(group), -1);
    assert_int_equal(errno, EPERM);
    return 0;
}

static int lend_group(void *argument)
{
    (void)argument;
    GUST_GROUP(group);
    GUST_GROUP(other);
    gust_go(&other, wait_for_foreign, &group);
    return gust_group_wait(&other);
}

static void only_the_owner_waits(void **state)
{
    (void)state;
    inside(lend_group, NULL);
}

static void a_group_outside_a_coroutine_has_no_children(void **state)
{
    (void)state;
    GUST_GROUP(group);
    assert_int_equal(gust_go(&group, succeed, NULL), -1);
    assert_int_equal(errno, EDEADLK);
    assert_null(gust_spawn(&group, succeed, NULL));
    assert_int_equal(errno, EDEADLK);
    assert_null(gust_spawn(NULL, succeed, NULL));
    assert_int_equal(errno, EDEADLK);
    assert_int_equal(gust_group_wait(&group), -1);
    assert_int_equal(errno, EDEADLK);
}

/* ---- The block's end ---- */

static int leave_block(void *argument)
{
    (void)argument;
    {
        GUST_GROUP(group);
        gust_go(&group, slow_clean_up, NULL);
        gust_yield();
        errno = EBADF;
    }
    assert_int_equal(errno, EBADF);
    assert_int_equal(ended, 11);
    assert_int_equal(last_code, ECANCELED);
    return 0;
}

static void the_end_of_the_block_cancels_and_joins(void **state)
{
    (void)state;
    inside(leave_block, NULL);
    gust__log_drain();
    assert_non_null(strstr(logged, "coroutine 2 still runs at the end of its group"));
}

static int throw_out(void *argument)
{
    (void)argument;
    GUST_GROUP(group);
    gust_go(&group, slow_clean_up, NULL);
    gust_yield();
    gust_throw(EDOM, "out of the block");
}

static int try_it(void *argument)
{
    assert_int_equal(gust_try(throw_out, argument), -1);
    assert_int_equal(errno, EDOM);
    assert_string_equal(gust_error_text(gust_error_last()), "out of the block");
    assert_int_equal(ended, 11);
    return 0;
}

static void a_throw_out_of_the_block_joins_too(void **state)
{
    (void)state;
    inside(try_it, NULL);
}

static int leave_failed(void *argument)
{
    (void)argument;
    int domain = EDOM;
    {
        GUST_GROUP(group);
        gust_go(&group, fail_soon, &domain);
        gust_yield();
        gust_yield();
        gust_yield();
        assert_int_equal(ended, 1);
    }
    gust__log_drain();
    assert_non_null(strstr(logged, "child 33"));
    return 0;
}

static void an_error_that_nobody_waited_for_is_logged(void **state)
{
    (void)state;
    inside(leave_failed, NULL);
}

static int end_past_deadline(void *argument)
{
    (void)argument;
    GUST_DEADLINE(GUST_NS(1));
    {
        GUST_GROUP(group);
        gust_go(&group, slow_clean_up, NULL);
        gust_yield();
    }
    assert_int_equal(ended, 11); /* a deadline does not tear the block from its children */
    return 0;
}

static void the_end_is_not_interrupted(void **state)
{
    (void)state;
    inside(end_past_deadline, NULL);
}

/* ---- What children inherit ---- */

static int past_deadline(void *argument)
{
    (void)argument;
    assert_int_equal(gust_sleep(GUST_S(1000)), -1);
    last_code = errno;
    return 0;
}

static int inherit_deadline(void *argument)
{
    (void)argument;
    gust_future *detached;
    {
        GUST_DEADLINE(GUST_MS(1));
        GUST_GROUP(group);
        gust_go(&group, past_deadline, NULL);
        detached = gust_spawn(NULL, succeed, NULL);
        gust_yield();
        gust_group_wait(&group);
    }
    assert_int_equal(gust_await(detached), 3);
    return 0;
}

static void children_inherit_the_deadline(void **state)
{
    (void)state;
    inside(inherit_deadline, NULL);
    assert_int_equal(last_code, ETIMEDOUT);
}

static int drops;

static void drop(void *value)
{
    assert_string_equal(value, "id");
    drops++;
}

static gust_local request_id = {.inherit = true, .drop = drop, .name = "request id"};
static gust_local private_thing = {.inherit = false};

static int look_at_locals(void *argument)
{
    if (argument) {
        assert_string_equal(gust_local_get(&request_id), "id");
        char *own = argument;
        assert_int_equal(gust_local_set(&request_id, own), 0);
        assert_string_equal(gust_local_get(&request_id), "id"); /* its own from now on */
    } else {
        assert_null(gust_local_get(&request_id));
    }
    assert_null(gust_local_get(&private_thing));
    return 0;
}

static int have_locals(void *argument)
{
    (void)argument;
    char id[] = "id", own[] = "id";
    static gust_local many[9]; /* keys outlast the coroutine: they know how to drop */
    assert_null(gust_local_get(&request_id));
    assert_int_equal(gust_local_set(&request_id, id), 0);
    assert_int_equal(gust_local_set(&private_thing, own), 0);
    for (int i = 0; i < 9; i++)
        gust_local_set(&many[i], &many[i]);
    for (int i = 0; i < 9; i++)
        assert_ptr_equal(gust_local_get(&many[i]), &many[i]);
    GUST_GROUP(group);
    gust_go(&group, look_at_locals, own);
    assert_int_equal(gust_group_wait(&group), 0);
    assert_int_equal(drops, 1);
    assert_ptr_equal(gust_local_get(&request_id), id);
    assert_int_equal(gust_await(gust_spawn(NULL, look_at_locals, NULL)), 0);
    gust_local_set(&request_id, NULL);
    static char last[] = "id"; /* outlives the frame: it is dropped when the coroutine ends */
    gust_local_set(&request_id, last);
    return 0;
}

static void locals_follow_the_group(void **state)
{
    (void)state;
    static gust_local of_thread;
    drops = 0;
    assert_null(gust_local_get(&of_thread));
    assert_int_equal(gust_local_set(&of_thread, &drops), 0);
    inside(have_locals, NULL);
    assert_int_equal(drops, 2);
    assert_ptr_equal(gust_local_get(&of_thread), &drops);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wait_joins_all),
        TEST(the_first_error_cancels_the_others),
        TEST(a_spawned_childs_failure_is_its_futures),
        TEST(a_wait_cut_short_cancels_and_joins),
        TEST(only_the_owner_waits),
        TEST(a_group_outside_a_coroutine_has_no_children),
        TEST(the_end_of_the_block_cancels_and_joins),
        TEST(a_throw_out_of_the_block_joins_too),
        TEST(an_error_that_nobody_waited_for_is_logged),
        TEST(the_end_is_not_interrupted),
        TEST(children_inherit_the_deadline),
        TEST(locals_follow_the_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
