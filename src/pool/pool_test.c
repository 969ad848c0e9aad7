#include "pool/loop_for_tests.h"

#include <gust/error.h>
#include <gust/log.h>
#include <gust/pool.h>

#include <pthread.h>

/* A client is a number; a server in the test's head. */
static struct {
    int opened, closed, pinged;
    bool refuse, slow, throw, bad;
    int clients[4000];
} server;

static void *open_client(void *argument)
{
    assert_ptr_equal(argument, &server);
    if (server.slow && gust_sleep(GUST_MS(5)) < 0)
        return NULL;
    if (server.throw)
        gust_throw(EPROTO, "thrown by open");
    if (server.refuse) {
        gust_error_set(ECONNREFUSED, "no server");
        return NULL;
    }
    server.clients[server.opened] = 1;
    return &server.clients[server.opened++];
}

static void close_client(int *client)
{
    assert_int_equal(*client, 1);
    *client = 0;
    server.closed++;
}

static int ping_client(void *client, void *argument)
{
    (void)client, (void)argument;
    server.pinged++;
    gust_yield();
    return server.bad ? -1 : 0;
}

#define NEW_POOL(...) \
    gust_pool_new(.open = open_client, .close = GUST_DROP(close_client), .argument = &server, ##__VA_ARGS__)

static int set_up(void **state)
{
    memset(&server, 0, sizeof(server));
    return set_up_loop(state);
}

#define pool_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down_loop)

/* Who takes a client, and holds it until told. */
struct user {
    gust_pool *pool;
    bool release, drop, done, took, interrupted;
    void *client;
    int code;
    int turn;
};

static int turns;

static int use(void *argument)
{
    struct user *user = argument;
    errno = 0;
    user->client = gust_pool_take(user->pool);
    user->code = errno;
    user->turn = ++turns;
    user->took = true;
    while (user->client && !user->release)
        if (gust_sleep(GUST_MS(1)) < 0 && user->interrupted)
            break;
    if (user->client && user->drop)
        gust_pool_drop(user->pool, user->client);
    else if (user->client)
        gust_pool_give(user->pool, user->client);
    user->done = true;
    return 0;
}

static struct gust__coroutine *start(struct user *user, gust_pool *pool)
{
    user->pool = pool;
    return gust__coroutine_start(test_loop, NULL, NULL, use, user);
}

static void end_user(struct user *user)
{
    user->release = true;
    RUN_UNTIL(user->done);
}

static void clients_are_used_again(void **state)
{
    (void)state;
    gust_pool *pool = NEW_POOL(.max = 8);
    struct user users[3] = {0};
    for (int i = 0; i < 3; i++) {
        start(&users[i], pool);
        RUN_UNTIL(users[i].took);
        assert_int_equal(gust_pool_taken_count(pool), 1);
        end_user(&users[i]);
    }
    assert_int_equal(server.opened, 1);
    assert_int_equal(gust_pool_open_count(pool), 1);
    assert_int_equal(gust_pool_taken_count(pool), 0);
    gust_pool_free(pool);
    assert_int_equal(server.closed, 1);
}

static void at_most_max_are_open_and_the_rest_wait_in_turn(void **state)
{
    (void)state;
    gust_pool *pool = NEW_POOL(.max = 2);
    struct user users[5] = {0};
    turns = 0;
    for (int i = 0; i < 5; i++)
        start(&users[i], pool);
    settle();
    assert_int_equal(server.opened, 2);
    assert_false(users[2].took || users[3].took || users[4].took);
    end_user(&users[1]);
    RUN_UNTIL(users[2].took);
    struct user late = {0};
    start(&late, pool);
    end_user(&users[0]);
    RUN_UNTIL(users[3].took);
    assert_false(users[4].took || late.took);
    users[2].drop = true; /* a place is handed on as well */
    end_user(&users[2]);
    RUN_UNTIL(users[4].took);
    assert_false(late.took);
    assert_int_equal(server.opened, 3);
    end_user(&users[3]);
    end_user(&users[4]);
    end_user(&late);
    for (int i = 0; i < 5; i++)
        assert_int_equal(users[i].turn, i + 1);
    gust_pool_free(pool);
    assert_int_equal(server.closed, server.opened);
}

static void waiting_has_an_end(void **state)
{
    (void)state;
    gust_pool *pool = NEW_POOL(.max = 1, .wait = GUST_MS(5));
    struct user users[3] = {0};
    start(&users[0], pool);
    start(&users[1], pool);
    RUN_UNTIL(users[1].done);
    assert_int_equal(users[1].code, ETIMEDOUT);
    end_user(&users[0]);
    start(&users[2], pool);
    end_user(&users[2]);
    assert_non_null(users[2].client);
    gust_pool_free(pool);
}

static void at_most_max_waiting_wait(void **state)
{
    (void)state;
    gust_pool *pool = NEW_POOL(.max = 1, .max_waiting = 2);
    struct user users[4] = {0};
    for (int i = 0; i < 4; i++)
        start(&users[i], pool);
    settle();
    assert_true(users[3].done && !users[2].took && !users[1].took);
    assert_int_equal(users[3].code, EAGAIN);
    for (int i = 0; i < 3; i++)
        end_user(&users[i]);
    assert_non_null(users[2].client);
    gust_pool_free(pool);
}

static void a_waiter_may_be_cancelled(void **state)
{
    (void)state;
    gust_pool *pool = NEW_POOL(.max = 1);
    struct user users[3] = {0};
    start(&users[0], pool);
    struct gust__coroutine *second = start(&users[1], pool);
    start(&users[2], pool);
    settle();
    gust__coroutine_cancel(second);
    RUN_UNTIL(users[1].done);
    assert_int_equal(users[1].code, ECANCELED);
    end_user(&users[0]);
    RUN_UNTIL(users[2].took);
    end_user(&users[2]);
    gust_pool_free(pool);
    assert_int_equal(server.closed, 1);
}

static void when_open_fails_nobody_hangs(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        gust_pool *pool = NEW_POOL(.max = 1);
        struct user users[3] = {0};
        server.slow = true;
        server.refuse = how == 0;
        server.throw = how == 1;
        for (int i = 0; i < 3; i++)
            start(&users[i], pool);
        RUN_UNTIL(users[0].done && users[1].done && users[2].done);
        for (int i = 0; i < 3; i++)
            assert_int_equal(users[i].code, how == 0 ? ECONNREFUSED : EPROTO);
        assert_int_equal(gust_pool_open_count(pool), 0);
        server.refuse = server.throw = false;
        struct user last = {0};
        start(&last, pool);
        end_user(&last);
        assert_non_null(last.client);
        gust_pool_free(pool);
    }
}

static void a_client_of_an_interrupted_holder_is_closed(void **state)
{
    (void)state;
    gust_pool *pool = NEW_POOL(.max = 8);
    struct user users[2] = {{.interrupted = true}};
    struct gust__coroutine *holder = start(&users[0], pool);
    RUN_UNTIL(users[0].took);
    gust__coroutine_cancel(holder);
    RUN_UNTIL(users[0].done);
    assert_int_equal(server.closed, 1);
    assert_int_equal(gust_pool_open_count(pool), 0);
    start(&users[1], pool);
    end_user(&users[1]);
    assert_int_equal(server.opened, 2);
    gust_pool_free(pool);
}

/* Interrupted before it took the client, but not after. */
static int interrupted_before(void *argument)
{
    {
        GUST_DEADLINE(GUST_MS(1));
        gust_sleep(GUST_S(10));
    }
    void *client = gust_pool_take(argument);
    gust_sleep(GUST_MS(1));
    gust_pool_give(argument, client);
    return 0;
}

static void interruptions_before_do_not_count(void **state)
{
    (void)state;
    gust_pool *pool = NEW_POOL(.max = 8);
    in_coroutine(interrupted_before, pool);
    assert_int_equal(server.closed, 0);
    gust_pool_free(pool);
}

struct hand {
    gust_pool *pool;
    void *client;
    bool interrupt, end_first;
    bool given;
};

static int give_it(void *argument)
{
    struct hand *hand = argument;
    if (hand->interrupt) {
        GUST_DEADLINE(GUST_MS(1));
        gust_sleep(GUST_S(10));
    }
    gust_pool_give(hand->pool, hand->client);
    hand->given = true;
    return 0;
}

static int take_and_hand(void *argument)
{
    struct hand *hand = argument;
    hand->client = gust_pool_take(hand->pool);
    gust__coroutine_start(test_loop, NULL, NULL, give_it, hand);
    while (!hand->end_first && !hand->given)
        gust_sleep(GUST_MS(1));
    return 0;
}

static void another_may_give_it_back(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        gust_pool *pool = NEW_POOL(.max = 8);
        memset(&server, 0, sizeof(server));
        struct hand hand = {.pool = pool, .interrupt = how & 1, .end_first = how & 2};
        in_coroutine(take_and_hand, &hand);
        RUN_UNTIL(hand.given);
        assert_int_equal(server.closed, how > 0); /* kept only when both are known to be clean */
        gust_pool_free(pool);
        assert_int_equal(server.closed, 1);
    }
}

static void what_rested_is_pinged(void **state)
{
    (void)state;
    gust_pool *pool = NEW_POOL(.ping = ping_client, .ping_after = 1);
    struct user users[4] = {0};
    for (int i = 0; i < 4; i++) {
        server.bad = i == 2;
        start(&users[i], pool);
        end_user(&users[i]);
        assert_non_null(users[i].client);
        gust__loop_iterate(test_loop, gust__clock_now() + GUST_MS(1));
    }
    assert_int_equal(server.pinged, 3);
    assert_int_equal(server.opened, 2);
    assert_int_equal(server.closed, 1);
    gust_pool_free(pool);
    gust_pool *never = NEW_POOL(.ping = ping_client, .ping_after = -1);
    struct user more[2] = {0};
    for (int i = 0; i < 2; i++) {
        start(&more[i], never);
        end_user(&more[i]);
    }
    assert_int_equal(server.pinged, 3);
    gust_pool_free(never);
}

static void what_rests_too_long_is_closed(void **state)
{
    (void)state;
    gust_pool *pool = NEW_POOL(.idle = GUST_MS(5));
    struct user users[2] = {0};
    start(&users[0], pool);
    start(&users[1], pool);
    settle();
    end_user(&users[0]);
    RUN_UNTIL(server.closed == 1);
    end_user(&users[1]);
    RUN_UNTIL(server.closed == 2);
    assert_int_equal(gust_pool_open_count(pool), 0);
    gust_pool_free(pool);
}

static void a_freed_pool_closes_what_comes_back(void **state)
{
    (void)state;
    gust_pool *pool = NEW_POOL(.max = 2);
    struct user users[3] = {0};
    for (int i = 0; i < 3; i++)
        start(&users[i], pool);
    settle();
    gust_pool_free(pool);
    RUN_UNTIL(users[2].done); /* who waited */
    assert_int_equal(users[2].code, ECANCELED);
    assert_int_equal(server.closed, 0);
    end_user(&users[0]);
    assert_int_equal(server.closed, 1);
    users[1].drop = true;
    end_user(&users[1]);
    assert_int_equal(server.closed, 2);
}

static void a_pool_freed_while_it_opens_closes_what_came(void **state)
{
    (void)state;
    gust_pool *pool = NEW_POOL(.max = 8);
    struct user user = {0};
    server.slow = true;
    start(&user, pool);
    settle();
    gust_pool_free(pool);
    RUN_UNTIL(user.done);
    assert_null(user.client);
    assert_int_equal(user.code, ECANCELED);
    assert_int_equal(server.opened, 1);
    assert_int_equal(server.closed, 1);
}

static int log_lines;

static void count_lines(void *argument, const gust_log_line *line)
{
    (void)argument, (void)line;
    log_lines++;
}

static int take_and_forget(void *pool)
{
    return gust_pool_take(pool) ? 0 : -1;
}

static void a_closed_loop_closes_its_clients(void **state)
{
    (void)state;
    gust_pool *pool = NEW_POOL(.max = 2);
    struct user users[3] = {{.interrupted = true}};
    start(&users[1], pool);
    end_user(&users[1]);
    start(&users[0], pool); /* given back by its cancelled holder */
    settle();
    in_coroutine(take_and_forget, pool); /* never given back */
    start(&users[2], pool);
    settle();
    gust_log_sink(count_lines, NULL);
    log_lines = 0;
    gust__loop_leave(NULL);
    gust_loop_free(test_loop);
    gust_log_sink(NULL, NULL);
    assert_int_equal(log_lines, 1);
    assert_true(users[0].done && users[2].done);
    assert_int_equal(users[2].code, ECANCELED);
    assert_int_equal(server.opened, 2);
    assert_int_equal(server.closed, 2);
    test_loop = gust_loop_new();
    gust__loop_enter(test_loop);
    struct user user = {0};
    start(&user, pool); /* the pool itself goes on */
    end_user(&user);
    assert_non_null(user.client);
    gust_pool_free(pool);
}

/* ---- another thread's loop ---- */

static struct other {
    gust_pool *pool;
    _Atomic bool took, freed, ended;
    void *client;
} other;

static int hold_there(void *argument)
{
    (void)argument;
    other.client = gust_pool_take(other.pool);
    void *second = gust_pool_take(other.pool);
    gust_pool_give(other.pool, second);
    other.took = true;
    while (!other.freed)
        gust_sleep(GUST_MS(1));
    while (server.closed == 0) /* what rests is closed on this loop */
        gust_sleep(GUST_MS(1));
    gust_pool_give(other.pool, other.client);
    return 0;
}

static void *other_thread(void *argument)
{
    (void)argument;
    gust_run(hold_there, NULL, 0);
    other.ended = true;
    return NULL;
}

static void a_pool_is_freed_on_all_loops(void **state)
{
    (void)state;
    pthread_t thread;
    other = (struct other){.pool = NEW_POOL(.max = 8)};
    assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
    RUN_UNTIL(other.took);
    assert_int_equal(gust_pool_open_count(other.pool), 0); /* of this loop */
    gust_pool_free(other.pool);
    other.freed = true;
    RUN_UNTIL(other.ended);
    pthread_join(thread, NULL);
    assert_int_equal(server.opened, 2);
    assert_int_equal(server.closed, 2);
}

static void needs_open_and_close(void **state)
{
    (void)state;
    errno = 0;
    assert_null(gust_pool_new(.open = open_client));
    assert_int_equal(errno, EINVAL);
    gust_pool *pool = NEW_POOL(.max = 8);
    assert_null(gust_pool_take(pool));
    assert_int_equal(errno, EDEADLK);
    gust_pool_give(pool, NULL);
    gust_pool_free(pool);
    gust_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(clients_are_used_again),
        pool_test(at_most_max_are_open_and_the_rest_wait_in_turn),
        pool_test(waiting_has_an_end),
        pool_test(at_most_max_waiting_wait),
        pool_test(a_waiter_may_be_cancelled),
        pool_test(when_open_fails_nobody_hangs),
        pool_test(a_client_of_an_interrupted_holder_is_closed),
        pool_test(interruptions_before_do_not_count),
        pool_test(another_may_give_it_back),
        pool_test(what_rested_is_pinged),
        pool_test(what_rests_too_long_is_closed),
        pool_test(a_freed_pool_closes_what_comes_back),
        pool_test(a_pool_freed_while_it_opens_closes_what_came),
        pool_test(a_closed_loop_closes_its_clients),
        pool_test(a_pool_is_freed_on_all_loops),
        pool_test(needs_open_and_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
