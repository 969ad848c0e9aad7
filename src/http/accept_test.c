/* Lists with weights. */
#include "http/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static void check(const char *list, const char *expected)
{
    char text[256] = "";
    size_t length = 0;
    struct gust__slice rest = gust__slice_of(list), value;
    unsigned weight;
    while (gust__accept_next(&rest, &value, &weight))
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%.*s:%u ", (int)value.size,
                                   value.data, weight);
    assert_string_equal(text, expected);
}

static void test_weights_are_read(void **state)
{
    (void)state;
    check("gzip", "gzip:1000 ");
    check("gzip, br;q=0.5,*;q=0", "gzip:1000 br:500 *:0 ");
    check("de-AT ; Q=0.875 , en;q=1.000", "de-AT:875 en:1000 ");
    check("text/html;level=1;q=0.3, text/*;q=0.30", "text/html:300 text/*:300 ");
    check(",, a ,", "a:1000 ");
    check("a;q=0.", "a:0 ");
    check("", "");
}

static void test_malformed_weights_do_not_count(void **state)
{
    (void)state;
    check("a;q=2", "");
    check("a;q=1.001", "");
    check("a;q=0.1234", "");
    check("a;q=-1", "");
    check("a;q=", "");
    check("a;q=.5", "");
    check("a;q=0,5, b", "a:0 5:1000 b:1000 ");
    check(";q=1, b", "b:1000 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_are_read),
        cmocka_unit_test(test_malformed_weights_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
