#include "net/balance.h"
#include "net/listener.h"
#include "net/state.h"
#include "pool/loop_for_tests.h"

#include <sys/wait.h>

enum { MOST = 1000 };

/* Two loops of one thread, which take turns, with a listener each over the same socket. */
static struct side {
    gust_loop *loop;
    gust_listener *listener;
    int fds[MOST];
    unsigned count;
} sides[2];

static struct gust__balance *balance;
static gust_listener *opened;
static int clients[MOST];
static unsigned client_count;

static void keep(void *owner, int fd, const struct sockaddr *peer, socklen_t length)
{
    struct side *side = owner;
    (void)peer, (void)length;
    side->fds[side->count++] = fd;
}

static void iterate(struct side *side)
{
    gust_loop *before = gust__loop_enter(side->loop);
    gust__loop_iterate(side->loop, gust__clock_now() + GUST_MS(1));
    gust__loop_leave(before);
}

static void begin(struct side *side, unsigned slot)
{
    *side = (struct side){.loop = gust_loop_new()};
    assert_non_null(side->loop);
    gust_loop *before = gust__loop_enter(side->loop);
    assert_int_equal(gust__balance_join(side->loop, balance, slot), 0);
    side->listener = gust__listener_share(opened);
    assert_non_null(side->listener);
    assert_int_equal(gust__listener_start(side->listener, side->loop, keep, side), 0);
    gust__loop_leave(before);
}

static int set_up(void **state)
{
    (void)state;
    test_descriptors = count_descriptors();
    balance = gust__balance_new(2);
    assert_non_null(balance);
    opened = gust_listen("127.0.0.1:0");
    assert_non_null(opened);
    for (unsigned i = 0; i < 2; i++)
        begin(&sides[i], i);
    return 0;
}

static void end(struct side *side)
{
    while (side->count > 0)
        close(side->fds[--side->count]);
    gust_listener_free(side->listener);
    gust_loop_free(side->loop);
}

static int tear_down(void **state)
{
    (void)state;
    while (client_count > 0)
        close(clients[--client_count]);
    for (unsigned i = 0; i < 2; i++)
        end(&sides[i]);
    gust_listener_free(opened);
    gust__balance_free(balance);
    assert_int_equal(count_descriptors(), test_descriptors);
    return 0;
}

static void connect_some(unsigned count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)gust_listener_port(opened));
    for (unsigned i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        clients[client_count++] = fd;
    }
}

static void release(struct side *side)
{
    gust_loop *before = gust__loop_enter(side->loop);
    close(side->fds[--side->count]);
    gust__listener_released(side->listener);
    gust__loop_leave(before);
}

static unsigned served(void)
{
    return sides[0].count + sides[1].count;
}

static void run_both_until(unsigned count)
{
    int64_t end = gust__clock_now() + GUST_S(20);
    while (served() < count) {
        assert_true(gust__clock_now() < end);
        iterate(&sides[0]);
        iterate(&sides[1]);
    }
}

static void sets(unsigned slot, unsigned count)
{
    struct gust__seat seat = {balance, slot};
    while (gust__balance_connections(balance, slot) < count)
        gust__balance_opened(&seat);
    while (gust__balance_connections(balance, slot) > count)
        gust__balance_closed(&seat);
}

static bool heavy(unsigned slot)
{
    struct gust__seat seat = {balance, slot};
    return gust__balance_heavy(&seat);
}

/* One and a sixty-fourth above the mean are allowed. */
static void a_loop_is_heavy_beyond_the_bound(void **state)
{
    static const struct {
        unsigned mine, others;
        bool heavy;
    } cases[] = {{0, 0, false},    {2, 0, false},     {3, 0, true},     {3, 1, false},    {4, 1, true},
                 {51, 49, false},  {52, 49, false},   {53, 49, true},   {49, 53, false},  {0, 100, false},
                 {640, 616, true}, {641, 620, false}, {641, 619, true}, {618, 641, false}};
    (void)state;
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        sets(0, cases[i].mine);
        sets(1, cases[i].others);
        if (heavy(0) != cases[i].heavy)
            fail_msg("%u against %u", cases[i].mine, cases[i].others);
    }
    sets(0, 0);
    sets(1, 0);
}

static void who_does_not_serve_does_not_count(void **state)
{
    (void)state;
    sets(0, 50);
    assert_true(heavy(0));
    gust__balance_clear(balance, 1, 1);
    assert_false(heavy(0));
    sets(0, 0);
}

static void connections_that_come_at_once_are_shared_out(void **state)
{
    (void)state;
    connect_some(100);
    run_both_until(100);
    assert_in_range(sides[0].count, 48, 52);
    assert_int_equal(gust__balance_connections(balance, 0), sides[0].count);
    assert_int_equal(gust__balance_connections(balance, 1), sides[1].count);
}

static void who_lost_connections_gets_the_next(void **state)
{
    (void)state;
    connect_some(100);
    run_both_until(100);
    while (sides[0].count > 10)
        release(&sides[0]);
    assert_int_equal(gust__balance_connections(balance, 0), 10);
    unsigned other = sides[1].count;
    connect_some(30);
    run_both_until(other + 40);
    assert_in_range(sides[0].count, 37, 40);
}

/* The other stands still: its share waits for a moment only, then this one takes it, one first and then more.
 */
static void what_others_leave_is_taken(void **state)
{
    (void)state;
    connect_some(200);
    int64_t end = gust__clock_now() + GUST_S(20);
    while (sides[0].count < 200) {
        assert_true(gust__clock_now() < end);
        iterate(&sides[0]);
    }
    assert_int_equal(sides[1].count, 0);
}

/* It waits for the socket then, not for a timer: nothing is polled. */
static void who_came_back_rests(void **state)
{
    (void)state;
    connect_some(20);
    run_both_until(20);
    while (sides[1].count > 0)
        release(&sides[1]);
    int64_t end = gust__clock_now() + GUST_S(20);
    while (gust__loop_timers(sides[0].loop) > 0) {
        assert_true(gust__clock_now() < end);
        iterate(&sides[0]);
    }
    for (int i = 0; i < 20; i++)
        iterate(&sides[0]);
    assert_int_equal(gust__loop_timers(sides[0].loop), 0);
}

/* What one was woken for while it had no room is the other's. */
static void a_full_loop_passes_on(void **state)
{
    (void)state;
    gust_listener *limited = gust_listen("127.0.0.1:0", .max_connections = 2);
    for (unsigned i = 0; i < 2; i++) {
        gust_listener_free(sides[i].listener);
        gust_loop *before = gust__loop_enter(sides[i].loop);
        sides[i].listener = gust__listener_share(limited);
        assert_int_equal(gust__listener_start(sides[i].listener, sides[i].loop, keep, &sides[i]), 0);
        gust__loop_leave(before);
    }
    gust_listener_free(opened);
    opened = limited;
    connect_some(6);
    run_both_until(4);
    assert_int_equal(sides[0].count, 2);
    assert_int_equal(sides[1].count, 2);
    release(&sides[0]);
    release(&sides[1]);
    run_both_until(4);
}

static void counts_are_shared_with_children(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct gust__seat seat = {balance, 1};
        gust__balance_opened(&seat);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(gust__balance_connections(balance, 1), 1);
    gust__balance_clear(balance, 1, 1);
    assert_int_equal(gust__balance_connections(balance, 1), 0);
}

static void the_sharer_keeps_what_it_shared(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        gust_listener_stop(sides[i].listener);
        assert_int_equal(gust__listener_sockets(sides[i].listener, NULL, 0), 0);
    }
    connect_some(1);
    assert_string_equal(gust_listener_address(opened), gust_listener_address(sides[0].listener));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_loop_is_heavy_beyond_the_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_does_not_serve_does_not_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(connections_that_come_at_once_are_shared_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_lost_connections_gets_the_next, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_others_leave_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_came_back_rests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_loop_passes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_are_shared_with_children, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_sharer_keeps_what_it_shared, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
