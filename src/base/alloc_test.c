#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "base/alloc.h"
#include "base/faults.h"

static void null_always_means_failure(void **state)
{
    (void)state;
    void *memory = gust__malloc(0);
    assert_non_null(memory);
    memory = gust__realloc(memory, 0);
    assert_non_null(memory);
    errno = 77;
    gust__free(memory);
    gust__free(NULL);
    assert_int_equal(errno, 77);
}

static void pieces_are_as_libcs(void **state)
{
    (void)state;
    char *zeros = gust__calloc(10, 10);
    assert_int_equal(zeros[99], 0);
    gust__free(zeros);
    void *aligned = gust__aligned_alloc(4096, 8192);
    assert_int_equal((uintptr_t)aligned % 4096, 0);
    gust__free(aligned);
    char *text = gust__strdup("gust");
    assert_string_equal(text, "gust");
    gust__free(text);
    text = gust__strndup("gust", 2);
    assert_string_equal(text, "gu");
    gust__free(text);
}

#ifdef GUST_FAULTS
static bool allocates(int how)
{
    static void *kept;
    if (!kept)
        kept = gust__malloc(1);
    void *memory = how == 0   ? gust__malloc(1)
                   : how == 1 ? gust__calloc(1, 1)
                   : how == 2 ? gust__aligned_alloc(16, 16)
                   : how == 3 ? (void *)gust__strdup("x")
                   : how == 4 ? (void *)gust__strndup("x", 1)
                              : gust__realloc(NULL, 1);
    gust__free(memory);
    return memory != NULL;
}

static void the_nth_allocation_fails_once_or_onwards(void **state)
{
    (void)state;
    allocates(0);
    for (int onwards = 0; onwards <= 1; onwards++) {
        gust__faults_alloc_at(3, onwards);
        for (int i = 0; i < 6; i++) {
            errno = 0;
            assert_int_equal(allocates(i), onwards ? i < 2 : i != 2);
            if (i == 2)
                assert_int_equal(errno, ENOMEM);
        }
        assert_int_equal(gust__faults_counted(), 6);
        assert_int_equal(gust__faults_struck(), onwards ? 4 : 1);
    }
    gust__faults_set("");
    assert_true(allocates(0));
    assert_int_equal(gust__faults_counted(), 0);
}

static void rules_are_read_as_written(void **state)
{
    (void)state;
    assert_int_equal(gust__faults_set("alloc:2+,sys:write:1:28,sys:read:2+:4"), 0);
    assert_int_equal(gust__faults_alloc(), 0);
    assert_int_equal(gust__faults_alloc(), ENOMEM);
    assert_int_equal(gust__faults_alloc(), ENOMEM);
    assert_int_equal(gust__faults_sys("write"), 28);
    assert_int_equal(gust__faults_sys("write"), 0);
    assert_int_equal(gust__faults_sys("read"), 0);
    assert_int_equal(gust__faults_sys("read"), 4);
    assert_int_equal(gust__faults_sys("pread"), 0);
    static const char *const bad[] = {"alloc",      "alloc:",   "alloc:0",      "alloc:x",     "sys:1",
                                      "sys::1",     "sys:read", "sys:read:",    "sys:read:1:", "sys:read:1:x",
                                      "sys:read:0", "alloc:1 ", "sys:read:1:0", "heap:1",      "alloc:1+x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        errno = 0;
        assert_int_equal(gust__faults_set(bad[i]), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(gust__faults_alloc(), 0);
    }
    const char *eight = "alloc:1,alloc:1,alloc:1,alloc:1,alloc:1,alloc:1,alloc:1,alloc:1,alloc:1";
    assert_int_equal(gust__faults_set(eight), -1);                     /* nine */
    assert_int_equal(gust__faults_set(eight + strlen("alloc:1,")), 0); /* eight */
    assert_int_equal(gust__faults_set("sys:0123456789012345678901:1"), 0);
    assert_int_equal(gust__faults_set("sys:01234567890123456789012:1"), 0);   /* 23 characters */
    assert_int_equal(gust__faults_set("sys:012345678901234567890123:1"), -1); /* 24 */
    gust__faults_set(NULL);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_always_means_failure),
        cmocka_unit_test(pieces_are_as_libcs),
#ifdef GUST_FAULTS
        cmocka_unit_test(the_nth_allocation_fails_once_or_onwards),
        cmocka_unit_test(rules_are_read_as_written),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
