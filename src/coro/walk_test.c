/* Walking all coroutines in pieces, while others start and end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coro/coroutine.h"

#include <errno.h>

enum { count = 5 };

static gust_loop *loop;
static struct gust__coroutine *parked[count + 1];

static int park(void *argument)
{
    (void)argument;
    gust__park(0, "the test");
    return 0;
}

static void start(size_t i)
{
    parked[i] = gust__coroutine_start(loop, NULL, NULL, park, NULL);
    assert_non_null(parked[i]);
    gust__loop_iterate(loop, 0);
}

static void end(size_t i)
{
    gust__wake(parked[i]);
    gust__loop_iterate(loop, 0);
}

static int set_up(void **state)
{
    (void)state;
    loop = gust_loop_new();
    assert_null(gust__loop_enter(loop));
    for (size_t i = 0; i < count; i++)
        start(i);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i <= count; i++) {
        if (parked[i])
            end(i);
        parked[i] = NULL;
    }
    gust__loop_leave(NULL);
    gust_loop_free(loop);
    return 0;
}

static void sees_each_once_newest_first(void **state)
{
    (void)state;
    assert_int_equal(gust__coroutine_walk_begin(loop), 0);
    for (size_t i = count; i-- > 0;)
        assert_ptr_equal(gust__coroutine_walk_next(loop), parked[i]);
    assert_null(gust__coroutine_walk_next(loop));
    assert_null(gust__coroutine_walk_next(loop));
    gust__coroutine_walk_end(loop);
}

static void goes_on_when_the_next_ends_and_others_start(void **state)
{
    (void)state;
    assert_int_equal(gust__coroutine_walk_begin(loop), 0);
    assert_ptr_equal(gust__coroutine_walk_next(loop), parked[4]);
    end(3); /* the next one */
    end(4); /* one that was seen */
    parked[3] = parked[4] = NULL;
    start(count);
    assert_ptr_equal(gust__coroutine_walk_next(loop), parked[2]);
    assert_ptr_equal(gust__coroutine_walk_next(loop), parked[1]);
    end(0); /* the last one */
    parked[0] = NULL;
    assert_null(gust__coroutine_walk_next(loop));
    gust__coroutine_walk_end(loop);
}

static void one_walk_at_a_time(void **state)
{
    (void)state;
    assert_int_equal(gust__coroutine_walk_begin(loop), 0);
    assert_int_equal(gust__coroutine_walk_begin(loop), -1);
    assert_int_equal(errno, EBUSY);
    gust__coroutine_walk_end(loop);
    assert_int_equal(gust__coroutine_walk_begin(loop), 0);
    gust__coroutine_walk_end(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sees_each_once_newest_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(goes_on_when_the_next_ends_and_others_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_walk_at_a_time, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
