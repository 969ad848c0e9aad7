/* Media types by file name. */
#include "http/mime.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct gust__mime_table *table_of(const char *text)
{
    struct gust__mime_table *table = gust__mime_table_new(gust__strdup(text), strlen(text));
    assert_non_null(table);
    return table;
}

static const char *find(const struct gust__mime_table *table, const char *extension)
{
    const char *type = gust__mime_table_find(table, gust__slice_of(extension));
    return type ? type : "none";
}

static void test_a_table_is_read(void **state)
{
    struct gust__mime_table *table = table_of("# a comment\n"
                                              "text/css\t\t\tcss\r\n"
                                              "application/x-alone\n"
                                              "\n"
                                              "image/jpeg jpeg  JPG jpe # jif\n"
                                              "other/css css\n"
                                              "cut/off cut");
    (void)state;
    assert_string_equal(find(table, "css"), "text/css");
    assert_string_equal(find(table, "jpeg"), "image/jpeg");
    assert_string_equal(find(table, "jpg"), "image/jpeg");
    assert_string_equal(find(table, "jpe"), "image/jpeg");
    assert_string_equal(find(table, "jif"), "none");
    assert_string_equal(find(table, "jp"), "none");
    assert_string_equal(find(table, "zzz"), "none");
    assert_string_equal(find(table, ""), "none");
    assert_string_equal(find(table, "cut"), "none");
    gust__mime_table_free(table);
    table = table_of("");
    assert_string_equal(find(table, "css"), "none");
    gust__mime_table_free(table);
    gust__mime_table_free(NULL);
}

static const char *type_of(const char *name)
{
    return gust__mime_type(gust__slice_of(name));
}

/* These hold with a system's table and without. */
static void test_names(void **state)
{
    (void)state;
    assert_string_equal(type_of("css/main.css"), "text/css");
    assert_string_equal(type_of("INDEX.HTML"), "text/html");
    assert_string_equal(type_of("a.b.png"), "image/png");
    assert_string_equal(type_of("x.wasm"), "application/wasm");
    assert_string_equal(type_of(".svg"), "image/svg+xml");
    assert_string_equal(type_of("README"), "application/octet-stream");
    assert_string_equal(type_of("v1.css/README"), "application/octet-stream");
    assert_string_equal(type_of(""), "application/octet-stream");
    assert_string_equal(type_of("css"), "application/octet-stream");
    assert_string_equal(type_of("a."), "application/octet-stream");
    assert_string_equal(type_of("a.no-such-extension-anywhere"), "application/octet-stream");
    assert_string_equal(type_of("a.an-extension-longer-than-any-there-is-in-any-table"),
                        "application/octet-stream");
}

static void test_text_is_labelled(void **state)
{
    (void)state;
    assert_true(gust__mime_wants_charset("text/css"));
    assert_true(gust__mime_wants_charset("application/javascript"));
    assert_false(gust__mime_wants_charset("application/json"));
    assert_false(gust__mime_wants_charset("image/png"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_is_read),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_text_is_labelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
