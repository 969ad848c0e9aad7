#include "http/cookie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>

static void assert_slice(struct gust__slice slice, const char *text)
{
    if (!gust__slice_equals(slice, gust__slice_of(text)))
        fail_msg("'%.*s' is not '%s'", (int)slice.size, slice.data, text);
}

static void assert_pairs(const char *field, size_t count, const char *pairs[][2])
{
    struct gust__slice rest = gust__slice_of(field), name, value;
    for (size_t i = 0; i < count; i++) {
        assert_true(gust__cookies_next(&rest, &name, &value));
        assert_slice(name, pairs[i][0]);
        assert_slice(value, pairs[i][1]);
    }
    assert_false(gust__cookies_next(&rest, &name, &value));
}

static void pairs_are_read_one_by_one(void **state)
{
    (void)state;
    assert_pairs("a=b; c = d=e ;\tf=\"g h\";i=", 4,
                 (const char *[][2]){{"a", "b"}, {"c", "d=e"}, {"f", "\"g h\""}, {"i", ""}});
    assert_pairs("", 0, NULL);
}

static void bad_input_20_leading_delimiters_are_skipped(void **state)
{
    (void)state;
    assert_pairs(";a=b", 1, (const char *[][2]){{"a", "b"}});
    assert_pairs("; ;=;=x; y ;,=;a=b;;", 2, (const char *[][2]){{",", ""}, {"a", "b"}});
    assert_pairs("=", 0, NULL);
    assert_pairs(";", 0, NULL);
}

static void assert_unquoted(struct gust__slice value, const char *expected)
{
    char *copy = malloc(value.size + 1);
    memcpy(copy, value.data, value.size);
    assert_slice(gust__slice(copy, gust__cookie_unquote(copy, gust__slice(copy, value.size))), expected);
    free(copy);
}

static void quoted_values_are_unquoted(void **state)
{
    (void)state;
    assert_unquoted(GUST__SLICE("a\\073b"), "a\\073b");
    assert_unquoted(GUST__SLICE("\"a\\073 \\\"b\\\\\""), "a; \"b\\");
    assert_unquoted(GUST__SLICE("\"\\303\\251\""), "\xc3\xa9");
    assert_unquoted(GUST__SLICE("\"\\000\\400\\08\\1\""), "000400081");
    assert_unquoted(GUST__SLICE("\"a\\\""), "a\\");
    assert_unquoted(GUST__SLICE("\""), "\"");
    assert_unquoted(GUST__SLICE("\"\""), "");
    assert_unquoted(GUST__SLICE("\"a"), "\"a");
}

/* Each byte once: quadratic, ten million would take hours. */
static void bad_input_20_backslashes_are_linear(void **state)
{
    (void)state;
    for (size_t size = 100000; size <= 10000000; size *= 10) {
        char *value = malloc(size);
        memset(value, '\\', size);
        value[0] = value[size - 1] = '"';
        assert_int_equal(gust__cookie_unquote(value, gust__slice(value, size)), (size - 2) / 2);
        free(value);
    }
}

static char text[256];

static void assert_set(const struct gust__set_cookie *cookie, const char *expected)
{
    ssize_t size = gust__set_cookie_format(text, sizeof(text), cookie);
    assert_true(size >= 0);
    assert_slice(gust__slice(text, (size_t)size), expected);
}

static void set_cookie_with_all_attributes(void **state)
{
    (void)state;
    int64_t expires = 784111777, max_age = -1;
    struct gust__set_cookie cookie = {.name = GUST__SLICE("a"), .value = GUST__SLICE("b")};
    assert_set(&cookie, "a=b");
    cookie.domain = GUST__SLICE("example.org");
    cookie.path = GUST__SLICE("/x y");
    cookie.same_site = GUST__SLICE("lax");
    cookie.expires = &expires;
    cookie.max_age = &max_age;
    cookie.secure = cookie.http_only = cookie.partitioned = true;
    assert_set(&cookie,
               "a=b; Domain=example.org; Path=/x y; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=-1; "
               "SameSite=lax; Secure; HttpOnly; Partitioned");
}

static void values_come_back_as_they_were_set(void **state)
{
    (void)state;
    struct gust__set_cookie cookie = {.name = GUST__SLICE("n")};
    for (int byte = 0x20; byte < 256; byte++) {
        char value[] = {'a', (char)byte, '1', '2', (char)byte}, back[64];
        cookie.value = gust__slice(value, sizeof(value));
        ssize_t size = gust__set_cookie_format(text, sizeof(text), &cookie);
        if (byte == ';' || byte == 0x7F) {
            assert_int_equal(size, -1);
            continue;
        }
        struct gust__slice rest = gust__slice(text, (size_t)size), name, read;
        assert_true(gust__cookies_next(&rest, &name, &read));
        assert_int_equal(gust__cookie_unquote(back, read), sizeof(value));
        assert_memory_equal(back, value, sizeof(value));
    }
}

static void assert_invalid(struct gust__set_cookie cookie)
{
    errno = 0;
    assert_int_equal(gust__set_cookie_format(text, sizeof(text), &cookie), -1);
    assert_int_equal(errno, EINVAL);
}

static void bad_input_22_attributes_with_controls_or_delimiters_are_refused(void **state)
{
    (void)state;
    struct gust__slice good = GUST__SLICE("x");
    const struct gust__slice bad[] = {GUST__SLICE("a;b"), GUST__SLICE("a\r\nb"), GUST__SLICE("a\nb"),
                                      GUST__SLICE("\0"),  GUST__SLICE("\x7f"),   GUST__SLICE("a\tb"),
                                      GUST__SLICE("\x1f")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_invalid((struct gust__set_cookie){.name = bad[i], .value = good});
        assert_invalid((struct gust__set_cookie){.name = good, .value = bad[i]});
        assert_invalid((struct gust__set_cookie){.name = good, .value = good, .domain = bad[i]});
        assert_invalid((struct gust__set_cookie){.name = good, .value = good, .path = bad[i]});
        assert_invalid((struct gust__set_cookie){.name = good, .value = good, .same_site = bad[i]});
    }
    assert_invalid((struct gust__set_cookie){.value = good});
    assert_invalid((struct gust__set_cookie){.name = GUST__SLICE("a=b"), .value = good});
    assert_invalid((struct gust__set_cookie){.name = GUST__SLICE("a b"), .value = good});
    assert_invalid((struct gust__set_cookie){.name = good, .value = good, .same_site = GUST__SLICE("Lux")});
}

static void set_cookie_keeps_to_its_room(void **state)
{
    (void)state;
    struct gust__set_cookie cookie = {
        .name = GUST__SLICE("abc"), .value = GUST__SLICE("d,e"), .path = GUST__SLICE("/"), .secure = true};
    size_t needed = strlen("abc=\"d\\054e\"; Path=/; Secure");
    for (size_t size = 0; size < needed + 3; size++) {
        char *out = malloc(size + 1);
        errno = 0;
        assert_int_equal(gust__set_cookie_format(out, size, &cookie), size < needed ? -1 : (ssize_t)needed);
        assert_int_equal(errno, size < needed ? ENOBUFS : 0);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_read_one_by_one),
        cmocka_unit_test(bad_input_20_leading_delimiters_are_skipped),
        cmocka_unit_test(quoted_values_are_unquoted),
        cmocka_unit_test(bad_input_20_backslashes_are_linear),
        cmocka_unit_test(set_cookie_with_all_attributes),
        cmocka_unit_test(values_come_back_as_they_were_set),
        cmocka_unit_test(bad_input_22_attributes_with_controls_or_delimiters_are_refused),
        cmocka_unit_test(set_cookie_keeps_to_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
