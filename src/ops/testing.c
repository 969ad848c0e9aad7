/* The test kit: tests in coroutines of loops of their own, and a look at what they leave. */
#include <gust/testing.h>

#include "base/alloc.h"
#include "base/backtrace.h"
#include "base/buffer.h"
#include "base/lock.h"
#include "base/sys.h"
#include "coro/coroutine.h"
#include "http/fetch_connections.h"
#include "http/fetch_request.h"
#include "web/app.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gust/error.h>
#include <gust/net.h>
#include <gust/server.h>

enum { FAILURE_MAX = 64 << 10, TIMEOUT_SECONDS = 10, EXIT_WRONG_NAME = 2 };

struct expectation {
    struct expectation *next;
    gust_log_level level;
    bool came;
    char text[];
};

struct served {
    struct served *next;
    gust_app *app;
    gust_server *server;
    char base[64]; /* "http://127.0.0.1:4711" */
};

struct seen {
    struct seen *next;
    gust_response *response;
};

/* The test that runs; one at a time in a process, for the log and the descriptors are the process's. */
static struct run {
    const gust_test *test;
    struct gust__lock lock; /* over failure and expectations: checks and log lines come from any thread */
    struct gust__buffer failure;
    struct expectation *expectations;
    struct served *served;
    struct seen *seen;
    unsigned coroutines_before;
} * running;

static struct gust__buffer last_failure = {.max = FAILURE_MAX};
static gust_test *tests, **tests_end = &tests;

void gust__test_register(gust_test *test)
{
    *tests_end = test;
    tests_end = &test->next;
}

/* ---- failing ---- */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    gust__lock_take(&running->lock);
    gust__buffer_vprintf(&running->failure, format, arguments);
    gust__buffer_append(&running->failure, "\n", 1);
    gust__lock_drop(&running->lock);
    va_end(arguments);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void gust__test_fail(const char *file, int line, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (running)
        note("%s:%d: %s", base_name(file), line, text);
    gust_throw(ECANCELED, "a check failed: %s:%d: %s", base_name(file), line, text);
}

void gust__test_check_text(const char *file, int line, const char *what, const char *found,
                           const char *expected)
{
    if (found == expected || (found && expected && strcmp(found, expected) == 0))
        return;
    gust__test_fail(file, line, "%s is\n    \"%s\"\n  instead of\n    \"%s\"", what, found ? found : "NULL",
                    expected ? expected : "NULL");
}

/* Freed when the test ends. */
static void see(gust_response *response)
{
    for (struct seen *at = running ? running->seen : NULL; at; at = at->next) {
        if (at->response == response)
            return;
    }
    struct seen *seen = running ? gust__malloc(sizeof(*seen)) : NULL;
    if (seen) {
        *seen = (struct seen){running->seen, response};
        running->seen = seen;
    }
}

static void need_response(const char *file, int line, gust_response *response)
{
    if (!response)
        gust__test_fail(file, line, "there is no answer: %s", gust_error_text(gust_error_last()));
    see(response);
}

void gust__test_check_status(const char *file, int line, gust_response *response, int status)
{
    need_response(file, line, response);
    if (gust_response_status(response) != status)
        gust__test_fail(file, line, "the status is %d instead of %d:\n    %s", gust_response_status(response),
                        status, gust_response_body(response).data ? gust_response_body(response).data : "");
}

void gust__test_check_body(const char *file, int line, gust_response *response, const char *body)
{
    need_response(file, line, response);
    const char *found = gust_response_body(response).data;
    gust__test_check_text(file, line, "the body", found ? found : "", body);
}

/* ---- the log ---- */

void gust_test_expect_log(gust_log_level level, const char *text)
{
    struct expectation *expectation = gust__calloc(1, sizeof(*expectation) + strlen(text) + 1);
    if (!expectation)
        gust_throw(ENOMEM, "gust_test_expect_log");
    expectation->level = level;
    memcpy(expectation->text, text, strlen(text) + 1);
    gust__lock_take(&running->lock);
    expectation->next = running->expectations;
    running->expectations = expectation;
    gust__lock_drop(&running->lock);
}

static bool is_expected(const gust_log_line *line)
{
    bool expected = false;
    gust__lock_take(&running->lock);
    for (struct expectation *at = running->expectations; at; at = at->next) {
        if (at->level == line->level && strstr(line->text, at->text))
            expected = at->came = true;
    }
    gust__lock_drop(&running->lock);
    return expected;
}

static void on_line(void *argument, const gust_log_line *line)
{
    (void)argument;
    if (!is_expected(line) && line->level >= GUST_WARNING)
        note("an unexpected line in the log: %s", line->whole);
}

static void end_expectations(struct run *run)
{
    while (run->expectations) {
        struct expectation *expectation = run->expectations;
        run->expectations = expectation->next;
        if (!expectation->came)
            note("a line did not come in the log: %s", expectation->text);
        gust__free(expectation);
    }
}

/* ---- serving ---- */

static void run_hooks(const struct gust__hook *hook)
{
    for (; hook; hook = hook->next) {
        if (gust_try(hook->function, hook->argument) < 0)
            gust__test_fail(running->test->file, running->test->line, "a start or stop function: %s",
                            gust_error_text(gust_error_last()));
    }
}

unsigned gust_test_serve(gust_app *app)
{
    struct served *served = gust__calloc(1, sizeof(*served));
    if (!served) {
        gust_app_free(app);
        gust_throw(ENOMEM, "gust_test_serve");
    }
    *served = (struct served){.next = running->served, .app = app};
    running->served = served;
    if (gust_app_mistake(app))
        gust__test_fail(running->test->file, running->test->line, "%s", gust_app_mistake(app));
    run_hooks(app->starts);
    served->server = gust_server_new(app, gust_listen("127.0.0.1:0"));
    if (!served->server)
        gust__test_fail(running->test->file, running->test->line, "gust_test_serve: %s",
                        gust_error_text(gust_error_last()));
    unsigned port = gust_server_port(served->server);
    snprintf(served->base, sizeof(served->base), "http://127.0.0.1:%u", port);
    gust__fetch_relative_to = served->base;
    return port;
}

static void end_servers(struct run *run)
{
    gust__fetch_relative_to = NULL;
    gust__connections_expire(gust_loop_current(), INT64_MAX); /* or each drain waits for their next request */
    while (run->served) {
        struct served *served = run->served;
        run->served = served->next;
        if (served->server) {
            gust_server_drain(served->server, GUST_S(5));
            gust_server_free(served->server);
            run_hooks(served->app->stops);
        }
        gust_app_free(served->app);
        gust__free(served);
    }
}

static void end_responses(struct run *run)
{
    while (run->seen) {
        struct seen *seen = run->seen;
        run->seen = seen->next;
        gust_response_free(seen->response);
        gust__free(seen);
    }
}

/* ---- what is left ---- */

static void note_coroutine(struct gust__coroutine *coroutine, void *unused)
{
    (void)unused;
    if (coroutine != gust__current)
        note("a coroutine still runs: %s, which waits for %s", gust__coroutine_name(coroutine),
             coroutine->waits_for ? coroutine->waits_for : "its turn");
}

/* What ends by itself has had its turns by then. */
static void note_coroutines(void)
{
    for (int turn = 0; turn < 10 && gust__coroutine_count(gust_loop_current()) > 1; turn++)
        gust_sleep(GUST_MS(turn));
    gust__coroutine_each(gust_loop_current(), note_coroutine, NULL);
}

enum { MOST_DESCRIPTORS = 4096 };

static void read_descriptors(bool open[MOST_DESCRIPTORS])
{
    for (int fd = 0; fd < MOST_DESCRIPTORS; fd++)
        open[fd] = gust__sys_fcntl(fd, F_GETFD, 0) >= 0;
}

static void note_descriptors(const bool before[MOST_DESCRIPTORS])
{
    for (int fd = 0; fd < MOST_DESCRIPTORS; fd++) {
        char link[64], target[256];
        if (before[fd] || gust__sys_fcntl(fd, F_GETFD, 0) < 0)
            continue;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t size = gust__sys_readlinkat(AT_FDCWD, link, target, sizeof(target));
        note("a descriptor is still open: %d, %.*s", fd, size > 0 ? (int)size : 1, size > 0 ? target : "?");
    }
}

/* ---- running ---- */

static int call_test(void *argument)
{
    const gust_test *test = argument;
    test->function();
    return 0;
}

static int end_test(void *argument)
{
    end_servers(argument);
    return 0;
}

static bool failed_already(void)
{
    gust__lock_take(&running->lock);
    bool failed = gust__buffer_length(&running->failure) > 0;
    gust__lock_drop(&running->lock);
    return failed;
}

static int64_t timeout(void)
{
    const char *given = getenv("GUST_TEST_TIMEOUT");
    int64_t seconds = given ? atoll(given) : 0;
    return GUST_S(seconds > 0 ? seconds : TIMEOUT_SECONDS);
}

/* The test's own coroutine. */
static int run_test(void *argument)
{
    struct run *run = argument;
    {
        GUST_DEADLINE(timeout());
        if (gust_try(call_test, (void *)(uintptr_t)run->test) < 0 && !failed_already())
            note("%s:%d: %s", base_name(run->test->file), run->test->line,
                 gust_error_text(gust_error_last()));
    }
    gust_try(end_test, run); /* what fails there is noted */
    end_responses(run);
    note_coroutines();
    return 0;
}

/* The first backtrace opens files that stay open: before a test could be blamed for them. */
static void warm_up(void)
{
    static bool warm;
    struct gust__buffer text = {.max = FAILURE_MAX};
    void *frames[1];
    if (!warm)
        gust__backtrace_print(&text, frames, gust__backtrace_capture(frames, GUST_LEN(frames), 0));
    warm = true;
    gust__buffer_fini(&text);
}

int gust_test_run(const gust_test *test)
{
    struct run run = {.test = test, .failure = {.max = FAILURE_MAX}};
    static bool before[MOST_DESCRIPTORS];
    if (running || gust__current)
        return gust_error_set(EDEADLK, "a test inside a test, or in a coroutine");
    warm_up();
    running = &run;
    read_descriptors(before);
    gust_log_sink(on_line, NULL);
    if (gust_run(run_test, &run, 0) < 0)
        note("the test's loop: %s", gust_error_text(gust_error_last()));
    gust_log_sink(NULL, NULL);
    end_expectations(&run);
    note_descriptors(before);
    running = NULL;
    gust__buffer_fini(&last_failure);
    last_failure = run.failure;
    return gust__buffer_length(&last_failure) ? -1 : 0;
}

const char *gust_test_failure(void)
{
    if (!gust__buffer_length(&last_failure))
        return "";
    *gust__buffer_reserve(&last_failure, 1) = 0;
    return gust__buffer_bytes(&last_failure);
}

/* ---- all of a program's tests ---- */

static gust_test *find_test(const char *name)
{
    gust_test *test = tests;
    while (test && strcmp(test->name, name) != 0)
        test = test->next;
    return test;
}

/* Behind a "#" each line: a comment in the Test Anything Protocol. */
static void print_failure(const char *text)
{
    while (*text) {
        size_t size = strcspn(text, "\n");
        printf("# %.*s\n", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

static bool run_and_print(const gust_test *test, unsigned number)
{
    bool passed = gust_test_run(test) == 0;
    printf("%sok %u - %s\n", passed ? "" : "not ", number, test->name);
    if (!passed)
        print_failure(gust_test_failure());
    fflush(stdout);
    return passed;
}

static int list_tests(void)
{
    for (const gust_test *test = tests; test; test = test->next)
        printf("%s\n", test->name);
    return EXIT_SUCCESS;
}

static int wrong_argument(const char *program, const char *argument)
{
    if (argument[0] == '-')
        fprintf(stderr, "%s: unknown option %s; usage: %s [--list] [TEST...]\n", program, argument, program);
    else
        fprintf(stderr, "%s: there is no test %s; --list shows them\n", program, argument);
    return EXIT_WRONG_NAME;
}

int gust_test_main(int argc, char **argv)
{
    unsigned count = 0, passed = 0;
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list_tests();
    for (int i = 1; i < argc; i++) {
        if (!find_test(argv[i]))
            return wrong_argument(argv[0], argv[i]);
    }
    for (int i = 1; i < argc; i++)
        passed += run_and_print(find_test(argv[i]), ++count);
    for (const gust_test *test = argc > 1 ? NULL : tests; test; test = test->next)
        passed += run_and_print(test, ++count);
    printf("1..%u\n%u passed, %u failed\n", count, passed, count - passed);
    return passed == count ? EXIT_SUCCESS : EXIT_FAILURE;
}
