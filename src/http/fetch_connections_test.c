/* Connections kept, used again, and closed. */
#include "http/testing_fetch.h"
#include "base/clock.h"
#include "loop/loop.h"

#define HELLO   "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define EVIL    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void await_idle(size_t count)
{
    for (int i = 0; idle() != count; i++) {
        if (i == 4000)
            fail_msg("%zu connections are idle instead of %zu", idle(), count);
        gust_sleep(GUST_MS(1));
    }
}

static int test_a_connection_is_used_again(void *arg)
{
    (void)arg;
    struct server *server = server_start(answer_text, HELLO);
    for (int i = 1; i <= 5; i++) {
        expect_body(gust_fetch(server->url), 200, "hello");
        assert_int_equal(idle(), 1);
        assert_int_equal(server->requests, i);
    }
    expect_body(gust_fetch(server->url, .method = "POST"), 200, "hello");
    assert_int_equal(server->connections, 1);
    server_stop(server);
    return 0;
}

/* What decides is both sides' word, and that the answer's end was seen. */
static int test_a_connection_is_not_kept_when_either_side_wants_so(void *arg)
{
    static const char *const closing[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    };
    (void)arg;
    for (size_t i = 0; i < GUST_LEN(closing); i++) {
        struct server *server = server_start(answer_text, closing[i]);
        expect_body(gust_fetch(server->url), 200, "hello");
        assert_int_equal(idle(), 0);
        await_closed(server);
        server_stop(server);
    }
    struct server *server = server_start(answer_text, HELLO);
    expect_body(gust_fetch(server->url), 200, "hello");
    expect_body(gust_fetch(server->url, .no_keep_alive = true), 200, "hello");
    assert_int_equal(server->connections, 2);
    assert_int_equal(idle(), 1);
    server->text = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello";
    server->size = strlen(server->text);
    expect_body(gust_fetch(server->url), 200, "hello");
    expect_body(gust_fetch(server->url), 200, "hello");
    assert_int_equal(server->connections, 2);
    server_stop(server);
    return 0;
}

/* The bytes behind an answer would be the answer to the next request. */
static int test_bytes_behind_an_answer_are_never_the_next_one(void *arg)
{
    static const char *const smuggled[] = {
        HELLO EVIL,
        HELLO "\r\n",
        HELLO "x",
        "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil",
        CHUNKED "0\r\n\r\n" EVIL,
    };
    (void)arg;
    for (size_t i = 0; i < GUST_LEN(smuggled); i++) {
        struct server *server = server_start(answer_text, smuggled[i]);
        for (int turn = 1; turn <= 3; turn++) {
            gust_response *response = gust_fetch(server->url);
            assert_non_null(response);
            assert_true(gust_response_body(response).len != 4);
            gust_response_free(response);
            assert_int_equal(idle(), 0);
            assert_int_equal(server->connections, turn);
        }
        server_stop(server);
    }
    return 0;
}

/* The same, but the bytes come when the connection is idle. */
static int test_a_server_that_speaks_unasked_is_not_heard(void *arg)
{
    (void)arg;
    struct server *server = server_start(answer_cut, HELLO EVIL);
    server->cut = strlen(HELLO);
    for (int turn = 1; turn <= 3; turn++) {
        expect_body(gust_fetch(server->url), 200, "hello");
        await_idle(0);
        assert_int_equal(server->connections, turn);
    }
    server_stop(server);
    return 0;
}

static int answer_and_note(gust_stream *stream, struct server *server)
{
    server->more = stream;
    return gust_stream_write(stream, server->text, server->size);
}

/* It is closed without the loop having had a chance to see it: when it is taken. */
static int test_a_kept_connection_is_looked_at_before_it_is_used(void *arg)
{
    (void)arg;
    for (int unasked = 0; unasked <= 1; unasked++) {
        struct server *server = server_start(answer_and_note, HELLO);
        char address[64];
        expect_body(gust_fetch(server->url), 200, "hello");
        assert_int_equal(idle(), 1);
        assert_null(gust__connection_take("127.0.0.1:1"));
        snprintf(address, sizeof(address), "127.0.0.1:%u", gust_listener_port(server->listener));
        struct gust__connection *connection = gust__connection_take(address);
        assert_non_null(connection);
        gust__connection_keep(connection);
        assert_int_equal(idle(), 1);
        if (unasked) /* nothing runs in between */
            gust_stream_write(server->more, "x", 1);
        else
            gust_stream_abort(server->more, 0);
        assert_null(gust__connection_take(address));
        assert_int_equal(idle(), 0);
        server_stop(server);
    }
    return 0;
}

/* ---- servers that close ---- */

static int test_a_server_that_closes_an_idle_connection_is_noticed(void *arg)
{
    (void)arg;
    struct server *server = server_start(answer_text, HELLO);
    server->closes = true;
    for (int turn = 1; turn <= 3; turn++) {
        expect_body(gust_fetch(server->url, .method = turn == 2 ? "POST" : "GET"), 200, "hello");
        await_idle(0);
        assert_int_equal(server->connections, turn);
    }
    server_stop(server);
    return 0;
}

/* The first request of a connection is answered; the second ends it. */
static int answer_only_first(gust_stream *stream, struct server *server)
{
    struct linger linger = {.l_onoff = 1};
    if (server->more != stream) {
        server->more = stream;
        return gust_stream_write(stream, server->text, server->size);
    }
    server->more = NULL;
    if (server->cut == 1) /* with a reset */
        setsockopt(gust_stream_fd(stream), SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    if (server->cut == 2) /* within an answer */
        gust_stream_write(stream, "H", 1);
    return -1;
}

static ssize_t produce_nothing(void *to, size_t size, void *argument)
{
    (void)to, (void)size, (void)argument;
    return 0;
}

static int test_a_request_is_repeated_once_when_that_is_harmless(void *arg)
{
    (void)arg;
    for (size_t reset = 0; reset <= 1; reset++) {
        struct server *server = server_start(answer_only_first, HELLO);
        server->cut = reset;
        expect_body(gust_fetch(server->url), 200, "hello");
        expect_body(gust_fetch(server->url), 200, "hello");
        assert_int_equal(server->requests, 3);
        assert_int_equal(server->connections, 2);
        expect_body(gust_fetch(server->url, .method = "PUT", .body = {"x", 1}), 200, "hello");
        assert_int_equal(server->connections, 3);
        server_stop(server);
    }
    return 0;
}

static int test_a_request_is_not_repeated_when_it_might_have_worked(void *arg)
{
    (void)arg;
    for (size_t reset = 0; reset <= 1; reset++) {
        struct server *server = server_start(answer_only_first, HELLO);
        server->cut = reset;
        expect_body(gust_fetch(server->url), 200, "hello");
        expect_failure(gust_fetch(server->url, .method = "POST"), ECONNRESET);
        assert_int_equal(server->requests, 2);
        expect_body(gust_fetch(server->url), 200, "hello");
        expect_failure(gust_fetch(server->url, .method = "PUT", .produce = produce_nothing), ECONNRESET);
        assert_int_equal(server->requests, 4);
        server_stop(server);
    }
    /* not either when a byte of an answer came */
    struct server *server = server_start(answer_only_first, HELLO);
    server->cut = 2;
    expect_body(gust_fetch(server->url), 200, "hello");
    expect_failure(gust_fetch(server->url), ECONNRESET);
    assert_int_equal(server->requests, 2);
    server_stop(server);
    return 0;
}

static int answer_nothing(gust_stream *stream, struct server *server)
{
    (void)stream, (void)server;
    return -1;
}

static int test_a_new_connection_that_fails_is_not_tried_again(void *arg)
{
    (void)arg;
    struct server *server = server_start(answer_nothing, NULL);
    expect_failure(gust_fetch(server->url), ECONNRESET);
    assert_int_equal(server->requests, 1);
    server_stop(server);
    /* nor does the second attempt have a third */
    server = server_start(answer_text, HELLO);
    expect_body(gust_fetch(server->url), 200, "hello");
    server->answer = answer_nothing;
    expect_failure(gust_fetch(server->url), ECONNRESET);
    assert_int_equal(server->requests, 3);
    server_stop(server);
    return 0;
}

/* ---- limits ---- */

/* Holds its answer back until `cut` requests wait. */
static int answer_together(gust_stream *stream, struct server *server)
{
    while (server->requests < (int)server->cut)
        gust_sleep(GUST_MS(1));
    return gust_stream_write(stream, server->text, server->size);
}

/* Opens count connections to each of hosts addresses of the server, and leaves them idle. */
static void open_many(struct server *server, int hosts, int count)
{
    static gust_future *futures[200];
    char url[128];
    server->requests = 0;
    server->cut = (size_t)(hosts * count);
    for (int i = 0; i < hosts * count; i++) {
        snprintf(url, sizeof(url), "http://127.0.0.%d:%u/", 1 + i / count,
                 gust_listener_port(server->listener));
        futures[i] = gust_fetch_async(url);
        assert_non_null(futures[i]);
    }
    for (int i = 0; i < hosts * count; i++)
        expect_body(gust_await_ptr(futures[i]), 200, "hello");
}

static int test_idle_connections_to_a_host_are_bounded(void *arg)
{
    (void)arg;
    for (int count = GUST__FETCH_IDLE_PER_HOST - 1; count <= GUST__FETCH_IDLE_PER_HOST + 1; count++) {
        struct server *server = server_start_at("0.0.0.0:0", answer_together, HELLO, strlen(HELLO));
        open_many(server, 1, count);
        assert_int_equal(server->connections, count);
        assert_int_equal(idle(), count > GUST__FETCH_IDLE_PER_HOST ? GUST__FETCH_IDLE_PER_HOST : count);
        open_many(server, 2, 1); /* another one's do not count */
        server_stop(server);
        await_idle(0);
    }
    return 0;
}

static int test_idle_connections_are_bounded_in_all(void *arg)
{
    (void)arg;
    struct server *server = server_start_at("0.0.0.0:0", answer_together, HELLO, strlen(HELLO));
    open_many(server, GUST__FETCH_IDLE / 9, 9);
    assert_int_equal(idle(), GUST__FETCH_IDLE - 1);
    server_stop(server);
    await_idle(0);
    server = server_start_at("0.0.0.0:0", answer_together, HELLO, strlen(HELLO));
    open_many(server, GUST__FETCH_IDLE / 10, 10);
    assert_int_equal(idle(), GUST__FETCH_IDLE);
    server_stop(server);
    await_idle(0);
    server = server_start_at("0.0.0.0:0", answer_together, HELLO, strlen(HELLO));
    open_many(server, GUST__FETCH_IDLE / 10 + 1, 10);
    assert_int_equal(idle(), GUST__FETCH_IDLE);
    server_stop(server);
    return 0;
}

static int test_an_idle_connection_is_closed_in_time(void *arg)
{
    (void)arg;
    struct server *server = server_start(answer_text, HELLO);
    size_t timers = gust__loop_timers(gust_loop_current());
    expect_body(gust_fetch(server->url), 200, "hello");
    assert_true(gust__loop_timers(gust_loop_current()) > timers);
    int64_t now = gust__clock_now();
    gust__connections_expire(gust_loop_current(), now + GUST_S(GUST__FETCH_IDLE_SECONDS - 1));
    assert_int_equal(idle(), 1);
    gust__connections_expire(gust_loop_current(), now + GUST_S(GUST__FETCH_IDLE_SECONDS));
    assert_int_equal(idle(), 0);
    await_closed(server);
    server_stop(server);
    return 0;
}

/* The loop closes those that are left: run_on_loop counts descriptors. */
static struct server *leftover;

static int test_connections_end_with_their_loop(void *arg)
{
    (void)arg;
    struct server *server = server_start_at("0.0.0.0:0", answer_together, HELLO, strlen(HELLO));
    open_many(server, 3, 3);
    assert_int_equal(idle(), 9);
    gust__connections_expire(gust_loop_current(), 0);
    assert_int_equal(idle(), 9);
    gust_listener_free(server->listener);
    leftover = server; /* its connections still run */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(test_a_connection_is_used_again),
        FETCH_TEST(test_a_connection_is_not_kept_when_either_side_wants_so),
        FETCH_TEST(test_bytes_behind_an_answer_are_never_the_next_one),
        FETCH_TEST(test_a_server_that_speaks_unasked_is_not_heard),
        FETCH_TEST(test_a_kept_connection_is_looked_at_before_it_is_used),
        FETCH_TEST(test_a_server_that_closes_an_idle_connection_is_noticed),
        FETCH_TEST(test_a_request_is_repeated_once_when_that_is_harmless),
        FETCH_TEST(test_a_request_is_not_repeated_when_it_might_have_worked),
        FETCH_TEST(test_a_new_connection_that_fails_is_not_tried_again),
        FETCH_TEST(test_idle_connections_to_a_host_are_bounded),
        FETCH_TEST(test_idle_connections_are_bounded_in_all),
        FETCH_TEST(test_an_idle_connection_is_closed_in_time),
        FETCH_TEST(test_connections_end_with_their_loop),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(leftover);
    return failed;
}
