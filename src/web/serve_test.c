/* From admission to a request's end: middleware, handler tables, failures, deadlines, groups. */
#include "web/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static char trace[512];

static void note(const char *what)
{
    strncat(trace, what, sizeof(trace) - strlen(trace) - 1);
}

static void note_plain(void *what)
{
    note(what);
}

static struct gust__test_answer *fetch(gust_app *app, const char *target)
{
    trace[0] = 0;
    struct gust__test_answer *answer = gust__test_fetch(app, target);
    assert_non_null(answer);
    assert_true(answer->ended);
    return answer;
}

static void hello(gust_request *request)
{
    note("handler;");
    gust_print(request, "hello");
}

static void fail_409(gust_request *request)
{
    (void)request;
    gust_fail(409, "edited meanwhile");
}

/* ---- middleware ---- */

static void around(gust_request *request)
{
    char text[100];
    const char *name = gust_data(request);
    snprintf(text, sizeof(text), "%s in;", name);
    note(text);
    gust_next(request);
    snprintf(text, sizeof(text), "%s out %d;", name, gust_status(request));
    note(text);
    assert_ptr_equal(gust_data(request), name);
}

static void answers_itself(gust_request *request)
{
    gust_print(request, "no further");
}

static void fails_before(gust_request *request)
{
    (void)request;
    gust_fail(403, "not you");
}

static void fails_behind(gust_request *request)
{
    gust_next(request);
    gust_throw(EIO, "behind the handler");
}

static void test_middleware_runs_around_the_handler(void **state)
{
    (void)state;
    gust_app *app = gust_app_new(), *sub = gust_app_new();
    gust_use(app, around, "outer");
    gust_use(sub, around, "inner");
    gust_route(sub, "/x", hello);
    gust_route(sub, "/fails", fail_409);
    gust_mount(app, "/sub", sub);
    gust_route(app, "/x", hello);
    fetch(app, "GET /sub/x");
    assert_string_equal(trace, "outer in;inner in;handler;inner out 200;outer out 200;");
    fetch(app, "GET /x");
    assert_string_equal(trace, "outer in;handler;outer out 200;");
    struct gust__test_answer *answer = fetch(app, "GET /sub/fails");
    assert_string_equal(trace, "outer in;inner in;inner out 409;outer out 409;");
    assert_string_equal(answer->body, "409 Conflict: edited meanwhile\n");
    fetch(app, "GET /sub/none");
    assert_string_equal(trace, "outer in;inner in;inner out 404;outer out 404;");
    fetch(app, "GET /none");
    assert_string_equal(trace, "outer in;outer out 404;");
    gust_app_free(app);
}

static void test_middleware_may_answer_or_fail(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_use(app, around, "outer");
    gust_use(app, answers_itself, NULL);
    gust_route(app, "/x", hello);
    assert_string_equal(fetch(app, "GET /x")->body, "no further");
    assert_string_equal(trace, "outer in;outer out 200;");
    gust_app_free(app);
    app = gust_app_new();
    gust_use(app, around, "outer");
    gust_use(app, fails_before, NULL);
    gust_route(app, "/x", hello);
    assert_string_equal(fetch(app, "GET /x")->body, "403 Forbidden: not you\n");
    assert_string_equal(trace, "outer in;outer out 403;");
    gust_app_free(app);
    app = gust_app_new();
    gust_use(app, fails_behind, NULL);
    gust_route(app, "/x", hello);
    struct gust__test_answer *answer = fetch(app, "GET /x");
    assert_string_equal(answer->body, "500 Internal Server Error\n");
    assert_non_null(strstr(answer->log, "GET /x (192.0.2.1): behind the handler"));
    gust_app_free(app);
}

/* ---- tables ---- */

static void prepare(gust_request *request)
{
    note("prepare;");
    *(int *)gust_state(request) += 1;
    if (gust_query_arg(request, "finish")) {
        gust_print(request, "prepared");
        gust_finish(request);
    }
}

static void table_get(gust_request *request)
{
    note("get;");
    gust_printf(request, "%s %d", gust_method(request), *(int *)gust_state(request));
    if (gust_query_arg(request, "fail"))
        gust_fail(500, "secret");
}

static void table_post(gust_request *request)
{
    (void)request;
    note("post;");
}

static void on_finish(gust_request *request)
{
    assert_true(gust_finished(request));
    note("on_finish;");
}

static void table_error(gust_request *request)
{
    gust_printf(request, "table error %d", gust_status(request));
}

static void test_tables_have_a_function_for_each_method(void **state)
{
    (void)state;
    static const gust_handler handler = {
        .prepare = prepare,
        .get = table_get,
        .post = table_post,
        .on_finish = on_finish,
        .write_error = table_error,
        .state_size = sizeof(int),
    };
    gust_app *app = gust_app_new();
    gust_handle(app, "/x", &handler);
    assert_string_equal(fetch(app, "GET /x")->body, "GET 1");
    assert_string_equal(trace, "prepare;get;on_finish;");
    assert_int_equal(fetch(app, "HEAD /x")->content_length, 6);
    fetch(app, "POST /x");
    assert_string_equal(trace, "prepare;post;on_finish;");
    assert_int_equal(fetch(app, "PUT /x")->status, 405);
    assert_string_equal(trace, "");
    assert_string_equal(fetch(app, "GET /x?finish")->body, "prepared");
    assert_string_equal(trace, "prepare;on_finish;");
    struct gust__test_answer *answer = fetch(app, "GET /x?fail");
    assert_int_equal(answer->status, 500);
    assert_string_equal(answer->body, "table error 500");
    assert_non_null(strstr(answer->log, "secret"));
    gust_app_free(app);
}

/* ---- errors ---- */

static void own_error(gust_request *request)
{
    gust_set_header(request, "Content-Type", "text/html");
    gust_printf(request, "<h1>%d</h1>", gust_status(request));
}

static void bad_error(gust_request *request)
{
    gust_print(request, "half an ");
    gust_throw(EIO, "write_error's own");
}

static void own_not_found(gust_request *request)
{
    gust_printf(request, "%s %d", (const char *)gust_data(request), gust_status(request));
}

static void test_errors_are_written_by_the_innermost_that_can(void **state)
{
    (void)state;
    gust_app *app = gust_app_new(), *sub = gust_app_new(), *bad = gust_app_new();
    gust_write_error(app, own_error);
    gust_write_error(bad, bad_error);
    gust_route(sub, "/x", fail_409);
    gust_route(bad, "/x", fail_409);
    gust_mount(app, "/sub", sub);
    gust_mount(app, "/bad", bad);
    struct gust__test_answer *answer = fetch(app, "GET /sub/x");
    assert_string_equal(answer->body, "<h1>409</h1>");
    assert_string_equal(answer->headers, "Content-Type: text/html\n");
    answer = fetch(app, "GET /bad/x");
    assert_int_equal(answer->status, 409);
    assert_string_equal(answer->body, "409 Conflict: edited meanwhile\n");
    assert_non_null(strstr(answer->log, "write_error's own"));
    assert_string_equal(fetch(app, "GET /none")->body, "<h1>404</h1>");
    gust_app_free(app);
}

static void test_not_found_may_be_ones_own(void **state)
{
    (void)state;
    gust_app *app = gust_app_new(), *sub = gust_app_new();
    gust_not_found(app, own_not_found, "lost");
    gust_mount(app, "/sub", sub);
    struct gust__test_answer *answer = fetch(app, "GET /none");
    assert_int_equal(answer->status, 404);
    assert_string_equal(answer->body, "lost 404");
    assert_string_equal(fetch(app, "GET /sub/none")->body, "lost 404");
    gust_app_free(app);
}

static void deepest(void)
{
    GUST_DEFER(note_plain, "defer 2;");
    gust_fail(422, "an empty post");
}

static void deep(void)
{
    GUST_DEFER(note_plain, "defer 1;");
    deepest();
    note("never;");
}

static void fail_deep(gust_request *request)
{
    gust_set_header(request, "X-Thrown-Away", "1");
    gust_print(request, "thrown away");
    assert_ptr_equal(gust_current(), request);
    deep();
}

static void throw_plain(gust_request *request)
{
    gust_throw(atoi(gust_query_arg(request, "code")), "inside");
}

static void fail_late(gust_request *request)
{
    gust_print(request, "begun");
    gust_flush(request);
    gust_fail(500, "too late");
}

static void fail_finished(gust_request *request)
{
    gust_print(request, "whole");
    gust_finish(request);
    gust_fail(500, "behind it");
}

static void test_failures_unwind_and_answer(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "/deep", fail_deep);
    gust_route(app, "/throw", throw_plain);
    gust_route(app, "/late", fail_late);
    gust_route(app, "/finished", fail_finished);
    struct gust__test_answer *answer = fetch(app, "GET /deep");
    assert_int_equal(answer->status, 422);
    assert_string_equal(answer->body, "422 Unprocessable Content: an empty post\n");
    assert_string_equal(answer->headers, "Content-Type: text/plain; charset=UTF-8\n");
    assert_string_equal(trace, "defer 2;defer 1;");
    assert_int_equal(answer->log_lines, 0);
    answer = fetch(app, "GET /throw?code=5");
    assert_int_equal(answer->status, 500);
    assert_string_equal(answer->body, "500 Internal Server Error\n");
    assert_int_equal(answer->log_lines, 1);
    assert_int_equal(fetch(app, "GET /throw?code=12")->status, 503);  /* ENOMEM */
    assert_int_equal(fetch(app, "GET /throw?code=110")->status, 503); /* ETIMEDOUT */
    answer = fetch(app, "GET /late");
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer->body, "begun");
    assert_true(answer->aborted);
    answer = fetch(app, "GET /finished");
    assert_string_equal(answer->body, "whole");
    assert_false(answer->aborted);
    assert_int_equal(answer->log_lines, 1);
    gust_app_free(app);
}

/* ---- memory and time ---- */

static void use_memory(gust_request *request)
{
    GUST_DEFER(note_plain, "defer;");
    for (int i = 0; i < 1000; i++)
        memset(gust_alloc(request, 1000), 'x', 1000);
    note("enough;");
}

static void test_memory_that_runs_out_is_503(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "/x", use_memory);
    gust__test_options.max_memory = 100000;
    struct gust__test_answer *answer = fetch(app, "GET /x");
    assert_int_equal(answer->status, 503);
    assert_string_equal(trace, "defer;");
    fetch(app, "GET /x");
    assert_string_equal(trace, "enough;defer;");
    gust_app_free(app);
}

static void sleep_long(gust_request *request)
{
    int result = gust_sleep(GUST_S(60));
    if (gust_query_arg(request, "check"))
        gust_printf(request, "%d %s", result, strerror(errno));
    else if (result < 0)
        gust_throw(errno, "asleep");
}

static void test_a_handler_behind_its_deadline_is_503(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "/own", sleep_long, .timeout = GUST_MS(5));
    gust_route(app, "/app", sleep_long);
    gust_route(app, "/none", hello, .timeout = -1);
    gust_app_set(app, .timeout = GUST_MS(5));
    struct gust__test_answer *answer = fetch(app, "GET /own");
    assert_int_equal(answer->status, 503);
    assert_non_null(strstr(answer->log, "asleep"));
    assert_int_equal(fetch(app, "GET /app")->status, 503);
    assert_int_equal(fetch(app, "GET /none")->status, 200);
    gust__test_options.parks = true; /* what is sent behind the deadline is not cut short by it */
    assert_string_equal(fetch(app, "GET /own?check")->body, "-1 Connection timed out");
    gust_app_free(app);
}

/* ---- what a request started ends with it ---- */

static int child(void *argument)
{
    (void)argument;
    note("child;");
    int result = gust_sleep(GUST_S(60));
    note(result < 0 && errno == ECANCELED ? "cancelled;" : "not cancelled;");
    return 0;
}

static void start_child(gust_request *request)
{
    gust_after(request, note_plain, "after 1;");
    gust_after(request, note_plain, "after 2;");
    assert_int_equal(gust_go(gust_request_group(request), child, NULL), 0);
    gust_yield();
    gust_print(request, "started");
    note("returns;");
}

static void test_children_are_cancelled_and_joined(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "/x", start_child);
    assert_string_equal(fetch(app, "GET /x")->body, "started");
    assert_string_equal(trace, "child;returns;cancelled;after 2;after 1;");
    gust_app_free(app);
}

static int failing_child(void *argument)
{
    (void)argument;
    return gust_error_set(EIO, "a child's own failure");
}

static void start_failing_child(gust_request *request)
{
    gust_go(gust_request_group(request), failing_child, NULL);
    gust_yield();
    gust_print(request, "fine");
}

static void test_a_childs_failure_is_not_forgotten(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "/x", start_failing_child);
    struct gust__test_answer *answer = fetch(app, "GET /x");
    assert_string_equal(answer->body, "fine");
    assert_non_null(strstr(answer->log, "a child's own failure"));
    gust_app_free(app);
}

static void throw_after(void *argument)
{
    (void)argument;
    gust_throw(EIO, "gust_after threw");
}

static void add_throwing_after(gust_request *request)
{
    gust_after(request, note_plain, "still called;");
    gust_after(request, throw_after, NULL);
}

static void test_a_failing_after_stops_nobody(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "/x", add_throwing_after);
    struct gust__test_answer *answer = fetch(app, "GET /x");
    assert_string_equal(trace, "still called;");
    assert_non_null(strstr(answer->log, "gust_after threw"));
    gust_app_free(app);
}

/* ---- gone, drained ---- */

static void go_away(struct gust__exchange *exchange)
{
    exchange->gone = true;
    exchange->on_gone(exchange);
}

static void wait_until_woken(gust_request *request)
{
    gust_wake_on(request, gust_query_arg(request, "drain") ? GUST_DRAIN : GUST_GONE);
    if (gust_query_arg(request, "drain"))
        gust__web_drain(gust_loop_current());
    int result = gust_sleep(GUST_S(60));
    gust_printf(request, "%d %d %d %d", result, errno == ECANCELED, gust_client_gone(request),
                gust_draining());
}

static void sleep_then_throw(gust_request *request)
{
    (void)request;
    if (gust_sleep(GUST_S(60)) < 0)
        gust_throw(errno, NULL);
}

static void test_handlers_are_woken_when_they_asked(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "/x", wait_until_woken);
    gust_route(app, "/cancel", sleep_then_throw, .cancel_when_gone = true);
    gust__test_options.on_watch = go_away;
    assert_string_equal(fetch(app, "GET /x")->body, "-1 1 1 0");
    assert_string_equal(fetch(app, "GET /x?drain")->body, "-1 1 0 1");
    gust__test_options.on_watch = go_away;
    struct gust__test_answer *answer = fetch(app, "GET /cancel");
    assert_int_equal(answer->status, 503);
    assert_int_equal(answer->log_lines, 0);
    gust_app_free(app);
}

/* ---- admission ---- */

static void test_limits_are_admitted_with_the_head(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_app_set(app, .max_body = 1000);
    gust_route(app, "/default", hello);
    gust_route(app, "/own", hello, .max_body = 7);
    gust_route(app, "/none", hello, .max_body = -1);
    gust_route(app, "/stream", hello, .stream_body = true);
    assert_int_equal(fetch(app, "POST /default")->max_body, 1000);
    assert_int_equal(fetch(app, "POST /own")->max_body, 7);
    assert_int_equal(fetch(app, "POST /none")->max_body, 0);
    assert_true(fetch(app, "POST /stream")->stream);
    assert_false(fetch(app, "POST /own")->stream);
    assert_true(fetch(app, "POST /unknown")->stream); /* nobody waits for its body */
    gust_app_free(app);
}

static void read_nothing(gust_request *request)
{
    char byte;
    assert_int_equal(gust_read_body(request, &byte, 1), -1);
    if (gust_query_arg(request, "fail"))
        gust_throw(errno, "the body");
}

static void test_a_body_that_failed_answers_for_itself(void **state)
{
    (void)state;
    static const int statuses[] = {400, 408, 413};
    gust_app *app = gust_app_new();
    gust_route(app, "/x", read_nothing, .stream_body = true);
    for (size_t i = 0; i < GUST_LEN(statuses); i++) {
        for (int fail = 0; fail < 2; fail++) {
            gust__test_options.body_error = EBADMSG;
            gust__test_options.body_status = statuses[i];
            assert_int_equal(fetch(app, fail ? "POST /x?fail" : "POST /x")->status, statuses[i]);
        }
    }
    gust_app_free(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_middleware_runs_around_the_handler),
        cmocka_unit_test(test_middleware_may_answer_or_fail),
        cmocka_unit_test(test_tables_have_a_function_for_each_method),
        cmocka_unit_test(test_errors_are_written_by_the_innermost_that_can),
        cmocka_unit_test(test_not_found_may_be_ones_own),
        cmocka_unit_test(test_failures_unwind_and_answer),
        cmocka_unit_test(test_memory_that_runs_out_is_503),
        cmocka_unit_test(test_a_handler_behind_its_deadline_is_503),
        cmocka_unit_test(test_children_are_cancelled_and_joined),
        cmocka_unit_test(test_a_childs_failure_is_not_forgotten),
        cmocka_unit_test(test_a_failing_after_stops_nobody),
        cmocka_unit_test(test_handlers_are_woken_when_they_asked),
        cmocka_unit_test(test_limits_are_admitted_with_the_head),
        cmocka_unit_test(test_a_body_that_failed_answers_for_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
