/* Fetches as a whole: requests sent, streaming both ways, time, cancelling, futures. */
#include "http/testing_fetch.h"
#include "coro/coroutine.h"

#include <unistd.h>

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* ---- what the server sees ---- */

/* Answers with the request's head, and the body up to the end that the head tells. */
static int answer_echo(gust_stream *stream, struct server *server)
{
    static char text[4096];
    size_t size = server->head.len;
    memcpy(text, server->head.data, size);
    text[size] = '\0';
    const char *length = strstr(text, "Content-Length: ");
    size_t left = length ? (size_t)atol(length + strlen("Content-Length: ")) : 0;
    bool chunked = strstr(text, "chunked");
    if (gust_stream_read_exactly(stream, text + size, left) < 0)
        return -1;
    size += left;
    gust_bytes line = {0};
    while (chunked && line.len != 2) { /* up to the first empty line */
        if (gust_stream_read_until(stream, "\r\n", 1000, &line) < 0)
            return -1;
        memcpy(text + size, line.data, line.len);
        size += line.len;
    }
    gust_stream_printf(stream, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
    return gust_stream_write(stream, text, size);
}

#define AGENT "User-Agent: gust/" GUST_VERSION_STRING "\r\n"

static ssize_t produce_words(void *to, size_t size, void *argument)
{
    static const char *const words[] = {"one", "two", "three"};
    size_t *next = argument;
    assert_true(size >= 4096);
    if (*next == GUST_LEN(words))
        return 0;
    gust_sleep(GUST_MS(1)); /* it may wait */
    return (ssize_t)(stpcpy(to, words[(*next)++]) - (char *)to);
}

static int test_requests_arrive_as_they_were_made(void *arg)
{
    (void)arg;
    struct server *server = server_start(answer_echo, NULL);
    char url[200], text[1000], host[64];
    size_t next = 0;
    snprintf(host, sizeof(host), "127.0.0.1:%u", gust_listener_port(server->listener));
    snprintf(url, sizeof(url), "%sa/b?c=%%20#d", server->url);
    snprintf(text, sizeof(text), "GET /a/b?c=%%20 HTTP/1.1\r\nHost: %s\r\n" AGENT "\r\n", host);
    expect_body(gust_fetch(url), 200, text);
    snprintf(text, sizeof(text),
             "POST / HTTP/1.1\r\nHost: %s\r\nX: y\r\n" AGENT
             "Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody",
             host);
    expect_body(gust_fetch(server->url, .body = {"body", 4}, .content_type = "text/plain",
                           .headers = (const char *const[]){"X: y", NULL}),
                200, text);
    snprintf(text, sizeof(text),
             "PUT / HTTP/1.1\r\nHost: %s\r\n" AGENT
             "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
             host);
    expect_body(gust_fetch(server->url, .method = "PUT", .json = "{\"a\":1}"), 200, text);
    snprintf(text, sizeof(text),
             "POST / HTTP/1.1\r\nHost: %s\r\n" AGENT
             "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n",
             host);
    expect_body(gust_fetch(server->url, .produce = produce_words, .argument = &next), 200, text);
    assert_int_equal(server->connections, 1);
    server_stop(server);
    return 0;
}

static int test_a_unix_socket_is_fetched_from(void *arg)
{
    char folder[] = "/tmp/gust-fetch-XXXXXX", address[100], url[100];
    (void)arg;
    assert_non_null(mkdtemp(folder));
    snprintf(address, sizeof(address), "unix:%s/a b", folder);
    snprintf(url, sizeof(url), "http+unix://%%2Ftmp%%2F%s%%2Fa%%20b/path?q", folder + strlen("/tmp/"));
    struct server *server = server_start_at(address, answer_echo, NULL, 0);
    for (int turn = 0; turn < 2; turn++)
        expect_body(gust_fetch(url), 200, "GET /path?q HTTP/1.1\r\nHost: localhost\r\n" AGENT "\r\n");
    assert_int_equal(server->connections, 1);
    server_stop(server);
    expect_failure(gust_fetch(url), ENOENT);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static int test_what_cannot_be_fetched(void *arg)
{
    (void)arg;
    struct server *server = server_start(answer_text, HELLO);
    char url[128];
    strcpy(url, server->url);
    expect_failure(gust_fetch("nonsense"), EINVAL);
    expect_failure(gust_fetch(server->url, .method = "G T"), EINVAL);
    expect_failure(gust_fetch(server->url, .headers = (const char *const[]){"A: b\r\nC: d", NULL}), EINVAL);
    expect_failure(gust_fetch("https://127.0.0.1/"), EPROTONOSUPPORT);
    assert_int_equal(server->connections, 0);
    server_stop(server);
    expect_failure(gust_fetch(url), ECONNREFUSED);
    return 0;
}

static void test_outside_of_coroutines_it_is_refused(void **state)
{
    (void)state;
    expect_failure(gust_fetch("http://127.0.0.1:1/"), EDEADLK);
    assert_null(gust_fetch_async("http://127.0.0.1:1/"));
    assert_int_equal(errno, EDEADLK);
}

/* ---- streaming the answer ---- */

struct sink {
    size_t size;
    size_t pieces;
    bool waits;
    size_t fails_at; /* the piece, from 1 */
    int code;
    char text[64];
};

static int take_piece(const void *data, size_t size, void *argument)
{
    struct sink *sink = argument;
    assert_true(size > 0);
    if (sink->size + size < sizeof(sink->text))
        memcpy(sink->text + sink->size, data, size);
    sink->size += size;
    sink->pieces++;
    if (sink->waits && gust_sleep(GUST_MS(1)) < 0)
        return -1;
    if (sink->pieces == sink->fails_at && sink->code == EXFULL)
        gust_throw(EXFULL, "thrown");
    if (sink->pieces == sink->fails_at) {
        errno = sink->code;
        return -1;
    }
    return 0;
}

static int test_a_body_is_streamed(void *arg)
{
    static const struct {
        const char *text;
        bool closes;
    } cases[] = {
        {HELLO, false},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\n\r\nhello", true},
    };
    (void)arg;
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        struct server *server = server_start(answer_dripping, cases[i].text);
        server->closes = cases[i].closes;
        for (int waits = 0; waits <= 1; waits++) {
            struct sink sink = {.waits = waits};
            expect_body(gust_fetch(server->url, .on_body = take_piece, .argument = &sink, .max_body = 1), 200,
                        "");
            assert_int_equal(sink.size, 5);
            assert_string_equal(sink.text, "hello");
            assert_int_equal(idle(), !cases[i].closes);
        }
        server_stop(server);
    }
    return 0;
}

static int fetch_into_throwing(void *argument)
{
    struct server *server = argument;
    struct sink sink = {.fails_at = 1, .code = EXFULL};
    gust_response_free(gust_fetch(server->url, .on_body = take_piece, .argument = &sink));
    fail();
    return 0;
}

static int test_on_body_ends_the_fetch(void *arg)
{
    (void)arg;
    struct server *server =
        server_start(answer_and_wait, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
    struct sink sink = {.fails_at = 1, .code = EDQUOT};
    expect_failure(gust_fetch(server->url, .on_body = take_piece, .argument = &sink), EDQUOT);
    assert_int_equal(sink.pieces, 1);
    await_closed(server);
    sink = (struct sink){.fails_at = 1, .code = 0};
    expect_failure(gust_fetch(server->url, .on_body = take_piece, .argument = &sink), ECANCELED);
    await_closed(server);
    assert_int_equal(gust_try(fetch_into_throwing, server), -1);
    assert_int_equal(errno, EXFULL);
    assert_string_equal(gust_error_text(gust_error_last()), "thrown");
    await_closed(server);
    assert_int_equal(idle(), 0);
    server_stop(server);
    return 0;
}

/* Counts what it could write. */
static int answer_endlessly(gust_stream *stream, struct server *server)
{
    static const char block[64 << 10];
    gust_stream_printf(stream, "HTTP/1.1 200 OK\r\n\r\n");
    for (server->size = 0; gust_stream_write(stream, block, sizeof(block)) == 0;)
        server->size += sizeof(block);
    return -1;
}

static int stop_at_standstill(const void *data, size_t size, void *argument)
{
    struct server *server = argument;
    size_t before;
    (void)data, (void)size;
    do { /* the server gets no further */
        before = server->size;
        gust_sleep(GUST_MS(100));
    } while (server->size != before);
    errno = EDQUOT;
    return -1;
}

static int test_a_slow_reader_holds_the_server_back(void *arg)
{
    (void)arg;
    struct server *server = server_start(answer_endlessly, NULL);
    expect_failure(gust_fetch(server->url, .on_body = stop_at_standstill, .argument = server), EDQUOT);
    assert_true(server->size > 0);
    assert_true(server->size < 64 << 20);
    await_closed(server);
    server_stop(server);
    return 0;
}

/* ---- streaming the request ---- */

struct source {
    size_t left;
    int code;   /* what it fails with at the end; 0: not at all */
    bool waits; /* for ever, at the end */
    bool throws;
};

static ssize_t produce_zeros(void *to, size_t size, void *argument)
{
    struct source *source = argument;
    if (size > source->left)
        size = source->left;
    if (size == 0 && source->waits)
        gust_sleep(GUST_S(100));
    if (size == 0 && source->throws)
        gust_throw(source->code, "thrown");
    if (size == 0 && source->code) {
        errno = source->code;
        return -1;
    }
    memset(to, 0, size);
    source->left -= size;
    return (ssize_t)size;
}

/* Reads all there is, slowly enough to let the sender wait, then answers. */
static int answer_after_zeros(gust_stream *stream, struct server *server)
{
    static char block[256 << 10];
    size_t wanted = server->cut;
    for (server->size = 0; server->size < wanted;) {
        ssize_t got = gust_stream_read(stream, block, sizeof(block));
        if (got <= 0)
            return -1;
        server->size += (size_t)got;
    }
    return gust_stream_write(stream, server->text, strlen(server->text));
}

static int test_a_large_request_body_is_sent_whole(void *arg)
{
    enum { SIZE = 8 << 20 };
    (void)arg;
    struct server *server = server_start(answer_after_zeros, HELLO);
    char *body = calloc(1, SIZE);
    server->cut = SIZE;
    expect_body(gust_fetch(server->url, .body = {body, SIZE}), 200, "hello");
    assert_int_equal(server->size, SIZE);
    expect_body(gust_fetch(server->url, .body = {body, SIZE}), 200, "hello");
    assert_int_equal(server->connections, 1);
    free(body);
    server_stop(server);
    return 0;
}

static int test_produce_gives_up(void *arg)
{
    (void)arg;
    for (int throws = 0; throws <= 1; throws++) {
        struct server *server = server_start(answer_after_zeros, HELLO);
        server->cut = SIZE_MAX;
        struct source source = {.left = 1 << 20, .code = EDQUOT, .throws = throws};
        expect_failure(gust_fetch(server->url, .produce = produce_zeros, .argument = &source), EDQUOT);
        source = (struct source){.left = 0, .code = ECONNRESET, .throws = throws};
        expect_failure(gust_fetch(server->url, .produce = produce_zeros, .argument = &source), ECONNRESET);
        await_closed(server);
        assert_int_equal(idle(), 0);
        server_stop(server);
    }
    return 0;
}

/* A refusal comes before the request is there whole; the body's rest is not sent. */
static int test_an_early_answer_is_heard(void *arg)
{
    enum { SIZE = 32 << 20 };
    (void)arg;
    char *body = calloc(1, SIZE);
    struct server *server =
        server_start(answer_and_wait, "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nhello");
    expect_body(gust_fetch(server->url, .body = {body, SIZE}), 413, "hello");
    await_closed(server);
    server->answer = answer_without_reading;
    expect_body(gust_fetch(server->url, .body = {body, SIZE}), 413, "hello");
    server->closes = true;
    await_closed(server);
    server->answer = answer_and_wait;
    struct source source = {.waits = true};
    expect_body(gust_fetch(server->url, .produce = produce_zeros, .argument = &source), 413, "hello");
    await_closed(server);
    assert_int_equal(idle(), 0);
    server_stop(server);
    free(body);
    return 0;
}

/* Both directions at once, with more than the buffers between them hold. */
static int answer_back_and_forth(gust_stream *stream, struct server *server)
{
    static char block[64 << 10];
    gust_stream_printf(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    for (server->size = 0; server->size < server->cut;) {
        ssize_t got = gust_stream_read(stream, block, sizeof(block));
        if (got <= 0 || gust_stream_write(stream, block, (size_t)got) < 0)
            return -1;
        server->size += (size_t)got;
    }
    return -1;
}

static int test_both_directions_flow_at_once(void *arg)
{
    enum { SIZE = 16 << 20 };
    (void)arg;
    char *body = calloc(1, SIZE);
    struct server *server = server_start(answer_back_and_forth, NULL);
    struct sink sink = {0};
    server->cut = SIZE;
    expect_body(gust_fetch(server->url, .body = {body, SIZE}, .on_body = take_piece, .argument = &sink), 200,
                "");
    assert_int_equal(sink.size, SIZE);
    server_stop(server);
    free(body);
    return 0;
}

/* ---- time ---- */

static int test_time_is_up(void *arg)
{
    static const char *const parts[] = {"", "HTTP/1.1 200 OK\r\nCont",
                                        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"};
    (void)arg;
    for (size_t i = 0; i < GUST_LEN(parts); i++) {
        struct server *server = server_start(answer_and_wait, parts[i]);
        expect_failure(gust_fetch(server->url, .timeout = GUST_MS(30)), ETIMEDOUT);
        assert_int_equal(gust_sleep(GUST_MS(1)), 0); /* the scope has ended with the fetch */
        await_closed(server);
        server_stop(server);
    }
    return 0;
}

static int test_the_scopes_deadline_rules(void *arg)
{
    (void)arg;
    struct server *server = server_start(answer_and_wait, "");
    {
        GUST_DEADLINE(GUST_MS(30));
        expect_failure(gust_fetch(server->url, .timeout = -1), ETIMEDOUT);
        expect_failure(gust_fetch(server->url), ETIMEDOUT);
    }
    await_closed(server);
    server_stop(server);
    return 0;
}

static int test_a_request_that_nobody_takes_times_out(void *arg)
{
    enum { SIZE = 32 << 20 };
    (void)arg;
    char *body = calloc(1, SIZE);
    struct server *server = server_start(answer_without_reading, "");
    expect_failure(gust_fetch(server->url, .body = {body, SIZE}, .timeout = GUST_MS(50)), ETIMEDOUT);
    struct source source = {.waits = true};
    expect_failure(
        gust_fetch(server->url, .produce = produce_zeros, .argument = &source, .timeout = GUST_MS(50)),
        ETIMEDOUT);
    server->closes = true;
    await_closed(server);
    server_stop(server);
    free(body);
    return 0;
}

/* ---- futures, cancelling ---- */

static int test_a_fetch_as_a_future(void *arg)
{
    (void)arg;
    struct server *server = server_start(answer_text, HELLO);
    char url[128];
    strcpy(url, server->url);
    gust_future *future = gust_fetch_async(url, .method = "GET");
    memset(url, 'x', strlen(url));
    expect_body(gust_await_ptr(future), 200, "hello");
    gust_response *none = gust_await_ptr(gust_fetch_async("nonsense"));
    expect_failure(none, EINVAL);
    none = gust_await_ptr(gust_fetch_async(NULL));
    expect_failure(none, EINVAL);
    /* done, and nobody takes it */
    future = gust_fetch_async(server->url);
    while (!gust_future_done(future))
        gust_sleep(GUST_MS(1));
    gust_future_free(future);
    assert_int_equal(gust_await(gust_fetch_async(server->url)), 0);
    server_stop(server);
    return 0;
}

static int test_a_future_is_cancelled(void *arg)
{
    static const char *const parts[] = {"", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"};
    (void)arg;
    for (size_t i = 0; i < 2 * GUST_LEN(parts); i++) {
        struct server *server = server_start(answer_and_wait, parts[i / 2]);
        gust_future *future = gust_fetch_async(server->url);
        if (i % 2)
            while (server->requests == 0)
                gust_sleep(GUST_MS(1));
        gust_cancel(future);
        expect_failure(gust_await_ptr(future), ECANCELED);
        await_closed(server);
        future = gust_fetch_async(server->url);
        if (i % 2)
            settle();
        gust_future_free(future);
        settle();
        await_closed(server);
        assert_int_equal(idle(), 0);
        server_stop(server);
    }
    return 0;
}

static int test_a_future_inherits_the_deadline(void *arg)
{
    (void)arg;
    struct server *server = server_start(answer_and_wait, "");
    gust_future *future;
    {
        GUST_DEADLINE(GUST_MS(30));
        future = gust_fetch_async(server->url, .timeout = -1);
    }
    expect_failure(gust_await_ptr(future), ETIMEDOUT);
    server_stop(server);
    return 0;
}

static int fetch_it(void *argument)
{
    gust_response *response = gust_fetch(argument);
    int code = errno;
    gust_response_free(response);
    errno = response ? EEXIST : code;
    return -1;
}

static int test_a_group_is_cancelled(void *arg)
{
    (void)arg;
    struct server *server = server_start(answer_and_wait, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    {
        GUST_GROUP(group);
        for (int i = 0; i < 5; i++)
            assert_int_equal(gust_go(&group, fetch_it, server->url), 0);
        while (server->requests < 5)
            gust_sleep(GUST_MS(1));
    }
    await_closed(server);
    assert_int_equal(idle(), 0);
    server_stop(server);
    return 0;
}

/* Keeps the server there until the loop closes. */
static int hold(void *argument)
{
    struct server *server = argument;
    gust_sleep(GUST_S(1000));
    gust_listener_free(server->listener);
    return 0;
}

static int ignore(gust_future *future, void *argument)
{
    (void)argument;
    gust_future_code(future); /* read */
    return 0;
}

static struct server *leftover;

/* The loop closes with fetches in every state: nothing is leaked, nothing freed twice (sanitizers). */
static int test_a_loop_closes_under_fetches(void *arg)
{
    (void)arg;
    static struct source source = {.waits = true};
    struct server *server = server_start(answer_and_wait, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    static gust_future *futures[4];
    gust_future_then(gust_spawn(NULL, hold, server), ignore, NULL);
    futures[0] = gust_fetch_async(server->url);
    futures[1] = gust_fetch_async(server->url, .produce = produce_zeros, .argument = &source);
    while (server->requests < 2)
        gust_sleep(GUST_MS(1));
    settle();
    futures[2] = gust_fetch_async(server->url);
    gust_yield();
    futures[3] = gust_fetch_async(server->url);
    for (size_t i = 0; i < GUST_LEN(futures); i++)
        gust_future_then(futures[i], ignore, NULL);
    leftover = server;
    return 0;
}

static int test_a_crowd(void *arg)
{
    enum { CROWD = 200 };
    (void)arg;
    struct server *server = server_start(answer_dripping, HELLO);
    static gust_future *futures[CROWD];
    for (int i = 0; i < CROWD; i++)
        futures[i] = gust_fetch_async(server->url);
    for (int i = 0; i < CROWD; i++)
        expect_body(gust_await_ptr(futures[i]), 200, "hello");
    assert_int_equal(server->requests, CROWD);
    assert_int_equal(idle(), GUST__FETCH_IDLE_PER_HOST);
    server_stop(server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(test_requests_arrive_as_they_were_made),
        FETCH_TEST(test_a_unix_socket_is_fetched_from),
        FETCH_TEST(test_what_cannot_be_fetched),
        cmocka_unit_test(test_outside_of_coroutines_it_is_refused),
        FETCH_TEST(test_a_body_is_streamed),
        FETCH_TEST(test_on_body_ends_the_fetch),
        FETCH_TEST(test_a_slow_reader_holds_the_server_back),
        FETCH_TEST(test_a_large_request_body_is_sent_whole),
        FETCH_TEST(test_produce_gives_up),
        FETCH_TEST(test_an_early_answer_is_heard),
        FETCH_TEST(test_both_directions_flow_at_once),
        FETCH_TEST(test_time_is_up),
        FETCH_TEST(test_the_scopes_deadline_rules),
        FETCH_TEST(test_a_request_that_nobody_takes_times_out),
        FETCH_TEST(test_a_fetch_as_a_future),
        FETCH_TEST(test_a_future_is_cancelled),
        FETCH_TEST(test_a_future_inherits_the_deadline),
        FETCH_TEST(test_a_group_is_cancelled),
        FETCH_TEST(test_a_loop_closes_under_fetches),
        FETCH_TEST(test_a_crowd),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(leftover);
    return failed;
}
