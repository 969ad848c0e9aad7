/* Under `gust dev`: which answers get the script, what is reserved, and that it harms nothing when gust dev
 * has gone.
 */
#include "web/development.h"

#include <gust/gust.h>
#include <gust/testing.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char page_script[] = "<script src=\"/.gust/reload.js?7-4\"></script>\n";

/* ---- what `gust dev` says ---- */

static int say(gust_stream *stream, void *argument)
{
    char nothing[8];
    (void)argument;
    gust_stream_printf(stream, "9 4\n");
    while (gust_stream_read(stream, nothing, sizeof(nothing)) > 0)
        continue;
    return 0;
}

static void free_listener(gust_listener *listener)
{
    gust_listener_free(listener);
    unsetenv(GUST__DEVELOPMENT_VARIABLE);
}

static gust_listener *begin_development(void)
{
    char address[64], variable[96];
    snprintf(address, sizeof(address), "unix:@gust-development-test-%ld", (long)getpid());
    snprintf(variable, sizeof(variable), "%s 7", address);
    setenv(GUST__DEVELOPMENT_VARIABLE, variable, 1);
    gust_listener *listener = gust_listen(address);
    GUST_CHECK(listener && gust_serve(listener, say, NULL) == 0);
    return listener;
}

/* ---- an application ---- */

static void show_page(gust_request *request)
{
    gust_set_header(request, "Content-Type", "text/html; charset=UTF-8");
    gust_print(request, "<p>page</p>\n");
}

static void show_large(gust_request *request)
{
    static const char kibibyte[1024] = "x";
    gust_set_header(request, "Content-Type", "text/html");
    for (int i = 0; i < 200; i++)
        gust_write(request, kibibyte, sizeof(kibibyte));
}

static void show_measured(gust_request *request)
{
    gust_set_header(request, "Content-Type", "text/html");
    gust_set_header(request, "Content-Length", "4");
    gust_print(request, "page");
}

static void show_text(gust_request *request)
{
    gust_set_header(request, "Cache-Control", "max-age=5");
    gust_print(request, "text");
}

static void show_anything(gust_request *request)
{
    gust_print(request, "anything");
}

static gust_app *make_app(void)
{
    gust_app *app = gust_app_new(), *sub = gust_app_new();
    gust_route(sub, "GET /page", show_page);
    gust_mount(app, "/sub", sub);
    gust_route(app, "GET /page", show_page);
    gust_route(app, "GET /large", show_large);
    gust_route(app, "GET /measured", show_measured);
    gust_route(app, "GET /text", show_text);
    gust_route_redirect(app, "GET /old", "/page", 302);
    gust_route(app, "/(.*)", show_anything);
    return app;
}

/* ---- tests ---- */

GUST_TEST(a_page_gets_the_script)
{
    GUST_DEFER(free_listener, begin_development());
    gust_test_serve(make_app());
    gust_response *page = gust_fetch("/page");
    GUST_CHECK_BODY(page, "<p>page</p>\n<script src=\"/.gust/reload.js?7-4\"></script>\n");
    GUST_CHECK_TEXT(gust_response_header(page, "Cache-Control"), "no-store");
    GUST_CHECK_BODY(gust_fetch("/sub/page"), "<p>page</p>\n<script src=\"/.gust/reload.js?7-4\"></script>\n");
}

GUST_TEST(one_that_streams_gets_it_too)
{
    GUST_DEFER(free_listener, begin_development());
    gust_test_serve(make_app());
    gust_response *page = gust_fetch("/large");
    GUST_CHECK_STATUS(page, 200);
    gust_bytes body = gust_response_body(page);
    GUST_CHECK(body.len == (200 << 10) + strlen(page_script));
    GUST_CHECK_TEXT((const char *)body.data + (200 << 10), page_script);
}

GUST_TEST(what_is_no_page_is_left_alone)
{
    GUST_DEFER(free_listener, begin_development());
    static const char *const fragment[] = {"Sec-Fetch-Dest: empty", NULL};
    gust_test_serve(make_app());
    gust_response *text = gust_fetch("/text");
    GUST_CHECK_BODY(text, "text");
    GUST_CHECK_TEXT(gust_response_header(text, "Cache-Control"), "max-age=5");
    GUST_CHECK_BODY(gust_fetch("/measured"), "page");
    GUST_CHECK_STATUS(gust_fetch("/old"), 302);
    GUST_CHECK_BODY(gust_fetch("/page", .headers = fragment), "<p>page</p>\n");
}

GUST_TEST(its_paths_come_before_every_route)
{
    GUST_DEFER(free_listener, begin_development());
    gust_test_serve(make_app());
    GUST_CHECK_BODY(gust_fetch("/elsewhere"), "anything");
    gust_response *script = gust_fetch("/.gust/reload.js");
    GUST_CHECK_STATUS(script, 200);
    GUST_CHECK_TEXT(gust_response_header(script, "Content-Type"), "text/javascript; charset=UTF-8");
    GUST_CHECK_STATUS(gust_fetch("/.gust/none"), 404);
}

static int end_at_event(const void *data, size_t size, void *argument)
{
    char *seen = argument;
    strncat(seen, data, size);
    if (!strstr(seen, "data: "))
        return 0;
    errno = ECANCELED;
    return -1;
}

GUST_TEST(the_state_comes_as_an_event)
{
    GUST_DEFER(free_listener, begin_development());
    char seen[512] = "";
    gust_test_serve(make_app());
    GUST_CHECK(!gust_fetch("/.gust/events", .on_body = end_at_event, .argument = seen));
    GUST_CHECK_TEXT(seen, "retry: 200\n\ndata: 9-4\n\n");
}

GUST_TEST(without_gust_dev_the_page_is_as_it_was)
{
    GUST_DEFER(free_listener, NULL);
    setenv(GUST__DEVELOPMENT_VARIABLE, "unix:@gust-development-nobody 1", 1);
    gust_test_serve(make_app());
    GUST_CHECK_BODY(gust_fetch("/page"), "<p>page</p>\n");
    GUST_CHECK_STATUS(gust_fetch("/.gust/reload.js"), 200);
    gust_test_expect_log(GUST_ERROR, "gust dev has ended");
    GUST_CHECK_STATUS(gust_fetch("/.gust/events"), 503);
}

GUST_TEST(nothing_is_there_unless_asked_for)
{
    unsetenv(GUST__DEVELOPMENT_VARIABLE);
    gust_test_serve(make_app());
    gust_response *page = gust_fetch("/page");
    GUST_CHECK_BODY(page, "<p>page</p>\n");
    GUST_CHECK(!gust_response_header(page, "Cache-Control"));
    GUST_CHECK_BODY(gust_fetch("/.gust/reload.js"), "anything");
}

int main(int argc, char **argv)
{
    return gust_test_main(argc, argv);
}
