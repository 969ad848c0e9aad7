/* Ranges of bytes. */
#include "http/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* What a field asks of so many bytes, as "first+size first+size"; "whole"; "none". */
static const char *read_field(const char *field, uint64_t length)
{
    static char text[1024];
    struct gust__range ranges[GUST__RANGES_MAX];
    int count = gust__ranges_read(gust__slice_of(field), length, ranges);
    size_t size = 0;
    if (count <= 0)
        return count ? "none" : "whole";
    for (int i = 0; i < count; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%llu+%llu", i ? " " : "",
                                 (unsigned long long)ranges[i].first, (unsigned long long)ranges[i].size);
    return text;
}

static void test_one_range(void **state)
{
    (void)state;
    assert_string_equal(read_field("bytes=0-0", 1000), "0+1");
    assert_string_equal(read_field("bytes=0-499", 1000), "0+500");
    assert_string_equal(read_field("bytes=500-", 1000), "500+500");
    assert_string_equal(read_field("bytes=-1", 1000), "999+1");
    assert_string_equal(read_field("BYTES=-500", 1000), "500+500");
    assert_string_equal(read_field("bytes= 1-2 ", 1000), "1+2");
    assert_string_equal(read_field("bytes=0-", 1000), "0+1000");
}

static void test_a_range_is_cut_at_the_end(void **state)
{
    (void)state;
    assert_string_equal(read_field("bytes=998-998", 1000), "998+1");
    assert_string_equal(read_field("bytes=999-999", 1000), "999+1");
    assert_string_equal(read_field("bytes=999-1000", 1000), "999+1");
    assert_string_equal(read_field("bytes=999-1001", 1000), "999+1");
    assert_string_equal(read_field("bytes=-999", 1000), "1+999");
    assert_string_equal(read_field("bytes=-1000", 1000), "0+1000");
    assert_string_equal(read_field("bytes=-1001", 1000), "0+1000");
}

static void test_outside_there_is_none(void **state)
{
    (void)state;
    assert_string_equal(read_field("bytes=1000-", 1000), "none");
    assert_string_equal(read_field("bytes=1000-1001", 1000), "none");
    assert_string_equal(read_field("bytes=-0", 1000), "none");
    assert_string_equal(read_field("bytes=-0, 5000-", 1000), "none");
    assert_string_equal(read_field("bytes=-0, 3-4", 1000), "3+2");
    assert_string_equal(read_field("bytes=0-", 0), "whole");
}

static void test_numbers_of_any_size(void **state)
{
    (void)state;
    assert_string_equal(read_field("bytes=0-18446744073709551615", 1000), "0+1000");
    assert_string_equal(read_field("bytes=0-99999999999999999999999", 1000), "0+1000");
    assert_string_equal(read_field("bytes=18446744073709551616-", 1000), "none");
    assert_string_equal(read_field("bytes=-18446744073709551616", 1000), "0+1000");
    assert_string_equal(read_field("bytes=18446744073709551614-", UINT64_MAX), "18446744073709551614+1");
    assert_string_equal(read_field("bytes=9223372036854775807-", INT64_MAX), "none");
    assert_string_equal(read_field("bytes=00000000000000000000000000001-2", 1000), "1+2");
}

static void test_what_is_malformed_asks_for_the_whole(void **state)
{
    static const char *const fields[] = {
        "",          "bytes",       "bytes=",      "bytes=,",    "bytes=-",     "bytes=a-b",  "bytes=1",
        "bytes=2-1", "lines=1-2",   "bytes=1-2-3", "bytes=1-2;", "bytes=--1",   "bytes=+1-2", "bytes=0x1-2",
        "bytes 1-2", "bytes=1-2,x", "bytes=1 -2",  "bytes:=1-2", "bytes=1,-2-", " bytes=1-2", "bytes =1-2",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        assert_string_equal(read_field(fields[i], 1000), "whole");
}

static void test_several_ranges_keep_their_order(void **state)
{
    (void)state;
    assert_string_equal(read_field("bytes=500-509, 0-9,-5", 1000), "500+10 0+10 995+5");
    assert_string_equal(read_field("bytes=0-9,,600-609,", 1000), "0+10 600+10");
}

static void test_ranges_that_touch_become_one(void **state)
{
    (void)state;
    assert_string_equal(read_field("bytes=0-9,5-14", 1000), "0+15");
    assert_string_equal(read_field("bytes=0-9,10-19", 1000), "0+20");
    assert_string_equal(read_field("bytes=0-9,89-99", 1000), "0+100");      /* a gap of 79 */
    assert_string_equal(read_field("bytes=0-9,90-99", 1000), "0+10 90+10"); /* of 80 */
    assert_string_equal(read_field("bytes=0-9,91-99", 1000), "0+10 91+9");
    assert_string_equal(read_field("bytes=300-309,0-9,600-609,200-500", 1000), "200+301 0+10 600+10");
    assert_string_equal(read_field("bytes=0-9,300-309,600-609,9-605", 1000), "0+610");
    assert_string_equal(read_field("bytes=0-,0-,0-,0-", 1000), "0+1000");
}

static void check_count(unsigned count, const char *unit, int expected)
{
    static char field[1 << 20];
    struct gust__range ranges[GUST__RANGES_MAX];
    size_t size = (size_t)snprintf(field, sizeof(field), "bytes=");
    for (unsigned i = 0; i < count; i++)
        size += (size_t)snprintf(field + size, sizeof(field) - size, unit, i * 1000, i * 1000);
    assert_int_equal(gust__ranges_read(gust__slice_of(field), 1 << 30, ranges), expected);
}

static void test_there_is_a_maximum(void **state)
{
    (void)state;
    check_count(GUST__RANGES_MAX - 1, "%u-%u,", GUST__RANGES_MAX - 1);
    check_count(GUST__RANGES_MAX, "%u-%u,", GUST__RANGES_MAX);
    check_count(GUST__RANGES_MAX + 1, "%u-%u,", 0);
    check_count(20000, "0-,", 0); /* the killer of 2011 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_range),
        cmocka_unit_test(test_a_range_is_cut_at_the_end),
        cmocka_unit_test(test_outside_there_is_none),
        cmocka_unit_test(test_numbers_of_any_size),
        cmocka_unit_test(test_what_is_malformed_asks_for_the_whole),
        cmocka_unit_test(test_several_ranges_keep_their_order),
        cmocka_unit_test(test_ranges_that_touch_become_one),
        cmocka_unit_test(test_there_is_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
