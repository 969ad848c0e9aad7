/* Streams, the trace, offloaded calls, and select's limit. */
#include <gust/coroutine.h>
#include <gust/green.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2];

static int answer(void *unused)
{
    char line[64];
    FILE *stream = gust_green_stream(ends[1], "r+");
    (void)unused;
    if (!stream || !fgets(line, sizeof(line), stream))
        return -1;
    fprintf(stream, "you said %s", line);
    return fclose(stream);
}

static int ask(void *unused)
{
    char line[64] = "";
    FILE *stream = gust_green_stream(ends[0], "r+");
    (void)unused;
    if (!stream || fputs("hello\n", stream) < 0 || fflush(stream) < 0 || !fgets(line, sizeof(line), stream))
        return -1;
    return fclose(stream) == 0 && strcmp(line, "you said hello\n") == 0 ? 0 : -1;
}

static int converse(void *unused)
{
    (void)unused;
    GUST_GROUP(group);
    gust_go(&group, answer, NULL);
    gust_go(&group, ask, NULL);
    return gust_group_wait(&group);
}

static void streams_park(void **state)
{
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(gust_run(converse, NULL, GUST_S(10)), 0);
    assert_int_equal(fcntl(ends[0], F_GETFD), -1);
}

static void a_stream_of_nothing_is_refused(void **state)
{
    (void)state;
    assert_null(gust_green_stream(-1, "r"));
    assert_int_equal(errno, EBADF);
    assert_null(gust_green_stream(0, "nonsense"));
    assert_int_equal(errno, EINVAL);
}

static int read_to_the_deadline(void *unused)
{
    char line[8];
    FILE *stream = gust_green_stream(ends[0], "r");
    (void)unused;
    GUST_DEADLINE(GUST_MS(3));
    errno = 0;
    int code = fgets(line, sizeof(line), stream) ? 0 : errno;
    fclose(stream);
    return code;
}

static void a_deadline_ends_fgets(void **state)
{
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(gust_run(read_to_the_deadline, NULL, GUST_S(10)), ETIMEDOUT);
    close(ends[1]);
}

/* ---- select ---- */

static void the_set_that_is_too_small_ends_the_program_with_the_reason(void **state)
{
    long __fdelt_chk(long fd);
    char said[512] = "";
    int way[2], status;
    (void)state;
    assert_int_equal(__fdelt_chk(1023), 1023 / (8 * (long)sizeof(long)));
    assert_int_equal(pipe(way), 0);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        dup2(way[1], STDERR_FILENO);
        __fdelt_chk(1024);
        _exit(0);
    }
    close(way[1]);
    assert_true(read(way[0], said, sizeof(said) - 1) > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, "select()"));
    close(way[0]);
}

/* ---- the trace: of another process, for it is asked for in the environment ---- */

static int wait_a_little(void *unused)
{
    char byte;
    (void)unused;
    gust_coroutine_set_name("the waiter");
    GUST_DEADLINE(GUST_MS(1));
    return recv(ends[0], &byte, 1, 0) < 0 ? 0 : -1;
}

static int traced(void)
{
    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || gust_run(wait_a_little, NULL, GUST_S(10)) < 0;
}

static void a_trace_names_the_waiter_the_call_and_the_caller(void **state)
{
    char command[600], own[400] = "", line[400] = "";
    (void)state;
    assert_true(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0);
    snprintf(command, sizeof(command), "GUST_GREEN_TRACE=1 '%s' traced 2>&1", own);
    FILE *output = popen(command, "r");
    assert_non_null(fgets(line, sizeof(line), output));
    assert_int_equal(pclose(output), 0);
    assert_non_null(strstr(line, "the waiter waits in recv of descriptor"));
#ifndef __SANITIZE_ADDRESS__ /* whose wrapper calls us in the program's stead */
    assert_non_null(strstr(line, "stream_test"));
#endif
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_park),
        cmocka_unit_test(a_stream_of_nothing_is_refused),
        cmocka_unit_test(a_deadline_ends_fgets),
        cmocka_unit_test(the_set_that_is_too_small_ends_the_program_with_the_reason),
        cmocka_unit_test(a_trace_names_the_waiter_the_call_and_the_caller),
    };
    gust_green_require();
    if (count > 1 && strcmp(arguments[1], "traced") == 0)
        return traced();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
