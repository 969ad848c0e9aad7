/* Which route a request finds: order, methods, mounts, hosts; and set-up mistakes. */
#include "web/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void show(gust_request *request)
{
    gust_print(request, gust_data(request));
}

static void show_path(gust_request *request)
{
    gust_printf(request, "%s %s", (const char *)gust_data(request), gust_path(request));
}

static void check(gust_app *app, const char *target, int status, const char *body)
{
    struct gust__test_answer *answer = gust__test_fetch(app, target);
    assert_non_null(answer);
    if (answer->status != status || strcmp(answer->body, body) != 0)
        print_error("%s: %d %s\n", target, answer->status, answer->body);
    assert_int_equal(answer->status, status);
    assert_string_equal(answer->body, body);
    assert_true(answer->ended);
}

static void check_allow(gust_app *app, const char *target, int status, const char *allow)
{
    struct gust__test_answer *answer = gust__test_fetch(app, target);
    char line[200];
    snprintf(line, sizeof(line), "Allow: %s\n", allow);
    assert_non_null(answer);
    assert_int_equal(answer->status, status);
    if (!strstr(answer->headers, line))
        print_error("%s\n%s", target, answer->headers);
    assert_non_null(strstr(answer->headers, line));
}

static void check_mistake(gust_app *app, const char *part)
{
    assert_non_null(gust_app_mistake(app));
    if (!strstr(gust_app_mistake(app), part))
        print_error("%s\n", gust_app_mistake(app));
    assert_non_null(strstr(gust_app_mistake(app), part));
    assert_int_equal(gust__app_freeze(app), -1);
    assert_int_equal(errno, EINVAL);
    gust_app_free(app);
}

static void test_routes_are_tried_in_their_order(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "GET /a", show, .data = "a");
    gust_route(app, "GET /(.*)b", show, .data = "pattern");
    gust_route(app, "GET /ab", show, .data = "ab");
    gust_route(app, "GET /a", show, .data = "a again");
    gust_route(app, "GET /c", show, .data = "c");
    gust_route(app, "GET /(.)", show, .data = "last");
    check(app, "GET /a", 200, "a");
    check(app, "GET /ab", 200, "pattern");
    check(app, "GET /c", 200, "c");
    check(app, "GET /d", 200, "last");
    check(app, "GET /c?x=1", 200, "c");
    check(app, "GET /cc", 404, "404 Not Found\n");
    gust_app_free(app);
}

static void test_patterns_match_whole_paths(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "GET /a|/ab", show, .data = "alternative");
    gust_route(app, "GET /x\\.y", show, .data = "escaped");
    check(app, "GET /a", 200, "alternative");
    check(app, "GET /ab", 200, "alternative");
    check(app, "GET /abc", 404, "404 Not Found\n");
    check(app, "GET /x.y", 200, "escaped");
    check(app, "GET /xzy", 404, "404 Not Found\n");
    gust_app_free(app);
}

static void test_methods_are_told_apart(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "GET /a", show, .data = "get");
    gust_route(app, "POST /a", show, .data = "post");
    gust_route(app, "BREW /a", show, .data = "brew");
    gust_route(app, "/any", show, .data = "any");
    gust_route(app, "PUT /p/(.*)", show, .data = "put");
    check(app, "GET /a", 200, "get");
    check(app, "POST /a", 200, "post");
    check(app, "BREW /a", 200, "brew");
    check(app, "PURGE /any", 200, "any");
    check(app, "get /any", 200, "any");
    check_allow(app, "DELETE /a", 405, "GET, HEAD, POST, OPTIONS, BREW");
    check_allow(app, "PURGE /a", 405, "GET, HEAD, POST, OPTIONS, BREW");
    check_allow(app, "GET /p/1", 405, "PUT, OPTIONS");
    check(app, "PURGE /none", 404, "404 Not Found\n");
    gust_app_free(app);
}

static void test_head_is_answered_by_get(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "GET /a", show, .data = "get");
    gust_route(app, "GET /b", show, .data = "get");
    gust_route(app, "HEAD /b", show, .data = "own head");
    gust_route(app, "POST /c", show, .data = "post");
    struct gust__test_answer *answer = gust__test_fetch(app, "HEAD /a");
    assert_int_equal(answer->status, 200);
    assert_int_equal(answer->content_length, 3);
    assert_int_equal(answer->size, 0);
    assert_int_equal(gust__test_fetch(app, "HEAD /b")->content_length, 8);
    check_allow(app, "HEAD /c", 405, "POST, OPTIONS");
    gust_app_free(app);
    app = gust_app_new();
    gust_route(app, "GET /a", show, .data = "get");
    gust_handle(app, "/b", (&(gust_handler){.get = show}), .data = "table");
    gust_route(app, "/(.*)", show, .data = "any other");
    gust_handle(app, "/(.*)", (&(gust_handler){.get = show}), .data = "behind");
    assert_int_equal(gust__test_fetch(app, "HEAD /a")->content_length, 3);
    assert_int_equal(gust__test_fetch(app, "HEAD /b")->content_length, 5);
    assert_int_equal(gust__test_fetch(app, "HEAD /c")->content_length, 9);
    gust_app_free(app);
}

static void test_options_are_answered_unless_routed(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "GET /a", show, .data = "get");
    gust_route(app, "OPTIONS /b", show, .data = "own");
    check_allow(app, "OPTIONS /a", 204, "GET, HEAD, OPTIONS");
    check_allow(app, "OPTIONS *", 204, "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");
    check(app, "OPTIONS /b", 200, "own");
    check(app, "OPTIONS /none", 404, "404 Not Found\n");
    gust_app_free(app);
}

static void test_mounts_see_the_path_behind_their_prefix(void **state)
{
    (void)state;
    gust_app *app = gust_app_new(), *sub = gust_app_new(), *inner = gust_app_new();
    gust_route(app, "GET /admin/first", show, .data = "before");
    gust_route(inner, "GET /x", show_path, .data = "inner");
    gust_route(sub, "GET /", show_path, .data = "root");
    gust_route(sub, "GET /users/(\\d+)", show_path, .data = "user");
    gust_mount(sub, "/in", inner);
    gust_mount(app, "/admin", sub);
    gust_route(app, "GET /admin/users/1", show, .data = "late");
    gust_route(app, "GET /administer", show, .data = "other");
    check(app, "GET /admin", 200, "root /");
    check(app, "GET /admin/", 200, "root /");
    check(app, "GET /admin/users/1", 200, "user /users/1");
    check(app, "GET /admin/in/x", 200, "inner /x");
    check(app, "GET /admin/first", 200, "before");
    check(app, "GET /administer", 200, "other");
    check(app, "GET /admin/none", 404, "404 Not Found\n");
    check_allow(app, "POST /admin/in/x", 405, "GET, HEAD, OPTIONS");
    gust_app_free(app);
}

static void check_host(gust_app *app, const char *host, const char *body)
{
    char text[200];
    snprintf(text, sizeof(text), "GET /a HTTP/1.1\r\nHost: %s\r\n\r\n", host);
    assert_string_equal(gust__test_request(app, text)->body, body);
}

static void test_hosts_are_matched_without_case_and_port(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "GET /a", show, .data = "one", .host = "(.+\\.)?one\\.org");
    gust_route(app, "GET /a", show, .data = "six", .host = "\\[::1\\]");
    gust_route(app, "GET /(a)", show, .data = "two", .host = "two\\.org");
    gust_route(app, "GET /a", show, .data = "rest");
    check_host(app, "one.org", "one");
    check_host(app, "WWW.One.org:8080", "one");
    check_host(app, "[::1]:80", "six");
    check_host(app, "[::1]", "six");
    check_host(app, "two.org", "two");
    check_host(app, "one.org.evil", "rest");
    gust_app_free(app);
}

static void test_a_pattern_that_takes_too_long_does_not_match(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "GET /(a+)+b", show, .data = "x");
    check(app, "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", 404,
          "404 Not Found\n");
    gust_app_free(app);
}

static void test_many_literals_are_all_found(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    static char names[300][16];
    for (int i = 0; i < 300; i++) {
        char pattern[32];
        snprintf(names[i], sizeof(names[i]), "%d", i);
        snprintf(pattern, sizeof(pattern), "GET /n/%d", i);
        gust_route(app, pattern, show, .data = names[i]);
    }
    for (int i = 0; i < 300; i += 7) {
        char target[32];
        snprintf(target, sizeof(target), "GET /n/%d", i);
        check(app, target, 200, names[i]);
    }
    gust_app_free(app);
}

static void test_mistakes_are_remembered(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "GET /(", show);
    gust_route(app, "GET nothing", show);
    check_mistake(app, "\"/(\" is wrong at character");
    gust_route(app = gust_app_new(), "GET nothing", show);
    check_mistake(app, "is not \"METHOD /path\"");
    gust_route(app = gust_app_new(), "GET /a", NULL);
    check_mistake(app, "no function");
    gust_route(app = gust_app_new(), "GET /a", show, .host = "[");
    check_mistake(app, "is wrong at character");
    gust_mount(app = gust_app_new(), "/a/", gust_app_new());
    check_mistake(app, "not a plain prefix");
    gust_mount(app = gust_app_new(), "/(a)", gust_app_new());
    check_mistake(app, "not a plain prefix");
    gust_handle(app = gust_app_new(), "GET /a", (&(gust_handler){.get = show}));
    check_mistake(app, "the table names the methods");
    gust_app *sub = gust_app_new();
    gust_route(sub, "GET /)", show);
    gust_mount(app = gust_app_new(), "/sub", sub);
    check_mistake(app, "is wrong at character");
    app = gust_app_new();
    gust_mount(app, "/self", app);
    check_mistake(app, "mounted already");
    gust_mount(app = gust_app_new(), "/one", sub = gust_app_new());
    gust_mount(app, "/two", sub);
    check_mistake(app, "mounted already");
    assert_string_equal(gust_app_mistake(NULL), "out of memory");
}

static void test_an_application_that_serves_is_not_changed(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "GET /a", show, .data = "a");
    check(app, "GET /a", 200, "a");
    gust_route(app, "GET /b", show, .data = "b");
    assert_non_null(strstr(gust_app_mistake(app), "begun to serve"));
    gust_app_free(app);
}

static void test_groups_have_a_maximum(void **state)
{
    (void)state;
    for (int count = 62; count <= 64; count++) {
        char pattern[512] = "GET /";
        for (int i = 0; i < count; i++)
            strcat(pattern, "(a?)");
        gust_app *app = gust_app_new();
        gust_route(app, pattern, show, .data = "a");
        if (count <= 63) {
            check(app, "GET /aa", 200, "a");
            gust_app_free(app);
        } else {
            check_mistake(app, "more than 63 groups");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes_are_tried_in_their_order),
        cmocka_unit_test(test_patterns_match_whole_paths),
        cmocka_unit_test(test_methods_are_told_apart),
        cmocka_unit_test(test_head_is_answered_by_get),
        cmocka_unit_test(test_options_are_answered_unless_routed),
        cmocka_unit_test(test_mounts_see_the_path_behind_their_prefix),
        cmocka_unit_test(test_hosts_are_matched_without_case_and_port),
        cmocka_unit_test(test_a_pattern_that_takes_too_long_does_not_match),
        cmocka_unit_test(test_many_literals_are_all_found),
        cmocka_unit_test(test_mistakes_are_remembered),
        cmocka_unit_test(test_an_application_that_serves_is_not_changed),
        cmocka_unit_test(test_groups_have_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
