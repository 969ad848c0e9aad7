#include "http/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include <errno.h>

#define NOW INT64_C(1767225600) /* 2026-01-01 */

static int64_t parse_at(const char *text, int64_t now)
{
    int64_t seconds;
    errno = 0;
    if (gust__date_parse(gust__slice_of(text), now, &seconds) == 0)
        return seconds;
    assert_int_equal(errno, EINVAL);
    return INT64_MIN;
}

static void the_three_formats(void **state)
{
    (void)state;
    assert_int_equal(parse_at("Sun, 06 Nov 1994 08:49:37 GMT", NOW), 784111777);
    assert_int_equal(parse_at("Sunday, 06-Nov-94 08:49:37 GMT", NOW), 784111777);
    assert_int_equal(parse_at("Sun Nov  6 08:49:37 1994", NOW), 784111777);
    assert_int_equal(parse_at("Wed Nov 16 08:49:37 1994", NOW), 784111777 + 10 * 86400);
}

static void formats_as_the_c_library_does(void **state)
{
    (void)state;
    int64_t step = INT64_C(86399) * 37 + 1;
    for (int64_t seconds = GUST__DATE_MIN; seconds <= GUST__DATE_MAX; seconds += step) {
        char expected[64], text[GUST__DATE_SIZE];
        time_t time = (time_t)seconds;
        struct tm tm;
        int64_t back;
        gmtime_r(&time, &tm);
        size_t length = strftime(expected, sizeof(expected), "%a, %d %b ", &tm);
        length += (size_t)snprintf(expected + length, 8, "%04d", tm.tm_year + 1900);
        strftime(expected + length, sizeof(expected) - length, " %H:%M:%S GMT", &tm);
        gust__date_format(text, seconds);
        assert_memory_equal(text, expected, sizeof(text));
        assert_int_equal(gust__date_parse(gust__slice(text, sizeof(text)), NOW, &back), 0);
        assert_int_equal(back, seconds);
    }
}

static void seconds_out_of_range_become_the_nearest(void **state)
{
    (void)state;
    char text[GUST__DATE_SIZE];
    gust__date_format(text, INT64_MAX);
    assert_memory_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT", sizeof(text));
    gust__date_format(text, INT64_MIN);
    assert_memory_equal(text, "Mon, 01 Jan 0001 00:00:00 GMT", sizeof(text));
}

static void two_digit_years_reach_50_years_ahead(void **state)
{
    (void)state;
    int64_t in_2076 = parse_at("Wed, 01 Jan 2076 00:00:00 GMT", NOW);
    assert_int_equal(parse_at("Wednesday, 01-Jan-76 00:00:00 GMT", NOW), in_2076);
    assert_int_equal(parse_at("Wednesday, 01-Jan-76 00:00:01 GMT", NOW),
                     parse_at("Thu, 01 Jan 1976 00:00:01 GMT", NOW));
    assert_int_equal(parse_at("Saturday, 01-Jan-00 00:00:00 GMT", NOW),
                     parse_at("Sat, 01 Jan 2000 00:00:00 GMT", NOW));
    assert_int_equal(parse_at("Friday, 01-Jan-99 00:00:00 GMT", NOW),
                     parse_at("Fri, 01 Jan 1999 00:00:00 GMT", NOW));
}

static void leap_days_and_seconds(void **state)
{
    (void)state;
    assert_int_equal(parse_at("Tue, 29 Feb 2000 00:00:00 GMT", NOW), 951782400);
    assert_int_equal(parse_at("Sat, 31 Dec 2016 23:59:60 GMT", NOW), 1483228800);
    assert_int_equal(parse_at("Thu, 29 Feb 1900 00:00:00 GMT", NOW), INT64_MIN);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Su",
        "Sun",
        "Sun, ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 19940 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "784111777",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (parse_at(bad[i], NOW) != INT64_MIN)
            fail_msg("taken: %s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_formats),
        cmocka_unit_test(formats_as_the_c_library_does),
        cmocka_unit_test(seconds_out_of_range_become_the_nearest),
        cmocka_unit_test(two_digit_years_reach_50_years_ahead),
        cmocka_unit_test(leap_days_and_seconds),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
