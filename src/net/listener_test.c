#include "pool/loop_for_tests.h"
#include "net/listener.h"

#include <gust/error.h>
#include <gust/log.h>

#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MOST = 400 };

/* A server that keeps what it accepts. */
static struct server {
    gust_listener *listener;
    int fds[MOST];
    struct sockaddr_storage peer;
    unsigned count;
    unsigned most_in_a_round, in_this_round;
    int drained;
    bool stop_at_once, free_at_once, drain_at_once;
} server;

static int log_lines;

static void count_lines(void *argument, const gust_log_line *line)
{
    (void)argument, (void)line;
    log_lines++;
}

static void when_drained(void *owner)
{
    assert_ptr_equal(owner, &server);
    server.drained++;
}

static void keep(void *owner, int fd, const struct sockaddr *peer, socklen_t length)
{
    assert_ptr_equal(owner, &server);
    assert_true(server.count < MOST);
    server.fds[server.count++] = fd;
    memcpy(&server.peer, peer, length);
    server.in_this_round++;
    if (server.stop_at_once)
        gust_listener_stop(server.listener);
    if (server.drain_at_once)
        gust__listener_drain(server.listener, when_drained);
    if (server.free_at_once) {
        gust_listener_free(server.listener);
        server.listener = NULL;
    }
}

static void serve(gust_listener *listener)
{
    assert_non_null(listener);
    memset(&server, 0, sizeof(server));
    server.listener = listener;
    assert_int_equal(gust__listener_start(listener, test_loop, keep, &server), 0);
}

static void release(unsigned index)
{
    close(server.fds[index]);
    server.fds[index] = server.fds[--server.count];
    gust__listener_released(server.listener);
}

static void end_server(void)
{
    while (server.count > 0)
        close(server.fds[--server.count]);
    gust_listener_free(server.listener);
}

static const char *new_path(void)
{
    static char path[64];
    static int number;
    snprintf(path, sizeof(path), "/tmp/gust-listener-%d-%d", (int)getpid(), number++);
    return path;
}

static gust_listener *listen_path(const char *path)
{
    char text[200];
    snprintf(text, sizeof(text), "unix:%s", path);
    return gust_listen(text);
}

static void hands_out_descriptors_ready_for_use(void **state)
{
    (void)state;
    serve(gust_listen("127.0.0.1:0"));
    unsigned port = gust_listener_port(server.listener);
    char address[40];
    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    assert_string_equal(gust_listener_address(server.listener), address);
    int client = connect_tcp(port, AF_INET);
    RUN_UNTIL(server.count == 1);
    assert_true(fcntl(server.fds[0], F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(server.fds[0], F_GETFD) & FD_CLOEXEC);
    int on = 0;
    socklen_t length = sizeof(on);
    getsockopt(server.fds[0], IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, &length);
    assert_true(on);
    struct sockaddr_in local;
    length = sizeof(local);
    getsockname(client, (struct sockaddr *)&local, &length);
    assert_memory_equal(&local, &server.peer, 8);
    assert_int_equal(gust_listener_connections(server.listener), 1);
    release(0);
    assert_int_equal(gust_listener_connections(server.listener), 0);
    close(client);
    end_server();
}

static void starts_once(void **state)
{
    (void)state;
    serve(gust_listen("127.0.0.1:0"));
    errno = 0;
    assert_int_equal(gust__listener_start(server.listener, test_loop, keep, &server), -1);
    assert_int_equal(errno, EBUSY);
    gust_listener_stop(server.listener);
    assert_int_equal(gust__listener_start(server.listener, test_loop, keep, &server), -1);
    assert_int_equal(errno, ECANCELED);
    end_server();
}

static void every_address_has_the_same_automatic_port(void **state)
{
    (void)state;
    if (!machine_has_v6())
        skip();
    serve(gust_listen(":0"));
    int fds[4];
    assert_int_equal(gust__listener_sockets(server.listener, fds, 4), 2);
    int four = connect_tcp(gust_listener_port(server.listener), AF_INET);
    int six = connect_tcp(gust_listener_port(server.listener), AF_INET6);
    assert_true(four >= 0 && six >= 0);
    RUN_UNTIL(server.count == 2);
    close(four);
    close(six);
    end_server();
}

static void a_host_may_be_a_name(void **state)
{
    (void)state;
    serve(gust_listen("localhost:0"));
    int client = connect_tcp(gust_listener_port(server.listener), AF_INET);
    RUN_UNTIL(server.count == 1);
    close(client);
    end_server();
}

static void a_port_in_use_is_refused(void **state)
{
    (void)state;
    gust_listener *first = gust_listen("127.0.0.1:0");
    errno = 0;
    assert_null(gust_listen(gust_listener_address(first)));
    assert_int_equal(errno, EADDRINUSE);
    assert_non_null(strstr(gust_error_text(gust_error_last()), gust_listener_address(first)));
    gust_listener_free(first);
}

static void reuse_port_lets_two_listen(void **state)
{
    (void)state;
    gust_listener *first = gust_listen("127.0.0.1:0", .reuse_port = true);
    gust_listener *second = gust_listen(gust_listener_address(first), .reuse_port = true);
    assert_non_null(second);
    gust_listener_free(first);
    gust_listener_free(second);
}

static void bad_texts_and_foreign_addresses_are_refused(void **state)
{
    (void)state;
    errno = 0;
    assert_null(gust_listen("nonsense"));
    assert_int_equal(errno, EINVAL);
    assert_null(gust_listen("192.0.2.1:0"));
    assert_int_equal(errno, EADDRNOTAVAIL);
    assert_null(gust_listen("unix:/no/such/folder/socket"));
    assert_int_equal(errno, ENOENT);
}

static void a_unix_socket_belongs_to_its_owner_alone(void **state)
{
    (void)state;
    static const mode_t masks[] = {0, 022, 0777};
    for (size_t i = 0; i < GUST_LEN(masks); i++) {
        const char *path = new_path();
        mode_t before = umask(masks[i]);
        serve(listen_path(path));
        umask(before);
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
        int client = connect_local(path);
        RUN_UNTIL(server.count == 1);
        assert_int_equal(server.peer.ss_family, AF_UNIX);
        close(client);
        end_server();
        assert_int_equal(access(path, F_OK), -1);
    }
}

static void a_unix_sockets_mode_can_be_chosen(void **state)
{
    (void)state;
    char text[200];
    const char *path = new_path();
    snprintf(text, sizeof(text), "unix:%s", path);
    gust_listener *listener = gust_listen(text, .mode = 0666);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0666);
    assert_string_equal(gust_listener_address(listener), text);
    assert_int_equal(gust_listener_port(listener), 0);
    gust_listener_free(listener);
}

static void a_stale_socket_is_replaced(void **state)
{
    (void)state;
    const char *path = new_path();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof(address)), 0);
    close(dead);
    serve(listen_path(path));
    int client = connect_local(path);
    assert_true(client >= 0);
    RUN_UNTIL(server.count == 1);
    close(client);
    end_server();
}

static void a_live_socket_is_not(void **state)
{
    (void)state;
    const char *path = new_path();
    serve(listen_path(path));
    errno = 0;
    assert_null(listen_path(path));
    assert_int_equal(errno, EADDRINUSE);
    int client = connect_local(path);
    assert_true(client >= 0);
    close(client);
    end_server();
}

static void a_live_datagram_socket_is_not(void **state)
{
    (void)state;
    const char *path = new_path();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    errno = 0;
    assert_null(listen_path(path));
    assert_int_equal(errno, EADDRINUSE);
    close(fd);
    unlink(path);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    (void)state;
    const char *path = new_path();
    int fd = open(path, O_CREAT | O_WRONLY, 0644);
    assert_int_equal(write(fd, "kept", 4), 4);
    close(fd);
    errno = 0;
    assert_null(listen_path(path));
    assert_int_equal(errno, EEXIST);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 4);
    unlink(path);
    assert_int_equal(symlink("/tmp/gust-nowhere", path), 0);
    assert_null(listen_path(path));
    assert_int_equal(errno, EEXIST);
    unlink(path);
}

static void another_ones_file_is_not_removed(void **state)
{
    (void)state;
    const char *path = new_path();
    gust_listener *first = listen_path(path);
    assert_int_equal(unlink(path), 0);
    gust_listener *second = listen_path(path);
    gust_listener_free(first);
    int client = connect_local(path);
    assert_true(client >= 0);
    close(client);
    gust_listener_free(second);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_forked_child_leaves_the_file(void **state)
{
    (void)state;
    const char *path = new_path();
    gust_listener *listener = listen_path(path);
    pid_t child = fork();
    if (child == 0) {
        gust_listener_free(listener);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(access(path, F_OK), 0);
    gust_listener_free(listener);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_relative_path_is_removed_from_anywhere(void **state)
{
    (void)state;
    char before[4096], text[200];
    assert_non_null(getcwd(before, sizeof(before)));
    const char *path = new_path();
    snprintf(text, sizeof(text), "unix:%s", path + 5); /* behind "/tmp/" */
    assert_int_equal(chdir("/tmp"), 0);
    gust_listener *listener = gust_listen(text);
    assert_int_equal(chdir("/"), 0);
    assert_non_null(listener);
    gust_listener_free(listener);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(chdir(before), 0);
}

static void abstract_names_work(void **state)
{
    (void)state;
    char text[64];
    snprintf(text, sizeof(text), "unix:@gust-%d", (int)getpid());
    serve(gust_listen(text));
    assert_string_equal(gust_listener_address(server.listener), text);
    errno = 0;
    assert_null(gust_listen(text));
    assert_int_equal(errno, EADDRINUSE);
    int client = connect_local(text + 5);
    RUN_UNTIL(server.count == 1);
    close(client);
    end_server();
}

static void count_rounds(struct gust__task *task)
{
    if (server.in_this_round > server.most_in_a_round)
        server.most_in_a_round = server.in_this_round;
    server.in_this_round = 0;
    gust__loop_ready(test_loop, task);
}

static void at_most_128_are_accepted_a_wakeup(void **state)
{
    (void)state;
    static int clients[300];
    serve(gust_listen("127.0.0.1:0"));
    for (size_t i = 0; i < GUST_LEN(clients); i++)
        clients[i] = connect_tcp(gust_listener_port(server.listener), AF_INET);
    struct gust__task task = {.run = count_rounds};
    gust__loop_ready(test_loop, &task);
    RUN_UNTIL(server.count == GUST_LEN(clients));
    gust__loop_iterate(test_loop, 0);
    gust__loop_unready(test_loop, &task);
    assert_int_equal(server.most_in_a_round, 128);
    for (size_t i = 0; i < GUST_LEN(clients); i++)
        close(clients[i]);
    end_server();
}

static void further_connections_wait_at_the_limit(void **state)
{
    (void)state;
    serve(gust_listen("127.0.0.1:0", .max_connections = 2));
    int clients[4];
    for (unsigned i = 0; i < 4; i++) {
        clients[i] = connect_tcp(gust_listener_port(server.listener), AF_INET);
        assert_true(clients[i] >= 0);
        settle();
        assert_int_equal(server.count, i < 2 ? i + 1 : 2);
    }
    release(0);
    RUN_UNTIL(server.count == 2);
    settle();
    assert_int_equal(server.count, 2);
    release(0);
    release(0);
    RUN_UNTIL(server.count == 1);
    for (int i = 0; i < 4; i++)
        close(clients[i]);
    end_server();
}

static void may_be_stopped_by_whom_it_calls(void **state)
{
    (void)state;
    int clients[3];
    serve(gust_listen("127.0.0.1:0"));
    for (int i = 0; i < 3; i++)
        clients[i] = connect_tcp(gust_listener_port(server.listener), AF_INET);
    server.stop_at_once = true;
    RUN_UNTIL(server.count == 1);
    settle();
    assert_int_equal(server.count, 1);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
    end_server();
}

static void may_be_freed_by_whom_it_calls(void **state)
{
    (void)state;
    int clients[3];
    serve(gust_listen("127.0.0.1:0"));
    for (int i = 0; i < 3; i++)
        clients[i] = connect_tcp(gust_listener_port(server.listener), AF_INET);
    server.free_at_once = true;
    RUN_UNTIL(server.count == 1);
    settle();
    assert_int_equal(server.count, 1);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
    end_server();
}

static void drain(void (*prepare)(void), unsigned expected)
{
    int clients[3];
    serve(gust_listen("127.0.0.1:0"));
    unsigned port = gust_listener_port(server.listener);
    for (int i = 0; i < 3; i++)
        clients[i] = connect_tcp(port, AF_INET);
    prepare();
    assert_int_equal(server.drained, 0);
    RUN_UNTIL(server.drained == 1);
    assert_int_equal(server.count, expected);
    errno = 0;
    assert_int_equal(connect_tcp(port, AF_INET), -1);
    assert_int_equal(errno, ECONNREFUSED);
    settle();
    assert_int_equal(server.drained, 1);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
    end_server();
}

static void drain_now(void)
{
    gust__listener_drain(server.listener, when_drained);
}

static void drain_in_callback(void)
{
    server.drain_at_once = true;
    RUN_UNTIL(server.count == 1);
    server.drain_at_once = false;
}

static void stop_and_drain(void)
{
    gust_listener_stop(server.listener);
    drain_now();
}

static void drain_and_stop(void)
{
    drain_now();
    gust_listener_stop(server.listener);
}

static void a_drain_accepts_what_waits_and_closes(void **state)
{
    (void)state;
    drain(drain_now, 3);
}

static void a_drain_may_begin_in_the_callback(void **state)
{
    (void)state;
    drain(drain_in_callback, 3);
}

static void a_drain_ends_when_stopped_too(void **state)
{
    (void)state;
    drain(stop_and_drain, 0);
    drain(drain_and_stop, 0);
}

static void a_drain_waits_at_the_limit(void **state)
{
    (void)state;
    serve(gust_listen("127.0.0.1:0", .max_connections = 1));
    int clients[2];
    for (int i = 0; i < 2; i++)
        clients[i] = connect_tcp(gust_listener_port(server.listener), AF_INET);
    gust__listener_drain(server.listener, when_drained);
    RUN_UNTIL(server.count == 1);
    settle();
    assert_int_equal(server.drained, 0);
    release(0);
    RUN_UNTIL(server.count == 1);
    assert_int_equal(server.drained, 0);
    release(0);
    RUN_UNTIL(server.drained == 1);
    for (int i = 0; i < 2; i++)
        close(clients[i]);
    end_server();
}

static void count_drained(void *owner)
{
    assert_null(owner);
    server.drained++;
}

static void a_listener_never_started_drains(void **state)
{
    (void)state;
    memset(&server, 0, sizeof(server));
    server.listener = gust_listen("127.0.0.1:0");
    gust__listener_drain(server.listener, count_drained);
    RUN_UNTIL(server.drained == 1);
    end_server();
}

static void sockets_can_be_handed_on(void **state)
{
    (void)state;
    const char *path = new_path();
    gust_listener *first = listen_path(path);
    int fd, copy;
    assert_int_equal(gust__listener_sockets(first, &fd, 1), 1);
    copy = dup(fd);
    gust__listener_keep_file(first);
    gust_listener_free(first);
    serve(gust__listener_adopt(&copy, 1, NULL));
    int client = connect_local(path);
    RUN_UNTIL(server.count == 1);
    close(client);
    end_server();
    assert_int_equal(unlink(path), 0);
    errno = 0;
    assert_null(gust__listener_adopt(NULL, 0, NULL));
    assert_int_equal(errno, EINVAL);
    int no_socket = open("/dev/null", O_RDONLY);
    assert_null(gust__listener_adopt(&no_socket, 1, NULL));
    assert_int_equal(errno, ENOTSOCK);
}

/* ---- out of descriptors: in a child of its own, because the limit is the process's ---- */

static int last_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(fd);
    return fd;
}

#define CHECK(condition)                                               \
    do {                                                               \
        if (!(condition)) {                                            \
            dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            return 1;                                                  \
        }                                                              \
    } while (0)

static bool iterate_until(const volatile unsigned *value, unsigned wanted)
{
    int64_t end = gust__clock_now() + GUST_S(20);
    while (*value != wanted && gust__clock_now() < end)
        gust__loop_iterate(test_loop, gust__clock_now() + GUST_MS(20));
    return *value == wanted;
}

static int starve(bool by_release)
{
    int clients[3];
    gust_log_sink(count_lines, NULL);
    test_loop = gust_loop_new();
    gust__loop_enter(test_loop);
    memset(&server, 0, sizeof(server));
    server.listener = gust_listen("127.0.0.1:0");
    CHECK(server.listener && gust__listener_start(server.listener, test_loop, keep, &server) == 0);
    for (int i = 0; i < 3; i++)
        clients[i] = connect_tcp(gust_listener_port(server.listener), AF_INET);
    struct rlimit limit, low;
    getrlimit(RLIMIT_NOFILE, &limit);
    low = limit;
    low.rlim_cur = (rlim_t)last_descriptor() + 1; /* room for exactly one */
    setrlimit(RLIMIT_NOFILE, &low);
    CHECK(iterate_until(&server.count, 1));
    for (int i = 0; i < 20; i++)
        gust__loop_iterate(test_loop, gust__clock_now() + GUST_MS(20));
    CHECK(server.count == 1 && log_lines == 1);
    if (by_release) {
        release(0);
        CHECK(iterate_until(&server.count, 1));
        release(0);
        CHECK(iterate_until(&server.count, 1));
    } else {
        setrlimit(RLIMIT_NOFILE, &limit);
        CHECK(iterate_until(&server.count, 3));
    }
    CHECK(log_lines == 1);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
    end_server();
    gust_loop_free(test_loop);
    gust_log_sink(NULL, NULL);
    return 0;
}

static void starve_in_child(bool by_release)
{
    pid_t child = fork();
    if (child == 0)
        _exit(starve(by_release));
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void goes_on_when_there_are_descriptors_again(void **state)
{
    (void)state;
    starve_in_child(false);
}

static void goes_on_when_a_connection_is_released(void **state)
{
    (void)state;
    starve_in_child(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        loop_test(hands_out_descriptors_ready_for_use),
        loop_test(starts_once),
        loop_test(every_address_has_the_same_automatic_port),
        loop_test(a_host_may_be_a_name),
        loop_test(a_port_in_use_is_refused),
        loop_test(reuse_port_lets_two_listen),
        loop_test(bad_texts_and_foreign_addresses_are_refused),
        loop_test(a_unix_socket_belongs_to_its_owner_alone),
        loop_test(a_unix_sockets_mode_can_be_chosen),
        loop_test(a_stale_socket_is_replaced),
        loop_test(a_live_socket_is_not),
        loop_test(a_live_datagram_socket_is_not),
        loop_test(a_file_that_is_no_socket_is_left_alone),
        loop_test(another_ones_file_is_not_removed),
        loop_test(a_forked_child_leaves_the_file),
        loop_test(a_relative_path_is_removed_from_anywhere),
        loop_test(abstract_names_work),
        loop_test(at_most_128_are_accepted_a_wakeup),
        loop_test(further_connections_wait_at_the_limit),
        loop_test(may_be_stopped_by_whom_it_calls),
        loop_test(may_be_freed_by_whom_it_calls),
        loop_test(a_drain_accepts_what_waits_and_closes),
        loop_test(a_drain_may_begin_in_the_callback),
        loop_test(a_drain_ends_when_stopped_too),
        loop_test(a_drain_waits_at_the_limit),
        loop_test(a_listener_never_started_drains),
        loop_test(sockets_can_be_handed_on),
        cmocka_unit_test(goes_on_when_there_are_descriptors_again),
        cmocka_unit_test(goes_on_when_a_connection_is_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
