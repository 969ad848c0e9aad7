/* Ends: the client's, the handler's, the server's and the loop's, in any order. That nothing is freed twice,
 * used afterwards or forgotten is for the sanitizers to see; that nothing stays open is counted here. */
#include "http/http1_testing.h"
#include "loop/loop_int.h"

/* What a client has said when something ends. */
static const struct stage {
    const char *name, *said;
    bool reads_nothing;
} stages[] = {
    {"nothing", "", false},
    {"part of a head", "GET /hello HT", false},
    {"an answered request", GET("/hello"), false},
    {"an answer and part of a head", GET("/hello") "GET /h", false},
    {"part of a buffered body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", false},
    {"part of a chunked body", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
     false},
    {"part of a streamed body", "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", false},
    {"part of a streamed chunked body",
     "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", false},
    {"part of a body that nobody reads", "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
     false},
    {"a request whose handler waits", GET("/park"), false},
    {"and more behind it", GET("/hello") GET("/park") GET("/hello"), false},
    {"a request whose handler watches", GET("/poll"), false},
    {"a request for more than it takes", GET("/big/900000"), true},
    {"several of those", GET("/big/9999") GET("/big/200000") GET("/big/900000"), true},
    {"a bad request", "garbage\r\n\r\n", false},
};
enum { STAGES = sizeof(stages) / sizeof(*stages) };

static struct client *bring_to(const struct stage *stage, bool tcp)
{
    struct client *client = tcp ? connect_tcp() : connect_client();
    world.parked = NULL;
    if (stage->reads_nothing) {
        assert_true(gust__sys_send(client->fd, stage->said, strlen(stage->said), 0) > 0);
        turn_loop(20);
    } else {
        say(client, stage->said);
    }
    return client;
}

/* Lets a handler that waits for the test go on. */
static void release_handler(void)
{
    if (world.parked && gust__http_server_exchanges(world.server) > 0)
        gust__wake(world.parked);
    world.parked = NULL;
    turn_loop(10);
}

static void leave(struct client *client, bool reset)
{
    struct linger linger = {.l_onoff = 1};
    if (reset)
        gust__sys_setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    disconnect(client);
    turn_loop(10);
}

static void test_the_client_may_leave_at_any_stage(void **state)
{
    (void)state;
    for (int i = 0; i < 3 * STAGES; i++) {
        leave(bring_to(&stages[i / 3], i % 3 > 0), i % 3 == 2);
        release_handler();
        if (gust__http_server_connections(world.server) != 0 ||
            gust__http_server_exchanges(world.server) != 0)
            fail_msg("behind %s, way %d, something stays", stages[i / 3].name, i % 3);
        assert_int_equal(gust__coroutine_count(world.loop), 0);
    }
    assert_int_equal(gust__loop_timers(world.loop), 0);
}

static void test_the_server_may_end_at_any_stage(void **state)
{
    for (int i = 0; i < STAGES; i++) {
        struct client *client = bring_to(&stages[i], false);
        gust_loop *before = gust__loop_enter(world.loop);
        gust__http_server_free(world.server);
        gust__loop_leave(before);
        world.server = NULL;
        turn_loop(10);
        settle(client);
        assert_true(client->ended || client->reset);
        assert_int_equal(gust__coroutine_count(world.loop), 0);
        disconnect(client);
        end_world(state);
        begin_world(state);
    }
}

static void test_the_loop_may_end_at_any_stage(void **state)
{
    for (int i = 0; i < 2 * STAGES; i++) {
        struct client *client = bring_to(&stages[i / 2], false);
        if (i % 2) {
            gust__http_server_free(world.server);
            world.server = NULL;
        }
        gust_loop_close(world.loop);
        take(client);
        assert_true(client->ended || client->reset);
        gust__sys_close(client->fd);
        free(client);
        end_world(state);
        begin_world(state);
    }
}

static void test_a_cut_handler_is_cancelled(void **state)
{
    (void)state;
    struct client *client = bring_to(&stages[9], false);
    gust__http_server_free(world.server);
    world.server = NULL;
    turn_loop(10);
    assert_int_equal(world.handler_errno, EPIPE); /* of its answer, which it tried to give all the same */
    assert_int_equal(world.logged, 1);
    disconnect(client);
}

static void test_a_handler_whose_client_left_goes_on(void **state)
{
    (void)state;
    leave(bring_to(&stages[9], true), true);
    assert_int_equal(gust__http_server_exchanges(world.server), 1);
    assert_true(world.exchange->gone);
    assert_int_equal(world.gone, 0); /* it had not asked */
    char byte;
    assert_int_equal(world.exchange->operations->read_body(world.exchange, &byte, 1), 0);
    release_handler();
    assert_int_equal(world.handler_errno, EPIPE);
    assert_int_equal(gust__http_server_exchanges(world.server), 0);
}

static void test_a_handler_that_watches_learns_of_a_client_that_left(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        world.gone = 0;
        leave(bring_to(&stages[11], way > 0), way == 2);
        WAIT_UNTIL(world.gone == 1);
        assert_true(world.exchange->gone);
        release_handler();
        assert_int_equal(world.gone, 1);
    }
}

static void test_a_half_closed_client_is_not_taken_for_gone(void **state)
{
    (void)state;
    struct client *client = bring_to(&stages[11], true);
    say_end(client);
    settle(client);
    assert_string_equal(client->data, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(world.gone, 0);
    release_handler();
    settle(client);
    assert_true(has(client, "\r\n\r\nparked\n"));
    disconnect(client);
    client = connect_tcp();
    say(client, "GET /poll HTTP/1.0\r\n\r\n");
    say_end(client);
    assert_int_equal(client->size, 0);
    release_handler();
    settle(client);
    assert_true(has(client, "\r\n\r\nparked\n"));
    assert_int_equal(world.gone, 0);
    disconnect(client);
}

static void test_a_client_that_ends_its_side_behind_the_head_has_left(void **state)
{
    (void)state;
    static const char *const requests[] = {GET("/events"), GET("/late-events"),
                                           "GET /events HTTP/1.0\r\n\r\n"};
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        struct client *client = connect_tcp();
        world.gone = 0;
        say(client, requests[i]);
        assert_true(has(client, "first,"));
        assert_int_equal(world.gone, 0);
        say_end(client);
        WAIT_UNTIL(world.gone == 1);
        assert_true(world.exchange->gone);
        release_handler();
        assert_int_equal(world.handler_errno, EPIPE);
        disconnect(client);
    }
}

static void test_one_that_had_ended_it_before_gets_the_whole_stream(void **state)
{
    (void)state;
    struct client *client = connect_tcp();
    assert_true(gust__sys_send(client->fd, GET("/events"), sizeof(GET("/events")) - 1, 0) > 0);
    say_end(client);
    assert_true(has(client, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 "));
    assert_int_equal(world.gone, 0);
    release_handler();
    settle(client);
    assert_true(has(client, "last"));
    assert_true(client->ended);
    disconnect(client);
}

static void test_what_follows_an_answer_is_not_told_of_a_half_close(void **state)
{
    (void)state;
    struct client *client = connect_tcp();
    say(client, GET("/answered"));
    say_end(client);
    assert_true(has(client, "whole\n"));
    assert_int_equal(world.gone, 0);
    release_handler();
    disconnect(client);
}

static void test_a_handler_that_throws_is_answered_for(void **state)
{
    (void)state;
    CHECK_REFUSED(500, GET("/throw"));
}

/* ---- drain ---- */

static void note_finished(void *argument)
{
    ++*(int *)argument;
}

static void drain(int64_t grace)
{
    gust__http_server_drain(world.server, grace, note_finished, &world.finished);
}

static void test_a_drain_without_connections_finishes(void **state)
{
    (void)state;
    drain(GUST_S(60));
    assert_int_equal(world.finished, 0);
    turn_loop(3);
    assert_int_equal(world.finished, 1);
}

static void test_a_drain_answers_what_comes_and_closes(void **state)
{
    (void)state;
    struct client *idle = connect_client();
    struct client *partial = bring_to(&stages[1], false);
    struct client *running = bring_to(&stages[10], false);
    say(idle, GET("/hello"));
    assert_false(has(idle, "Connection: close"));
    drain(GUST_S(60));
    turn_loop(3);
    say(idle, GET("/hello"));
    assert_int_equal(count_of(idle->data, "Connection: close"), 1);
    assert_true(idle->ended);
    say(partial, "TP/1.1\r\nHost: a\r\n\r\n");
    assert_true(has(partial, "hello\n"));
    assert_true(partial->ended);
    disconnect(idle);
    disconnect(partial);
    assert_int_equal(world.finished, 0);
    release_handler();
    settle(running);
    assert_true(has(running, "\r\nConnection: close\r\n\r\nparked\n"));
    assert_true(running->ended);
    disconnect(running);
    turn_loop(3);
    assert_int_equal(world.finished, 1);
}

static void test_a_drain_closes_idle_connections_after_their_grace(void **state)
{
    (void)state;
    struct client *client = connect_client();
    drain(GUST_MS(20));
    WAIT_UNTIL((settle(client), client->ended));
    assert_int_equal(client->size, 0);
    disconnect(client);
    turn_loop(3);
    assert_int_equal(world.finished, 1);
}

static void let_grace_end(void)
{
    gust__sys_nanosleep(&(struct timespec){0, 20000000}, NULL);
    turn_loop(3);
}

static void test_a_drain_waits_for_first_requests_without_any_grace(void **state)
{
    (void)state;
    struct client *asked = bring_to(&stages[2], true);
    struct client *fresh = connect_tcp();
    drain(0);
    let_grace_end();
    settle(asked);
    assert_true(asked->ended);
    disconnect(asked);
    say(fresh, GET("/hello"));
    assert_true(has(fresh, "hello\n"));
    assert_true(fresh->ended);
    disconnect(fresh);
    assert_int_equal(world.finished, 1);
}

/* What a client sends when the loop has looked at descriptors already, and comes to its timers. */
struct late {
    const struct client *client;
    const char *said;
};

static int say_late(void *argument)
{
    const struct late *late = argument;
    return gust__sys_send(late->client->fd, late->said, strlen(late->said), MSG_NOSIGNAL) > 0 ? 0 : -1;
}

static struct client *say_as_the_grace_ends(const char *said)
{
    struct client *client = bring_to(&stages[2], false);
    struct late late = {client, said};
    gust_timer timer = {.function = say_late, .argument = &late};
    forget(client);
    drain(GUST_MS(1));
    assert_int_equal(gust_timer_start(world.loop, &timer, gust__loop_time(world.loop)), 0);
    let_grace_end();
    settle(client);
    return client;
}

static void test_a_request_that_comes_as_the_grace_ends_is_answered(void **state)
{
    for (int pieces = 1; pieces <= 2; pieces++) {
        struct client *client = say_as_the_grace_ends(pieces == 1 ? GET("/hello") : "GET /hello HT");
        if (pieces == 2)
            say(client, "TP/1.1\r\nHost: a\r\n\r\n");
        assert_false(client->reset);
        assert_true(has(client, "\r\nConnection: close\r\n\r\nhello\n"));
        assert_true(client->ended);
        disconnect(client);
        assert_int_equal(world.finished, 1);
        end_world(state);
        begin_world(state);
    }
}

static void free_server(void *argument)
{
    gust__http_server_free(world.server);
    world.server = NULL;
    ++*(int *)argument;
}

static void test_a_finished_server_may_be_freed_at_once(void **state)
{
    (void)state;
    gust__http_server_drain(world.server, 1, free_server, &world.finished);
    turn_loop(5);
    assert_int_equal(world.finished, 1);
}

static void test_a_listener_drains_with_its_server(void **state)
{
    (void)state;
    gust_loop *before = gust__loop_enter(world.loop);
    gust__http_server_free(world.server);
    gust_listener *listener = gust_listen("127.0.0.1:0");
    assert_non_null(listener);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)gust_listener_port(listener)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    world.server = gust__http_server_new(world.loop, listener, &world.service);
    assert_non_null(world.server);
    gust__loop_leave(before);
    struct client *clients[2];
    for (int i = 0; i < 2; i++) {
        clients[i] = calloc(1, sizeof(**clients));
        clients[i]->fd = gust__sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(gust__sys_connect(clients[i]->fd, (struct sockaddr *)&address, sizeof(address)), 0);
        gust__sys_fcntl(clients[i]->fd, F_SETFL, O_NONBLOCK);
        if (i == 0)
            say(clients[0], GET("/hello"));
    }
    assert_true(has(clients[0], "hello\n"));
    assert_string_equal(gust__exchange_peer(world.exchange), "127.0.0.1");
    drain(GUST_S(60)); /* the second waits in the queue, perhaps */
    for (int i = 0; i < 2; i++) {
        say(clients[i], GET("/hello"));
        assert_true(has(clients[i], "Connection: close"));
        disconnect(clients[i]);
    }
    turn_loop(5);
    assert_int_equal(world.finished, 1);
}

/* ---- without memory ---- */

/* ---- answers that are written together ---- */

static struct client *first; /* of those that are ready at once */

/* One look at the descriptors, whose ends are gathered however slow this machine is. */
static void look_and_gather(void)
{
    gust_loop *before = gust__loop_enter(world.loop);
    gust__descriptors_poll(world.loop, 0);
    world.loop->cheap = true;
    gust__descriptors_dispatch(world.loop);
    gust__loop_leave(before);
}

static bool has_been_written_to(const struct client *client)
{
    char byte;
    return gust__sys_recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static void note_what_is_written(struct gust__exchange *exchange)
{
    note_log(exchange);
    if (world.logged == 3)
        world.handler_errno = has_been_written_to(first);
}

static void cut_behind_the_second(struct gust__exchange *exchange)
{
    note_log(exchange);
    if (world.logged == 2)
        gust__http_server_cut(world.server);
}

static void ask(struct client *client)
{
    assert_true(gust__sys_send(client->fd, GET("/hello"), sizeof(GET("/hello")) - 1, 0) > 0);
}

static void connect_three(struct client *clients[3])
{
    for (int i = 0; i < 3; i++)
        clients[i] = connect_client();
    turn_loop(5);
    for (int i = 0; i < 3; i++)
        ask(clients[i]);
    first = clients[0];
}

static void check_answered(struct client *client)
{
    take(client);
    assert_true(has(client, "HTTP/1.1 200 "));
    assert_true(has(client, "hello\n"));
}

static void test_answers_of_one_look_are_written_behind_it(void **state)
{
    (void)state;
    struct client *clients[3];
    world.service.log = note_what_is_written;
    world.handler_errno = -1;
    connect_three(clients);
    look_and_gather();
    assert_int_equal(world.handler_errno, false);
    for (int i = 0; i < 3; i++) {
        check_answered(clients[i]);
        disconnect(clients[i]);
    }
    assert_int_equal(gust__http_server_connections(world.server), 0);
}

static void test_a_late_answer_is_written_before_its_connection_is_cut(void **state)
{
    (void)state;
    struct client *clients[3];
    world.service.log = cut_behind_the_second;
    connect_three(clients);
    look_and_gather();
    check_answered(first);
    for (int i = 0; i < 3; i++)
        disconnect(clients[i]);
}

static void test_a_client_may_leave_before_its_late_answer(void **state)
{
    (void)state;
    struct client *clients[3];
    connect_three(clients);
    gust__sys_close(first->fd);
    look_and_gather();
    for (int i = 1; i < 3; i++)
        check_answered(clients[i]);
    assert_int_equal(gust__http_server_connections(world.server), 2);
    free(first);
    for (int i = 1; i < 3; i++)
        disconnect(clients[i]);
}

#ifdef GUST_FAULTS
static void test_any_allocation_may_fail(void **state)
{
    for (unsigned n = 1;; n++) {
        int served = world.served;
        struct client *client = connect_client();
        gust__faults_alloc_at(n, false);
        say(client, GET("/hello") "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
        say(client, "def" GET("/park") GET("/he"));
        release_handler();
        say(client, "llo HTTP/1.1\r\nHost: a\r\n\r\n");
        bool struck = gust__faults_struck() > 0;
        gust__faults_set(NULL);
        if (!struck)
            assert_int_equal(world.served - served, 4);
        else if (client->size && !client->reset)
            assert_true(has(client, "HTTP/1.1 503 ") || client->ended || world.served - served == 4);
        disconnect(client);
        assert_int_equal(gust__http_server_connections(world.server), 0);
        if (!struck)
            break;
        end_world(state);
        begin_world(state);
    }
}

static void test_any_system_call_may_fail(void **state)
{
    static const char *calls[] = {"recvfrom", "sendto", "sendmsg", "shutdown", "epoll_ctl"};
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        for (unsigned n = 1; n < 6; n++) {
            struct client *client = connect_client();
            const char *requests = GET("/hello") GET("/big/30000") "garbage\r\n\r\n";
            assert_true(gust__sys_send(client->fd, requests, strlen(requests), 0) > 0);
            gust__faults_sys_at(calls[i], n, false, EIO);
            turn_loop(10);
            gust__faults_set(NULL);
            disconnect(client);
            assert_int_equal(gust__http_server_connections(world.server), 0);
            end_world(state);
            begin_world(state);
        }
    }
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_client_may_leave_at_any_stage),
        TEST(the_server_may_end_at_any_stage),
        TEST(the_loop_may_end_at_any_stage),
        TEST(a_cut_handler_is_cancelled),
        TEST(a_handler_whose_client_left_goes_on),
        TEST(a_handler_that_watches_learns_of_a_client_that_left),
        TEST(a_half_closed_client_is_not_taken_for_gone),
        TEST(a_client_that_ends_its_side_behind_the_head_has_left),
        TEST(one_that_had_ended_it_before_gets_the_whole_stream),
        TEST(what_follows_an_answer_is_not_told_of_a_half_close),
        TEST(a_handler_that_throws_is_answered_for),
        TEST(a_drain_without_connections_finishes),
        TEST(a_drain_answers_what_comes_and_closes),
        TEST(a_drain_closes_idle_connections_after_their_grace),
        TEST(a_drain_waits_for_first_requests_without_any_grace),
        TEST(a_request_that_comes_as_the_grace_ends_is_answered),
        TEST(a_finished_server_may_be_freed_at_once),
        TEST(a_listener_drains_with_its_server),
        TEST(answers_of_one_look_are_written_behind_it),
        TEST(a_late_answer_is_written_before_its_connection_is_cut),
        TEST(a_client_may_leave_before_its_late_answer),
#ifdef GUST_FAULTS
        TEST(any_allocation_may_fail),
        TEST(any_system_call_may_fail),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
