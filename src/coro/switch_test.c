#include "coro/sanitizer.h"
#include "coro/switch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>
#include <cmocka.h>

enum { stack_size = 256 * 1024, depth = 20 };

/* A flow and what goes with it; thread is the test's own. */
struct task {
    struct gust__flow flow;
    struct gust__fiber fiber;
    void (*run)(struct task *task);
    char *stack;
    long count;
    bool ended;
};

static struct task thread;

/* Inlined, so that the switch stands in the caller itself. */
static inline __attribute__((always_inline)) void go(struct task *from, struct task *to)
{
    gust__fiber_leave(&from->fiber, &to->fiber);
    gust__flow_switch(&from->flow, &to->flow);
    gust__fiber_arrive(&from->fiber, from == &thread ? &to->fiber : &thread.fiber);
}

static void enter(void *argument)
{
    struct task *task = argument;
    gust__fiber_arrive(&task->fiber, &thread.fiber);
    task->run(task);
    task->ended = true;
    gust__fiber_leave_last(&task->fiber, &thread.fiber);
    gust__flow_switch(&task->flow, &thread.flow);
    abort();
}

static void task_init(struct task *task, void (*run)(struct task *))
{
    gust__fiber_init_thread(&thread.fiber);
    *task = (struct task){.run = run, .stack = aligned_alloc(64, stack_size)};
    assert_non_null(task->stack);
    gust__fiber_init(&task->fiber, task->stack, stack_size);
    gust__flow_init(&task->flow, task->stack, stack_size, enter, task);
}

static void task_fini(struct task *task)
{
    gust__fiber_fini(&task->fiber);
    free(task->stack);
}

static void count_up(struct task *task)
{
    while (task->count < 1000) {
        task->count++;
        go(task, &thread);
    }
}

static void two_flows_alternate(void **state)
{
    (void)state;
    struct task task;
    task_init(&task, count_up);
    for (long i = 1; i <= 1000; i++) {
        go(&thread, &task);
        assert_int_equal(task.count, i);
    }
    go(&thread, &task);
    assert_true(task.ended);
    task_fini(&task);
}

/* More values than there are registers, all alive over the switch; the flows hold different ones. */
static __attribute__((noinline)) bool values_survive(struct task *from, struct task *to, volatile long *seed)
{
    long a = *seed, b = a * 3, c = a * 5, d = a * 7, e = a * 11, f = a * 13, g = a * 17, h = a * 19;
    double p = (double)a, q = p * 1.5, r = p * 2.5, s = p * 3.5, t = p * 4.5, u = p * 5.5, v = p * 6.5;
    long double x = p, y = x * 0.5L;
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g));
    go(from, to);
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g));
    long n = *seed;
    bool whole =
        a == n && b == n * 3 && c == n * 5 && d == n * 7 && e == n * 11 && f == n * 13 && g == n * 17;
    double m = (double)n;
    bool real = p == m && q == m * 1.5 && r == m * 2.5 && s == m * 3.5 && t == m * 4.5 && u == m * 5.5 &&
                v == m * 6.5;
    return whole && real && h == n * 19 && x == m && y == x * 0.5L;
}

static void keep_values(struct task *task)
{
    volatile long seed = 1000003;
    for (int i = 0; i < 10; i++) {
        task->count += values_survive(task, &thread, &seed);
        seed += 77;
    }
}

static void registers_are_kept(void **state)
{
    (void)state;
    struct task task;
    volatile long seed = 5;
    task_init(&task, keep_values);
    for (int i = 0; i < 10; i++) {
        assert_true(values_survive(&thread, &task, &seed));
        seed++;
    }
    go(&thread, &task);
    assert_true(task.ended);
    assert_int_equal(task.count, 10);
    task_fini(&task);
}

/* A dynamic array makes compilers address the frame by other registers than the stack pointer. */
static __attribute__((noinline)) size_t frame_survives(struct task *from, struct task *to, size_t size)
{
    char array[size];
    _Alignas(64) volatile char aligned[64];
    memset(array, (int)size & 0x7f, size);
    aligned[0] = 7;
    go(from, to);
    size_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += array[i] == ((int)size & 0x7f);
    return sum + (size_t)aligned[0] + ((uintptr_t)aligned & 63);
}

static void keep_frames(struct task *task)
{
    for (size_t i = 1; i <= 10; i++)
        task->count += frame_survives(task, &thread, i * 100) == i * 100 + 7;
}

static void frames_of_dynamic_size_are_kept(void **state)
{
    (void)state;
    struct task task;
    task_init(&task, keep_frames);
    for (size_t i = 1; i <= 10; i++)
        assert_int_equal(frame_survives(&thread, &task, i * 37), i * 37 + 7);
    go(&thread, &task);
    assert_int_equal(task.count, 10);
    task_fini(&task);
}

/* The floating point modes as one number, and values of it that differ from the usual in each part. (What is
   set is read back before it is compared: valgrind and qemu don't have all of it.) */
#if defined(__x86_64__)
static uint64_t modes(void)
{
    uint32_t mxcsr;
    uint16_t control;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(control));
    return (mxcsr & ~0x3fu) | (uint64_t)control << 32;
}

static void set_modes(uint64_t value)
{
    uint32_t mxcsr = (uint32_t)value;
    uint16_t control = (uint16_t)(value >> 32);
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(control));
}

static const uint64_t unusual_modes[] = {
    0x037f00009f80, /* flush to zero */
    0x037f00007f80, /* round towards zero */
    0x007f00001f80, /* x87: single precision */
    0x0b7f00003f80, /* both round down and up */
};
#elif defined(__aarch64__)
static uint64_t modes(void)
{
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
}

static void set_modes(uint64_t value)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(value));
}

static const uint64_t unusual_modes[] = {0x1000000, 0xc00000, 0x400000, 0x2000000};
#endif

#if defined(__x86_64__) || defined(__aarch64__)
enum { unusual_count = sizeof(unusual_modes) / sizeof(unusual_modes[0]) };

static uint64_t made_under; /* the modes of whoever made the flow */

static void change_modes(struct task *task)
{
    task->count += modes() == made_under;
    for (size_t i = 1; i < unusual_count; i++) {
        set_modes(unusual_modes[i]);
        uint64_t set = modes();
        go(task, &thread);
        task->count += modes() == set;
    }
}

static void floating_point_modes_belong_to_the_flow(void **state)
{
    (void)state;
    struct task task;
    uint64_t usual = modes();
    bool kept = true;
    set_modes(unusual_modes[0]);
    made_under = modes();
    task_init(&task, change_modes);
    set_modes(usual);
    while (!task.ended) {
        go(&thread, &task);
        kept &= modes() == usual;
    }
    assert_true(kept);
    assert_int_equal(task.count, unusual_count);
    task_fini(&task);
}
#endif

static void check_alignment(struct task *task)
{
    _Alignas(16) volatile char aligned[16];
    task->count = (long)((uintptr_t)aligned & 15);
    task->count += (long)((uintptr_t)__builtin_frame_address(0) & 15);
}

static void stacks_start_aligned(void **state)
{
    (void)state;
    struct task task;
    task_init(&task, check_alignment);
    for (size_t odd = 0; odd < 32; odd += 5) { /* whatever the stack's end is */
        gust__flow_init(&task.flow, task.stack, stack_size - odd, enter, &task);
#if !defined(GUST__ASAN) && !defined(GUST__TSAN)
        go(&thread, &task);
        assert_int_equal(task.count, 0);
#endif
    }
    task_fini(&task);
}

#ifndef GUST_PORTABLE_SWITCH

void gust__flow_start(void) __attribute__((visibility("hidden"))); /* in assembly */

struct trace {
    void *expected[depth]; /* return addresses that the recursion saw, innermost last */
    void *frames[depth * 4];
    size_t count;
    int end;
};
static struct trace trace;

static _Unwind_Reason_Code collect(struct _Unwind_Context *context, void *argument)
{
    struct trace *to = argument;
    if (to->count == sizeof(to->frames) / sizeof(to->frames[0]))
        return _URC_NORMAL_STOP;
    to->frames[to->count++] = (void *)_Unwind_GetIP(context);
    return _URC_NO_REASON;
}

static __attribute__((noinline)) void descend(struct task *task, size_t left)
{
    trace.expected[depth - left] = __builtin_return_address(0);
    if (left > 1) {
        descend(task, left - 1);
    } else {
        trace.end = (int)_Unwind_Backtrace(collect, &trace);
        go(task, &thread);
    }
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

static void descend_all(struct task *task)
{
    descend(task, depth);
    __asm__ volatile("" ::: "memory");
}

/* The recursion's addresses one behind the other somewhere in the frames, and the flow's start as the last.
 */
static void check_trace(void *const *frames, size_t count)
{
    size_t first = 0;
    while (first < count && frames[first] != trace.expected[depth - 1])
        first++;
    assert_true(first + depth < count);
    for (size_t i = 0; i < depth; i++)
        assert_ptr_equal(frames[first + i], trace.expected[depth - 1 - i]);
    uintptr_t last = (uintptr_t)(frames[count - 1] ? frames[count - 1] : frames[count - 2]);
    uintptr_t start = (uintptr_t)gust__flow_start;
    assert_true(last > start && last < start + 32);
}

static void backtraces_end_where_the_flow_starts(void **state)
{
    (void)state;
    struct task task;
    trace = (struct trace){.count = 0};
    task_init(&task, descend_all);
    go(&thread, &task);
    assert_int_equal(trace.end, _URC_END_OF_STACK);
    check_trace(trace.frames, trace.count);
    go(&thread, &task);
    task_fini(&task);
}

static void backtrace_of_a_suspended_flow_begins_at_its_switch(void **state)
{
    (void)state;
    struct task task;
    void *frames[depth * 4];
    trace = (struct trace){.count = 0};
    task_init(&task, descend_all);
    go(&thread, &task);
    size_t count = gust__flow_backtrace(&task.flow, frames, depth * 4);
    assert_ptr_equal(frames[0], task.flow.resume);
    assert_ptr_equal(frames[1], trace.expected[depth - 1]);
    check_trace(frames, count);
    assert_int_equal(gust__flow_backtrace(&task.flow, frames, 3), 3);
    assert_int_equal(gust__flow_backtrace(&task.flow, frames, 0), 0);
    go(&thread, &task);
    assert_true(task.ended);
    task_fini(&task);
}

static void backtrace_of_a_flow_that_never_ran_is_its_start(void **state)
{
    (void)state;
    struct task task;
    void *frames[8];
    task_init(&task, descend_all);
    assert_int_equal(gust__flow_backtrace(&task.flow, frames, 8), 1);
    assert_true((uintptr_t)frames[0] == (uintptr_t)gust__flow_start);
    task_fini(&task);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_flows_alternate),
        cmocka_unit_test(registers_are_kept),
        cmocka_unit_test(frames_of_dynamic_size_are_kept),
#if defined(__x86_64__) || defined(__aarch64__)
        cmocka_unit_test(floating_point_modes_belong_to_the_flow),
#endif
        cmocka_unit_test(stacks_start_aligned),
#ifndef GUST_PORTABLE_SWITCH
        cmocka_unit_test(backtraces_end_where_the_flow_starts),
        cmocka_unit_test(backtrace_of_a_suspended_flow_begins_at_its_switch),
        cmocka_unit_test(backtrace_of_a_flow_that_never_ran_is_its_start),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
