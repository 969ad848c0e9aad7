#include "http/header_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void every_name_is_found_in_any_case(void **state)
{
    (void)state;
    for (int id = 1; id < GUST__HEADER_IDS; id++) {
        char upper[64];
        struct gust__slice name = gust__header_name((enum gust__header_id)id);
        for (size_t i = 0; i < name.size; i++)
            upper[i] = (char)(name.data[i] >= 'a' && name.data[i] <= 'z' ? name.data[i] - 32 : name.data[i]);
        assert_int_equal(gust__header_id(name), id);
        assert_int_equal(gust__header_id(gust__slice(upper, name.size)), id);
    }
}

static void neighbours_of_names_are_not(void **state)
{
    (void)state;
    for (int id = 1; id < GUST__HEADER_IDS; id++) {
        char other[64];
        struct gust__slice name = gust__header_name((enum gust__header_id)id);
        for (size_t i = 0; i < name.size; i++) {
            memcpy(other, name.data, name.size);
            other[i] = '!';
            assert_int_equal(gust__header_id(gust__slice(other, name.size)), GUST__HEADER_OTHER);
        }
    }
    assert_int_equal(gust__header_id(GUST__SLICE("")), GUST__HEADER_OTHER);
    assert_int_equal(gust__header_id(GUST__SLICE("x")), GUST__HEADER_OTHER);
    assert_int_equal(gust__header_id(GUST__SLICE("hosts")), GUST__HEADER_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_found_in_any_case),
        cmocka_unit_test(neighbours_of_names_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
