/* The client and a gust application, in one process on one loop, by the test kit that users have. */
#include <gust/gust.h>
#include <gust/testing.h>

#include <stdio.h>
#include <string.h>

static void say_hello(gust_request *req)
{
    gust_printf(req, "hello, %s", gust_path_arg(req, 1));
}

static void echo(gust_request *req)
{
    gust_bytes body = gust_body(req);
    gust_write(req, body.data, body.len);
}

static void refuse(gust_request *req)
{
    (void)req;
    gust_fail(403, "not you");
}

static gust_app *make_app(void)
{
    gust_app *app = gust_app_new();
    gust_route(app, "GET /hello/(\\w+)", say_hello);
    gust_route(app, "POST /echo", echo);
    gust_route(app, "GET /refuse", refuse);
    return app;
}

static ssize_t produce_thrice(void *to, size_t size, void *argument)
{
    int *left = argument;
    (void)size;
    if ((*left)-- == 0)
        return 0;
    memcpy(to, "part ", 5);
    return 5;
}

GUST_TEST(bodies_come_back)
{
    int left = 3;
    gust_test_serve(make_app());
    for (int turn = 0; turn < 3; turn++)
        GUST_CHECK_BODY(gust_fetch("/hello/gust"), "hello, gust");
    GUST_CHECK_BODY(gust_fetch("/hello/gust", .method = "HEAD"), "");
    GUST_CHECK_BODY(gust_fetch("/echo", .json = "{\"a\":1}"), "{\"a\":1}");
    GUST_CHECK_BODY(gust_fetch("/echo", .produce = produce_thrice, .argument = &left), "part part part ");
}

GUST_TEST(statuses_are_answers)
{
    gust_test_serve(make_app());
    GUST_CHECK_STATUS(gust_fetch("/hello/gust"), 200);
    GUST_CHECK_STATUS(gust_fetch("/refuse"), 403);
    GUST_CHECK_STATUS(gust_fetch("/nothing"), 404);
    GUST_CHECK_STATUS(gust_fetch("/echo"), 405);
}

GUST_TEST(two_applications_at_once)
{
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/hello/first", gust_test_serve(make_app()));
    gust_test_serve(make_app());
    GUST_CHECK_BODY(gust_fetch("/hello/second"), "hello, second");
    GUST_CHECK_BODY(gust_fetch(url), "hello, first");
}

int main(int argc, char **argv)
{
    return gust_test_main(argc, argv);
}
