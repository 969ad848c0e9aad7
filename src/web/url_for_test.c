/* URLs of named routes. */
#include "web/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char *arguments[4];

static void nothing(gust_request *request)
{
    (void)request;
}

static void tell(gust_request *request)
{
    gust_print(request, gust_url_for(request, gust_data(request), arguments[0], arguments[1], arguments[2],
                                     arguments[3], NULL));
}

/* Reverses a pattern; the answer's body, or for a failure the text that was logged. */
static const char *reverse(const char *pattern, const char *one, const char *two, const char *three)
{
    gust_app *app = gust_app_new();
    arguments[0] = one, arguments[1] = two, arguments[2] = three;
    gust_route(app, "/-tell-", tell, .data = "it");
    gust_route(app, pattern, nothing, .name = "it");
    struct gust__test_answer *answer = gust__test_fetch(app, "GET /-tell-");
    gust_app_free(app);
    assert_true(answer->status == 200 || answer->status == 500);
    return answer->status == 200 ? answer->body : answer->log;
}

static void test_groups_are_filled_in_their_order(void **state)
{
    (void)state;
    assert_string_equal(reverse("/plain", NULL, NULL, NULL), "/plain");
    assert_string_equal(reverse("/a/(\\d+)/(?<name>[^/]+)/b", "12", "x", NULL), "/a/12/x/b");
    assert_string_equal(reverse("/x\\.y/(?P<n>.*)\\-", "1", NULL, NULL), "/x.y/1-");
    assert_string_equal(reverse("/a/(\\w*)$", "", NULL, NULL), "/a/");
    assert_string_equal(reverse("/(a(?:b|\\()([)(]))/(c)", "ab(", "c", NULL), "/ab(/c");
    assert_string_equal(reverse("/([]a[:digit:]]+)", "a1", NULL, NULL), "/a1");
}

static void test_arguments_are_encoded(void **state)
{
    (void)state;
    assert_string_equal(reverse("/([^/]+)", "a b?#%\xc3\xa9", NULL, NULL), "/a%20b%3F%23%25%C3%A9");
    assert_string_equal(reverse("/files/(.*)", "a/b/c", NULL, NULL), "/files/a/b/c");
    assert_string_equal(reverse("/([^/]+)/([^/]+)", "a/b", "/", NULL), "/a%2Fb/%2F");
    assert_string_equal(reverse("/([^/]+)/(.*)", "a/b", "c", NULL), "/a%2Fb/c");
}

static void test_arguments_must_fit(void **state)
{
    (void)state;
    assert_non_null(strstr(reverse("/a/(b)/(c)", "b", NULL, NULL), "too few arguments"));
    assert_non_null(strstr(reverse("/a/(b)", "b", "c", NULL), "too many arguments"));
    assert_non_null(strstr(reverse("/plain", "b", NULL, NULL), "too many arguments"));
    assert_non_null(strstr(reverse("/(\\d+)", "x", NULL, NULL), "does not match"));
    assert_non_null(strstr(reverse("/(..)(.*)", "a", "b", NULL), "does not match"));
}

static void test_patterns_that_cannot_be_reversed_are_mistakes(void **state)
{
    (void)state;
    const char *bad[] = {"/a+",        "/a.b",     "/(a)?",   "/(?:a)",  "/\\d",   "/[a]",
                         "/a|/b",      "/a{2}",    "/(?=a)a", "/(a)*",   "/a\\bc", "(?i)/a",
                         "/(\\Q(\\E)", "/(?<!b)a", "/$a",     "/(?<=/)a"};
    for (size_t i = 0; i < GUST_LEN(bad); i++) {
        gust_app *app = gust_app_new();
        gust_route(app, bad[i], nothing, .name = "it");
        if (!gust_app_mistake(app))
            print_error("%s\n", bad[i]);
        assert_non_null(strstr(gust_app_mistake(app), "cannot fill"));
        gust_app_free(app);
        gust_route(app = gust_app_new(), bad[i], nothing);
        assert_null(gust_app_mistake(app));
        gust_app_free(app);
    }
}

static void test_names_are_looked_up_from_the_inside(void **state)
{
    (void)state;
    gust_app *app = gust_app_new(), *sub = gust_app_new(), *inner = gust_app_new();
    arguments[0] = NULL;
    gust_route(app, "/home", nothing, .name = "home");
    gust_route(app, "/tell", tell, .data = "deep");
    gust_route(sub, "/home", nothing, .name = "home");
    gust_route(inner, "/", nothing, .name = "deep");
    gust_route(inner, "/home", tell, .data = "home");
    gust_route(inner, "/none", tell, .data = "none");
    gust_mount(sub, "/in", inner);
    gust_mount(app, "/sub", sub);
    assert_string_equal(gust__test_fetch(app, "GET /tell")->body, "/sub/in/");
    assert_string_equal(gust__test_fetch(app, "GET /sub/in/home")->body, "/sub/home");
    struct gust__test_answer *answer = gust__test_fetch(app, "GET /sub/in/none");
    assert_int_equal(answer->status, 500);
    assert_string_equal(answer->body, "500 Internal Server Error\n");
    assert_non_null(strstr(answer->log, "no route is named \"none\""));
    gust_app_free(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_are_filled_in_their_order),
        cmocka_unit_test(test_arguments_are_encoded),
        cmocka_unit_test(test_arguments_must_fit),
        cmocka_unit_test(test_patterns_that_cannot_be_reversed_are_mistakes),
        cmocka_unit_test(test_names_are_looked_up_from_the_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
