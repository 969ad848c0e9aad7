#include "http/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The encoding of a code point as the definition has it, in the given number of bytes. */
static size_t encode(uint32_t point, size_t size, char *out)
{
    static const unsigned char first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    if (size == 1)
        out[0] = (char)point;
    for (size_t i = size; size > 1 && i-- > 1; point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3F));
    if (size > 1)
        out[0] = (char)(first[size] | point);
    return size;
}

static size_t size_of(uint32_t point)
{
    return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

static void every_code_point_in_every_size(void **state)
{
    (void)state;
    for (uint32_t point = 0; point < 0x1FFFFF; point++) {
        bool scalar = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
        for (size_t size = size_of(point); size <= 4; size++) {
            char text[4];
            if (gust__utf8_valid(gust__slice(text, encode(point, size, text))) !=
                (scalar && size == size_of(point)))
                fail_msg("U+%x in %zu bytes", point, size);
        }
    }
}

static void any_two_bytes(void **state)
{
    (void)state;
    for (int one = 0; one < 256; one++) {
        for (int two = 0; two < 256; two++) {
            char text[] = {(char)one, (char)two};
            bool ascii = one < 0x80 && two < 0x80;
            bool pair = one >= 0xC2 && one <= 0xDF && two >= 0x80 && two <= 0xBF;
            assert_int_equal(gust__utf8_valid(gust__slice(text, 2)), ascii || pair);
        }
    }
}

static void pieces_are_one_text(void **state)
{
    (void)state;
    struct gust__slice text = GUST__SLICE("0123456789 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 end of it all");
    for (size_t split = 0; split <= text.size; split++) {
        struct gust__utf8 utf8 = {0};
        assert_true(gust__utf8_feed(&utf8, gust__slice(text.data, split)));
        assert_true(gust__utf8_feed(&utf8, gust__slice_from(text, split)));
        assert_true(gust__utf8_complete(&utf8));
    }
    struct gust__utf8 utf8 = {0};
    assert_true(gust__utf8_feed(&utf8, GUST__SLICE("a\xe2\x82")));
    assert_false(gust__utf8_complete(&utf8));
    assert_false(gust__utf8_feed(&utf8, GUST__SLICE("b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_in_every_size),
        cmocka_unit_test(any_two_bytes),
        cmocka_unit_test(pieces_are_one_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
