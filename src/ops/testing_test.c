/* The test kit: each way for a test to fail is seen to fail it. */
#include <gust/gust.h>
#include <gust/testing.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void hello(gust_request *request)
{
    gust_print(request, "hello");
}

static void broken(gust_request *request)
{
    (void)request;
    gust_throw(EIO, "no such table");
}

static void check_in_handler(gust_request *request)
{
    GUST_CHECK(gust_query_arg(request, "a"));
    gust_print(request, "checked");
}

static gust_app *make_app(void)
{
    gust_app *app = gust_app_new();
    gust_route(app, "/hello", hello);
    gust_route(app, "/broken", broken);
    gust_route(app, "/check", check_in_handler);
    return app;
}

GUST_TEST(passes)
{
    GUST_CHECK(gust_test_serve(make_app()) > 0);
    GUST_CHECK_BODY(gust_fetch("/hello"), "hello");
    gust_response *answer = gust_fetch("/nothing");
    GUST_CHECK_STATUS(answer, 404);
    GUST_CHECK_STATUS(answer, 404);
    gust_log(GUST_INFO, "a line that nobody minds");
}

GUST_TEST(expects_a_line)
{
    gust_test_serve(make_app());
    gust_test_expect_log(GUST_ERROR, "no such table");
    GUST_CHECK_STATUS(gust_fetch("/broken"), 500);
}

GUST_TEST(does_not_hold)
{
    GUST_CHECK(1 + 1 == 3);
}

GUST_TEST(other_text)
{
    GUST_CHECK_TEXT("one", "two");
}

GUST_TEST(other_status)
{
    gust_test_serve(make_app());
    GUST_CHECK_STATUS(gust_fetch("/hello"), 404);
}

GUST_TEST(other_body)
{
    gust_test_serve(make_app());
    GUST_CHECK_BODY(gust_fetch("/hello"), "bye");
}

GUST_TEST(no_answer)
{
    GUST_CHECK_STATUS(gust_fetch("/hello"), 200);
}

GUST_TEST(throws)
{
    gust_throw(EIO, "in the middle");
}

GUST_TEST(fails_in_a_handler)
{
    gust_test_serve(make_app());
    gust_test_expect_log(GUST_ERROR, "a check failed");
    gust_response_free(gust_fetch("/check"));
}

GUST_TEST(unexpected_line)
{
    gust_log(GUST_WARNING, "what is this");
}

GUST_TEST(missing_line)
{
    gust_test_expect_log(GUST_WARNING, "never to come");
}

static int opened;

GUST_TEST(leaves_a_descriptor)
{
    opened = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int sleep_on(void *unused)
{
    (void)unused;
    gust_coroutine_set_name("sleeper");
    return gust_sleep(GUST_S(1000));
}

static gust_future *left;

GUST_TEST(leaves_a_coroutine)
{
    left = gust_spawn(NULL, sleep_on, NULL);
    gust_yield();
}

GUST_TEST(takes_too_long)
{
    gust_sleep(GUST_S(1000));
    gust_throw(errno, "late");
}

GUST_TEST(mistaken_app)
{
    gust_app *app = gust_app_new();
    gust_route(app, "/(", hello);
    gust_test_serve(app);
}

static int refuse(void *unused)
{
    (void)unused;
    return gust_error_set(EIO, "no database");
}

GUST_TEST(start_fails)
{
    gust_app *app = make_app();
    gust_on_start(app, refuse, NULL);
    gust_test_serve(app);
}

static void check_fails(const gust_test *test, const char *because)
{
    assert_int_equal(gust_test_run(test), -1);
    if (!strstr(gust_test_failure(), because))
        print_error("%s\n", gust_test_failure());
    assert_non_null(strstr(gust_test_failure(), because));
}

static void test_good_ones_pass(void **state)
{
    (void)state;
    assert_int_equal(gust_test_run(&passes), 0);
    assert_string_equal(gust_test_failure(), "");
    assert_int_equal(gust_test_run(&expects_a_line), 0);
}

static void test_checks_fail(void **state)
{
    (void)state;
    check_fails(&does_not_hold, "testing_test.c:");
    check_fails(&does_not_hold, "does not hold: 1 + 1 == 3\n");
    check_fails(&other_text, "\"one\" is\n    \"one\"\n  instead of\n    \"two\"\n");
    check_fails(&other_status, "the status is 200 instead of 404:\n    hello\n");
    check_fails(&other_body, "the body is\n    \"hello\"\n  instead of\n    \"bye\"\n");
    check_fails(&no_answer, "there is no answer: ");
    check_fails(&throws, "in the middle\n");
    check_fails(&fails_in_a_handler, "does not hold: gust_query_arg");
    check_fails(&mistaken_app, "the pattern \"/(\" is wrong");
    check_fails(&start_fails, "no database");
}

static void test_what_is_left_fails(void **state)
{
    (void)state;
    check_fails(&unexpected_line, "an unexpected line in the log: ");
    check_fails(&missing_line, "a line did not come in the log: never to come\n");
    check_fails(&leaves_a_descriptor, "/dev/null\n");
    close(opened);
    check_fails(&leaves_a_coroutine, "a coroutine still runs: sleeper, which waits for sleep\n");
    gust_future_free(left);
    assert_int_equal(gust_test_run(&passes), 0);
}

static void test_a_test_has_its_time(void **state)
{
    (void)state;
    setenv("GUST_TEST_TIMEOUT", "1", 1);
    check_fails(&takes_too_long, "late\n");
    unsetenv("GUST_TEST_TIMEOUT");
}

static int run_inside(void *unused)
{
    (void)unused;
    assert_int_equal(gust_test_run(&passes), -1);
    assert_int_equal(errno, EDEADLK);
    return 0;
}

static void test_no_test_runs_inside_another(void **state)
{
    (void)state;
    assert_int_equal(gust_run(run_inside, NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_good_ones_pass),
        cmocka_unit_test(test_checks_fail),
        cmocka_unit_test(test_what_is_left_fails),
        cmocka_unit_test(test_a_test_has_its_time),
        cmocka_unit_test(test_no_test_runs_inside_another),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
