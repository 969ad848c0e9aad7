/* Refusals: bad input, limits at, below and above, and time that is over. Each is an answer, and then the
 * end. */
#include "http/http1_testing.h"

#define POST_CHUNKED(body) "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" body
#define GET_WITH(lines)    "GET /hello HTTP/1.1\r\nHost: a\r\n" lines "\r\n"

static void test_bad_heads_are_refused(void **state)
{
    (void)state;
    CHECK_REFUSED(400, "garbage\r\n\r\n");
    CHECK_REFUSED(400, "GET /hello HTTP/1.1\r\n\r\n");
    CHECK_REFUSED(400, GET_WITH("Host: b\r\n"));
    CHECK_REFUSED(400, "GET /hello HTTP/1.1\r\nHost: a, b\r\n\r\n");
    CHECK_REFUSED(400, GET_WITH("Content-Length: -48\r\n"));
    CHECK_REFUSED(400, GET_WITH("Content-Length: +1_0\r\n"));
    CHECK_REFUSED(400, GET_WITH("Content-Length: 0x10\r\n"));
    CHECK_REFUSED(400, GET_WITH("Content-Length: 1Z\r\n"));
    CHECK_REFUSED(400, GET_WITH("Content-Length:\r\n"));
    CHECK_REFUSED(400, GET_WITH("Content-Length: 1\r\nContent-Length: 2\r\n"));
    CHECK_REFUSED(400, GET_WITH("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"));
    CHECK_REFUSED(400, GET_WITH("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"));
    CHECK_REFUSED(400, GET_WITH("Transfer-Encoding: \xa0"
                                "chunked\r\n"));
    CHECK_REFUSED(400, GET_WITH(": x\r\n"));
    CHECK_REFUSED(400, GET_WITH("a : x\r\n"));
    CHECK_REFUSED(400, GET_WITH("a: \0\r\n"));
    CHECK_REFUSED(400, GET_WITH("a: \rb\r\n"));
    CHECK_REFUSED(400, GET_WITH("no colon\r\n"));
    CHECK_REFUSED(400, GET_WITH(" folded: x\r\n"));
    CHECK_REFUSED(400, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_REFUSED(400, "GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_REFUSED(400, "GET /hello HTTP/1.1\r\nHost: a\r\n\rX");
    CHECK_REFUSED(505, "GET /hello HTTP/2.0\r\nHost: a\r\n\r\n");
    assert_int_equal(world.admitted, 0);
}

static void test_bad_chunks_are_refused(void **state)
{
    (void)state;
    CHECK_REFUSED(400, POST_CHUNKED("0_2e\r\n"));
    CHECK_REFUSED(400, POST_CHUNKED("-0x0\r\n"));
    CHECK_REFUSED(400, POST_CHUNKED("\r\n"));
    CHECK_REFUSED(400, POST_CHUNKED(" 3\r\nabc\r\n0\r\n\r\n"));
    CHECK_REFUSED(400, POST_CHUNKED("5\r\r;"));
    CHECK_REFUSED(400, POST_CHUNKED("FFFFFFFFFFFFFFFF\r\n"));
    CHECK_REFUSED(400, POST_CHUNKED("3\r\nabcX0\r\n\r\n"));
    CHECK_REFUSED(400, POST_CHUNKED("0\r\nbad trailer\r\n\r\n"));
    assert_int_equal(world.served, 0);
    static const char upload[] =
        "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX";
    CHECK_REFUSED(400, upload);
    assert_int_equal(world.handler_errno, EBADMSG);
}

static void test_endless_chunk_extensions_and_trailers_are_bounded(void **state)
{
    (void)state;
    char request[40000];
    int head = snprintf(request, sizeof(request), POST_CHUNKED("1;"));
    memset(request + head, 'x', sizeof(request) - (size_t)head);
    check_refused(request, sizeof(request), 400);
    head = snprintf(request, sizeof(request), POST_CHUNKED("0\r\na:"));
    memset(request + head, 'x', sizeof(request) - (size_t)head);
    check_refused(request, sizeof(request), 431);
    char *end = stpcpy(request, POST_CHUNKED("0\r\n"));
    for (int i = 0; i <= GUST__HTTP1_TRAILERS; i++)
        end = stpcpy(end, "a: b\r\n");
    end = stpcpy(end, "\r\n");
    check_refused(request, (size_t)(end - request), 431);
}

static void check_served(const char *request, size_t size)
{
    struct client *client = connect_client();
    say_bytes(client, request, size);
    assert_true(has(client, "HTTP/1.1 200 OK\r\n"));
    assert_false(client->ended);
    disconnect(client);
}

/* A head of exactly so many bytes, in the header section or in the request line. */
static size_t make_head(char *to, size_t size, bool in_line)
{
    char *end = stpcpy(to, in_line ? "GET /hello?" : "GET /hello HTTP/1.1\r\nHost: a\r\nx: ");
    const char *rest = in_line ? " HTTP/1.1\r\nHost: a\r\n\r\n" : "\r\n\r\n";
    size_t fill = size - (size_t)(end - to) - strlen(rest);
    memset(end, 'x', fill);
    strcpy(end + fill, rest);
    return size;
}

static void test_the_head_has_a_largest_size(void **state)
{
    (void)state;
    static char head[200 << 10];
    size_t max = world.service.max_head;
    check_served(head, make_head(head, max - 1, false));
    check_served(head, make_head(head, max, false));
    check_refused(head, make_head(head, max + 1, false), 431);
    check_refused(head, make_head(head, 100 << 10, false), 431);
    world.service.max_head = 100 << 10; /* more than a chunk */
    check_served(head, make_head(head, 100 << 10, false));
    check_refused(head, make_head(head, (100 << 10) + 1, false), 431);
    size_t behind_line = strlen("Host: a\r\n\r\n");
    check_served(head, make_head(head, GUST__HTTP1_LINE - 1 + behind_line, true));
    check_served(head, make_head(head, GUST__HTTP1_LINE + behind_line, true));
    check_refused(head, make_head(head, GUST__HTTP1_LINE + 1 + behind_line, true), 414);
}

static void test_the_head_has_a_largest_count_of_headers(void **state)
{
    (void)state;
    for (unsigned count = world.service.max_headers - 1; count <= world.service.max_headers + 1; count++) {
        char head[2000];
        char *end = stpcpy(head, "GET /hello HTTP/1.1\r\nHost: a\r\n");
        for (unsigned i = 1; i < count; i++)
            end = stpcpy(end, "a: b\r\n");
        end = stpcpy(end, "\r\n");
        if (count <= world.service.max_headers)
            check_served(head, (size_t)(end - head));
        else
            check_refused(head, (size_t)(end - head), 431);
    }
}

static void test_the_body_has_a_largest_size(void **state)
{
    (void)state;
    const char *paths[] = {"echo", "upload"};
    world.admit_max_body = 10;
    for (int i = 0; i < 2; i++) {
        for (int size = 9; size <= 11; size++) {
            char request[300];
            int length = snprintf(request, sizeof(request),
                                  "POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%.*s", paths[i],
                                  size, size, "0123456789abc");
            if (size <= 10)
                check_served(request, (size_t)length);
            else
                check_refused(request, (size_t)length, 413);
            length = snprintf(request, sizeof(request),
                              "POST /%s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "5\r\n01234\r\n%x\r\n%.*s\r\n0\r\n\r\n",
                              paths[i], size - 5, size - 5, "56789abc");
            if (size <= 10)
                check_served(request, (size_t)length);
            else
                check_refused(request, (size_t)length, 413);
        }
    }
    CHECK_REFUSED(413,
                  "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");
}

static void test_a_service_without_bodies_refuses_them(void **state)
{
    (void)state;
    world.service.max_body = 0;
    CHECK_REFUSED(413, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    CHECK_REFUSED(413, POST_CHUNKED("1\r\nx\r\n0\r\n\r\n"));
    check_served(GET("/hello"), sizeof(GET("/hello")) - 1);
}

/* ---- what the handler leaves of a body ---- */

static void check_left_over(size_t size, bool kept)
{
    struct client *client = connect_client();
    char *body = calloc(1, size);
    char head[100];
    world.admit_max_body = 1 << 20;
    snprintf(head, sizeof(head), "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", size);
    say(client, head);
    say_bytes(client, body, size);
    say(client, GET("/hello"));
    assert_true(has(client, "ignored\n"));
    assert_int_equal(has(client, "hello\n"), kept);
    assert_int_equal(client->ended, !kept);
    free(body);
    disconnect(client);
}

static void test_an_unread_body_is_read_over_within_a_limit(void **state)
{
    (void)state;
    check_left_over(10, true);
    check_left_over(GUST__HTTP1_DISCARD_MAX - 1, true);
    check_left_over(GUST__HTTP1_DISCARD_MAX, true);
    check_left_over(GUST__HTTP1_DISCARD_MAX + 1, false);
}

static void test_an_unread_chunked_body_is_read_over_within_a_limit(void **state)
{
    (void)state;
    char *body = calloc(1, 70000);
    for (int chunks = 4; chunks <= 6; chunks += 2) {
        struct client *client = connect_client();
        say(client, "POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < chunks; i++) {
            say(client, "c800\r\n"); /* 51,200 */
            say_bytes(client, body, 51200);
            say(client, "\r\n");
        }
        say(client, "0\r\n\r\n" GET("/hello"));
        assert_int_equal(has(client, "hello\n"), chunks == 4);
        disconnect(client);
    }
    free(body);
}

/* ---- the client's end in the middle ---- */

static void test_a_client_that_ends_in_the_middle_is_told(void **state)
{
    (void)state;
    static const char *requests[] = {
        "GET /hello HTTP/1.1\r\n", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab",
        "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", POST_CHUNKED("3\r\nab")};
    for (int i = 0; i < 4; i++) {
        struct client *client = connect_client();
        say(client, requests[i]);
        assert_int_equal(client->size, 0);
        say_end(client);
        assert_int_equal(strncmp(client->data, "HTTP/1.1 400 ", 13), 0);
        assert_true(client->ended);
        disconnect(client);
    }
    struct client *client = connect_client();
    say_end(client);
    assert_int_equal(client->size, 0);
    assert_true(client->ended);
    disconnect(client);
}

static void test_a_half_closed_client_gets_its_answers(void **state)
{
    (void)state;
    struct client *client = connect_client();
    say(client, GET("/park") GET("/hello"));
    say_end(client);
    assert_false(client->ended);
    gust__wake(world.parked);
    settle(client);
    assert_string_equal(without_date(client), OK_OF("7") "\r\nparked\n" HELLO);
    assert_true(client->ended);
    disconnect(client);
}

/* ---- time ---- */

static void check_times_out(const char *request, const char *status)
{
    struct client *client = connect_client();
    say(client, request);
    WAIT_UNTIL((settle(client), client->ended));
    if (status)
        assert_int_equal(strncmp(client->data, status, strlen(status)), 0);
    else
        assert_int_equal(client->size, 0);
    disconnect(client);
    assert_int_equal(gust__http_server_connections(world.server), 0);
}

static void test_time_is_limited(void **state)
{
    (void)state;
    world.service.header_timeout = GUST_MS(20);
    check_times_out("GET /hello HT", "HTTP/1.1 408 ");
    world.service.idle_timeout = GUST_MS(20);
    check_times_out("", NULL);
    check_times_out(GET("/hello"), "HTTP/1.1 200 ");
    world.admit_body_timeout = GUST_MS(20);
    check_times_out("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", "HTTP/1.1 408 ");
    check_times_out("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", "HTTP/1.1 408 ");
    assert_int_equal(world.handler_errno, ETIMEDOUT);
}

static void test_a_dripping_head_does_not_move_its_deadline(void **state)
{
    (void)state;
    world.service.header_timeout = GUST_MS(60);
    struct client *client = connect_client();
    say(client, "GET /hello HTTP/1.1\r\n");
    WAIT_UNTIL((gust__sys_send(client->fd, "a: b\r\n", 6, MSG_NOSIGNAL), settle(client), client->size > 0));
    assert_int_equal(strncmp(client->data, "HTTP/1.1 4", 10), 0); /* 408, or 431 on a machine that fast */
    disconnect(client);
}

static void test_a_client_that_takes_nothing_is_given_up(void **state)
{
    (void)state;
    world.service.write_timeout = GUST_MS(20);
    struct client *client = connect_client();
    gust__sys_send(client->fd, GET("/big/900000"), sizeof(GET("/big/900000")) - 1, 0);
    WAIT_UNTIL(gust__http_server_connections(world.server) == 0);
    assert_int_equal(world.handler_errno, EPIPE);
    disconnect(client);
}

static void test_a_refused_client_that_goes_on_sending_still_reads_its_answer(void **state)
{
    (void)state;
    struct client *client = connect_tcp();
    world.admit_max_body = 10;
    static char body[200 << 10];
    say(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 204800\r\n\r\n");
    say_bytes(client, body, sizeof(body));
    assert_int_equal(strncmp(client->data, "HTTP/1.1 413 ", 13), 0);
    assert_true(client->ended);
    assert_false(client->reset);
    assert_int_equal(gust__http_server_connections(world.server), 1);
    disconnect(client);
    assert_int_equal(gust__http_server_connections(world.server), 0);
}

static void test_lingering_ends(void **state)
{
    (void)state;
    struct client *client = connect_tcp();
    say(client, "garbage\r\n\r\n");
    assert_int_equal(gust__http_server_connections(world.server), 1);
    WAIT_UNTIL(gust__http_server_connections(world.server) == 0);
    disconnect(client);
    client = connect_tcp();
    static char endless[GUST__HTTP1_LINGER_MAX + 1];
    say(client, "garbage\r\n\r\n");
    say_bytes(client, endless, sizeof(endless));
    assert_int_equal(gust__http_server_connections(world.server), 0);
    disconnect(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_heads_are_refused),
        TEST(bad_chunks_are_refused),
        TEST(endless_chunk_extensions_and_trailers_are_bounded),
        TEST(the_head_has_a_largest_size),
        TEST(the_head_has_a_largest_count_of_headers),
        TEST(the_body_has_a_largest_size),
        TEST(a_service_without_bodies_refuses_them),
        TEST(an_unread_body_is_read_over_within_a_limit),
        TEST(an_unread_chunked_body_is_read_over_within_a_limit),
        TEST(a_client_that_ends_in_the_middle_is_told),
        TEST(a_half_closed_client_gets_its_answers),
        TEST(time_is_limited),
        TEST(a_dripping_head_does_not_move_its_deadline),
        TEST(a_client_that_takes_nothing_is_given_up),
        TEST(a_refused_client_that_goes_on_sending_still_reads_its_answer),
        TEST(lingering_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
