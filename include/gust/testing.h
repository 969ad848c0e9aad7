/*
 * gust/testing.h - tests of a program that uses gust
 *
 *     #include <gust/gust.h>
 *     #include <gust/testing.h>
 *
 *     GUST_TEST(says_hello)
 *     {
 *         gust_test_serve(make_app());                       // on a free port, on this test's loop
 *         gust_response *page = gust_fetch("/hello/you");    // relative to it
 *         GUST_CHECK_STATUS(page, 200);
 *         GUST_CHECK_BODY(page, "Hello, you!\n");
 *     }
 *
 *     GUST_TEST(a_broken_handler_is_logged)
 *     {
 *         gust_test_serve(make_app());
 *         gust_test_expect_log(GUST_ERROR, "no such table");
 *         GUST_CHECK_STATUS(gust_fetch("/broken"), 500);
 *     }
 *
 *     int main(int argc, char **argv)
 *     {
 *         return gust_test_main(argc, argv);
 *     }
 *
 * Each test runs in a coroutine on a loop of its own and may block as a handler does. It fails by a check
 * that does not hold (in a handler or another coroutine too), by throwing, after its time (10 s, or
 * GUST_TEST_TIMEOUT in seconds), and by what it leaves: a coroutine that still runs, a descriptor that is
 * still open, a warning or error in the log that it did not expect, and one that it expected and that did not
 * come. A response that was checked belongs to the test kit, which frees it when the test ends.
 *
 * gust_test_main prints the Test Anything Protocol and "N passed, N failed". In another runner call
 * gust_test_run for each:
 *
 *     static void test_hello(void **state) { assert_int_equal(gust_test_run(&says_hello), 0); }     // cmocka
 */
#ifndef GUST_TESTING_H
#define GUST_TESTING_H

#include <gust/base.h>
#include <gust/fetch.h>
#include <gust/log.h>
#include <gust/web.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_test {
    const char *name;
    void (*function)(void);
    const char *file;
    int line;
    struct gust_test *next;
} gust_test;

/* Private: adds it to those that gust_test_main runs. */
GUST_API void gust__test_register(gust_test *test);

/* GUST_TEST(name) { … }: a test; name is then also a gust_test, for gust_test_run(&name). */
#define GUST_TEST(test_name)                                                                     \
    static void gust__test_##test_name(void);                                                    \
    static gust_test test_name = {#test_name, gust__test_##test_name, __FILE__, __LINE__, NULL}; \
    __attribute__((constructor)) static void gust__test_register_##test_name(void)               \
    {                                                                                            \
        gust__test_register(&test_name);                                                         \
    }                                                                                            \
    static void gust__test_##test_name(void)

/* [any] Runs every GUST_TEST of the program, in the order of their registration, or those that are named;
 * --list shows them. What main shall return: 0 if all passed, 1 if one failed, 2 for a name or option that is
 * none. */
GUST_API int gust_test_main(int argc, char **argv);

/* [any] Runs one test. 0, or -1 when it failed: gust_test_failure says why. EDEADLK inside a coroutine or
 * another test. */
GUST_API int gust_test_run(const gust_test *test);

/* [any] What was wrong with the last test that failed, a line each: "hello_test.c:12: …"; borrowed until the
 * next test runs. */
GUST_API const char *gust_test_failure(void);

/* ---- inside a test ---- */

/* [blk] Serves the application (taken) on a free port of 127.0.0.1 until the test ends: its start functions
 * run now, its stop functions at the end. gust_fetch("/path") goes to the one that was served last. Returns
 * the port. A set-up mistake fails the test. */
GUST_API unsigned gust_test_serve(gust_app *app);

/* [any] A line of this level whose text contains the text will come before the test ends. */
GUST_API void gust_test_expect_log(gust_log_level level, const char *text);

/* [any] Private: the test has failed; leaves the calling function as gust_throw does. */
GUST_API void gust__test_fail(const char *file, int line, const char *format, ...) GUST_PRINTF(3, 4)
    __attribute__((__noreturn__));
GUST_API void gust__test_check_text(const char *file, int line, const char *what, const char *found,
                                    const char *expected);
GUST_API void gust__test_check_status(const char *file, int line, gust_response *response, int status);
GUST_API void gust__test_check_body(const char *file, int line, gust_response *response, const char *body);

/* The test fails, and ends, unless the condition holds. */
#define GUST_CHECK(condition)                                                  \
    do {                                                                       \
        if (!(condition))                                                      \
            gust__test_fail(__FILE__, __LINE__, "does not hold: " #condition); \
    } while (0)

/* Unless both texts are equal, or both NULL; shows both. */
#define GUST_CHECK_TEXT(found, expected) gust__test_check_text(__FILE__, __LINE__, #found, found, expected)

/* Unless there is an answer, with this status, or with this body. The response is freed when the test ends.
 */
#define GUST_CHECK_STATUS(response, status) gust__test_check_status(__FILE__, __LINE__, response, status)
#define GUST_CHECK_BODY(response, body)     gust__test_check_body(__FILE__, __LINE__, response, body)

GUST_END_DECLARATIONS

#endif
