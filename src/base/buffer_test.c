#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/buffer.h"
#include "base/faults.h"

static void starts_empty_and_ready(void **state)
{
    (void)state;
    struct gust__buffer buffer = {.max = 10};
    assert_int_equal(gust__buffer_length(&buffer), 0);
    assert_null(gust__buffer_bytes(&buffer));
    gust__buffer_consume(&buffer, 0);
    assert_int_equal(gust__buffer_append(&buffer, NULL, 0), 0);
    gust__buffer_fini(&buffer);
}

static void holds_up_to_its_maximum(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 255, 256, 257, 1000, 5000};
    char data[6000];
    memset(data, 'x', sizeof(data));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t more = 0; more < 3; more++) {
            struct gust__buffer buffer = {.max = sizes[i] + 1};
            assert_int_equal(gust__buffer_append(&buffer, data, sizes[i] / 2), 0);
            errno = 0;
            int result = gust__buffer_append(&buffer, data, sizes[i] - sizes[i] / 2 + more);
            assert_int_equal(result, more <= 1 ? 0 : -1);
            assert_int_equal(errno, more <= 1 ? 0 : ENOBUFS);
            assert_int_equal(gust__buffer_length(&buffer), more <= 1 ? sizes[i] + more : sizes[i] / 2);
            assert_true(buffer.capacity <= buffer.max + 1);
            gust__buffer_fini(&buffer);
        }
    }
}

static void printf_holds_up_to_the_maximum(void **state)
{
    (void)state;
    for (int length = 9; length <= 11; length++) {
        struct gust__buffer buffer = {.max = 10};
        errno = 0;
        int result = gust__buffer_printf(&buffer, "%.*s", length, "0123456789ab");
        assert_int_equal(result, length <= 10 ? 0 : -1);
        assert_int_equal(errno, length <= 10 ? 0 : ENOBUFS);
        assert_int_equal(gust__buffer_length(&buffer), length <= 10 ? length : 0);
        if (length <= 10)
            assert_memory_equal(gust__buffer_bytes(&buffer), "0123456789", (size_t)length);
        gust__buffer_fini(&buffer);
    }
}

static void a_failed_append_keeps_the_content(void **state)
{
    (void)state;
    struct gust__buffer buffer = {.max = 8};
    assert_int_equal(gust__buffer_append(&buffer, "abcdef", 6), 0);
    gust__buffer_consume(&buffer, 2);
    assert_int_equal(gust__buffer_append(&buffer, "12345", 5), -1);
    assert_int_equal(gust__buffer_printf(&buffer, "%s", "12345"), -1);
    assert_null(gust__buffer_reserve(&buffer, SIZE_MAX));
    assert_int_equal(errno, ENOBUFS);
    assert_int_equal(gust__buffer_length(&buffer), 4);
    assert_memory_equal(gust__buffer_bytes(&buffer), "cdef", 4);
    gust__buffer_fini(&buffer);
}

static void absurd_sizes_fail(void **state)
{
    (void)state;
    struct gust__buffer buffer = {.max = SIZE_MAX};
    assert_int_equal(gust__buffer_append(&buffer, "abc", 3), 0);
    assert_null(gust__buffer_reserve(&buffer, SIZE_MAX));
    assert_int_equal(errno, ENOBUFS);
    assert_memory_equal(gust__buffer_bytes(&buffer), "abc", 3);
    gust__buffer_fini(&buffer);
}

/* Against a model: a stream of counted bytes goes in and out in pieces of random sizes. */
static void bytes_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct gust__buffer buffer = {.max = 3000};
    unsigned char in = 0, out = 0;
    srand(7);
    for (int round = 0; round < 20000; round++) {
        size_t size = (size_t)(rand() % 500);
        unsigned char *to = (unsigned char *)gust__buffer_reserve(&buffer, size);
        assert_int_equal(to != NULL, gust__buffer_length(&buffer) + size <= 3000);
        for (size_t i = 0; to && i < size; i++)
            to[i] = in++;
        if (to)
            gust__buffer_added(&buffer, size);
        size_t take = (size_t)(rand() % 500);
        if (take > gust__buffer_length(&buffer))
            take = gust__buffer_length(&buffer);
        for (size_t i = 0; i < take; i++)
            assert_int_equal((unsigned char)gust__buffer_bytes(&buffer)[i], out++);
        gust__buffer_consume(&buffer, take);
    }
    gust__buffer_fini(&buffer);
}

static void an_emptied_buffer_keeps_its_memory(void **state)
{
    (void)state;
    struct gust__buffer buffer = {.max = 1000};
    assert_int_equal(gust__buffer_printf(&buffer, "%d", 12345), 0);
    const char *data = buffer.data;
    gust__buffer_consume(&buffer, 5);
    assert_int_equal(buffer.start, 0);
    assert_int_equal(gust__buffer_append(&buffer, "x", 1), 0);
    assert_ptr_equal(buffer.data, data);
    gust__buffer_fini(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.max, 1000);
    assert_int_equal(gust__buffer_append(&buffer, "x", 1), 0);
    gust__buffer_fini(&buffer);
}

#ifdef GUST_FAULTS
static void survives_a_failing_heap(void **state)
{
    (void)state;
    struct gust__buffer buffer = {.max = 10000};
    assert_int_equal(gust__buffer_append(&buffer, "abc", 3), 0);
    gust__buffer_consume(&buffer, 1);
    gust__faults_alloc_at(1, true);
    errno = 0;
    assert_null(gust__buffer_reserve(&buffer, 5000));
    assert_int_equal(errno, ENOMEM);
    gust__faults_set(NULL);
    assert_int_equal(gust__buffer_length(&buffer), 2);
    assert_memory_equal(gust__buffer_bytes(&buffer), "bc", 2);
    gust__buffer_fini(&buffer);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_empty_and_ready),
        cmocka_unit_test(holds_up_to_its_maximum),
        cmocka_unit_test(printf_holds_up_to_the_maximum),
        cmocka_unit_test(a_failed_append_keeps_the_content),
        cmocka_unit_test(absurd_sizes_fail),
        cmocka_unit_test(bytes_come_out_as_they_went_in),
        cmocka_unit_test(an_emptied_buffer_keeps_its_memory),
#ifdef GUST_FAULTS
        cmocka_unit_test(survives_a_failing_heap),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
