#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/log_int.h"
#include "base/lock.h"
#include "base/clock.h"

/* What one call wrote to standard error, which is a pipe meanwhile. */
static char written[32 << 10];
static int saved_stderr, reader;

static void begin_capture(void)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
    saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    reader = fds[0];
    gust__log_choose_colour();
}

static size_t end_capture(void)
{
    size_t length = 0;
    ssize_t got;
    while ((got = read(reader, written + length, sizeof(written) - 1 - length)) > 0)
        length += (size_t)got;
    written[length] = '\0';
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(reader);
    return length;
}

/* The sink's copy of the last line. */
static struct {
    int calls;
    gust_log_level level;
    int line;
    char module[80], text[20000], whole[20000], name[40], request[80], message[5000];
    size_t message_len;
    int64_t time;
} seen;

static void keep(void *arg, const gust_log_line *line)
{
    assert_ptr_equal(arg, &seen);
    seen.calls++;
    seen.level = line->level;
    seen.line = line->line;
    assert_int_equal(strlen(line->text), line->text_len);
    assert_int_equal(strlen(line->whole), line->whole_len);
    assert_true(line->message_len < sizeof(seen.message));
    memcpy(seen.message, line->message, line->message_len);
    seen.message_len = line->message_len;
    seen.time = line->time;
    strcpy(seen.name, line->name);
    strcpy(seen.request, line->request ? line->request : "(none)");
    strcpy(seen.module, line->module);
    strcpy(seen.text, line->text);
    strcpy(seen.whole, line->whole);
}

static int with_sink(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    gust_log_set_level(GUST_INFO);
    gust_log_sink(keep, &seen);
    return 0;
}

static int without_sink(void **state)
{
    (void)state;
    gust_log_sink(NULL, NULL);
    gust_log_set_level(GUST_INFO);
    gust_error_clear();
    return 0;
}

static void a_line_is_tornados(void **state)
{
    (void)state;
    begin_capture();
    gust_log_at(GUST_WARNING, "src/http/server.c", 42, "hello %d", 7);
    size_t length = end_capture();
    int at = 0, numbers[6];
    assert_int_equal(sscanf(written, "[W %2d%2d%2d %2d:%2d:%2d server:42] hello 7%n", &numbers[0],
                            &numbers[1], &numbers[2], &numbers[3], &numbers[4], &numbers[5], &at),
                     6);
    assert_string_equal(written + at, "\n"); /* no colour: a pipe is no terminal */
    assert_int_equal(length, strlen("[W 240229 13:59:59 server:42] hello 7\n"));
}

static void log_one(void *argument)
{
    gust_log(GUST_INFO, "%s", (const char *)argument);
}

static void the_time_is_local(void **state)
{
    (void)state;
    char before[32], after[32];
    struct gust__thread thread; /* a new one, which has cached no second of another zone */
    setenv("TZ", "FAR-14", 1);
    tzset();
    time_t now = time(NULL);
    strftime(before, sizeof(before), "[I %y%m%d %H:%M:%S ", localtime(&now));
    assert_int_equal(gust__thread_start(&thread, "log", log_one, "x"), 0);
    gust__thread_join(&thread);
    now = time(NULL);
    strftime(after, sizeof(after), "[I %y%m%d %H:%M:%S ", localtime(&now));
    unsetenv("TZ");
    tzset();
    seen.whole[strlen(before)] = '\0';
    assert_true(strcmp(seen.whole, before) >= 0);
    assert_true(strcmp(seen.whole, after) <= 0);
}

static void colour_is_for_terminals(void **state)
{
    (void)state;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0 || grantpt(terminal) < 0 || unlockpt(terminal) < 0)
        skip();
    int slave = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(slave >= 0);
    int original = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    char first[256] = "", second[256] = "", third[256] = "";
    dup2(slave, STDERR_FILENO);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    gust__log_choose_colour();
    gust_log(GUST_ERROR, "x");
    assert_true(read(terminal, first, sizeof(first) - 1) > 0);
    setenv("NO_COLOR", "1", 1);
    gust__log_choose_colour();
    gust_log(GUST_ERROR, "x");
    assert_true(read(terminal, second, sizeof(second) - 1) > 0);
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    gust__log_choose_colour();
    gust_log(GUST_ERROR, "x");
    assert_true(read(terminal, third, sizeof(third) - 1) > 0);
    dup2(original, STDERR_FILENO);
    close(original);
    close(slave);
    close(terminal);
    gust__log_choose_colour();
    assert_memory_equal(first, "\033[2;31m[E ", 10);
    assert_non_null(strstr(first, "]\033[0m x"));
    assert_memory_equal(second, "[E ", 3);
    assert_memory_equal(third, "[E ", 3);
}

static int evaluated(void)
{
    return ++seen.line;
}

static void levels_below_are_dropped_unevaluated(void **state)
{
    (void)state;
    gust_log(GUST_DEBUG, "%d", evaluated());
    assert_int_equal(seen.calls, 0);
    assert_int_equal(seen.line, 0);
    gust_log(GUST_INFO, "x");
    assert_int_equal(seen.calls, 1);
    gust_log_set_level(GUST_DEBUG);
    gust_log(GUST_DEBUG, "x");
    assert_int_equal(seen.calls, 2);
    gust_log_set_level(GUST_ERROR);
    gust_log(GUST_WARNING, "x");
    assert_int_equal(seen.calls, 2);
    gust_log(GUST_ERROR, "x");
    assert_int_equal(seen.calls, 3);
}

static void a_sink_gets_the_line(void **state)
{
    (void)state;
    begin_capture();
    gust_log(GUST_ERROR, "it is %s", "so");
    int here = __LINE__ - 1;
    assert_int_equal(end_capture(), 0);
    assert_int_equal(seen.level, GUST_ERROR);
    assert_int_equal(seen.line, here);
    assert_string_equal(seen.module, "log_test");
    assert_string_equal(seen.text, "it is so");
    assert_memory_equal(seen.whole, "[E ", 3);
    assert_non_null(strstr(seen.whole, "] it is so"));
}

static void a_sink_gets_the_message_as_it_was(void **state)
{
    (void)state;
    int64_t before = gust__clock_wall();
    gust_log(GUST_INFO, "a\n\xff");
    assert_string_equal(seen.text, "a\\n\\xff");
    assert_int_equal(seen.message_len, 3);
    assert_memory_equal(seen.message, "a\n\xff", 3);
    assert_true(seen.time >= before && seen.time <= gust__clock_wall());
    assert_string_equal(seen.name, "app");
    assert_string_equal(seen.request, "(none)");
    gust_log_to("db", GUST_INFO, "m.c", 1, "x");
    assert_string_equal(seen.name, "db");
}

static size_t give_id(char to[GUST__LOG_REQUEST])
{
    strcpy(to, "ab-1");
    return 4;
}

static void a_line_has_the_requests_id(void **state)
{
    (void)state;
    atomic_store(&gust__log_request, give_id);
    gust_log_at(GUST_INFO, "m.c", 7, "x");
    assert_string_equal(strchr(seen.whole, 'm'), "m:7 ab-1] x");
    assert_string_equal(seen.request, "ab-1");
    gust_error_set(EAGAIN, "y");
    gust__log_error(GUST_ERROR, gust_error_last(), "z");
    atomic_store(&gust__log_request, NULL);
    assert_string_equal(strstr(seen.whole, " ab-1"), " ab-1] z: y");
    gust__log_access(GUST_INFO, "cd-2", "200 GET /", NULL, 0);
    assert_string_equal(strstr(seen.whole, "access"), "access cd-2] 200 GET /");
    assert_string_equal(seen.name, "access");
}

static void names_may_have_levels_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(gust_log_set_levels("warning,gust=error,db=debug"), 0);
    assert_false(gust_log_enabled(GUST_INFO));
    assert_true(gust_log_enabled_for("app", GUST_WARNING));
    assert_false(gust_log_enabled_for("gust", GUST_WARNING));
    assert_true(gust_log_enabled_for("gust", GUST_ERROR));
    assert_true(gust_log_enabled_for("db", GUST_DEBUG));
    assert_false(gust_log_enabled_for("d", GUST_INFO));
    assert_int_equal(gust_log_set_level_for("gust", GUST_INFO), 0);
    assert_true(gust_log_enabled_for("gust", GUST_INFO));
}

static void wrong_levels_change_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",          "loud",        "error,",    ",error",
                                        "error,db",  "error,=info", "error,db=", "error,db=info=info",
                                        "error,Info"};
    for (size_t i = 0; i < GUST_LEN(wrong); i++) {
        errno = 0;
        assert_int_equal(gust_log_set_levels(wrong[i]), -1);
        assert_int_equal(errno, EINVAL);
        assert_true(gust_log_enabled(GUST_INFO));
    }
}

static void names_and_their_number_are_limited(void **state)
{
    (void)state;
    char name[40];
    memset(name, 'n', sizeof(name));
    name[31] = '\0';
    assert_int_equal(gust_log_set_level_for(name, GUST_INFO), 0);
    name[31] = 'n', name[32] = '\0';
    assert_int_equal(gust_log_set_level_for(name, GUST_INFO), -1);
    assert_int_equal(errno, EINVAL);
    int count = 0;
    do {
        snprintf(name, sizeof(name), "name-%d", count++);
        errno = 0;
    } while (gust_log_set_level_for(name, GUST_ERROR) == 0);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(count, 16 - 3 + 1); /* gust, db, nnn... have theirs */
    assert_int_equal(gust_log_set_level_for("name-0", GUST_INFO), 0);
    assert_true(gust_log_enabled_for(name, GUST_INFO));
}

static void a_forged_line_stays_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a\n[I 1] forged", "a\\n[I 1] forged"},
        {"\r\t\x1b[2J\x7f\x01", "\\r\\t\\x1b[2J\\x7f\\x01"},
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b31m"}, /* C1's CSI */
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
         "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xc0\x8a", "\\xc0\\x8a"}, /* an overlong newline */
        {"\xe0\x80\x8a", "\\xe0\\x80\\x8a"},
        {"\xf0\x80\x80\x8a", "\\xf0\\x80\\x80\\x8a"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* a surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond U+10FFFF */
        {"\xe2\x82", "\\xe2\\x82"},                   /* cut short */
        {"\xe2\x82!", "\\xe2\\x82!"},
        {"", ""},
    };
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        gust_log(GUST_INFO, "%s", cases[i].in);
        assert_string_equal(seen.text, cases[i].out);
    }
}

static void a_line_is_cut_at_4_kib(void **state)
{
    (void)state;
    static char text[9000];
    gust_log_at(GUST_INFO, "m.c", 1, "x");
    size_t prefix = strlen(seen.whole) - 1;
    size_t room = GUST__LOG_LINE - 16 - 1 - prefix; /* colour and newline have their place */
    for (size_t length = room - 1; length <= room + 1; length++) {
        memset(text, 'x', length);
        text[length] = '\0';
        gust_log_at(GUST_INFO, "m.c", 1, "%s", text);
        assert_int_equal(strlen(seen.text), length < room ? length : room);
        assert_int_equal(strcmp(seen.text + room - 3, "...") == 0, length > room);
    }
    memset(text, '\n', sizeof(text) - 1);
    gust_log_at(GUST_INFO, "m.c", 1, "%s", text);
    assert_true(strlen(seen.whole) <= GUST__LOG_LINE - 17);
    assert_string_equal(seen.text + strlen(seen.text) - 5, "\\n..."); /* no escape is cut in two */
    begin_capture();
    gust_log_sink(NULL, NULL);
    gust_log_at(GUST_INFO, "m.c", 1, "%s", text);
    assert_true(end_capture() <= GUST__LOG_LINE);
}

static void a_long_module_is_cut(void **state)
{
    (void)state;
    char file[300];
    for (size_t length = 63; length <= 65; length++) {
        memset(file, 'm', length);
        strcpy(file + length, ".c");
        gust_log_at(GUST_INFO, file, 1, "x");
        assert_int_equal(strlen(seen.module), length < 64 ? length : 64);
    }
}

static void errno_survives_and_can_be_shown(void **state)
{
    (void)state;
    errno = ENOSPC;
    gust_log(GUST_INFO, "%m");
    assert_string_equal(seen.text, "No space left on device");
    assert_int_equal(errno, ENOSPC);
    gust_error_set(EIO, "x");
    errno = 77;
    gust__log_error(GUST_ERROR, gust_error_last(), "y");
    assert_int_equal(errno, 77);
}

static void log_again(void *arg, const gust_log_line *line)
{
    (void)arg;
    gust_log(GUST_WARNING, "about %s", line->text);
}

static void a_sink_may_log_to_standard_error(void **state)
{
    (void)state;
    gust_log_sink(log_again, NULL);
    begin_capture();
    gust_log(GUST_INFO, "it");
    end_capture();
    assert_non_null(strstr(written, "] about it\n"));
}

static void leave(void *arg, const gust_log_line *line)
{
    (void)line;
    ++*(int *)arg;
    gust_log_sink(NULL, NULL);
}

static void a_sink_may_take_itself_away(void **state)
{
    (void)state;
    int calls = 0;
    gust_log_sink(leave, &calls);
    begin_capture();
    gust_log(GUST_INFO, "first");
    gust_log(GUST_INFO, "second");
    end_capture();
    assert_int_equal(calls, 1);
    assert_null(strstr(written, "first"));
    assert_non_null(strstr(written, "second"));
}

static void an_unknown_level_is_an_error(void **state)
{
    (void)state;
    gust_log_at((gust_log_level)99, "m.c", 1, "x");
    assert_int_equal(seen.level, GUST_ERROR);
}

static __attribute__((noinline)) void fail_in_a_named_function(void)
{
    gust_error_set_detail("http", 502, EIO, "bad\ngateway");
    __asm__ volatile("");
}

static void an_error_is_logged_with_its_backtrace(void **state)
{
    (void)state;
    fail_in_a_named_function();
    gust__log_error(GUST_ERROR, gust_error_last(), "fetching");
    assert_int_equal(seen.calls, 1);
    assert_memory_equal(seen.text, "fetching: bad\\ngateway (http 502)\n      at ", 41);
    for (const char *at = strchr(seen.text, '\n'); at; at = strchr(at + 1, '\n'))
        assert_memory_equal(at, "\n      at ", 10);
    gust_error_set(EAGAIN, "later");
    gust__log_error(GUST_ERROR, gust_error_last(), "reading");
    assert_string_equal(seen.text, "reading: later");
    errno = EPIPE;
    gust__log_error(GUST_ERROR, NULL, "writing");
    assert_string_equal(seen.text, "writing: Broken pipe");
    gust__log_error(GUST_DEBUG, NULL, "dropped");
    assert_int_equal(seen.calls, 3);
}

#ifdef GUST_FAULTS
#include "base/faults.h"
static void an_error_is_logged_without_memory(void **state)
{
    (void)state;
    fail_in_a_named_function();
    gust__log_error(GUST_ERROR, gust_error_last(), "warm"); /* libdw's own memory is not ours to fail */
    for (unsigned n = 1;; n++) {
        memset(&seen, 0, sizeof(seen));
        gust__faults_alloc_at(n, true);
        gust__log_error(GUST_ERROR, gust_error_last(), "fetching");
        unsigned struck = gust__faults_struck();
        gust__faults_set(NULL);
        assert_int_equal(seen.calls, 1);
        assert_memory_equal(seen.text, "fetching: bad\\ngateway", 22);
        if (!struck)
            break;
    }
}
#endif

static void log_lines(void *argument)
{
    for (int i = 0; i < 500; i++)
        gust_log(GUST_INFO, "%s", (const char *)argument);
}

static void lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    static char texts[3][100];
    struct gust__thread threads[3];
    begin_capture();
    int fd = fcntl(reader, F_DUPFD_CLOEXEC, 0);
    for (int i = 0; i < 3; i++) {
        memset(texts[i], 'a' + i, 99);
        assert_int_equal(gust__thread_start(&threads[i], "log", log_lines, texts[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        gust__thread_join(&threads[i]);
    FILE *lines = fdopen(fd, "r");
    char line[256];
    int count = 0;
    while (fgets(line, sizeof(line), lines)) {
        const char *text = strstr(line, "] ");
        assert_non_null(text);
        assert_memory_equal(text + 2, texts[text[2] - 'a'], 99);
        assert_int_equal(text[101], '\n');
        count++;
    }
    fclose(lines);
    end_capture();
    assert_int_equal(count, 1500);
}

static void count_calls(void *arg, const gust_log_line *line)
{
    (void)line;
    ++*(int *)arg; /* on one thread at a time: ThreadSanitizer tells */
}

static void a_sink_runs_on_one_thread_at_a_time(void **state)
{
    (void)state;
    struct gust__thread threads[3];
    int calls = 0;
    gust_log_sink(count_calls, &calls);
    for (int i = 0; i < 3; i++)
        assert_int_equal(gust__thread_start(&threads[i], "log", log_lines, "x"), 0);
    for (int i = 0; i < 3; i++)
        gust__thread_join(&threads[i]);
    assert_int_equal(calls, 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_tornados, without_sink, without_sink),
        cmocka_unit_test_setup_teardown(the_time_is_local, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(colour_is_for_terminals, without_sink, without_sink),
        cmocka_unit_test_setup_teardown(levels_below_are_dropped_unevaluated, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(a_sink_gets_the_line, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(a_sink_gets_the_message_as_it_was, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(a_line_has_the_requests_id, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(wrong_levels_change_nothing, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(names_may_have_levels_of_their_own, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(names_and_their_number_are_limited, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(a_forged_line_stays_one_line, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(a_line_is_cut_at_4_kib, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(a_long_module_is_cut, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(errno_survives_and_can_be_shown, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(a_sink_may_log_to_standard_error, without_sink, without_sink),
        cmocka_unit_test_setup_teardown(a_sink_may_take_itself_away, without_sink, without_sink),
        cmocka_unit_test_setup_teardown(an_unknown_level_is_an_error, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(an_error_is_logged_with_its_backtrace, with_sink, without_sink),
#ifdef GUST_FAULTS
        cmocka_unit_test_setup_teardown(an_error_is_logged_without_memory, with_sink, without_sink),
#endif
        cmocka_unit_test_setup_teardown(lines_of_threads_do_not_mix, without_sink, without_sink),
        cmocka_unit_test_setup_teardown(a_sink_runs_on_one_thread_at_a_time, without_sink, without_sink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
