#include "http/parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>

static void assert_slice(struct gust__slice slice, const char *text)
{
    if (!gust__slice_equals(slice, gust__slice_of(text)))
        fail_msg("'%.*s' is not '%s'", (int)slice.size, slice.data, text);
}

static void parameters_are_read_one_by_one(void **state)
{
    (void)state;
    struct gust__slice rest = GUST__SLICE("form-data ;;\t; Name=a;b=\"c;\\\"d\\\\\" ; e=\"\";");
    struct gust__parameter parameter;
    char value[16];
    assert_slice(gust__parameters_begin(&rest), "form-data");
    assert_int_equal(gust__parameters_next(&rest, &parameter), 1);
    assert_slice(parameter.name, "Name");
    assert_slice(parameter.value, "a");
    assert_int_equal(gust__parameters_next(&rest, &parameter), 1);
    assert_slice(parameter.name, "b");
    assert_slice(gust__slice(value, gust__parameter_unquote(&parameter, value)), "c;\"d\\");
    assert_int_equal(gust__parameters_next(&rest, &parameter), 1);
    assert_slice(parameter.value, "");
    assert_int_equal(gust__parameters_next(&rest, &parameter), 0);
    assert_int_equal(gust__parameters_next(&rest, &parameter), 0);
}

static void backslashes_of_unquoted_values_do_not_occur(void **state)
{
    (void)state;
    struct gust__parameter parameter = {.value = GUST__SLICE("a\\b"), .quoted = false};
    char value[8];
    assert_slice(gust__slice(value, gust__parameter_unquote(&parameter, value)), "a\\b");
}

static void malformed_parameters_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        ";a",       ";a;",        ";=b",       ";a=",    ";a =b",     ";a= b",       ";a=\"b",
        ";a=\"b\\", ";a=\"b\\\"", ";a=\"b\"c", ";a=b c", ";a=\"\n\"", ";\xc3\xa9=a", ";a=\"\\\x7f\"",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct gust__slice rest = gust__slice_of(bad[i]);
        struct gust__parameter parameter;
        int more;
        gust__parameters_begin(&rest);
        errno = 0;
        while ((more = gust__parameters_next(&rest, &parameter)) > 0)
            ;
        if (more == 0)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(errno, EBADMSG);
    }
}

/* x=";;;… : quadratic, this would take minutes. */
static void a_million_semicolons_are_linear(void **state)
{
    (void)state;
    size_t size = 1 << 20;
    char *text = malloc(size);
    memset(text, ';', size);
    memcpy(text, "a; x=\"", 6);
    struct gust__slice rest = gust__slice(text, size);
    struct gust__parameter parameter;
    gust__parameters_begin(&rest);
    assert_int_equal(gust__parameters_next(&rest, &parameter), -1);
    text[5] = ';';
    rest = gust__slice(text, size);
    gust__parameters_begin(&rest);
    assert_int_equal(gust__parameters_next(&rest, &parameter), -1);
    memset(text, ';', size);
    rest = gust__slice(text, size);
    assert_int_equal(gust__parameters_next(&rest, &parameter), 0);
    memset(text, '\\', size);
    memcpy(text, ";x=\"", 4);
    rest = gust__slice(text, size);
    assert_int_equal(gust__parameters_next(&rest, &parameter), -1);
    free(text);
}

static void assert_extended(const char *value, const char *expected)
{
    char out[64];
    memcpy(out, value, strlen(value));
    errno = 0;
    ssize_t size = gust__parameter_decode_extended(out, gust__slice(out, strlen(value)));
    assert_int_equal(size < 0, !expected);
    assert_int_equal(errno, expected ? 0 : EBADMSG);
    if (expected)
        assert_slice(gust__slice(out, (size_t)size), expected);
}

static void extended_values_become_utf8(void **state)
{
    (void)state;
    assert_extended("UTF-8''%e2%82%ac%20rates", "\xe2\x82\xac rates");
    assert_extended("utf-8'en'plain", "plain");
    assert_extended("iso-8859-1'en'%A3%20rates", "\xc2\xa3 rates");
    assert_extended("iso-8859-1''%A3%A3%ff", "\xc2\xa3\xc2\xa3\xc3\xbf");
    assert_extended("UTF-8''", "");
}

static void malformed_extended_values_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",           "UTF-8",      "UTF-8'",         "UTF-8'en",
                                      "''a",        "koi8-r''a",  "UTF-8''%",       "UTF-8''%4",
                                      "UTF-8''%zz", "UTF-8''%00", "UTF-8''a b",     "UTF-8''a'b",
                                      "UTF-8''%ff", "UTF-8''%c3", "UTF-8''\xc3\xa9"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_extended(bad[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_read_one_by_one),
        cmocka_unit_test(backslashes_of_unquoted_values_do_not_occur),
        cmocka_unit_test(malformed_parameters_are_refused),
        cmocka_unit_test(a_million_semicolons_are_linear),
        cmocka_unit_test(extended_values_become_utf8),
        cmocka_unit_test(malformed_extended_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
