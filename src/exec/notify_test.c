#include "exec/notify.h"
#include "pool/loop_for_tests.h"

static int manager;
static char name[64];

static int set_up(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)state;
    test_descriptors = count_descriptors();
    snprintf(name, sizeof(name), "@gust-notify-test-%d", (int)getpid());
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(manager, (struct sockaddr *)&address, length), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(manager);
    assert_int_equal(count_descriptors(), test_descriptors);
    return 0;
}

static void expect(const char *text)
{
    char got[2048];
    ssize_t size = recv(manager, got, sizeof(got) - 1, 0);
    assert_true(size >= 0);
    got[size] = 0;
    assert_string_equal(got, text);
}

static struct gust__notify take(const char *socket_name, const char *usec, const char *pid)
{
    struct gust__notify notify;
    if (socket_name)
        setenv("NOTIFY_SOCKET", socket_name, 1);
    if (usec)
        setenv("WATCHDOG_USEC", usec, 1);
    if (pid)
        setenv("WATCHDOG_PID", pid, 1);
    gust__notify_take(&notify);
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
    return notify;
}

static void nobody_wants_to_know(void **state)
{
    static const char *const names[] = {NULL, "", "relative/path", "vsock:2:1234"};
    (void)state;
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        struct gust__notify notify = take(names[i], NULL, NULL);
        errno = 0;
        assert_int_equal(gust__notify(&notify, "READY=1"), -1);
        assert_int_equal(errno, ENOTCONN);
    }
}

static void a_manager_is_told(void **state)
{
    (void)state;
    struct gust__notify notify = take(name, NULL, NULL);
    assert_int_equal(gust__notify(&notify, "READY=1\nMAINPID=%d", 17), 0);
    expect("READY=1\nMAINPID=17");
}

static void a_manager_that_is_gone_is_an_error(void **state)
{
    (void)state;
    struct gust__notify notify = take("/no/such/socket", NULL, NULL);
    errno = 0;
    assert_int_equal(gust__notify(&notify, "READY=1"), -1);
    assert_int_equal(errno, ENOENT);
}

static void a_message_has_a_maximum(void **state)
{
    (void)state;
    struct gust__notify notify = take(name, NULL, NULL);
    assert_int_equal(gust__notify(&notify, "%01022d", 0), 0);
    assert_int_equal(gust__notify(&notify, "%01023d", 0), 0);
    errno = 0;
    assert_int_equal(gust__notify(&notify, "%01024d", 0), -1);
    assert_int_equal(errno, EMSGSIZE);
}

static void a_name_has_a_maximum(void **state)
{
    (void)state;
    for (int size = GUST__NOTIFY_ADDRESS - 1; size <= GUST__NOTIFY_ADDRESS + 1; size++) {
        char path[GUST__NOTIFY_ADDRESS + 2];
        memset(path, 'x', sizeof(path));
        path[0] = '/';
        path[size] = 0;
        struct gust__notify notify = take(path, NULL, NULL);
        assert_string_equal(notify.address, size <= GUST__NOTIFY_ADDRESS ? path : "");
    }
}

static void a_watchdog_may_be_anothers(void **state)
{
    char mine[16], other[16];
    (void)state;
    snprintf(mine, sizeof(mine), "%d", (int)getpid());
    snprintf(other, sizeof(other), "%d", (int)getpid() + 1);
    assert_int_equal(take(name, "2000000", mine).watchdog, GUST_S(2));
    assert_int_equal(take(name, "2000000", NULL).watchdog, GUST_S(2));
    assert_int_equal(take(name, "2000000", other).watchdog, 0);
    assert_int_equal(take(name, NULL, mine).watchdog, 0);
    assert_int_equal(take(name, "soon", mine).watchdog, 0);
    assert_int_equal(take(name, "-5", mine).watchdog, 0);
    assert_int_equal(take(name, "9223372036854775807", mine).watchdog, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_wants_to_know, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_manager_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_manager_that_is_gone_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_has_a_maximum, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_has_a_maximum, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_watchdog_may_be_anothers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
