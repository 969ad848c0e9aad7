/* Groups of a route's pattern: numbered, named, decoded, refused. */
#include "web/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void put(gust_request *request, const char *value)
{
    gust_printf(request, "[%s]", value ? value : "NULL");
}

static void show_numbered(gust_request *request)
{
    for (unsigned i = 0; i < 4; i++)
        put(request, gust_path_arg(request, i));
    put(request, gust_path_arg(request, 1)); /* asked twice */
}

static void show_named(gust_request *request)
{
    put(request, gust_path_arg_named(request, "id"));
    put(request, gust_path_arg_named(request, "name"));
    put(request, gust_path_arg_named(request, "nobody"));
}

static void show_missing(gust_request *request)
{
    show_numbered(request);
    show_named(request);
}

static void check(const char *pattern, gust_handler_function *function, const char *target, int status,
                  const char *body)
{
    gust_app *app = gust_app_new();
    gust_route(app, pattern, function);
    struct gust__test_answer *answer = gust__test_fetch(app, target);
    assert_non_null(answer);
    assert_int_equal(answer->status, status);
    assert_string_equal(answer->body, body);
    gust_app_free(app);
}

static void test_groups_are_numbered_from_one(void **state)
{
    (void)state;
    check("/(a)/(\\d+)", show_numbered, "GET /a/12", 200, "[NULL][a][12][NULL][a]");
    check("/a", show_numbered, "GET /a", 200, "[NULL][NULL][NULL][NULL][NULL]");
}

static void test_groups_that_did_not_match_are_null(void **state)
{
    (void)state;
    check("/(a)?(b)?(c*)", show_numbered, "GET /b", 200, "[NULL][NULL][b][][NULL]");
    check("/(x)(y)?", show_numbered, "GET /x", 200, "[NULL][x][NULL][NULL][x]");
}

static void test_groups_have_names(void **state)
{
    (void)state;
    check("/(?<id>\\d+)/(?P<name>.*)", show_named, "GET /7/b%20c", 200, "[7][b c][NULL]");
    check("/(?J)(?:a(?<id>\\d)|b(?<id>\\w))", show_named, "GET /bx", 200, "[x][NULL][NULL]");
    check("/", show_named, "GET /", 200, "[NULL][NULL][NULL]");
}

static void test_groups_are_decoded_once(void **state)
{
    (void)state;
    check("/([^/]+)", show_numbered, "GET /a+b%2Fc%2525", 200, "[NULL][a+b/c%25][NULL][NULL][a+b/c%25]");
    check("/([^/]+)", show_numbered, "GET /%E2%82%AC%20", 200,
          "[NULL][\xe2\x82\xac ][NULL][NULL][\xe2\x82\xac ]");
}

static void test_what_is_no_text_is_refused(void **state)
{
    (void)state;
    const char *bad[] = {"/%zz", "/%4", "/%", "/a%00b", "/%ff", "/%C0%AF", "/%ED%A0%80"};
    for (size_t i = 0; i < GUST_LEN(bad); i++) {
        char target[64];
        snprintf(target, sizeof(target), "GET %s", bad[i]);
        check("/([^/]+)", show_numbered, target, 400,
              "400 Bad Request: part 1 of the path is not UTF-8 text, percent-encoded\n");
    }
}

static void test_without_a_route_there_are_none(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_not_found(app, show_missing, NULL);
    assert_string_equal(gust__test_fetch(app, "GET /a")->body,
                        "[NULL][NULL][NULL][NULL][NULL][NULL][NULL][NULL]");
    gust_app_free(app);
}

static void test_groups_behind_a_mount(void **state)
{
    (void)state;
    gust_app *app = gust_app_new(), *sub = gust_app_new();
    gust_route(sub, "/(.*)/(.*)", show_numbered);
    gust_mount(app, "/sub", sub);
    assert_string_equal(gust__test_fetch(app, "GET /sub/a/b")->body, "[NULL][a][b][NULL][a]");
    gust_app_free(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_are_numbered_from_one),
        cmocka_unit_test(test_groups_that_did_not_match_are_null),
        cmocka_unit_test(test_groups_have_names),
        cmocka_unit_test(test_groups_are_decoded_once),
        cmocka_unit_test(test_what_is_no_text_is_refused),
        cmocka_unit_test(test_without_a_route_there_are_none),
        cmocka_unit_test(test_groups_behind_a_mount),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
