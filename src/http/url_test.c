#include "http/url.h"

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

static void assert_decoded(struct gust__slice text, enum gust__url_part part, const char *expected)
{
    char *copy = malloc(text.size + 1); /* in place, and seen by the sanitizer when it is left */
    memcpy(copy, text.data, text.size);
    errno = 0;
    ssize_t size = gust__url_decode(copy, gust__slice(copy, text.size), part);
    if (expected)
        assert_slice(gust__slice(copy, (size_t)size), expected);
    assert_int_equal(size < 0, !expected);
    assert_int_equal(errno, expected ? 0 : EINVAL);
    free(copy);
}

static void plus_is_a_space_in_forms_only(void **state)
{
    (void)state;
    assert_decoded(GUST__SLICE("a+b%2Bc%2f%C3%a9"), GUST__URL_PATH, "a+b+c/\xc3\xa9");
    assert_decoded(GUST__SLICE("a+b%2Bc%20"), GUST__URL_FORM, "a b+c ");
    assert_decoded(GUST__SLICE(""), GUST__URL_FORM, "");
}

static void bad_escapes_are_refused(void **state)
{
    (void)state;
    assert_decoded(GUST__SLICE("%"), GUST__URL_FORM, NULL);
    assert_decoded(GUST__SLICE("a%2"), GUST__URL_FORM, NULL);
    assert_decoded(GUST__SLICE("%2x"), GUST__URL_PATH, NULL);
    assert_decoded(GUST__SLICE("%x2"), GUST__URL_PATH, NULL);
    assert_decoded(GUST__SLICE("%+1"), GUST__URL_FORM, NULL);
    assert_decoded(GUST__SLICE("%%20"), GUST__URL_FORM, NULL);
}

static void bad_input_16_nul_is_refused(void **state)
{
    (void)state;
    assert_decoded(GUST__SLICE("a%00b"), GUST__URL_FORM, NULL);
    assert_decoded(GUST__SLICE("a\0b"), GUST__URL_FORM, NULL);
    assert_decoded(GUST__SLICE("%00"), GUST__URL_PATH, NULL);
}

static void encoding_is_undone_by_decoding(void **state)
{
    (void)state;
    char all[255], encoded[3 * 255], decoded[3 * 255];
    for (int i = 0; i < 255; i++)
        all[i] = (char)(i + 1);
    for (int part = GUST__URL_PATH; part <= GUST__URL_FORM; part++) {
        size_t size = gust__url_encode(encoded, gust__slice(all, 255), (enum gust__url_part)part);
        assert_int_equal(gust__url_decode(decoded, gust__slice(encoded, size), (enum gust__url_part)part),
                         255);
        assert_memory_equal(decoded, all, 255);
    }
    size_t size = gust__url_encode(encoded, GUST__SLICE("/a b+c?d=\xc3\xa9"), GUST__URL_PATH);
    assert_slice(gust__slice(encoded, size), "/a%20b+c%3Fd=%C3%A9");
    size = gust__url_encode(encoded, GUST__SLICE("/a b+c&d=\n"), GUST__URL_FORM);
    assert_slice(gust__slice(encoded, size), "%2Fa+b%2Bc%26d%3D%0A");
}

static void forms_are_read_pair_by_pair(void **state)
{
    (void)state;
    struct gust__slice name, value;
    struct gust__form form = {.rest = GUST__SLICE("&&a=b&c&=d&e=f=g&&"), .max = 4};
    const char *expected[][2] = {{"a", "b"}, {"c", ""}, {"", "d"}, {"e", "f=g"}};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(gust__form_next(&form, &name, &value), 1);
        assert_slice(name, expected[i][0]);
        assert_slice(value, expected[i][1]);
    }
    assert_int_equal(gust__form_next(&form, &name, &value), 0);
}

static void pairs_of_a_form_are_bounded(void **state)
{
    (void)state;
    for (size_t max = 0; max < 5; max++) {
        struct gust__slice name, value;
        struct gust__form form = {.rest = GUST__SLICE("a&b&c"), .max = max};
        size_t count = 0;
        int more;
        errno = 0;
        while ((more = gust__form_next(&form, &name, &value)) > 0)
            count++;
        assert_int_equal(more, max < 3 ? -1 : 0);
        assert_int_equal(errno, max < 3 ? EMSGSIZE : 0);
        assert_int_equal(count, max < 3 ? max : 3);
    }
}

static struct gust__url url;

static int split(const char *text)
{
    errno = 0;
    int result = gust__url_split(gust__slice_of(text), &url);
    assert_int_equal(errno, result < 0 ? EINVAL : 0);
    return result;
}

static void urls_are_split(void **state)
{
    (void)state;
    assert_int_equal(split("http://example.org"), 0);
    assert_slice(url.host, "example.org");
    assert_slice(url.path, "/");
    assert_int_equal(url.port, 80);
    assert_false(url.secure || url.has_query || url.has_user || url.bracketed);
    assert_int_equal(split("HTTPS://u:p@[2001:db8::1]:8443/a/b?c=d?e#f?g"), 0);
    assert_true(url.secure && url.has_user && url.bracketed && url.has_query);
    assert_slice(url.user, "u:p");
    assert_slice(url.host, "2001:db8::1");
    assert_int_equal(url.port, 8443);
    assert_slice(url.path, "/a/b");
    assert_slice(url.query, "c=d?e");
    assert_int_equal(split("https://a?b/c"), 0);
    assert_int_equal(url.port, 443);
    assert_slice(url.path, "/");
    assert_slice(url.query, "b/c");
    assert_int_equal(split("http://a:/#"), 0);
    assert_int_equal(url.port, 80);
    assert_int_equal(split("http://a%20b:65535/"), 0);
    assert_int_equal(url.port, 65535);
}

static void bad_urls_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "http",
        "http:",
        "http:/a",
        "http://",
        "http:///a",
        "http://:80/",
        "ftp://a/",
        "//a/",
        "/a",
        "http://a b/",
        "http://a/b c",
        "http://a/\r\nX: y",
        "http://a/\xc3\xa9",
        "http://a:65536/",
        "http://a:-1/",
        "http://a:8o/",
        "http://a@b@c/",
        "http://u@/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[]/",
        "http://[:]/",
        "http://[1.2.3.4]/",
        "http://[::g]/",
        "http://a%zz/",
        "http://a\\b/",
        " http://a/",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (split(bad[i]) == 0)
            fail_msg("taken: %s", bad[i]);
    }
}

static void references_are_resolved_as_rfc_3986_shows(void **state)
{
    (void)state;
    static const char *const examples[][2] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {"g?y#s", "http://a/b/c/g?y"},
        {";x", "http://a/b/c/;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/../h", "http://a/b/c/h"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"https://x:1/y/../z?w", "https://x:1/z?w"},
        {"//x?y", "http://x/?y"},
        {"a:b", NULL},
        {"/a b", NULL},
        {"/a\r\nX: y", NULL},
    };
    for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
        char out[64];
        struct gust__slice reference = gust__slice_of(examples[i][0]);
        ssize_t size = gust__url_resolve(out, sizeof(out), GUST__SLICE("http://a/b/c/d;p?q"), reference);
        assert_int_equal(size < 0, !examples[i][1]);
        if (size >= 0)
            assert_slice(gust__slice(out, (size_t)size), examples[i][1]);
    }
}

static void a_resolved_url_keeps_to_its_room(void **state)
{
    (void)state;
    for (size_t size = 0; size < 20; size++) {
        char *out = malloc(size + 1);
        errno = 0;
        ssize_t result = gust__url_resolve(out, size, GUST__SLICE("http://a/b/c"), GUST__SLICE("d?e"));
        assert_int_equal(result, size < 14 ? -1 : 14);
        assert_int_equal(errno, size < 14 ? ENOBUFS : 0);
        free(out);
    }
}

static void bad_input_24_dot_segments_are_seen(void **state)
{
    (void)state;
    const char *dotted[] = {".", "..", "/..", "/../a", "/a/..", "/a/./b", "a/.."};
    const char *plain[] = {"", "/", "/a", "/...", "/.a", "/a..", "/..a/b", "//"};
    for (size_t i = 0; i < sizeof(dotted) / sizeof(*dotted); i++)
        assert_true(gust__path_has_dot_segment(gust__slice_of(dotted[i])));
    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
        assert_false(gust__path_has_dot_segment(gust__slice_of(plain[i])));
    assert_true(gust__path_has_empty_segment(GUST__SLICE("//evil.com")));
    assert_true(gust__path_has_empty_segment(GUST__SLICE("/a//")));
    assert_false(gust__path_has_empty_segment(GUST__SLICE("/a/")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plus_is_a_space_in_forms_only),
        cmocka_unit_test(bad_escapes_are_refused),
        cmocka_unit_test(bad_input_16_nul_is_refused),
        cmocka_unit_test(encoding_is_undone_by_decoding),
        cmocka_unit_test(forms_are_read_pair_by_pair),
        cmocka_unit_test(pairs_of_a_form_are_bounded),
        cmocka_unit_test(urls_are_split),
        cmocka_unit_test(bad_urls_are_refused),
        cmocka_unit_test(references_are_resolved_as_rfc_3986_shows),
        cmocka_unit_test(a_resolved_url_keeps_to_its_room),
        cmocka_unit_test(bad_input_24_dot_segments_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
