/* What surrounds a handler: slashes, turns, default headers, conditions, later completion, error pages. */
#include "web/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void hello(gust_request *request)
{
    gust_print(request, "hello");
}

static struct gust__test_answer *get(gust_app *app, const char *target, const char *headers)
{
    char text[1024];
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", target, headers);
    return gust__test_request(app, text);
}

static const char *header_of(const struct gust__test_answer *answer, const char *name)
{
    static char value[256];
    const char *at = strstr(answer->headers, name);
    if (!at || sscanf(at + strlen(name), ": %255[^\n]", value) != 1)
        return "none";
    return value;
}

/* ---- slashes ---- */

static void check_redirect(gust_app *app, const char *target, const char *location)
{
    struct gust__test_answer *answer = get(app, target, "");
    assert_int_equal(answer->status, 301);
    assert_string_equal(header_of(answer, "Location"), location);
    assert_string_equal(answer->body, "");
}

static void test_slashes_are_added_and_removed(void **state)
{
    (void)state;
    gust_app *app = gust_app_new(), *sub = gust_app_new();
    gust_route(app, "/plain/?", hello, .slash = GUST_REMOVE_SLASH);
    gust_route(app, "/folder/?", hello, .slash = GUST_ADD_SLASH);
    gust_route(sub, "/page/?", hello, .slash = GUST_REMOVE_SLASH);
    gust_mount(app, "/sub", sub);
    gust_route(app, "/.*", hello, .slash = GUST_REMOVE_SLASH);
    assert_int_equal(get(app, "/plain", "")->status, 200);
    assert_int_equal(get(app, "/folder/", "")->status, 200);
    check_redirect(app, "/plain/", "/plain");
    check_redirect(app, "/plain/?a=1&b", "/plain?a=1&b");
    check_redirect(app, "/folder", "/folder/");
    check_redirect(app, "/folder?a=1", "/folder/?a=1");
    check_redirect(app, "/sub/page/", "/sub/page");
    check_redirect(app, "/a%20b//", "/a%20b");
    check_redirect(app, "//evil.example/", "/evil.example");
    assert_int_equal(get(app, "/", "")->status, 200);
    assert_int_equal(gust__test_fetch(app, "POST /plain/")->status, 404);
    assert_int_equal(gust__test_fetch(app, "POST /plain")->status, 200);
    assert_int_equal(gust__test_fetch(app, "HEAD /plain/")->status, 301);
    gust_app_free(app);
}

/* ---- routes without handlers ---- */

static void test_routes_that_redirect(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route_redirect(app, "/old/([^/]*)/(.*)", "/new/{2}/{1}", 301);
    gust_route_redirect(app, "/more", "/new?from=more", 301);
    gust_route_redirect(app, "/any(.*)", "/{1}", 301);
    gust_route_redirect(app, "/away", "https://example.org/{x}", 301);
    gust_route_redirect(app, "POST /moved", "/there", 307);
    check_redirect(app, "/old/a/b/c", "/new/b/c/a");
    check_redirect(app, "/old/%C3%A9%20/b", "/new/b/%C3%A9%20");
    check_redirect(app, "/old/a/b?x=1", "/new/b/a?x=1");
    check_redirect(app, "/more?x=1", "/new?from=more&x=1");
    check_redirect(app, "/any//evil.example/", "/evil.example/");
    check_redirect(app, "/away", "https://example.org/{x}");
    assert_int_equal(gust__test_fetch(app, "POST /moved")->status, 307);
    assert_int_equal(gust__test_fetch(app, "GET /moved")->status, 405);
    gust_app_free(app);
}

static void test_routes_that_are_errors(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route_error(app, "/gone", 410);
    assert_int_equal(gust__test_fetch(app, "GET /gone")->status, 410);
    assert_int_equal(gust__test_fetch(app, "POST /gone")->status, 410);
    gust_app_free(app);
    app = gust_app_new();
    gust_route_error(app, "/gone", 399);
    assert_non_null(strstr(gust_app_mistake(app), "399 is no error"));
    gust_app_free(app);
    app = gust_app_new();
    gust_route_redirect(app, "/x", "/y", 200);
    assert_non_null(strstr(gust_app_mistake(app), "200 does not redirect"));
    gust_app_free(app);
}

/* ---- turns ---- */

static unsigned running, most;

static int ask_inside(void *argument)
{
    gust_request *request = argument;
    struct gust__route *route = (struct gust__route *)(uintptr_t)request->route;
    most = route->running;
    return 0;
}

static void take_turn(gust_request *request)
{
    running++;
    ask_inside(request);
    if (gust_query_arg(request, "fail"))
        gust_fail(400, NULL);
}

static void test_a_route_has_so_many_turns(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "/turns", take_turn, .max_running = 2);
    for (int i = 0; i < 5; i++) { /* each gives its turn back, however it ends */
        assert_int_equal(get(app, "/turns", "")->status, 200);
        assert_int_equal(get(app, "/turns?fail=1", "")->status, 400);
    }
    assert_int_equal(most, 1);
    struct gust__route *route = app->routes;
    route->running = 1; /* at the limit with this one */
    assert_int_equal(get(app, "/turns", "")->status, 200);
    route->running = 2;
    running = 0;
    struct gust__test_answer *answer = get(app, "/turns", "");
    assert_int_equal(answer->status, 503);
    assert_string_equal(header_of(answer, "Retry-After"), "1");
    assert_int_equal(running, 0);
    assert_int_equal(route->running, 2);
    gust_app_free(app);
}

/* ---- default headers ---- */

static void own_header(gust_request *request)
{
    gust_set_header(request, "X-Frame-Options", "SAMEORIGIN");
    gust_print(request, "x");
}

static void no_header(gust_request *request)
{
    gust_clear_header(request, "x-frame-options");
    gust_print(request, "x");
}

static void fail_badly(gust_request *request)
{
    (void)request;
    gust_fail(400, "<b>wrong</b>");
}

static void test_default_headers_are_in_every_answer(void **state)
{
    (void)state;
    gust_app *app = gust_app_new(), *sub = gust_app_new();
    gust_default_header(app, "X-Frame-Options", "DENY");
    gust_default_header(app, "X-Site", "main");
    gust_default_header(sub, "X-Site", "sub");
    gust_route(app, "/hello", hello);
    gust_route(app, "/own", own_header);
    gust_route(app, "/no", no_header);
    gust_route(app, "/fail", fail_badly);
    gust_route(sub, "/hello", hello);
    gust_mount(app, "/sub", sub);
    assert_string_equal(header_of(get(app, "/hello", ""), "X-Frame-Options"), "DENY");
    assert_string_equal(header_of(get(app, "/own", ""), "X-Frame-Options"), "SAMEORIGIN");
    assert_string_equal(header_of(get(app, "/no", ""), "X-Frame-Options"), "none");
    assert_string_equal(header_of(get(app, "/fail", ""), "X-Frame-Options"), "DENY");
    assert_string_equal(header_of(get(app, "/nothing", ""), "X-Frame-Options"), "DENY");
    assert_string_equal(header_of(get(app, "/sub/hello", ""), "X-Frame-Options"), "DENY");
    assert_string_equal(header_of(get(app, "/sub/hello", ""), "X-Site"), "sub");
    assert_string_equal(header_of(get(app, "/hello", ""), "X-Site"), "main");
    gust_app_free(app);
    app = gust_app_new();
    gust_default_header(app, "X", "a\r\nb");
    assert_non_null(gust_app_mistake(app));
    gust_app_free(app);
}

static void json(gust_request *request)
{
    if (gust_query_arg(request, "own"))
        gust_set_header(request, "Content-Type", "application/hal+json");
    gust_json(request, "[i]", 1);
}

static void nothing(gust_request *request)
{
    gust_set_status(request, 204);
}

static void test_a_default_type_gives_way(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_default_header(app, "Content-Type", "text/html");
    gust_route(app, "/hello", hello);
    gust_route(app, "/json", json);
    gust_route(app, "/nothing", nothing);
    assert_string_equal(get(app, "/hello", "")->headers, "Content-Type: text/html\n");
    assert_string_equal(get(app, "/json", "")->headers, "Content-Type: application/json\n");
    assert_string_equal(get(app, "/json?own=1", "")->headers, "Content-Type: application/hal+json\n");
    assert_string_equal(get(app, "/nothing", "")->headers, "");
    gust_app_free(app);
}

/* ---- conditions ---- */

static void tagged(gust_request *request)
{
    gust_set_header(request, "Etag", "W/\"v1\"");
    gust_set_header(request, "Cache-Control", "max-age=5");
    gust_set_header(request, "Content-Type", "text/html");
    gust_set_status(request, gust_query_arg(request, "status") ? 201 : 200);
    gust_print(request, "page");
}

static void flushed(gust_request *request)
{
    gust_set_header(request, "Etag", "\"v1\"");
    gust_print(request, "page");
    gust_flush(request);
}

static void test_what_the_client_has_is_not_sent_again(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "/tagged", tagged);
    gust_route(app, "/flushed", flushed);
    struct gust__test_answer *answer = get(app, "/tagged", "If-None-Match: \"v0\", \"v1\"\r\n");
    assert_int_equal(answer->status, 304);
    assert_string_equal(answer->headers, "Etag: W/\"v1\"\nCache-Control: max-age=5\n");
    assert_string_equal(answer->body, "");
    assert_int_equal(get(app, "/tagged", "If-None-Match: *\r\n")->status, 304);
    assert_int_equal(get(app, "/tagged", "If-None-Match: \"v0\"\r\nIf-None-Match: \"v1\"\r\n")->status, 304);
    assert_int_equal(get(app, "/tagged", "If-None-Match: \"v2\"\r\n")->status, 200);
    assert_int_equal(get(app, "/tagged?status=1", "If-None-Match: *\r\n")->status, 201);
    assert_int_equal(get(app, "/flushed", "If-None-Match: \"v1\"\r\n")->status, 200);
    assert_int_equal(
        gust__test_request(app, "POST /tagged HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n")->status, 200);
    gust_app_free(app);
}

static void test_tags_are_made_when_asked_for(void **state)
{
    (void)state;
    char header[128];
    gust_app *app = gust_app_new();
    gust_app_set(app, .etags = true);
    gust_route(app, "/", hello);
    gust_route(app, "/fail", fail_badly);
    struct gust__test_answer *answer = get(app, "/", "");
    assert_int_equal(strlen(header_of(answer, "Etag")), 34);
    snprintf(header, sizeof(header), "If-None-Match: %s\r\n", header_of(answer, "Etag"));
    assert_int_equal(get(app, "/", header)->status, 304);
    assert_string_equal(header_of(get(app, "/fail", ""), "Etag"), "none");
    gust_app_free(app);
}

/* ---- detached ---- */

static int write_result;

static int complete(void *argument)
{
    write_result = gust_print(argument, " later") < 0 ? errno : 0;
    gust_complete(argument);
    return 0;
}

static int complete_soon(void *argument)
{
    gust_sleep(GUST_MS(5));
    return complete(argument);
}

static void complete_by_timer(gust_request *request, int64_t delay)
{
    static gust_timer timer;
    timer = (gust_timer){.function = complete, .argument = request};
    gust_timer_start(gust_loop_current(), &timer, gust_loop_time(gust_loop_current()) + delay);
}

static void detach(gust_request *request)
{
    gust_print(request, "now");
    gust_detach(request);
    gust_go(gust_request_group(request), complete_soon, request);
}

static void detach_too_long(gust_request *request)
{
    gust_detach(request);
    complete_by_timer(request, GUST_MS(60));
}

static void detach_and_fail(gust_request *request)
{
    detach_too_long(request);
    gust_fail(418, NULL);
}

static void detach_to_callback(gust_request *request)
{
    gust_detach(request);
    complete_by_timer(request, GUST_MS(5));
}

static void test_a_detached_request_is_answered_later(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "/later", detach);
    gust_route(app, "/late", detach_too_long, .timeout = GUST_MS(10));
    gust_route(app, "/fail", detach_and_fail);
    gust_route(app, "/callback", detach_to_callback);
    assert_string_equal(get(app, "/later", "")->body, "now later");
    assert_int_equal(write_result, 0);
    assert_int_equal(get(app, "/late", "")->status, 503);
    assert_int_equal(write_result, EALREADY);
    assert_int_equal(get(app, "/fail", "")->status, 418);
    assert_string_equal(get(app, "/callback", "")->body, " later");
    gust_app_free(app);
}

/* ---- a client that goes ---- */

static unsigned gone_calls;

static void on_connection_close(gust_request *request)
{
    (void)request;
    gone_calls++;
}

static void client_leaves(struct gust__exchange *exchange)
{
    exchange->gone = true;
    exchange->on_gone(exchange);
}

static void test_a_table_is_told_that_the_client_went(void **state)
{
    (void)state;
    static const gust_handler told = {.get = hello, .on_connection_close = on_connection_close};
    static const gust_handler untold = {.get = hello};
    gust_app *app = gust_app_new();
    gust_handle(app, "/told", &told);
    gust_handle(app, "/untold", &untold);
    gone_calls = 0;
    gust__test_options.on_watch = client_leaves;
    get(app, "/told", "");
    assert_int_equal(gone_calls, 1);
    gust__test_options.on_watch = client_leaves;
    get(app, "/untold", "");
    assert_int_equal(gone_calls, 1);
    gust__test_options.on_watch = NULL;
    gust_app_free(app);
}

/* ---- error pages ---- */

static void break_down(gust_request *request)
{
    (void)request;
    gust_throw(EIO, "the <secret> of %s", "the house");
}

static void test_browsers_get_a_page(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "/fail", fail_badly);
    gust_route(app, "/broken", break_down);
    struct gust__test_answer *answer = get(app, "/fail", "Accept: text/html,*/*;q=0.8\r\n");
    assert_string_equal(header_of(answer, "Content-Type"), "text/html; charset=UTF-8");
    assert_non_null(strstr(answer->body, "<h1>400 Bad Request</h1>"));
    assert_non_null(strstr(answer->body, "&#60;b&#62;wrong&#60;/b&#62;"));
    assert_string_equal(get(app, "/fail", "Accept: */*\r\n")->body, "400 Bad Request: <b>wrong</b>\n");
    assert_null(strstr(get(app, "/broken", "Accept: text/html\r\n")->body, "house"));
    gust_app_free(app);
}

static void test_in_development_the_page_shows_what_happened(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_app_set(app, .debug = true);
    gust_route(app, "/broken", break_down);
    struct gust__test_answer *answer = get(app, "/broken?a=<b>", "Accept: text/html\r\nX-Mine: <i>\r\n");
    assert_int_equal(answer->status, 500);
    assert_non_null(strstr(answer->body, "the &#60;secret&#62; of the house"));
    assert_non_null(strstr(answer->body, "break_down"));
    assert_non_null(strstr(answer->body, "X-Mine: &#60;i&#62;"));
    assert_null(strstr(answer->body, "<i>"));
    assert_string_equal(get(app, "/broken", "")->body, "500 Internal Server Error\n");
    gust_app_free(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slashes_are_added_and_removed),
        cmocka_unit_test(test_routes_that_redirect),
        cmocka_unit_test(test_routes_that_are_errors),
        cmocka_unit_test(test_a_route_has_so_many_turns),
        cmocka_unit_test(test_default_headers_are_in_every_answer),
        cmocka_unit_test(test_a_default_type_gives_way),
        cmocka_unit_test(test_what_the_client_has_is_not_sent_again),
        cmocka_unit_test(test_tags_are_made_when_asked_for),
        cmocka_unit_test(test_a_detached_request_is_answered_later),
        cmocka_unit_test(test_a_table_is_told_that_the_client_went),
        cmocka_unit_test(test_browsers_get_a_page),
        cmocka_unit_test(test_in_development_the_page_shows_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
