/* The client and a gust application, in one process on one loop. */
#include "http/testing_fetch.h"

#include <gust/server.h>
#include <gust/web.h>

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

static void fetch_all(const char *base)
{
    char url[200];
    int left = 3;
    snprintf(url, sizeof(url), "%s/hello/gust", base);
    for (int turn = 0; turn < 3; turn++)
        expect_body(gust_fetch(url), 200, "hello, gust");
    expect_body(gust_fetch(url, .method = "HEAD"), 200, "");
    snprintf(url, sizeof(url), "%s/echo", base);
    expect_body(gust_fetch(url, .json = "{\"a\":1}"), 200, "{\"a\":1}");
    expect_body(gust_fetch(url, .produce = produce_thrice, .argument = &left), 200, "part part part ");
    snprintf(url, sizeof(url), "%s/refuse", base);
    gust_response *refused = gust_fetch(url);
    assert_non_null(refused);
    assert_int_equal(gust_response_status(refused), 403);
    gust_response_free(refused);
    assert_int_equal(idle(), 1);
}

static int test_an_application_answers_its_client(void *arg)
{
    char base[100];
    (void)arg;
    gust_app *app = make_app();
    gust_server *server = gust_server_new(app, gust_listen("127.0.0.1:0"));
    assert_non_null(server);
    snprintf(base, sizeof(base), "http://127.0.0.1:%u", gust_server_port(server));
    fetch_all(base);
    gust_server_drain(server, GUST_S(1));
    for (int i = 0; idle() > 0 && i < 4000; i++) /* the server closed what was idle */
        gust_sleep(GUST_MS(1));
    assert_int_equal(idle(), 0);
    gust_server_free(server);
    gust_app_free(app);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(test_an_application_answers_its_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
