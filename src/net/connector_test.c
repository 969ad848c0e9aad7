#include "pool/loop_for_tests.h"
#include "base/lock.h"
#include "net/address.h"
#include "net/resolver.h"
#include "net/stream.h"

#include <gust/error.h>

#include <netdb.h>

/* ---- a resolver that answers what the test says, when it says so ---- */

static struct {
    struct gust__lock lock;
    struct gust__signal signal;
    bool closed;
    int asked;
} names;

static int count_asked(void)
{
    gust__lock_take(&names.lock);
    int asked = names.asked;
    gust__lock_drop(&names.lock);
    return asked;
}

static void open_names(void)
{
    gust__lock_take(&names.lock);
    names.closed = false;
    gust__signal_wake_all(&names.signal);
    gust__lock_drop(&names.lock);
}

/* "two.test" has a dead address and a live one, "slow.test" one that never answers; others are looked up by
 * the system. */
static int answer(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list)
{
    gust__lock_take(&names.lock);
    names.asked++;
    while (names.closed)
        gust__signal_wait(&names.signal, &names.lock, INT64_MAX);
    gust__lock_drop(&names.lock);
    struct addrinfo numeric = *hints, *last, *more;
    numeric.ai_flags = AI_NUMERICHOST;
    if (strcmp(host, "none.test") == 0)
        return EAI_NONAME;
    if (strcmp(host, "two.test") != 0 && strcmp(host, "slow.test") != 0)
        return getaddrinfo(host, port, hints, list);
    int code = getaddrinfo(host[0] == 't' ? "127.0.0.2" : "127.0.0.3", port, &numeric, list);
    if (code || host[0] == 's')
        return code;
    code = getaddrinfo("127.0.0.1", port, &numeric, &more);
    for (last = *list; last->ai_next; last = last->ai_next)
        ;
    last->ai_next = more;
    return code;
}

static int set_up(void **state)
{
    gust__resolver_replace(answer);
    gust__lock_take(&names.lock); /* a look-up of the test before may still be under way */
    names.closed = false;
    names.asked = 0;
    gust__lock_drop(&names.lock);
    return set_up_loop(state);
}

static int tear_down(void **state)
{
    gust__resolver_replace(NULL);
    return tear_down_loop(state);
}

#define name_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* ---- looking up ---- */

struct question {
    const char *host;
    int family;
    int64_t limit;
    struct gust__addresses *addresses;
    int code;
    bool from_gai;
    bool done;
};

static int ask(void *argument)
{
    struct question *question = argument;
    int64_t until = question->limit ? gust__clock_now() + question->limit : GUST__FOREVER;
    errno = 0;
    question->addresses = gust__resolve(question->host, 80, question->family, until);
    question->code = errno;
    question->from_gai = strcmp(gust_error_domain(gust_error_last()), "gai") == 0;
    question->done = true;
    return 0;
}

static struct gust__coroutine *start_asking(struct question *question)
{
    return gust__coroutine_start(test_loop, NULL, NULL, ask, question);
}

static void identical_questions_are_asked_once(void **state)
{
    (void)state;
    struct question questions[3] = {
        {.host = "two.test"}, {.host = "two.test"}, {.host = "two.test", .family = AF_INET}};
    names.closed = true;
    for (int i = 0; i < 3; i++)
        start_asking(&questions[i]);
    RUN_UNTIL(count_asked() == 2); /* another family is another question */
    settle();
    assert_int_equal(count_asked(), 2);
    assert_int_equal(gust__resolver_count(test_loop), 2);
    open_names();
    for (int i = 0; i < 3; i++) {
        RUN_UNTIL(questions[i].done);
        assert_int_equal(questions[i].addresses->count, 2);
        char text[GUST__ADDRESS_TEXT];
        assert_string_equal(gust__address_format(&questions[i].addresses->list[1], text), "127.0.0.1:80");
        free(questions[i].addresses);
    }
    assert_int_equal(gust__resolver_count(test_loop), 0);
}

static void a_waiter_may_go(void **state)
{
    (void)state;
    struct question questions[3] = {
        {.host = "two.test"}, {.host = "two.test", .limit = GUST_MS(5)}, {.host = "two.test"}};
    names.closed = true;
    struct gust__coroutine *first = start_asking(&questions[0]);
    start_asking(&questions[1]);
    start_asking(&questions[2]);
    settle();
    gust__coroutine_cancel(first);
    RUN_UNTIL(questions[0].done && questions[1].done);
    assert_int_equal(questions[0].code, ECANCELED);
    assert_int_equal(questions[1].code, ETIMEDOUT);
    open_names();
    RUN_UNTIL(questions[2].done);
    assert_non_null(questions[2].addresses);
    free(questions[2].addresses);
}

static void all_waiters_may_go_and_the_loop_too(void **state)
{
    (void)state;
    struct question questions[2] = {{.host = "two.test"}, {.host = "none.test"}};
    names.closed = true;
    struct gust__coroutine *first = start_asking(&questions[0]), *second = start_asking(&questions[1]);
    RUN_UNTIL(count_asked() == 2);
    gust__coroutine_cancel(first);
    gust__coroutine_cancel(second);
    RUN_UNTIL(questions[0].done && questions[1].done);
    gust__loop_leave(NULL);
    gust_loop_free(test_loop); /* does not wait for the threads */
    test_loop = gust_loop_new();
    gust__loop_enter(test_loop);
    open_names();
    struct question last = {.host = "two.test"};
    start_asking(&last);
    RUN_UNTIL(last.done);
    free(last.addresses);
}

static void unknown_names_say_so(void **state)
{
    (void)state;
    struct question question = {.host = "none.test"};
    start_asking(&question);
    RUN_UNTIL(question.done);
    assert_int_equal(question.code, EHOSTUNREACH);
    assert_true(question.from_gai);
    assert_null(question.addresses);
}

static void numbers_are_not_looked_up(void **state)
{
    (void)state;
    struct question questions[3] = {
        {.host = "127.0.0.1"}, {.host = "::1"}, {.host = "::1", .family = AF_INET}};
    for (int i = 0; i < 3; i++) {
        start_asking(&questions[i]);
        RUN_UNTIL(questions[i].done);
        assert_int_equal(questions[i].addresses != NULL, i < 2);
        free(questions[i].addresses);
    }
    assert_int_equal(questions[2].code, EAFNOSUPPORT);
    assert_int_equal(count_asked(), 0);
}

/* ---- connecting ---- */

struct connection {
    char address[200];
    gust_connect_options options;
    gust_stream *stream;
    int code;
    bool done;
};

static int connect_it(void *argument)
{
    struct connection *connection = argument;
    errno = 0;
    connection->options.size = sizeof(connection->options);
    connection->stream = gust_connect_with(connection->address, &connection->options);
    connection->code = errno;
    connection->done = true;
    return 0;
}

static void connect_now(struct connection *connection)
{
    gust__coroutine_start(test_loop, NULL, NULL, connect_it, connection);
    RUN_UNTIL(connection->done);
}

static int listen_on(const char *host, int backlog, unsigned *port)
{
    struct gust__address address;
    assert_int_equal(gust__address_numeric(host, *port, &address), 0);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(fd, &address.any, address.length), 0);
    assert_int_equal(listen(fd, backlog), 0);
    getsockname(fd, &address.any, &address.length);
    *port = gust__address_port(&address);
    return fd;
}

static void connects_and_talks(void **state)
{
    (void)state;
    unsigned port = 0;
    int listener = listen_on("127.0.0.1", 5, &port);
    struct connection connection = {0};
    snprintf(connection.address, 200, "localhost:%u", port);
    connect_now(&connection);
    assert_non_null(connection.stream);
    int accepted = accept(listener, NULL, NULL);
    assert_int_equal(gust_stream_write(connection.stream, "hi", 2), 0);
    char got[2];
    assert_int_equal(read(accepted, got, 2), 2);
    close(accepted);
    gust_stream_free(connection.stream);
    close(listener);
}

static void a_refused_connection_says_so(void **state)
{
    (void)state;
    unsigned port = 0;
    close(listen_on("127.0.0.1", 5, &port));
    struct connection connection = {0};
    snprintf(connection.address, 200, "127.0.0.1:%u", port);
    connect_now(&connection);
    assert_null(connection.stream);
    assert_int_equal(connection.code, ECONNREFUSED);
}

static void goes_on_to_the_address_that_answers(void **state)
{
    (void)state;
    unsigned port = 0;
    int listener = listen_on("127.0.0.1", 5, &port);
    struct connection connection = {0};
    snprintf(connection.address, 200, "two.test:%u", port);
    connect_now(&connection);
    assert_non_null(connection.stream);
    assert_string_equal(gust_stream_peer(connection.stream) + 0,
                        (snprintf(connection.address, 200, "127.0.0.1:%u", port), connection.address));
    gust_stream_free(connection.stream);
    close(listener);
}

/* A listener whose queue is full answers no more: connecting to it takes for ever. */
static int fill_queue(unsigned port, int *fds, int count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.2", &address.sin_addr);
    for (int i = 0; i < count; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fds[i], (struct sockaddr *)&address, sizeof(address));
    }
    return count;
}

static void falls_back_when_the_first_is_silent(void **state)
{
    (void)state;
    unsigned port = 0;
    int fds[4];
    int live = listen_on("127.0.0.1", 5, &port);
    int silent = listen_on("127.0.0.2", 0, &port);
    fill_queue(port, fds, 4);
    struct connection connection = {.options.fallback = GUST_MS(10)};
    snprintf(connection.address, 200, "two.test:%u", port);
    connect_now(&connection);
    assert_non_null(connection.stream);
    assert_memory_equal(gust_stream_peer(connection.stream), "127.0.0.1:", 10);
    gust_stream_free(connection.stream);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    close(silent);
    close(live);
}

static void gives_up_in_time(void **state)
{
    (void)state;
    unsigned port = 0;
    int fds[4];
    int silent = listen_on("127.0.0.2", 0, &port);
    fill_queue(port, fds, 4);
    struct connection connection = {.options.timeout = GUST_MS(20)};
    snprintf(connection.address, 200, "127.0.0.2:%u", port);
    connect_now(&connection);
    assert_int_equal(connection.code, ETIMEDOUT);
    struct connection canceled = {.options.timeout = -1};
    memcpy(canceled.address, connection.address, 200);
    struct gust__coroutine *coroutine = gust__coroutine_start(test_loop, NULL, NULL, connect_it, &canceled);
    settle();
    gust__coroutine_cancel(coroutine);
    RUN_UNTIL(canceled.done);
    assert_int_equal(canceled.code, ECANCELED);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    close(silent);
}

static void a_look_up_counts_against_the_time(void **state)
{
    (void)state;
    names.closed = true;
    struct connection connection = {.address = "two.test:80", .options.timeout = GUST_MS(10)};
    connect_now(&connection);
    assert_int_equal(connection.code, ETIMEDOUT);
    open_names();
}

static void connects_from_a_chosen_address(void **state)
{
    (void)state;
    unsigned port = 0;
    int listener = listen_on("127.0.0.1", 5, &port);
    static const char *const sources[] = {"127.0.0.9", "::1", "nonsense.test"};
    static const int codes[] = {0, EAFNOSUPPORT, EINVAL};
    for (int i = 0; i < 3; i++) {
        struct connection connection = {.options.source = sources[i]};
        snprintf(connection.address, 200, "127.0.0.1:%u", port);
        connect_now(&connection);
        assert_int_equal(connection.stream != NULL, i == 0);
        if (i == 0)
            assert_memory_equal(gust_stream_local(connection.stream), "127.0.0.9:", 10);
        else
            assert_int_equal(connection.code, codes[i]);
        gust_stream_free(connection.stream);
    }
    close(listener);
}

static void data_and_end_that_came_with_the_connection_are_seen(void **state)
{
    (void)state;
    unsigned port = 0;
    int listener = listen_on("127.0.0.1", 5, &port);
    struct connection connection = {0};
    snprintf(connection.address, 200, "127.0.0.1:%u", port);
    gust__coroutine_start(test_loop, NULL, NULL, connect_it, &connection);
    gust__loop_iterate(test_loop, 0);
    int accepted = accept(listener, NULL, NULL);
    assert_int_equal(write(accepted, "x", 1), 1);
    close(accepted);
    RUN_UNTIL(connection.done);
    settle();
    char got[10];
    assert_int_equal(gust_stream_read(connection.stream, got, 10), 1);
    assert_int_equal(gust_stream_read(connection.stream, got, 10), 0);
    gust_stream_free(connection.stream);
    close(listener);
}

static void connects_to_unix_sockets(void **state)
{
    (void)state;
    struct connection connection = {0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path + 1, 100, "gust-connect-%d", (int)getpid());
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, (socklen_t)(3 + length)), 0);
    assert_int_equal(listen(listener, 0), 0);
    snprintf(connection.address, 200, "unix:@%s", address.sun_path + 1);
    connect_now(&connection);
    assert_non_null(connection.stream);
    assert_string_equal(gust_stream_peer(connection.stream), connection.address);
    struct connection second = {.options.timeout = GUST_MS(30)}; /* the queue is full */
    memcpy(second.address, connection.address, 200);
    connect_now(&second);
    assert_int_equal(second.code, ETIMEDOUT);
    struct connection third = {0};
    memcpy(third.address, connection.address, 200);
    gust__coroutine_start(test_loop, NULL, NULL, connect_it, &third);
    settle();
    close(accept(listener, NULL, NULL));
    RUN_UNTIL(third.done);
    assert_non_null(third.stream);
    close(listener);
    struct connection fourth = {.address = "unix:/tmp/gust-no-such-socket"};
    connect_now(&fourth);
    assert_int_equal(fourth.code, ENOENT);
    gust_stream_free(connection.stream);
    gust_stream_free(third.stream);
}

static void bad_texts_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"nonsense", "127.0.0.1:0", "[::1]", ""};
    for (size_t i = 0; i < GUST_LEN(bad); i++) {
        struct connection connection = {0};
        snprintf(connection.address, 200, "%s", bad[i]);
        connect_now(&connection);
        assert_int_equal(connection.code, EINVAL);
    }
    errno = 0;
    assert_null(gust_connect("127.0.0.1:1"));
    assert_int_equal(errno, EDEADLK);
}

static void names_can_be_overridden(void **state)
{
    (void)state;
    unsigned port = 0;
    int listener = listen_on("127.0.0.1", 5, &port);
    char to[40];
    snprintf(to, sizeof(to), "127.0.0.1:%u", port);
    assert_int_equal(gust_resolve_override("db.example:5432", to), 0);
    assert_int_equal(gust_resolve_override("Host.Example", "127.0.0.1"), 0);
    struct connection first = {.address = "DB.example:5432"}, second = {0};
    connect_now(&first);
    assert_non_null(first.stream);
    snprintf(second.address, 200, "host.example:%u", port);
    connect_now(&second);
    assert_non_null(second.stream);
    assert_int_equal(count_asked(), 0);
    gust_stream_free(first.stream);
    gust_stream_free(second.stream);
    assert_int_equal(gust_resolve_override("db.example:5432", NULL), 0);
    assert_int_equal(gust_resolve_override("db.example:5432", NULL), 0);
    assert_int_equal(gust_resolve_override("host.example", NULL), 0);
    char host[GUST__HOST_MAX + 1] = "db.example";
    unsigned same = 5432;
    gust__override_apply(host, &same);
    assert_string_equal(host, "db.example");
    assert_int_equal(gust_resolve_override("", "x"), -1);
    assert_int_equal(gust_resolve_override("x", "a b"), -1);
    close(listener);
}

static void the_table_of_overrides_is_bounded(void **state)
{
    (void)state;
    char name[40];
    for (int i = 1; i <= 4097; i++) {
        snprintf(name, sizeof(name), "n%d.example", i);
        errno = 0;
        assert_int_equal(gust_resolve_override(name, "::1"), i <= 4096 ? 0 : -1);
        assert_int_equal(errno, i <= 4096 ? 0 : ENOMEM);
    }
    assert_int_equal(gust_resolve_override("n1.example", "::2"), 0); /* replaced, not added */
    for (int i = 1; i <= 4096; i++) {
        snprintf(name, sizeof(name), "n%d.example", i);
        assert_int_equal(gust_resolve_override(name, NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        name_test(identical_questions_are_asked_once),
        name_test(a_waiter_may_go),
        name_test(all_waiters_may_go_and_the_loop_too),
        name_test(unknown_names_say_so),
        name_test(numbers_are_not_looked_up),
        name_test(connects_and_talks),
        name_test(a_refused_connection_says_so),
        name_test(goes_on_to_the_address_that_answers),
        name_test(falls_back_when_the_first_is_silent),
        name_test(gives_up_in_time),
        name_test(a_look_up_counts_against_the_time),
        name_test(connects_from_a_chosen_address),
        name_test(data_and_end_that_came_with_the_connection_are_seen),
        name_test(connects_to_unix_sockets),
        name_test(bad_texts_are_refused),
        name_test(names_can_be_overridden),
        name_test(the_table_of_overrides_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
