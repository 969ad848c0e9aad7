#include "http/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static void reasons(void **state)
{
    (void)state;
    assert_string_equal(gust__status_reason(200), "OK");
    assert_string_equal(gust__status_reason(413), "Content Too Large");
    assert_string_equal(gust__status_reason(511), "Network Authentication Required");
    assert_null(gust__status_reason(99));
    assert_null(gust__status_reason(599));
    assert_null(gust__status_reason(600));
    assert_null(gust__status_reason(-1));
}

static void lines_hold_code_and_reason(void **state)
{
    (void)state;
    for (int status = -1; status < 700; status++) {
        char expected[80] = "";
        struct gust__slice line = gust__status_line(status);
        if (gust__status_reason(status))
            snprintf(expected, sizeof(expected), "HTTP/1.1 %d %s\r\n", status, gust__status_reason(status));
        assert_true(gust__slice_equals(line, gust__slice_of(expected)));
    }
}

static void bodiless(void **state)
{
    (void)state;
    assert_true(gust__status_is_bodiless(100));
    assert_true(gust__status_is_bodiless(199));
    assert_true(gust__status_is_bodiless(204));
    assert_true(gust__status_is_bodiless(304));
    assert_false(gust__status_is_bodiless(200));
    assert_false(gust__status_is_bodiless(205));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons),
        cmocka_unit_test(lines_hold_code_and_reason),
        cmocka_unit_test(bodiless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
