#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include "base/arena.h"
#include "base/faults.h"

enum { HEADER = 16 }; /* of a block */

static void gives_aligned_separate_pieces(void **state)
{
    (void)state;
    struct gust__arena arena;
    gust__arena_init(&arena, NULL, 0, 1 << 20);
    char *before = NULL;
    for (size_t size = 1; size < 3000; size += 7) {
        char *piece = gust__arena_alloc(&arena, size);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece & 15, 0);
        memset(piece, (int)size, size);
        if (before)
            assert_int_equal((unsigned char)before[size - 8], (unsigned char)(size - 7));
        before = piece;
    }
    gust__arena_fini(&arena);
}

static void uses_the_callers_block_first(void **state)
{
    (void)state;
    char first[256 + 1];
    struct gust__arena arena;
    gust__arena_init(&arena, first + 1, 256, 1 << 20); /* misaligned on purpose */
    char *piece = gust__arena_alloc(&arena, 100);
    assert_true(piece >= first && piece + 100 <= first + sizeof(first));
    assert_int_equal((uintptr_t)piece & 15, 0);
    assert_int_equal(arena.held, 0);
    assert_non_null(gust__arena_alloc(&arena, 200));
    assert_true(arena.held > 0);
    gust__arena_reset(&arena);
    assert_int_equal(arena.held, 0);
    assert_ptr_equal(gust__arena_alloc(&arena, 100), piece);
    gust__arena_fini(&arena);
    memset(first, 0, sizeof(first)); /* ours again: no poison is left on it */
}

static void a_tiny_first_block_is_harmless(void **state)
{
    (void)state;
    char first[3];
    struct gust__arena arena;
    gust__arena_init(&arena, first, sizeof(first), 1 << 20);
    assert_non_null(gust__arena_alloc(&arena, 1));
    gust__arena_fini(&arena);
}

static void no_bytes_are_no_failure(void **state)
{
    (void)state;
    struct gust__arena arena;
    gust__arena_init(&arena, NULL, 0, 0);
    assert_non_null(gust__arena_alloc(&arena, 0));
    gust__arena_fini(&arena);
}

static void holds_up_to_its_maximum(void **state)
{
    (void)state;
    static const int wanted[] = {-16, 0, 16};
    for (size_t i = 0; i < 3; i++) {
        struct gust__arena arena;
        gust__arena_init(&arena, NULL, 0, 1 << 16);
        size_t size = (size_t)((1 << 16) - HEADER + wanted[i]);
        errno = 0;
        void *piece = gust__arena_alloc(&arena, size);
        assert_int_equal(piece != NULL, wanted[i] <= 0);
        assert_int_equal(errno, piece ? 0 : ENOMEM);
        assert_true(arena.held <= arena.max);
        gust__arena_fini(&arena);
    }
}

static void small_pieces_fill_the_maximum_too(void **state)
{
    (void)state;
    struct gust__arena arena;
    gust__arena_init(&arena, NULL, 0, 10000);
    size_t pieces = 0;
    while (gust__arena_alloc(&arena, 48))
        pieces++;
    assert_int_equal(errno, ENOMEM);
    assert_in_range(pieces, 150, 10000 / 48);
    assert_true(arena.held <= 10000);
    gust__arena_fini(&arena);
}

static void absurd_sizes_fail(void **state)
{
    (void)state;
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 31, SIZE_MAX / 2};
    struct gust__arena arena;
    gust__arena_init(&arena, NULL, 0, 1 << 20);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        errno = 0;
        assert_null(gust__arena_alloc(&arena, sizes[i]));
        assert_int_equal(errno, ENOMEM);
    }
    assert_null(gust__arena_calloc(&arena, SIZE_MAX / 2, 3));
    assert_null(gust__arena_memdup(&arena, "", SIZE_MAX));
    gust__arena_fini(&arena);
}

static void copies_text(void **state)
{
    (void)state;
    struct gust__arena arena;
    gust__arena_init(&arena, NULL, 0, 1 << 20);
    assert_string_equal(gust__arena_strdup(&arena, "gust"), "gust");
    assert_string_equal(gust__arena_strndup(&arena, "gust", 2), "gu");
    assert_string_equal(gust__arena_strndup(&arena, "gust", 99), "gust");
    assert_memory_equal(gust__arena_memdup(&arena, "a\0b", 3), "a\0b", 4);
    assert_string_equal(gust__arena_memdup(&arena, NULL, 0), "");
    assert_string_equal(gust__arena_printf(&arena, "%s-%05d", "x", 42), "x-00042");
    char *zeros = gust__arena_calloc(&arena, 10, 10);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zeros[i], 0);
    gust__arena_fini(&arena);
}

#ifdef GUST_FAULTS
static void survives_a_failing_heap(void **state)
{
    (void)state;
    struct gust__arena arena;
    gust__arena_init(&arena, NULL, 0, 1 << 20);
    gust__faults_alloc_at(1, false);
    errno = 0;
    assert_null(gust__arena_strdup(&arena, "gust"));
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(gust__faults_struck(), 1);
    assert_string_equal(gust__arena_strdup(&arena, "gust"), "gust");
    gust__faults_set(NULL);
    gust__arena_fini(&arena);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_aligned_separate_pieces),
        cmocka_unit_test(uses_the_callers_block_first),
        cmocka_unit_test(a_tiny_first_block_is_harmless),
        cmocka_unit_test(no_bytes_are_no_failure),
        cmocka_unit_test(holds_up_to_its_maximum),
        cmocka_unit_test(small_pieces_fill_the_maximum_too),
        cmocka_unit_test(absurd_sizes_fail),
        cmocka_unit_test(copies_text),
#ifdef GUST_FAULTS
        cmocka_unit_test(survives_a_failing_heap),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
