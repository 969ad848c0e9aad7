#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include "base/backtrace.h"
#include "base/buffer.h"
#include "base/context.h"
#include "base/lock.h"

static int capture_line;

static __attribute__((noinline)) size_t capture_in_a_static_function(void **frames, size_t max, size_t skip)
{
    size_t count = gust__backtrace_capture(frames, max, skip);
    capture_line = __LINE__ - 1;
    __asm__ volatile("" : "+r"(count)); /* no tail call */
    return count;
}

static void frames_begin_with_the_caller(void **state)
{
    (void)state;
    void *frames[32], *skipped[32];
    errno = 77;
    size_t count = capture_in_a_static_function(frames, 32, 0);
    assert_int_equal(errno, 77);
    assert_in_range(count, 2, 32);
    uintptr_t start = (uintptr_t)capture_in_a_static_function;
    assert_in_range((uintptr_t)frames[0], start, start + 200);
    assert_int_equal(capture_in_a_static_function(skipped, 32, 1), count - 1);
    assert_ptr_equal(skipped[1], frames[2]);
}

static void no_more_frames_than_asked_for(void **state)
{
    (void)state;
    void *frames[4] = {NULL, NULL, NULL, NULL};
    for (size_t max = 0; max <= 3; max++) {
        size_t count = capture_in_a_static_function(frames, max, 0);
        assert_true(count <= max);
        assert_true(max < 2 ? count == max : count >= 2);
        assert_null(frames[max]);
    }
    assert_int_equal(capture_in_a_static_function(frames, 3, 1000), 0);
}

static void print_one(struct gust__buffer *buffer, void *const *frames)
{
    assert_int_equal(gust__backtrace_print(buffer, frames, 1), 0);
    assert_int_equal(gust__buffer_append(buffer, "", 1), 0); /* a NUL */
}

static void a_frame_is_function_file_and_line(void **state)
{
    (void)state;
#if defined(__x86_64__) /* where libdw is */
    void *frames[2];
    char wanted[64];
    struct gust__buffer buffer = {.max = 4096};
    capture_in_a_static_function(frames, 2, 0);
    print_one(&buffer, frames);
    snprintf(wanted, sizeof(wanted), "backtrace_test.c:%d)\n", capture_line);
    assert_non_null(strstr(gust__buffer_bytes(&buffer), "  at capture_in_a_static_function ("));
    assert_non_null(strstr(gust__buffer_bytes(&buffer), wanted));
    gust__buffer_fini(&buffer);
#endif
}

static void a_coroutine_has_it_done_on_a_thread(void **state)
{
    (void)state;
    void *frames[2];
    struct gust__buffer here = {.max = 4096}, there = {.max = 4096};
    struct gust__context context = {0};
    capture_in_a_static_function(frames, 2, 0);
    print_one(&here, frames);
    gust__current = (struct gust__coroutine *)(void *)&context;
    print_one(&there, frames);
    gust__current = NULL;
    assert_string_equal(gust__buffer_bytes(&here), gust__buffer_bytes(&there));
    gust__buffer_fini(&here);
    gust__buffer_fini(&there);
}

static void an_address_of_nothing_is_printed_bare(void **state)
{
    (void)state;
    void *frame = (void *)0x1234;
    struct gust__buffer buffer = {.max = 4096};
    print_one(&buffer, &frame);
    assert_string_equal(gust__buffer_bytes(&buffer), "  at 0x1234\n");
    gust__buffer_fini(&buffer);
}

static void a_full_buffer_keeps_whole_lines(void **state)
{
    (void)state;
    void *frames[3] = {(void *)0x1234, (void *)0x1234, (void *)0x1234};
    size_t line = strlen("  at 0x1234\n");
    for (size_t max = 2 * line - 1; max <= 2 * line + 1; max++) {
        struct gust__buffer buffer = {.max = max};
        errno = 0;
        assert_int_equal(gust__backtrace_print(&buffer, frames, 3), -1);
        assert_int_equal(errno, ENOBUFS);
        assert_int_equal(gust__buffer_length(&buffer), max < 2 * line ? line : 2 * line);
        gust__buffer_fini(&buffer);
    }
    struct gust__buffer buffer = {.max = 3 * line};
    errno = 77;
    assert_int_equal(gust__backtrace_print(&buffer, frames, 3), 0);
    assert_int_equal(errno, 77);
    gust__buffer_fini(&buffer);
}

static void print_often(void *argument)
{
    for (int i = 0; i < 50; i++) {
        struct gust__buffer buffer = {.max = 4096};
        print_one(&buffer, argument);
        gust__buffer_fini(&buffer);
    }
}

static void threads_may_print_at_once(void **state)
{
    (void)state;
    void *frames[2];
    struct gust__thread threads[3];
    capture_in_a_static_function(frames, 2, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(gust__thread_start(&threads[i], "print", print_often, frames), 0);
    for (int i = 0; i < 3; i++)
        gust__thread_join(&threads[i]);
}

static void a_forked_child_may_print(void **state)
{
    (void)state;
    void *frames[2];
    capture_in_a_static_function(frames, 2, 0);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        struct gust__buffer buffer = {.max = 4096};
        int result = gust__backtrace_print(&buffer, frames, 2);
        _exit(result == 0 && gust__buffer_length(&buffer) > 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_begin_with_the_caller),
        cmocka_unit_test(no_more_frames_than_asked_for),
        cmocka_unit_test(a_frame_is_function_file_and_line),
        cmocka_unit_test(a_coroutine_has_it_done_on_a_thread),
        cmocka_unit_test(an_address_of_nothing_is_printed_bare),
        cmocka_unit_test(a_full_buffer_keeps_whole_lines),
        cmocka_unit_test(threads_may_print_at_once),
        cmocka_unit_test(a_forked_child_may_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
