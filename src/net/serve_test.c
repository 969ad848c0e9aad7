#include "pool/loop_for_tests.h"
#include "base/log_int.h"
#include "net/stream.h"

#include <gust/error.h>
#include <gust/log.h>
#include <gust/net.h>

static int log_lines;
static char last_line[300];

static void count_lines(void *argument, const gust_log_line *line)
{
    (void)argument;
    log_lines++;
    snprintf(last_line, sizeof(last_line), "%s", line->text);
}

static int running;

/* The line protocol of gust/net.h's manual, with some commands. */
static int serve_client(gust_stream *stream, void *argument)
{
    gust_bytes line;
    running++;
    while (gust_stream_read_until(stream, "\n", 100, &line) > 0) {
        if (strcmp(line.data, "fail\n") == 0) {
            running--;
            return gust_error_set(EPROTO, "asked to fail");
        }
        if (strcmp(line.data, "throw\n") == 0) {
            running--;
            gust_throw(EILSEQ, "asked to throw");
        }
        if (strcmp(line.data, "free\n") == 0)
            gust_listener_free(argument);
        if (strcmp(line.data, "quit\n") == 0)
            break;
        if (gust_stream_printf(stream, "you said %s", line.data) < 0)
            break;
    }
    int code = gust_cancelled() ? ECANCELED : 0;
    running--;
    errno = code;
    return code ? -1 : 0;
}

static gust_listener *listener;

static int set_up(void **state)
{
    gust_log_sink(count_lines, NULL);
    log_lines = 0;
    running = 0;
    set_up_loop(state);
    listener = gust_listen("127.0.0.1:0", .max_connections = 3);
    return gust_serve(listener, serve_client, listener);
}

static int tear_down(void **state)
{
    gust_listener_free(listener);
    settle();
    int result = tear_down_loop(state);
    gust_log_sink(NULL, NULL);
    return result;
}

static int connect_client(void)
{
    int fd = connect_tcp(gust_listener_port(listener), AF_INET);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* What the client hears next; "" is the end. */
static const char *hear(int fd)
{
    static char got[200];
    ssize_t size;
    RUN_UNTIL((size = read(fd, got, sizeof(got) - 1)) >= 0 || errno != EAGAIN);
    got[size < 0 ? 0 : size] = '\0';
    return got;
}

static void serves_each_connection_in_a_coroutine(void **state)
{
    (void)state;
    int first = connect_client(), second = connect_client();
    say(second, "two\n");
    assert_string_equal(hear(second), "you said two\n");
    say(first, "one\n");
    assert_string_equal(hear(first), "you said one\n");
    assert_int_equal(gust_listener_connections(listener), 2);
    assert_int_equal(running, 2);
    say(first, "quit\n");
    assert_string_equal(hear(first), "");
    assert_int_equal(gust_listener_connections(listener), 1);
    close(second);
    RUN_UNTIL(gust_listener_connections(listener) == 0);
    assert_int_equal(log_lines, 0);
    close(first);
}

static void what_was_written_last_arrives(void **state)
{
    (void)state;
    int fd = connect_client();
    say(fd, "bye\nquit\n");
    assert_string_equal(hear(fd), "you said bye\n");
    assert_string_equal(hear(fd), "");
    close(fd);
}

static void failures_are_logged(void **state)
{
    (void)state;
    static const char *const commands[] = {"fail\n", "throw\n"};
    for (int i = 0; i < 2; i++) {
        int fd = connect_client();
        say(fd, commands[i]);
        assert_string_equal(hear(fd), "");
        assert_int_equal(log_lines, i + 1);
        assert_non_null(strstr(last_line, i == 0 ? "asked to fail" : "asked to throw"));
        assert_non_null(strstr(last_line, "127.0.0.1:"));
        close(fd);
    }
    RUN_UNTIL(gust_listener_connections(listener) == 0);
}

static void the_limit_is_kept(void **state)
{
    (void)state;
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = connect_client();
    RUN_UNTIL(running == 3);
    settle();
    assert_int_equal(running, 3);
    close(fds[0]);
    say(fds[3], "hello\n");
    assert_string_equal(hear(fds[3]), "you said hello\n");
    for (int i = 1; i < 4; i++)
        close(fds[i]);
    RUN_UNTIL(running == 0);
}

static void stopping_leaves_running_connections(void **state)
{
    (void)state;
    int fd = connect_client();
    say(fd, "x\n");
    hear(fd);
    gust_listener_stop(listener);
    say(fd, "on\n");
    assert_string_equal(hear(fd), "you said on\n");
    errno = 0;
    assert_int_equal(connect_tcp(gust_listener_port(listener), AF_INET), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(fd);
    RUN_UNTIL(running == 0);
}

static void freeing_cancels_running_connections(void **state)
{
    (void)state;
    int first = connect_client(), second = connect_client();
    RUN_UNTIL(running == 2);
    gust_listener_free(listener);
    listener = NULL;
    assert_string_equal(hear(first), "");
    assert_string_equal(hear(second), "");
    assert_int_equal(running, 0);
    assert_int_equal(log_lines, 0);
    close(first);
    close(second);
}

static void a_connection_may_free_its_listener(void **state)
{
    (void)state;
    int fd = connect_client();
    say(fd, "free\n");
    RUN_UNTIL(running == 1);
    RUN_UNTIL(running == 0);
    listener = NULL;
    settle();
    close(fd);
}

static void a_loop_that_ends_ends_them(void **state)
{
    (void)state;
    int fd = connect_client();
    RUN_UNTIL(running == 1);
    gust__loop_leave(NULL);
    gust_loop_free(test_loop);
    assert_int_equal(running, 0);
    test_loop = gust_loop_new(); /* the listener outlives its loop, and is freed later */
    gust__loop_enter(test_loop);
    close(fd);
}

static void serves_once_and_needs_a_loop(void **state)
{
    (void)state;
    errno = 0;
    assert_int_equal(gust_serve(listener, serve_client, NULL), -1);
    assert_int_equal(errno, EBUSY);
    gust__loop_leave(NULL);
    assert_int_equal(gust_serve(listener, serve_client, NULL), -1);
    assert_int_equal(errno, EDEADLK);
    gust__loop_enter(test_loop);
}

#define serve_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        serve_test(serves_each_connection_in_a_coroutine),
        serve_test(what_was_written_last_arrives),
        serve_test(failures_are_logged),
        serve_test(the_limit_is_kept),
        serve_test(stopping_leaves_running_connections),
        serve_test(freeing_cancels_running_connections),
        serve_test(a_connection_may_free_its_listener),
        serve_test(a_loop_that_ends_ends_them),
        serve_test(serves_once_and_needs_a_loop),
    };
    /* What the log needs for backtraces it opens once and keeps. */
    gust_log_sink(count_lines, NULL);
    gust_error_set(EIO, "the first");
    gust__log_error(GUST_ERROR, gust_error_last(), "a warm-up");
    gust_error_clear();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
