/*
 * What the tests of the HTTP/1.1 server share: a service with a handler for each thing a handler can do, a
 * connection to it over a socket pair, and a client that sees exactly what comes back.
 */
#ifndef GUST_HTTP_HTTP1_TESTING_H
#define GUST_HTTP_HTTP1_TESTING_H

#include "base/alloc.h"
#include "base/clock.h"
#include "base/sys.h"
#include "coro/coroutine.h"
#include "http/exchange.h"
#include "http/http1_connection.h"
#include "http/http_server.h"

#include <gust/error.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECEIVED = 1 << 20 };

struct world {
    gust_loop *loop;
    struct gust__http_server *server;
    struct gust__http_service service;
    struct gust__coroutine *parked;  /* the handler of /park */
    struct gust__exchange *exchange; /* the newest */
    int admitted, served, logged, gone, finished;
    int last_status;   /* as logged */
    int handler_errno; /* of the handler's last failed call */
    int64_t uploaded;
    bool stream_all;
    int64_t admit_max_body;
    int64_t admit_body_timeout;
};

struct client {
    int fd;
    bool ended; /* the server's end was read */
    bool reset;
    size_t size;
    char data[RECEIVED + 1];
};

static struct world world;

/* ---- the service ---- */

static inline bool path_is(const struct gust__exchange *exchange, const char *path)
{
    return gust__slice_equals(exchange->head->path, gust__slice_of(path));
}

static inline int answer_parts(struct gust__exchange *exchange, int status, const char *body, size_t size)
{
    static const struct gust__answer_header type = {GUST__SLICE("Content-Type"), GUST__SLICE("text/plain")};
    struct gust__answer answer = {
        .status = status, .headers = &type, .count = 1, .content_length = (int64_t)size};
    struct iovec part = {(void *)(uintptr_t)body, size};
    int result = exchange->operations->send(exchange, &answer, &part, 1, true);
    if (result < 0)
        world.handler_errno = errno;
    return result;
}

static inline int answer_text(struct gust__exchange *exchange, const char *body)
{
    return answer_parts(exchange, 200, body, strlen(body));
}

static inline void serve_echo(struct gust__exchange *exchange)
{
    assert_true(!exchange->body.data || exchange->body.data[exchange->body.size] == '\0');
    answer_parts(exchange, 200, exchange->body.data, exchange->body.size);
}

static inline void serve_park(struct gust__exchange *exchange)
{
    world.parked = gust__current;
    if (gust__park(GUST__INTERRUPTIBLE, "the test") < 0)
        world.handler_errno = errno;
    answer_text(exchange, "parked\n");
}

static inline void serve_upload(struct gust__exchange *exchange)
{
    char piece[3000], text[64];
    ssize_t got;
    world.uploaded = 0;
    while ((got = exchange->operations->read_body(exchange, piece, sizeof(piece))) > 0)
        world.uploaded += got;
    if (got < 0) {
        world.handler_errno = errno;
        return;
    }
    snprintf(text, sizeof(text), "%lld\n", (long long)world.uploaded);
    answer_text(exchange, text);
}

static inline void send_piece(struct gust__exchange *exchange, const struct gust__answer *answer,
                              const char *text, bool last)
{
    struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
    if (exchange->operations->send(exchange, answer, &part, 1, last) < 0)
        world.handler_errno = errno;
}

static inline void serve_pieces(struct gust__exchange *exchange)
{
    struct gust__answer answer = {.status = 200, .content_length = -1};
    send_piece(exchange, &answer, "one,", false);
    send_piece(exchange, NULL, "", false);
    send_piece(exchange, NULL, "two,", false);
    send_piece(exchange, NULL, "three", true);
}

/* The body that /big/N sends: each byte tells its place. */
static inline char big_byte(size_t at)
{
    return (char)('a' + at * 7 % 23);
}

static inline void serve_big(struct gust__exchange *exchange)
{
    size_t size = (size_t)atol(exchange->head->path.data + 5);
    char *data = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        data[i] = big_byte(i);
    struct gust__answer answer = {.status = 200, .content_length = (int64_t)size};
    struct iovec parts[3] = {{data, size / 3}, {NULL, 0}, {data + size / 3, size - size / 3}};
    if (exchange->operations->send(exchange, &answer, parts, 3, true) < 0)
        world.handler_errno = errno;
    free(data);
}

static inline void serve_length(struct gust__exchange *exchange, int64_t announced)
{
    struct gust__answer answer = {.status = 200, .content_length = announced};
    send_piece(exchange, &answer, "1234", false);
    send_piece(exchange, NULL, "5678", true);
}

static inline void serve_status(struct gust__exchange *exchange)
{
    const char *digits = exchange->head->path.data + sizeof("/status/") - 1; /* no NUL stands behind them */
    answer_parts(exchange, (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'), "", 0);
}

static inline void on_gone(struct gust__exchange *exchange)
{
    (void)exchange;
    world.gone++;
}

static inline void serve_long_poll(struct gust__exchange *exchange)
{
    exchange->on_gone = on_gone;
    exchange->operations->watch_gone(exchange);
    serve_park(exchange);
}

/* Streams, and watches: from before its head on, or behind it. */
static inline void serve_events(struct gust__exchange *exchange, bool from_the_beginning)
{
    exchange->on_gone = on_gone;
    if (from_the_beginning)
        exchange->operations->watch_gone(exchange);
    send_piece(exchange, &(struct gust__answer){.status = 200, .content_length = -1}, "first,", false);
    if (!from_the_beginning)
        exchange->operations->watch_gone(exchange);
    world.parked = gust__current;
    gust__park(GUST__INTERRUPTIBLE, "the test");
    send_piece(exchange, NULL, "last", true);
}

/* Has answered, and goes on. */
static inline void serve_and_stay(struct gust__exchange *exchange)
{
    exchange->on_gone = on_gone;
    exchange->operations->watch_gone(exchange);
    answer_text(exchange, "whole\n");
    world.parked = gust__current;
    gust__park(GUST__INTERRUPTIBLE, "the test");
}

static inline void serve(struct gust__exchange *exchange)
{
    world.served++;
    world.exchange = exchange;
    if (path_is(exchange, "/hello"))
        answer_text(exchange, "hello\n");
    else if (path_is(exchange, "/echo"))
        serve_echo(exchange);
    else if (path_is(exchange, "/park"))
        serve_park(exchange);
    else if (path_is(exchange, "/poll"))
        serve_long_poll(exchange);
    else if (path_is(exchange, "/events"))
        serve_events(exchange, true);
    else if (path_is(exchange, "/late-events"))
        serve_events(exchange, false);
    else if (path_is(exchange, "/answered"))
        serve_and_stay(exchange);
    else if (path_is(exchange, "/upload"))
        serve_upload(exchange);
    else if (path_is(exchange, "/ignore"))
        answer_text(exchange, "ignored\n");
    else if (path_is(exchange, "/pieces"))
        serve_pieces(exchange);
    else if (gust__slice_starts_with(exchange->head->path, GUST__SLICE("/big/")))
        serve_big(exchange);
    else if (gust__slice_starts_with(exchange->head->path, GUST__SLICE("/status/")))
        serve_status(exchange);
    else if (path_is(exchange, "/short"))
        serve_length(exchange, 9);
    else if (path_is(exchange, "/long"))
        serve_length(exchange, 7);
    else if (path_is(exchange, "/exact"))
        serve_length(exchange, 8);
    else if (path_is(exchange, "/never-begun"))
        return;
    else if (path_is(exchange, "/never-ended"))
        send_piece(exchange, &(struct gust__answer){.status = 200, .content_length = -1}, "begun", false);
    else if (path_is(exchange, "/throw"))
        gust_throw(EIO, "thrown");
    else if (path_is(exchange, "/close-after")) {
        exchange->close_after = true;
        answer_text(exchange, "bye\n");
    } else
        answer_parts(exchange, 404, "", 0);
}

static inline void admit(struct gust__http_service *service, struct gust__exchange *exchange,
                         struct gust__admission *admission)
{
    (void)service;
    world.admitted++;
    admission->stream = path_is(exchange, "/upload") || path_is(exchange, "/ignore");
    if (world.admit_max_body)
        admission->max_body = world.admit_max_body;
    if (world.admit_body_timeout)
        admission->body_timeout = world.admit_body_timeout;
}

static inline void note_log(struct gust__exchange *exchange)
{
    world.logged++;
    world.last_status = exchange->status;
}

/* ---- the world ---- */

static inline int begin_world(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    world.service = (struct gust__http_service){
        .admit = admit,
        .serve = serve,
        .log = note_log,
        .max_head = 8 << 10,
        .max_headers = 20,
        .max_body = 1 << 20,
        .idle_timeout = GUST_S(60),
        .header_timeout = GUST_S(60),
        .body_timeout = GUST_S(60),
        .write_timeout = GUST_S(60),
        .max_memory = 1 << 20,
        .request_size = 64,
        .server_name = "test",
    };
    world.loop = gust_loop_new();
    world.server = gust__http_server_new(world.loop, NULL, &world.service);
    return world.loop && world.server ? 0 : -1;
}

/* However the test left things, everything is gone behind it: the sanitizers see to that. */
static inline int end_world(void **state)
{
    (void)state;
    gust__http_server_free(world.server);
    gust_loop_free(world.loop);
    return 0;
}

static inline void turn_loop(int turns)
{
    gust_loop *before = gust__loop_enter(world.loop);
    for (int i = 0; i < turns; i++)
        gust__loop_iterate(world.loop, 0);
    gust__loop_leave(before);
}

/* Until a timer has done what the condition waits for; the bound is only there so that a failure is one. */
#define WAIT_UNTIL(condition)                                              \
    do {                                                                   \
        int64_t until_ = gust__clock_after(gust__clock_now(), GUST_S(20)); \
        while (!(condition) && gust__clock_now() < until_) {               \
            turn_loop(1);                                                  \
            gust__sys_nanosleep(&(struct timespec){0, 1000000}, NULL);     \
        }                                                                  \
        assert_true(condition);                                            \
    } while (0)

static inline struct client *adopt(int ours, int theirs, const struct sockaddr *peer)
{
    struct client *client = malloc(sizeof(*client));
    client->fd = ours;
    client->ended = client->reset = false;
    client->size = 0;
    gust_loop *before = gust__loop_enter(world.loop);
    assert_int_equal(gust__http_server_adopt(world.server, theirs, peer), 0);
    gust__loop_leave(before);
    return client;
}

static inline struct client *connect_client(void)
{
    int fds[2];
    assert_int_equal(gust__sys_socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    return adopt(fds[0], fds[1], &(struct sockaddr){.sa_family = AF_UNIX});
}

/* Over TCP, for what only TCP does: resets, half-closed clients that answer. */
static inline struct client *connect_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = gust__sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(gust__sys_bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(gust__sys_listen(listener, 1), 0);
    assert_int_equal(gust__sys_getsockname(listener, (struct sockaddr *)&address, &length), 0);
    int ours = gust__sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(gust__sys_connect(ours, (struct sockaddr *)&address, length), 0);
    int theirs =
        gust__sys_accept4(listener, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(theirs >= 0);
    gust__sys_close(listener);
    gust__sys_fcntl(ours, F_SETFL, O_NONBLOCK);
    return adopt(ours, theirs, (struct sockaddr *)&address);
}

static inline void disconnect(struct client *client)
{
    if (client->fd >= 0)
        gust__sys_close(client->fd);
    free(client);
    turn_loop(5);
}

static inline void take(struct client *client)
{
    for (;;) {
        ssize_t got = gust__sys_recv(client->fd, client->data + client->size, RECEIVED - client->size, 0);
        if (got == 0)
            client->ended = true;
        if (got < 0 && errno == ECONNRESET)
            client->reset = true;
        if (got <= 0)
            break;
        client->size += (size_t)got;
    }
    client->data[client->size] = '\0';
}

/* Lets the server do what it can, and takes what comes. */
static inline void settle(struct client *client)
{
    for (int i = 0; i < 8; i++) {
        turn_loop(1);
        if (client->fd >= 0)
            take(client);
    }
}

static inline void say_bytes(struct client *client, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = gust__sys_send(client->fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            break;
        if (sent > 0) {
            data += sent;
            size -= (size_t)sent;
        }
        settle(client);
    }
    settle(client);
}

static inline void say(struct client *client, const char *text)
{
    say_bytes(client, text, strlen(text));
}

static inline void say_end(struct client *client)
{
    gust__sys_shutdown(client->fd, SHUT_WR);
    settle(client);
}

/* The client forgets what it received so far. */
static inline void forget(struct client *client)
{
    client->size = 0;
    client->data[0] = '\0';
}

/* Without the line that changes: what is left can be compared. */
static inline const char *without_date(const struct client *client)
{
    static char text[RECEIVED + 1];
    char *to = text;
    for (const char *at = client->data; *at;) {
        const char *end = strstr(at, "\r\n");
        size_t size = end ? (size_t)(end + 2 - at) : strlen(at);
        if (strncmp(at, "Date: ", 6) != 0) {
            memcpy(to, at, size);
            to += size;
        }
        at += size;
    }
    *to = '\0';
    return text;
}

static inline int count_of(const char *text, const char *what)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        count++;
    return count;
}

static inline bool has(const struct client *client, const char *text)
{
    return strstr(client->data, text) != NULL;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK_OF(length) \
    "HTTP/1.1 200 OK\r\nServer: test\r\nContent-Type: text/plain\r\nContent-Length: " length "\r\n"
#define HELLO OK_OF("6") "\r\nhello\n"

/* A request that is refused: an answer with this status, which says that the connection closes, and then
 * does. */
static inline void check_refused(const char *request, size_t size, int status)
{
    struct client *client = connect_client();
    char line[32];
    snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
    say_bytes(client, request, size);
    if (strncmp(client->data, line, strlen(line)) != 0)
        fail_msg("expected %d, got: %.300s\nfor: %.200s", status, client->data, request);
    assert_true(has(client, "\r\nConnection: close\r\n"));
    assert_int_equal(count_of(client->data, "HTTP/1.1 "), 1);
    assert_true(client->ended);
    disconnect(client);
    assert_int_equal(gust__http_server_connections(world.server), 0);
}

#define CHECK_REFUSED(status, request) check_refused(request, sizeof(request) - 1, status)

#endif
