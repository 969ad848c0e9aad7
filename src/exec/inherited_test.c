#include "exec/inherited.h"
#include "exec/listening.h"
#include "base/alloc.h"
#include "exec/successor.h"
#include "pool/loop_for_tests.h"

#include <gust/error.h>

static struct gust__inherited inherited;

static int set_up(void **state)
{
    (void)state;
    test_descriptors = count_descriptors();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gust__inherited_close(&inherited);
    assert_null(getenv(GUST__LISTENERS_VARIABLE));
    assert_null(getenv(GUST__READY_VARIABLE));
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDNAMES"));
    assert_int_equal(count_descriptors(), test_descriptors);
    return 0;
}

static int listening_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

/* format has a %d for each descriptor. */
static void offer(const char *format, int one, int other)
{
    char text[512];
    snprintf(text, sizeof(text), format, one, other);
    setenv(GUST__LISTENERS_VARIABLE, text, 1);
}

static void nothing_is_inherited(void **state)
{
    int fds[GUST__ADDRESSES_MAX];
    (void)state;
    assert_int_equal(gust__inherited_take(&inherited), 0);
    assert_int_equal(inherited.count, 0);
    assert_int_equal(gust__inherited_find(&inherited, "127.0.0.1:80", fds), 0);
    gust__inherited_ready(&inherited); /* nobody waits */
}

static void sockets_come_by_the_address_that_asked_for_them(void **state)
{
    int one = listening_socket(), other = listening_socket(), fds[GUST__ADDRESSES_MAX];
    (void)state;
    offer("%d localhost:80\n%d unix:/a path with spaces\n", one, other);
    assert_int_equal(gust__inherited_take(&inherited), 0);
    assert_int_equal(fcntl(one, F_GETFD), FD_CLOEXEC);
    assert_true(fcntl(one, F_GETFL) & O_NONBLOCK);
    assert_int_equal(gust__inherited_find(&inherited, "localhost:8", fds), 0);
    assert_int_equal(gust__inherited_find(&inherited, "unix:/a path with spaces", fds), 1);
    assert_int_equal(fds[0], other);
    assert_int_equal(gust__inherited_find(&inherited, "unix:/a path with spaces", fds), 0);
    close(other); /* the first is closed with the rest */
}

static void an_address_may_have_several(void **state)
{
    int one = listening_socket(), other = listening_socket(), fds[GUST__ADDRESSES_MAX];
    (void)state;
    offer("%d,%d :80\n", one, other);
    assert_int_equal(gust__inherited_take(&inherited), 0);
    assert_int_equal(gust__inherited_find(&inherited, ":80", fds), 2);
    assert_int_equal(fds[0], one);
    assert_int_equal(fds[1], other);
    close(one);
    close(other);
}

static void what_cannot_be_read_is_refused(void **state)
{
    static const char *const texts[] = {"x :80\n", "-1 :80\n",   "%d\n",           "%d", "%d \n", "%d,:80\n",
                                        "%d:80\n", "999999 :80", "99999999999 :80"};
    (void)state;
    for (size_t i = 0; i < GUST_LEN(texts); i++) {
        int fd = listening_socket();
        offer(texts[i], fd, 0);
        errno = 0;
        if (gust__inherited_take(&inherited) != -1 || errno != EINVAL)
            fail_msg("%s", texts[i]);
        gust__inherited_close(&inherited);
        close(fd); /* where it was not taken */
    }
}

static void what_does_not_listen_is_refused(void **state)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    (void)state;
    offer("%d :80\n", fd, 0);
    assert_int_equal(gust__inherited_take(&inherited), -1);
    offer("%d :80\n", datagrams, 0);
    assert_int_equal(gust__inherited_take(&inherited), -1);
    assert_non_null(strstr(gust_error_text(gust_error_last()), "not a listening stream socket"));
    close(fd);
    close(datagrams);
}

static void there_is_room_for_so_many(void **state)
{
    static char text[16 * (GUST__INHERITED_MAX + 1)];
    (void)state;
    for (int count = GUST__INHERITED_MAX - 1; count <= GUST__INHERITED_MAX + 1; count++) {
        int fds[GUST__INHERITED_MAX + 1];
        size_t length = 0;
        for (int i = 0; i < count; i++) {
            fds[i] = listening_socket();
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%d :%d\n", fds[i], i);
        }
        setenv(GUST__LISTENERS_VARIABLE, text, 1);
        assert_int_equal(gust__inherited_take(&inherited), count > GUST__INHERITED_MAX ? -1 : 0);
        gust__inherited_close(&inherited);
        if (count > GUST__INHERITED_MAX)
            close(fds[GUST__INHERITED_MAX]);
    }
}

static void an_address_has_so_many_bytes(void **state)
{
    static char text[GUST__INHERITED_KEY + 32];
    (void)state;
    for (int size = GUST__INHERITED_KEY - 1; size <= GUST__INHERITED_KEY + 1; size++) {
        int fd = listening_socket();
        snprintf(text, sizeof(text), "%d %0*d\n", fd, size, 0);
        setenv(GUST__LISTENERS_VARIABLE, text, 1);
        assert_int_equal(gust__inherited_take(&inherited), size > GUST__INHERITED_KEY ? -1 : 0);
        gust__inherited_close(&inherited);
    }
}

static void who_waits_hears_once(void **state)
{
    struct gust__successor_report report = {.code = 1};
    char text[16];
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    snprintf(text, sizeof(text), "%d", ends[1]);
    setenv(GUST__READY_VARIABLE, text, 1);
    assert_int_equal(gust__inherited_take(&inherited), 0);
    assert_int_equal(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
    gust__inherited_ready(&inherited);
    gust__inherited_ready(&inherited);
    assert_int_equal(read(ends[0], &report, sizeof(report)), sizeof(report));
    assert_int_equal(report.code, 0);
    assert_int_equal(read(ends[0], &report, sizeof(report)), 0);
    close(ends[0]);
}

/* What is written for a successor is what it reads. */
static void a_list_is_read_as_it_was_written(void **state)
{
    static struct gust__listening listening;
    static struct gust__inherited none = {.ready = -1};
    gust_listen_options options = {.size = sizeof(options)};
    int fds[GUST__LISTENING_FDS];
    (void)state;
    assert_int_equal(gust__listening_open(&listening, &none, "127.0.0.1:0", &options), 0);
    assert_int_equal(gust__listening_open(&listening, &none, "unix:@gust-inherited-test", &options), 0);
    assert_int_equal(gust__listening_fds(&listening, fds, GUST_LEN(fds)), 2);
    assert_int_equal(gust__listening_fds(&listening, NULL, 0), 2);
    char *text = gust__listening_text(&listening);
    setenv(GUST__LISTENERS_VARIABLE, text, 1);
    gust__free(text);
    assert_int_equal(gust__inherited_take(&inherited), 0);
    assert_int_equal(inherited.count, 2);
    assert_string_equal(inherited.list[0].key, "127.0.0.1:0");
    assert_int_equal(inherited.list[0].fds[0], fds[0]);
    assert_string_equal(inherited.list[1].key, "unix:@gust-inherited-test");
    assert_int_equal(inherited.list[1].fds[0], fds[1]);
    gust__inherited_close(&inherited);
    for (int i = 0; i < 2; i++) /* closed: give the numbers back, for they are closed once more */
        assert_int_equal(dup2(STDIN_FILENO, fds[i]), fds[i]);
    gust__listening_close(&listening);
}

static void an_address_that_was_inherited_is_not_opened(void **state)
{
    static struct gust__listening listening;
    gust_listen_options options = {.size = sizeof(options)};
    int fd = listening_socket(), fds[4];
    (void)state;
    offer("%d 127.0.0.1:0\n", fd, 0);
    assert_int_equal(gust__inherited_take(&inherited), 0);
    assert_int_equal(gust__listening_open(&listening, &inherited, "127.0.0.1:0", &options), 0);
    assert_int_equal(gust__listening_fds(&listening, fds, 4), 1);
    assert_int_equal(fds[0], fd);
    errno = 0;
    assert_int_equal(gust__listening_open(&listening, &inherited, "unix:/two\nlines", &options), -1);
    assert_int_equal(errno, EINVAL);
    gust__listening_close(&listening);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_inherited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sockets_come_by_the_address_that_asked_for_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_address_may_have_several, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_listen_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_is_room_for_so_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_address_has_so_many_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_waits_hears_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_list_is_read_as_it_was_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_address_that_was_inherited_is_not_opened, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
