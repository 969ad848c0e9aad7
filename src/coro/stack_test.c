#include "coro/stack.h"

#include "base/sys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static size_t warnings;

static void count_warning(const char *text)
{
    warnings += strstr(text, "unguarded") != NULL;
}

static struct gust__stack_arena *new_arena(size_t max, size_t warm)
{
    struct gust__stack_options options = {.size = 65536, .max = max, .warm = warm, .warn = count_warning};
    struct gust__stack_arena *arena = gust__stack_arena_new(&options);
    assert_non_null(arena);
    return arena;
}

static struct gust__stack take(struct gust__stack_arena *arena)
{
    struct gust__stack stack;
    assert_int_equal(gust__stack_take(arena, &stack), 0);
    return stack;
}

/* Pages of the stack that are in memory. */
static size_t resident(struct gust__stack stack)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    unsigned char map[65536 / 4096];
    assert_int_equal(mincore(stack.low, stack.size, map), 0);
    for (size_t i = 0; i < stack.size / page; i++)
        count += map[i] & 1;
    return count;
}

static bool faults(const char *address)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    bool fault = gust__sys_raw(SYS_write, ends[1], (long)address, 1, 0, 0, 0) == -EFAULT;
    close(ends[0]);
    close(ends[1]);
    return fault;
}

/* Each test runs with both kinds of guards, where there are both. */
static int use_advice(void **state)
{
    (void)state;
    warnings = 0;
    unsetenv("GUST_NO_GUARD_INSTALL");
    gust__stack_probe();
    return 0;
}

static int use_protection(void **state)
{
    (void)state;
    warnings = 0;
    setenv("GUST_NO_GUARD_INSTALL", "1", 1);
    return gust__stack_probe() == GUST__STACK_BY_PROTECTION ? 0 : -1;
}

static void the_stack_given_back_last_is_taken_first(void **state)
{
    (void)state;
    struct gust__stack_arena *arena = new_arena(8, 0);
    struct gust__stack a = take(arena), b = take(arena), c = take(arena);
    assert_true(a.low != b.low && b.low != c.low && a.low != c.low);
    gust__stack_give(arena, b);
    gust__stack_give(arena, a);
    gust__stack_give(arena, c);
    assert_ptr_equal(take(arena).low, c.low);
    assert_ptr_equal(take(arena).low, a.low);
    assert_ptr_equal(take(arena).low, b.low);
    gust__stack_arena_free(arena);
}

static void every_byte_is_usable_and_below_is_a_guard(void **state)
{
    (void)state;
    struct gust__stack_arena *arena = new_arena(300, 0); /* more than one segment */
    for (size_t i = 0; i < 300; i++) {
        struct gust__stack stack = take(arena);
        memset(stack.low, 0xa5, stack.size);
        assert_false(faults(stack.low));
        assert_true(faults(stack.low - 1));
        assert_true(faults(stack.low - GUST__STACK_GUARD));
        uintptr_t start = (uintptr_t)stack.low & -gust__stack_arena_stride(arena);
        assert_int_equal(start + gust__stack_arena_stride(arena), (uintptr_t)stack.low + stack.size);
    }
    gust__stack_arena_free(arena);
}

static void no_more_than_max_can_be_taken(void **state)
{
    (void)state;
    struct gust__stack_arena *arena = new_arena(3, 0);
    struct gust__stack stack, last = {0};
    for (int i = 0; i < 3; i++)
        last = take(arena);
    errno = 0;
    assert_int_equal(gust__stack_take(arena, &stack), -1);
    assert_int_equal(errno, ENOMEM);
    gust__stack_give(arena, last);
    assert_ptr_equal(take(arena).low, last.low);
    assert_int_equal(gust__stack_take(arena, &stack), -1);
    assert_int_equal(gust__stack_arena_counts(arena).taken, 3);
    gust__stack_arena_free(arena);
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    const struct gust__stack_options bad[] = {
        {.size = GUST__STACK_MIN - 1},
        {.size = ((size_t)1 << 32) + 1},
        {.max = GUST__STACK_COUNT_MAX + 1},
        {.warm = 1},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        errno = 0;
        assert_null(gust__stack_arena_new(&bad[i]));
        assert_int_equal(errno, EINVAL);
    }
    struct gust__stack_options least = {.size = GUST__STACK_MIN, .max = 1, .warm = 2};
    struct gust__stack_arena *arena = gust__stack_arena_new(&least);
    assert_non_null(arena);
    assert_int_equal(take(arena).size, GUST__STACK_MIN - GUST__STACK_GUARD);
    gust__stack_arena_free(arena);
    gust__stack_arena_free(NULL);
}

static void warm_stacks_above_the_limit_lose_their_pages(void **state)
{
    (void)state;
    enum { count = 9, warm = 8 };
    struct gust__stack_arena *arena = new_arena(count, warm);
    struct gust__stack stacks[count];
    for (size_t i = 0; i < count; i++) {
        stacks[i] = take(arena);
        memset(stacks[i].low + stacks[i].size - 10000, 1, 10000);
    }
    for (size_t i = 0; i < warm; i++)
        gust__stack_give(arena, stacks[i]);
    assert_int_equal(gust__stack_arena_counts(arena).warm, warm);
    assert_true(resident(stacks[0]) >= 1);
    errno = 77;
    gust__stack_give(arena, stacks[warm]);
    assert_int_equal(errno, 77);
    struct gust__stack_counts counts = gust__stack_arena_counts(arena);
    assert_int_equal(counts.warm, 5);
    assert_int_equal(counts.cold, 4);
    for (size_t i = 0; i < count; i++) /* the ones idle for longest */
        assert_int_equal(resident(stacks[i]) > 0, i >= 4);
    for (size_t i = count; i-- > 4;)
        assert_ptr_equal(take(arena).low, stacks[i].low);
    for (size_t i = 0; i < 4; i++) { /* cold ones: usable and guarded as before */
        struct gust__stack stack = take(arena);
        assert_ptr_equal(stack.low, stacks[i].low);
        assert_int_equal(stack.low[stack.size - 1], 0);
        assert_true(faults(stack.low - 1));
        memset(stack.low, 1, stack.size);
    }
    counts = gust__stack_arena_counts(arena);
    assert_int_equal(counts.taken, count);
    assert_int_equal(counts.warm + counts.cold, 0);
    gust__stack_arena_free(arena);
}

/* Whatever the order, no stack is handed out twice, or loses its pages while it is taken. */
static void any_order_of_taking_and_giving_keeps_stacks_apart(void **state)
{
    (void)state;
    enum { max = 64 };
    struct gust__stack_arena *arena = new_arena(max, 5);
    struct gust__stack taken[max];
    size_t count = 0;
    uint32_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t wave = (size_t)i / 500 % 2 ? 20 : 80; /* percent that are takes: fills up, runs empty */
        if (seed >> 16 & 1 ? (seed >> 17) % 100 < wave : (seed >> 18) % 100 < wave) {
            struct gust__stack stack;
            assert_int_equal(gust__stack_take(arena, &stack), count < max ? 0 : -1);
            if (count == max)
                continue;
            stack.low[stack.size - 1] = 'x';
            for (size_t j = 0; j < count; j++)
                assert_true(taken[j].low != stack.low);
            taken[count++] = stack;
        } else if (count > 0) {
            size_t which = (seed >> 8) % count;
            assert_int_equal(taken[which].low[taken[which].size - 1], 'x');
            gust__stack_give(arena, taken[which]);
            taken[which] = taken[--count];
        }
        struct gust__stack_counts counts = gust__stack_arena_counts(arena);
        assert_int_equal(counts.taken, count);
        assert_true(counts.warm <= 5);
    }
    gust__stack_arena_free(arena);
}

static void addresses_are_told_apart(void **state)
{
    (void)state;
    struct gust__stack_arena *arena = new_arena(4, 0);
    struct gust__stack a = take(arena), b = take(arena), found;
    assert_int_equal(gust__stack_of(arena, a.low, &found), GUST__STACK_IN_STACK);
    assert_ptr_equal(found.low, a.low);
    assert_int_equal(found.size, a.size);
    assert_int_equal(gust__stack_of(arena, b.low + b.size - 1, &found), GUST__STACK_IN_STACK);
    assert_ptr_equal(found.low, b.low);
    assert_int_equal(gust__stack_of(arena, b.low - 1, &found), GUST__STACK_IN_GUARD);
    assert_ptr_equal(found.low, b.low);
    assert_int_equal(gust__stack_of(arena, b.low - GUST__STACK_GUARD, &found), GUST__STACK_IN_GUARD);
    assert_ptr_equal(found.low, b.low);
    assert_int_equal(gust__stack_of(arena, a.low - GUST__STACK_GUARD - 1, &found), GUST__STACK_ELSEWHERE);
    assert_int_equal(gust__stack_of(arena, b.low + b.size, &found), GUST__STACK_ELSEWHERE); /* never taken */
    assert_int_equal(gust__stack_of(arena, &found, &found), GUST__STACK_ELSEWHERE);
    assert_int_equal(gust__stack_of(arena, NULL, &found), GUST__STACK_ELSEWHERE);
    gust__stack_arena_free(arena);
}

static size_t max_under(rlim_t addresses, size_t max)
{
    struct rlimit before, limit;
    getrlimit(RLIMIT_AS, &before);
    limit = (struct rlimit){.rlim_cur = addresses, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    struct gust__stack_options options = {.size = 1 << 20, .max = max};
    struct gust__stack_arena *arena = gust__stack_arena_new(&options);
    setrlimit(RLIMIT_AS, &before);
    size_t got = arena ? gust__stack_arena_counts(arena).max : 0;
    gust__stack_arena_free(arena);
    return got;
}

/* Not so under emulators and sanitizers, which need more addresses than any limit leaves. */
static bool addresses_are_limited(void)
{
    struct rlimit before, limit;
    size_t size = (size_t)4 << 30;
    getrlimit(RLIMIT_AS, &before);
    limit = (struct rlimit){.rlim_cur = (rlim_t)3 << 30, .rlim_max = before.rlim_max};
    void *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool enough = room != MAP_FAILED && munmap(room, size) == 0;
    setrlimit(RLIMIT_AS, &limit);
    room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool limited = room == MAP_FAILED;
    void *little = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    setrlimit(RLIMIT_AS, &before);
    if (!limited)
        munmap(room, size);
    return enough && limited && little != MAP_FAILED && munmap(little, 65536) == 0;
}

static void fewer_addresses_make_fewer_stacks(void **state)
{
    (void)state;
    if (!addresses_are_limited())
        skip();
    assert_int_equal(max_under(RLIM_INFINITY, 4096), 4096);
    assert_int_equal(max_under((rlim_t)3 << 30, 4096), 2048);
    assert_int_equal(max_under((rlim_t)3 << 30, 1024), 1024);
    errno = 0;
    assert_int_equal(max_under((rlim_t)200 << 20, 4096), 0);
    assert_int_equal(errno, ENOMEM);
}

static size_t mappings_of_the_process(void)
{
    FILE *file = fopen("/proc/self/maps", "r");
    size_t lines = 0;
    assert_non_null(file);
    for (int byte; (byte = getc(file)) != EOF;)
        lines += byte == '\n';
    fclose(file);
    return lines;
}

static void thousands_of_guarded_stacks_are_a_few_mappings(void **state)
{
    (void)state;
    if (gust__stack_probe() != GUST__STACK_BY_ADVICE)
        skip();
    struct gust__stack_arena *arena = new_arena(5000, 0);
    size_t before = mappings_of_the_process();
    for (size_t i = 0; i < 5000; i++) {
        struct gust__stack stack = take(arena);
        stack.low[stack.size - 1] = 1;
    }
    assert_true(mappings_of_the_process() < before + 40);
    gust__stack_arena_free(arena);
}

static size_t unguarded_of(size_t count)
{
    struct gust__stack_arena *arena = new_arena(count, 0);
    size_t faulting = 0;
    for (size_t i = 0; i < count; i++)
        faulting += faults(take(arena).low - 1);
    size_t unguarded = gust__stack_arena_counts(arena).unguarded;
    assert_int_equal(faulting, count - unguarded);
    gust__stack_arena_free(arena);
    return unguarded;
}

static void guards_by_mprotect_end_at_the_limit_with_one_warning(void **state)
{
    (void)state;
    gust__stack_limit_mappings(10); /* two a guard */
    assert_int_equal(unguarded_of(4), 0);
    assert_int_equal(unguarded_of(5), 0); /* freed arenas count no more */
    assert_int_equal(warnings, 0);
    assert_int_equal(unguarded_of(6), 1);
    assert_int_equal(warnings, 1);
    assert_int_equal(unguarded_of(8), 3);
    assert_int_equal(warnings, 1);
    gust__stack_limit_mappings(0);
    assert_int_equal(unguarded_of(8), 0);
}

static void guards_by_advice_need_no_mappings(void **state)
{
    (void)state;
    if (gust__stack_probe() != GUST__STACK_BY_ADVICE)
        skip(); /* older kernels and emulators */
    gust__stack_limit_mappings(2);
    assert_int_equal(unguarded_of(100), 0);
    gust__stack_limit_mappings(0);
}

#ifdef GUST_FAULTS
static void a_failing_system_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    struct gust__stack_options options = {.max = 10, .warn = count_warning};
    struct gust__stack stack;
    const char *const rules[] = {"alloc:1", "alloc:2", "sys:mmap:1:12"};
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        assert_int_equal(gust__faults_set(rules[i]), 0);
        errno = 0;
        assert_null(gust__stack_arena_new(&options));
        assert_int_equal(errno, ENOMEM);
    }
    gust__faults_set(NULL);
    struct gust__stack_arena *arena = new_arena(10, 0);
    gust__faults_set("sys:mprotect:1:12"); /* the first segment */
    assert_int_equal(gust__stack_take(arena, &stack), -1);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(gust__stack_arena_counts(arena).taken, 0);
    gust__faults_set(NULL);
    stack = take(arena);
    memset(stack.low, 1, stack.size);
    gust__stack_arena_free(arena);
}

static void a_guard_that_fails_is_an_error_or_made_otherwise(void **state)
{
    (void)state;
    struct gust__stack stack;
    if (gust__stack_probe() != GUST__STACK_BY_ADVICE)
        skip();
    struct gust__stack_arena *arena = new_arena(10, 0);
    gust__faults_set("sys:madvise:1:12");
    assert_int_equal(gust__stack_take(arena, &stack), -1);
    assert_int_equal(errno, ENOMEM);
    gust__faults_set("sys:madvise:1:22"); /* as with locked memory */
    stack = take(arena);
    assert_true(faults(stack.low - 1));
    assert_true(faults(take(arena).low - 1));
    gust__faults_set("sys:mprotect:1:12");
    assert_true(!faults(take(arena).low - 1));
    assert_int_equal(warnings, 1);
    gust__faults_set(NULL);
    assert_int_equal(gust__stack_arena_counts(arena).unguarded, 1);
    gust__stack_arena_free(arena);
}
#endif

#define WITH_BOTH(test)                                           \
    {#test ", MADV_GUARD_INSTALL", test, use_advice, NULL, NULL}, \
    {                                                             \
#test ", mprotect", test, use_protection, NULL, NULL      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOTH(the_stack_given_back_last_is_taken_first),
        WITH_BOTH(every_byte_is_usable_and_below_is_a_guard),
        WITH_BOTH(no_more_than_max_can_be_taken),
        WITH_BOTH(options_out_of_range_are_refused),
        WITH_BOTH(warm_stacks_above_the_limit_lose_their_pages),
        WITH_BOTH(any_order_of_taking_and_giving_keeps_stacks_apart),
        WITH_BOTH(addresses_are_told_apart),
        cmocka_unit_test_setup(guards_by_mprotect_end_at_the_limit_with_one_warning, use_protection),
        cmocka_unit_test_setup(thousands_of_guarded_stacks_are_a_few_mappings, use_advice),
        cmocka_unit_test_setup(fewer_addresses_make_fewer_stacks, use_advice),
        cmocka_unit_test_setup(guards_by_advice_need_no_mappings, use_advice),
#ifdef GUST_FAULTS
        WITH_BOTH(a_failing_system_is_an_error_and_leaks_nothing),
        cmocka_unit_test_setup(a_guard_that_fails_is_an_error_or_made_otherwise, use_advice),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
