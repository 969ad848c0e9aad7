/* What a client gets: answers, their framing, keep-alive, pipelines, bodies, in whatever pieces the request
 * comes. */
#include "http/http1_testing.h"

static void test_a_plain_request_gets_a_plain_answer(void **state)
{
    (void)state;
    struct client *client = connect_client();
    say(client, GET("/hello"));
    assert_string_equal(without_date(client), HELLO);
    assert_int_equal(count_of(client->data, "\r\nDate: "), 1);
    assert_false(client->ended);
    assert_int_equal(world.logged, 1);
    assert_int_equal(gust__http_server_exchanges(world.server), 0);
    forget(client);
    say(client, GET("/hello"));
    assert_string_equal(without_date(client), HELLO);
    disconnect(client);
    assert_int_equal(gust__http_server_connections(world.server), 0);
}

static void test_pipelined_requests_are_answered_in_order_by_one_write(void **state)
{
    (void)state;
    struct client *client = connect_client();
    const char *requests =
        GET("/hello") "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" GET("/pieces")
            GET("/hello");
    assert_int_equal(gust__sys_send(client->fd, requests, strlen(requests), 0), strlen(requests));
    turn_loop(1);
    client->size = (size_t)gust__sys_recv(client->fd, client->data, RECEIVED, 0);
    client->data[client->size] = '\0';
    assert_string_equal(
        without_date(client),
        HELLO OK_OF("3") "\r\nabc"
                         "HTTP/1.1 200 OK\r\nServer: test\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "4\r\none,\r\n4\r\ntwo,\r\n5\r\nthree\r\n0\r\n\r\n" HELLO);
    disconnect(client);
}

static void test_thousands_of_pipelined_requests_leave_others_their_turn(void **state)
{
    (void)state;
    enum { REQUESTS = 1000 };
    struct client *greedy = connect_client();
    struct client *modest = connect_client();
    char *requests = malloc(REQUESTS * sizeof(GET("/hello")));
    char *end = requests;
    for (int i = 0; i < REQUESTS; i++)
        end = stpcpy(end, GET("/hello"));
    assert_int_equal(gust__sys_send(greedy->fd, requests, (size_t)(end - requests), 0), end - requests);
    assert_true(gust__sys_send(modest->fd, GET("/hello"), sizeof(GET("/hello")) - 1, 0) > 0);
    turn_loop(1);
    assert_true(world.served <= 2 * GUST__HTTP1_TURN);
    take(modest);
    assert_string_equal(without_date(modest), HELLO);
    turn_loop(40);
    settle(greedy);
    assert_int_equal(count_of(greedy->data, "hello\n"), REQUESTS);
    free(requests);
    disconnect(greedy);
    disconnect(modest);
}

/* Every kind of request, one behind the other, cut in two at every place. */
static void test_a_split_at_any_place_changes_no_answer(void **state)
{
    (void)state;
    static const char requests[] =
        GET("/hello") "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345"
                      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n" GET(
                          "/pieces") "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd"
                                     "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                     "2\r\nab\r\n0\r\n\r\n"
                                     "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd"
                                     "POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                     "2\r\nab\r\n0\r\n\r\n" GET("/status/204") GET("/hello");
    struct client *whole = connect_client();
    say(whole, requests);
    char *expected = strdup(without_date(whole));
    assert_int_equal(count_of(expected, "HTTP/1.1 "), 10);
    for (size_t at = 1; at < sizeof(requests) - 1; at++) {
        struct client *client = connect_client();
        say_bytes(client, requests, at);
        say_bytes(client, requests + at, sizeof(requests) - 1 - at);
        assert_string_equal(without_date(client), expected);
        disconnect(client);
    }
    struct client *slow = connect_client();
    for (size_t at = 0; at < sizeof(requests) - 1; at++)
        say_bytes(slow, requests + at, 1);
    assert_string_equal(without_date(slow), expected);
    disconnect(slow);
    disconnect(whole);
    free(expected);
}

static void check_kept(const char *request, const char *line, bool kept)
{
    struct client *client = connect_client();
    say(client, request);
    assert_true(has(client, "HTTP/1.1 200 OK\r\n"));
    if (line)
        assert_true(has(client, line));
    else
        assert_false(has(client, "\r\nConnection:"));
    assert_int_equal(client->ended, !kept);
    disconnect(client);
}

static void test_the_connection_goes_on_as_the_client_asks(void **state)
{
    (void)state;
    check_kept("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", NULL, true);
    check_kept("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "\r\nConnection: close\r\n",
               false);
    check_kept("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: ,x, Close ,\r\n\r\n",
               "\r\nConnection: close\r\n", false);
    check_kept("GET /hello HTTP/1.0\r\n\r\n", "\r\nConnection: close\r\n", false);
    check_kept("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "\r\nConnection: keep-alive\r\n",
               true);
    check_kept("GET /close-after HTTP/1.1\r\nHost: a\r\n\r\n", "\r\nConnection: close\r\n", false);
    check_kept("GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "\r\nConnection: close\r\n", false);
    world.service.no_keep_alive = true;
    check_kept(GET("/hello"), "\r\nConnection: close\r\n", false);
}

static void test_a_streamed_answer_to_an_old_client_ends_with_the_connection(void **state)
{
    (void)state;
    struct client *client = connect_client();
    say(client, "GET /pieces HTTP/1.0\r\n\r\n");
    assert_string_equal(without_date(client),
                        "HTTP/1.1 200 OK\r\nServer: test\r\nConnection: close\r\n\r\none,two,three");
    assert_true(client->ended);
    disconnect(client);
}

static void test_the_last_of_the_allowed_requests_closes(void **state)
{
    (void)state;
    struct client *client = connect_client();
    world.service.max_requests = 3;
    say(client, GET("/hello") GET("/hello"));
    assert_false(has(client, "Connection: close"));
    say(client, GET("/hello") GET("/hello"));
    assert_int_equal(count_of(client->data, "hello\n"), 3);
    assert_int_equal(count_of(client->data, "Connection: close"), 1);
    assert_true(client->ended);
    disconnect(client);
}

static void check_answer(const char *request, const char *expected)
{
    struct client *client = connect_client();
    say(client, request);
    assert_string_equal(without_date(client), expected);
    disconnect(client);
}

static void test_answers_without_a_body_have_none(void **state)
{
    (void)state;
    check_answer("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n" GET("/hello"), OK_OF("6") "\r\n" HELLO);
    check_answer("HEAD /pieces HTTP/1.1\r\nHost: a\r\n\r\n" GET("/hello"),
                 "HTTP/1.1 200 OK\r\nServer: test\r\nTransfer-Encoding: chunked\r\n\r\n" HELLO);
    check_answer("HEAD /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                 "HTTP/1.1 200 OK\r\nServer: test\r\nConnection: keep-alive\r\n\r\n");
    check_answer(GET("/status/204") GET("/hello"),
                 "HTTP/1.1 204 No Content\r\nServer: test\r\nContent-Type: text/plain\r\n\r\n" HELLO);
    check_answer(GET("/status/304") GET("/hello"),
                 "HTTP/1.1 304 Not Modified\r\nServer: test\r\nContent-Type: text/plain\r\n\r\n" HELLO);
    check_answer(GET("/status/299"),
                 "HTTP/1.1 299 \r\nServer: test\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n");
}

static void test_a_body_that_is_not_as_long_as_announced_is_cut(void **state)
{
    (void)state;
    struct client *client = connect_client();
    say(client, GET("/exact") GET("/hello"));
    assert_true(has(client, "\r\n\r\n12345678HTTP/1.1 200 OK\r\n"));
    assert_int_equal(world.handler_errno, 0);
    disconnect(client);
    const char *paths[] = {GET("/short") GET("/hello"), GET("/long") GET("/hello")};
    for (int i = 0; i < 2; i++) {
        world.handler_errno = 0;
        client = connect_client();
        say(client, paths[i]);
        assert_int_equal(world.handler_errno, EINVAL);
        assert_true(has(client, "\r\n\r\n1234"));
        assert_false(has(client, "5678"));
        assert_int_equal(count_of(client->data, "HTTP/1.1 "), 1);
        assert_true(client->ended);
        disconnect(client);
    }
}

static void test_what_a_handler_leaves_undone_is_settled(void **state)
{
    (void)state;
    CHECK_REFUSED(500, GET("/never-begun") GET("/hello"));
    struct client *client = connect_client();
    say(client, GET("/never-ended") GET("/hello"));
    assert_true(has(client, "\r\n\r\n5\r\nbegun\r\n"));
    assert_false(has(client, "\r\n0\r\n"));
    assert_int_equal(count_of(client->data, "HTTP/1.1 "), 1);
    assert_true(client->ended);
    disconnect(client);
}

static void test_a_large_answer_waits_for_its_reader(void **state)
{
    (void)state;
    static const char *paths[] = {GET("/big/16384"), GET("/big/16385"), GET("/big/65536"), GET("/big/65537"),
                                  GET("/big/900000")};
    static const size_t sizes[] = {16384, 16385, 65536, 65537, 900000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct client *client = connect_client();
        int small = 4096;
        gust__sys_setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        assert_true(gust__sys_send(client->fd, paths[i], strlen(paths[i]), 0) > 0);
        turn_loop(10);
        assert_int_equal(gust__http_server_exchanges(world.server), i == 4);
        WAIT_UNTIL((take(client), client->size > sizes[i]));
        settle(client);
        const char *body = strstr(client->data, "\r\n\r\n") + 4;
        assert_int_equal(client->size - (size_t)(body - client->data), sizes[i]);
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(body[at], big_byte(at));
        forget(client);
        say(client, GET("/hello"));
        assert_string_equal(without_date(client), HELLO);
        disconnect(client);
    }
}

static void test_a_client_that_does_not_read_gets_no_more_answers_made(void **state)
{
    (void)state;
    struct client *client = connect_client();
    char requests[64 * sizeof(GET("/big/9999"))];
    char *end = requests;
    for (int i = 0; i < 64; i++)
        end = stpcpy(end, GET("/big/9999"));
    assert_int_equal(gust__sys_send(client->fd, requests, (size_t)(end - requests), 0), end - requests);
    turn_loop(100);
    int served = world.served;
    assert_true(served < 64);
    turn_loop(100);
    assert_int_equal(world.served, served);
    WAIT_UNTIL((take(client), count_of(client->data, "HTTP/1.1 200") == 64));
    disconnect(client);
}

static void test_input_waits_while_a_handler_runs(void **state)
{
    (void)state;
    struct client *client = connect_client();
    say(client, GET("/hello") GET("/park") GET("/hello"));
    assert_string_equal(without_date(client), HELLO);
    assert_int_equal(world.served, 2);
    say(client, GET("/hello"));
    assert_int_equal(world.served, 2);
    assert_true(path_is(world.exchange, "/park"));
    gust__wake(world.parked);
    settle(client);
    assert_string_equal(without_date(client), HELLO OK_OF("7") "\r\nparked\n" HELLO HELLO);
    disconnect(client);
}

static void test_the_expectation_is_met_when_the_body_is_wanted(void **state)
{
    (void)state;
    const char *paths[] = {"echo", "upload"};
    for (int i = 0; i < 2; i++) {
        struct client *client = connect_client();
        char request[200];
        snprintf(request, sizeof(request),
                 "POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
                 paths[i]);
        say(client, request);
        assert_string_equal(client->data, "HTTP/1.1 100 Continue\r\n\r\n");
        forget(client);
        say(client, "abc");
        assert_true(has(client, i == 0 ? "\r\n\r\nabc" : "\r\n\r\n3\n"));
        assert_false(client->ended);
        disconnect(client);
    }
    struct client *client = connect_client();
    say(client, "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(count_of(client->data, "HTTP/1.1 "), 1);
    assert_true(has(client, "\r\nConnection: close\r\n"));
    assert_true(client->ended);
    disconnect(client);
    CHECK_REFUSED(417, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 200-maybe\r\n\r\n");
}

static void test_forms_of_the_target_reach_the_handler(void **state)
{
    (void)state;
    check_answer("GET http://a:80/hello HTTP/1.1\r\nHost: b\r\n\r\n", HELLO);
    struct client *client = connect_client();
    say(client, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(has(client, "HTTP/1.1 404 "));
    assert_int_equal(world.served, 2);
    assert_true(gust__slice_equals(world.exchange->head->path, GUST__SLICE("*")));
    disconnect(client);
    CHECK_REFUSED(501, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n");
}

static void test_a_large_upload_is_read_as_it_comes(void **state)
{
    (void)state;
    enum { SIZE = 5 << 20 };
    struct client *client = connect_client();
    world.admit_max_body = SIZE;
    char *body = calloc(1, SIZE);
    say(client, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5242880\r\n\r\n");
    say_bytes(client, body, SIZE);
    assert_true(has(client, "\r\n\r\n5242880\n"));
    say(client, "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n500000\r\n");
    say_bytes(client, body, SIZE);
    assert_int_equal(count_of(client->data, "\n5242880\n"), 1);
    say(client, "\r\n0\r\n\r\n");
    assert_int_equal(count_of(client->data, "\n5242880\n"), 2);
    free(body);
    disconnect(client);
}

static void test_an_upload_is_held_back_while_nobody_reads(void **state)
{
    (void)state;
    struct client *client = connect_client();
    static char body[64 << 10];
    int sent = 0;
    say(client, "POST /park HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    for (ssize_t one; (one = gust__sys_send(client->fd, body, sizeof(body), 0)) > 0; turn_loop(3))
        sent += (int)one;
    assert_true(sent < 4 << 20);
    gust__wake(world.parked);
    disconnect(client);
}

static void test_collected_bodies_of_any_size_arrive_whole(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 500000};
    char *body = malloc(500001);
    for (size_t i = 0; i < 500000; i++)
        body[i] = big_byte(i);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct client *client = connect_client();
        char head[200];
        int size = snprintf(head, sizeof(head),
                            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", sizes[i]);
        say_bytes(client, head, (size_t)size);
        say_bytes(client, body, sizes[i]);
        const char *answer = strstr(client->data, "\r\n\r\n");
        assert_non_null(answer);
        assert_int_equal(client->size - (size_t)(answer + 4 - client->data), sizes[i]);
        assert_memory_equal(answer + 4, body, sizes[i]);
        forget(client);
        size = snprintf(head, sizeof(head),
                        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        say_bytes(client, head, (size_t)size);
        if (sizes[i]) {
            size = snprintf(head, sizeof(head), "%x\r\n", (unsigned)sizes[i]);
            say_bytes(client, head, (size_t)size);
            say_bytes(client, body, sizes[i]);
            say(client, "\r\n");
        }
        say(client, "0\r\n\r\n");
        answer = strstr(client->data, "\r\n\r\n");
        assert_non_null(answer);
        assert_int_equal(client->size - (size_t)(answer + 4 - client->data), sizes[i]);
        assert_memory_equal(answer + 4, body, sizes[i]);
        disconnect(client);
    }
    free(body);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plain_request_gets_a_plain_answer),
        TEST(pipelined_requests_are_answered_in_order_by_one_write),
        TEST(thousands_of_pipelined_requests_leave_others_their_turn),
        TEST(a_split_at_any_place_changes_no_answer),
        TEST(the_connection_goes_on_as_the_client_asks),
        TEST(a_streamed_answer_to_an_old_client_ends_with_the_connection),
        TEST(the_last_of_the_allowed_requests_closes),
        TEST(answers_without_a_body_have_none),
        TEST(a_body_that_is_not_as_long_as_announced_is_cut),
        TEST(what_a_handler_leaves_undone_is_settled),
        TEST(a_large_answer_waits_for_its_reader),
        TEST(a_client_that_does_not_read_gets_no_more_answers_made),
        TEST(input_waits_while_a_handler_runs),
        TEST(the_expectation_is_met_when_the_body_is_wanted),
        TEST(forms_of_the_target_reach_the_handler),
        TEST(a_large_upload_is_read_as_it_comes),
        TEST(an_upload_is_held_back_while_nobody_reads),
        TEST(collected_bodies_of_any_size_arrive_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
