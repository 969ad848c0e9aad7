/* Entity tags. */
#include "http/etag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static bool listed(const char *list, const char *etag)
{
    return gust__etag_listed(gust__slice_of(list), gust__slice_of(etag), GUST__ETAG_WEAK);
}

static void test_what_is_an_entity_tag(void **state)
{
    (void)state;
    const char *good[] = {"\"\"", "\"a\"", "W/\"a\"", "\"a,b\"", "\"\xff\""};
    const char *bad[] = {"", "\"", "a", "w/\"a\"", "W/", "\"a b\"", "\"a\"b\"", "\"\x7f\"", "\"a"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(gust__etag_valid(gust__slice_of(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(gust__etag_valid(gust__slice_of(bad[i])));
}

static void test_a_list_is_looked_through(void **state)
{
    (void)state;
    assert_true(listed("\"a\"", "\"a\""));
    assert_true(listed("\"b\", \"a\"", "\"a\""));
    assert_true(listed(",, \"b\" ,\"a\",", "\"a\""));
    assert_true(listed("W/\"a\"", "\"a\""));
    assert_true(listed("\"a\"", "W/\"a\""));
    assert_true(listed(" * ", "\"a\""));
    assert_true(listed("\"x,\", \"a\"", "\"a\""));
    assert_false(listed("\"b\"", "\"a\""));
    assert_false(listed("", "\"a\""));
    assert_false(listed("a", "\"a\""));
    assert_false(listed("b, \"a\"", "\"a\""));
    assert_false(listed("\"b\" \"a\"", "\"a\""));
    assert_false(listed("\"b, \"a\"", "\"a\""));
    assert_false(listed("*, \"b\"", "\"a\""));
}

static void test_strong_comparison_knows_no_weak_tags(void **state)
{
    (void)state;
    assert_true(gust__etag_equals(GUST__SLICE("\"a\""), GUST__SLICE("\"a\""), GUST__ETAG_STRONG));
    assert_false(gust__etag_equals(GUST__SLICE("W/\"a\""), GUST__SLICE("W/\"a\""), GUST__ETAG_STRONG));
    assert_false(gust__etag_listed(GUST__SLICE("W/\"a\", \"b\""), GUST__SLICE("\"a\""), GUST__ETAG_STRONG));
}

static void etag_of(const char *data, size_t size, size_t piece, char etag[GUST__ETAG_ROOM])
{
    struct gust__etag_hash hash = {0};
    for (size_t at = 0; at < size; at += piece)
        gust__etag_hash_add(&hash, data + at, size - at < piece ? size - at : piece);
    gust__etag_hash_write(&hash, etag);
}

static void test_pieces_do_not_change_a_tag(void **state)
{
    (void)state;
    char text[100], whole[GUST__ETAG_ROOM], pieces[GUST__ETAG_ROOM];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 7);
    for (size_t size = 0; size <= sizeof(text); size++) {
        etag_of(text, size, sizeof(text), whole);
        assert_true(gust__etag_valid(gust__slice_of(whole)));
        for (size_t piece = 1; piece < 40; piece++) {
            etag_of(text, size, piece, pieces);
            assert_string_equal(whole, pieces);
        }
    }
}

static int compare(const void *one, const void *other)
{
    return strcmp(one, other);
}

/* Every flip of a bit and every length has a tag of its own. */
static void test_other_bodies_have_other_tags(void **state)
{
    (void)state;
    char text[64] = {0};
    static char tags[64 * 8 + 65][GUST__ETAG_ROOM];
    size_t count = 0;
    for (size_t bit = 0; bit < sizeof(text) * 8; bit++) {
        text[bit / 8] = (char)(1 << bit % 8);
        etag_of(text, sizeof(text), sizeof(text), tags[count++]);
        text[bit / 8] = 0;
    }
    for (size_t size = 0; size <= sizeof(text); size++)
        etag_of(text, size, sizeof(text), tags[count++]);
    qsort(tags, count, sizeof(tags[0]), compare);
    for (size_t i = 1; i < count; i++)
        assert_string_not_equal(tags[i - 1], tags[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_an_entity_tag),
        cmocka_unit_test(test_a_list_is_looked_through),
        cmocka_unit_test(test_strong_comparison_knows_no_weak_tags),
        cmocka_unit_test(test_pieces_do_not_change_a_tag),
        cmocka_unit_test(test_other_bodies_have_other_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
