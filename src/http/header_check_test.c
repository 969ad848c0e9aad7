#include "http/header_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#define GOOD(kind, text) assert_int_equal(gust__header_check_##kind(GUST__SLICE(text)), 0)
#define BAD(kind, text)                                                     \
    do {                                                                    \
        errno = 0;                                                          \
        assert_int_equal(gust__header_check_##kind(GUST__SLICE(text)), -1); \
        assert_int_equal(errno, EINVAL);                                    \
    } while (0)

static void names_are_tokens(void **state)
{
    (void)state;
    GOOD(name, "X-Name_1.~!");
    BAD(name, "");
    BAD(name, "a b");
    BAD(name, "a:");
    BAD(name, "a\r\nb");
    BAD(name, "a\0");
    BAD(name, "\xc3\xa9");
}

static void bad_input_22_values_without_line_breaks_or_controls(void **state)
{
    (void)state;
    GOOD(value, "");
    GOOD(value, "a \t b \xc3\xa9");
    BAD(value, "a\r\nSet-Cookie: x");
    BAD(value, "a\rb");
    BAD(value, "a\nb");
    BAD(value, "a\0b");
    BAD(value, "a\x7f");
    BAD(value, "a\x1f");
    BAD(value, " a");
    BAD(value, "a\t");
}

static void bad_input_22_reasons_without_line_breaks_or_markup(void **state)
{
    (void)state;
    GOOD(reason, "");
    GOOD(reason, "Not Found, \xc3\xa9");
    BAD(reason, "OK\r\nX: y");
    BAD(reason, "OK<script>");
    BAD(reason, "OK\0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_tokens),
        cmocka_unit_test(bad_input_22_values_without_line_breaks_or_controls),
        cmocka_unit_test(bad_input_22_reasons_without_line_breaks_or_markup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
