/*
 * For tests of the client: a server on the same loop that answers from a script, and tests that run in a
 * coroutine beside it.
 *
 *     static int test_x(void *arg)
 *     {
 *         struct server *server = server_start(answer_text, "HTTP/1.1 200 OK\r\n...");
 *         ... gust_fetch(server->url) ...
 *         server_stop(server);
 *         return 0;
 *     }
 */
#ifndef GUST_HTTP_TESTING_FETCH_H
#define GUST_HTTP_TESTING_FETCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/fetch_connections.h"
#include "http/http1_head.h"

#include <gust/coroutine.h>
#include <gust/fetch.h>
#include <gust/net.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- the server ---- */

struct server;
typedef int answer_function(gust_stream *stream, struct server *server);

struct server {
    gust_listener *listener;
    char url[128];
    answer_function *answer; /* called for each request, whose head was read; -1 closes */
    const char *text;
    size_t size;
    size_t cut;  /* where answer_cut cuts */
    bool closes; /* the connection, behind each answer */
    int connections;
    int open;
    int requests;
    gust_bytes head; /* of the request in hand; as long as it is answered */
    void *more;      /* for the tests' own use */
};

static int serve_script(gust_stream *stream, void *argument)
{
    struct server *server = argument;
    gust_bytes head;
    server->connections++;
    server->open++;
    while (gust_stream_read_until(stream, "\r\n\r\n", 1 << 20, &head) > 0) {
        server->requests++;
        server->head = head;
        if (server->answer(stream, server) < 0 || server->closes)
            break;
    }
    server->open--;
    return 0;
}

__attribute__((unused)) static struct server *server_start_at(const char *address, answer_function *answer,
                                                              const char *text, size_t size)
{
    struct server *server = calloc(1, sizeof(*server));
    server->answer = answer;
    server->text = text;
    server->size = size;
    server->listener = gust_listen(address);
    assert_non_null(server->listener);
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u/", gust_listener_port(server->listener));
    assert_int_equal(gust_serve(server->listener, serve_script, server), 0);
    return server;
}

__attribute__((unused)) static struct server *server_start(answer_function *answer, const char *text)
{
    return server_start_at("127.0.0.1:0", answer, text, text ? strlen(text) : 0);
}

/* Lets everything that is ready run, several times over. */
__attribute__((unused)) static void settle(void)
{
    for (int i = 0; i < 10; i++)
        gust_yield();
}

/* Waits until all of the server's connections have ended. */
__attribute__((unused)) static void await_closed(const struct server *server)
{
    for (int i = 0; server->open > 0; i++) {
        assert_true(i < 4000);
        gust_sleep(GUST_MS(5));
    }
}

__attribute__((unused)) static void server_stop(struct server *server)
{
    gust_listener_free(server->listener);
    for (int i = 0; server->open > 0 && i < 4000; i++)
        gust_sleep(GUST_MS(1));
    assert_int_equal(server->open, 0);
    free(server);
}

/* ---- answers ---- */

/* The text. */
__attribute__((unused)) static int answer_text(gust_stream *stream, struct server *server)
{
    return gust_stream_write(stream, server->text, server->size);
}

/* The text in two, which arrive apart. */
__attribute__((unused)) static int answer_cut(gust_stream *stream, struct server *server)
{
    size_t cut = server->cut; /* the test may go on meanwhile */
    gust_stream_write(stream, server->text, cut);
    settle();
    return gust_stream_write(stream, server->text + cut, server->size - cut);
}

/* Byte by byte. */
__attribute__((unused)) static int answer_dripping(gust_stream *stream, struct server *server)
{
    for (size_t i = 0; i < server->size; i++) {
        if (gust_stream_write(stream, server->text + i, 1) < 0)
            return -1;
        gust_yield();
        gust_yield();
    }
    return 0;
}

/* The text, then nothing more, until the client goes. */
__attribute__((unused)) static int answer_and_wait(gust_stream *stream, struct server *server)
{
    char bytes[4096];
    gust_stream_write(stream, server->text, server->size);
    while (gust_stream_read(stream, bytes, sizeof(bytes)) > 0)
        ;
    return -1;
}

/* The text, and no more reading, until the test sets server->closes. */
__attribute__((unused)) static int answer_without_reading(gust_stream *stream, struct server *server)
{
    gust_stream_write(stream, server->text, server->size);
    while (!server->closes)
        gust_sleep(GUST_MS(1));
    return -1;
}

/* The text, and the connection is reset. */
__attribute__((unused)) static int answer_and_reset(gust_stream *stream, struct server *server)
{
    struct linger linger = {.l_onoff = 1};
    gust_stream_write(stream, server->text, server->size);
    settle();
    setsockopt(gust_stream_fd(stream), SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    return -1;
}

/* ---- what came of it ---- */

__attribute__((unused)) static void expect_body(gust_response *response, int status, const char *body)
{
    if (!response)
        fail_msg("no answer: %d, %s", errno, gust_error_text(gust_error_last()));
    assert_int_equal(gust_response_status(response), status);
    gust_bytes bytes = gust_response_body(response);
    assert_int_equal(bytes.len, strlen(body));
    assert_string_equal(bytes.data, body);
    gust_response_free(response);
}

/* The fetch failed with this code, and the error says more than that. */
__attribute__((unused)) static void expect_failure(gust_response *response, int code)
{
    int found = errno;
    if (response)
        fail_msg("an answer with %d instead of the failure %d", gust_response_status(response), code);
    if (found != code)
        fail_msg("it failed with %d (%s) instead of %d", found, gust_error_text(gust_error_last()), code);
    assert_int_equal(gust_error_code(gust_error_last()), code);
    assert_true(strlen(gust_error_text(gust_error_last())) > 0);
}

__attribute__((unused)) static size_t idle(void)
{
    return gust__connections_idle(gust_loop_current());
}

/* ---- running ---- */

static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = -3; /* ".", ".." and the folder itself */
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* Runs the test in a coroutine of a loop of its own, which leaves no descriptor behind. */
__attribute__((unused)) static void run_on_loop(void **state)
{
    int (*test)(void *) = *(int (**)(void *)) * state;
    int before = count_descriptors();
    if (gust_run(test, NULL, GUST_S(120)) < 0)
        fail_msg("%d, %s", errno, gust_error_text(gust_error_last()));
    assert_int_equal(count_descriptors(), before);
}

#define FETCH_TEST(function)                                     \
    {                                                            \
#function, run_on_loop, NULL, NULL, (int (*[1])(void *)) \
        {                                                        \
            function                                             \
        }                                                        \
    }

#endif
