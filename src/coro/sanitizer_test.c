/* That the sanitizers know the stacks that a thread changes to. Without them there is nothing to tell, and
 * nothing that it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/throw.h"
#include "coro/sanitizer.h"

#include <gust/coroutine.h>
#include <gust/error.h>
#include <gust/scope.h>

#include <errno.h>
#include <string.h>

#ifdef GUST__ASAN

#include <sanitizer/asan_interface.h>

enum { FRAME = 4000 };

static const char *frame; /* of who threw */

/* Its frame has poisoned edges when the throw leaves it. */
static __attribute__((noinline)) int throw_from_a_frame(void *argument)
{
    char bytes[FRAME];
    memset(bytes, 1, sizeof(bytes));
    frame = bytes;
    __asm__ volatile("" : : "r"(frame) : "memory");
    if (argument)
        gust_throw(EIO, "with %d", bytes[7]);
    return bytes[9];
}

/* It also could not say whose variable a bad pointer is at. */
static void check_stack(const void *address)
{
    char name[64];
    void *start;
    size_t size;
    assert_string_equal(__asan_locate_address((void *)(uintptr_t)address, name, sizeof(name), &start, &size),
                        "stack");
}

static int catch_it(void *unused)
{
    (void)unused;
    int here = 0;
    check_stack(&here);
    assert_int_equal(gust__catch(throw_from_a_frame, &here), -1);
    gust_error_clear();
    /* With another stack in mind AddressSanitizer would have left what the throw passed by as it was. */
    assert_null(__asan_region_is_poisoned((void *)(uintptr_t)(frame - 64), FRAME + 128));
    return 0;
}

static int catch_in_turns(void *argument)
{
    for (int i = 0; i < 3; i++) {
        catch_it(argument);
        gust_yield();
    }
    return 0;
}

static void what_a_throw_leaves_is_not_poisoned(void **state)
{
    (void)state;
    catch_it(NULL);
    assert_int_equal(gust_run(catch_it, NULL, 0), 0);
}

static int start_two(void *unused)
{
    GUST_GROUP(group);
    assert_int_equal(gust_go(&group, catch_in_turns, unused), 0);
    assert_int_equal(gust_go(&group, catch_in_turns, unused), 0);
    assert_int_equal(gust_group_wait(&group), 0);
    return catch_it(unused);
}

static void not_even_among_several(void **state)
{
    (void)state;
    assert_int_equal(gust_run(start_two, NULL, 0), 0);
    catch_it(NULL);
}

#define TESTS cmocka_unit_test(what_a_throw_leaves_is_not_poisoned), cmocka_unit_test(not_even_among_several)

#elif defined(GUST__TSAN)

static int note_fiber(void *argument)
{
    void **fiber = argument;
    *fiber = __tsan_get_current_fiber();
    gust_yield();
    assert_ptr_equal(__tsan_get_current_fiber(), *fiber);
    return 0;
}

static int start_two(void *argument)
{
    void **fibers = argument;
    GUST_GROUP(group);
    fibers[0] = __tsan_get_current_fiber();
    assert_int_equal(gust_go(&group, note_fiber, &fibers[1]), 0);
    assert_int_equal(gust_go(&group, note_fiber, &fibers[2]), 0);
    assert_int_equal(gust_group_wait(&group), 0);
    assert_ptr_equal(__tsan_get_current_fiber(), fibers[0]);
    return 0;
}

static void each_coroutine_is_a_fiber_of_its_own(void **state)
{
    (void)state;
    void *fibers[4] = {[3] = __tsan_get_current_fiber()};
    assert_int_equal(gust_run(start_two, fibers, 0), 0);
    for (int i = 0; i < 4; i++) {
        assert_non_null(fibers[i]);
        for (int other = 0; other < i; other++)
            assert_ptr_not_equal(fibers[i], fibers[other]);
    }
    assert_ptr_equal(__tsan_get_current_fiber(), fibers[3]);
}

#define TESTS cmocka_unit_test(each_coroutine_is_a_fiber_of_its_own)

#else

static void there_is_nothing_to_keep(void **state)
{
    (void)state;
#ifdef GUST__VALGRIND
    assert_int_equal(sizeof(struct gust__fiber), sizeof(unsigned int)); /* the number of its stack */
#else
    assert_int_equal(sizeof(struct gust__fiber), 0);
#endif
}

#define TESTS cmocka_unit_test(there_is_nothing_to_keep)

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {TESTS};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
