/* Handlers that run on a pool of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "web/testing.h"

#include <gust/threads.h>
#include <gust/web.h>

static int add(void *argument)
{
    int *numbers = argument;
    numbers[2] = numbers[0] + numbers[1];
    return gust_current() ? -1 : 0; /* a thread has no request */
}

static void adds(gust_request *req)
{
    int numbers[3] = {40, 2, 0};
    if (gust_threads_run(NULL, add, numbers) < 0)
        gust_fail(500, "no sum");
    gust_printf(req, "%d\n", numbers[2]);
}

static int not_found(void *argument)
{
    (void)argument;
    gust_fail(404, "no such thing here");
}

static int out_of_order(void *argument)
{
    (void)argument;
    gust_fail(502, NULL);
}

/* What failed on the thread is the handler's last error: passed on, it is the answer. */
static void fails_with(gust_request *req, int (*function)(void *), int status)
{
    void *const *frames;
    assert_int_equal(gust_threads_run(NULL, function, NULL), -1);
    assert_int_equal(errno, EIO);
    const gust_error *error = gust_error_last();
    assert_string_equal(gust_error_domain(error), "http");
    assert_int_equal(gust_error_detail(error), status);
    assert_int_equal(gust_error_backtrace(error, &frames) > 0, status >= 500);
    (void)req;
    gust_fail(gust_error_detail(error), "%s", gust_error_text(error));
}

static void finds_nothing(gust_request *req)
{
    fails_with(req, not_found, 404);
}

static void is_out_of_order(gust_request *req)
{
    fails_with(req, out_of_order, 502);
}

static struct gust__test_answer *get(const char *path)
{
    char text[200];
    gust_app *app = gust_app_new();
    gust_route(app, "GET /sum", adds);
    gust_route(app, "GET /thing", finds_nothing);
    gust_route(app, "GET /order", is_out_of_order);
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    struct gust__test_answer *answer = gust__test_request(app, text);
    gust_app_free(app);
    return answer;
}

static void one_line_runs_on_the_pool(void **state)
{
    (void)state;
    struct gust__test_answer *answer = get("/sum");
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer->body, "42\n");
}

static void gust_fail_on_a_thread_is_the_calls_error(void **state)
{
    (void)state;
    struct gust__test_answer *answer = get("/thing");
    assert_int_equal(answer->status, 404);
    assert_non_null(strstr(answer->body, "no such thing here"));
    assert_int_equal(get("/order")->status, 502);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_runs_on_the_pool),
        cmocka_unit_test(gust_fail_on_a_thread_is_the_calls_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
