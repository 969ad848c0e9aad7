/* Descriptors that are closed, shared, used anew, watched by others, or seen by a forked child. */
#include "loop/loop.h"

#include <gust/coroutine.h>
#include <gust/green.h>
#include <gust/loop.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2];
static int codes[8];
static int readers;

static void open_pair(void)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    readers = 0;
}

static void close_pair(void)
{
    close(ends[0]);
    close(ends[1]);
}

static int run(int (*function)(void *argument))
{
    return gust_run(function, NULL, GUST_S(20));
}

/* One byte, or its errno. */
static int read_byte(void *unused)
{
    char byte;
    (void)unused;
    int number = readers++;
    codes[number] = read(ends[0], &byte, 1) == 1 ? 0 : errno;
    return 0;
}

/* ---- closing ---- */

static int close_under_a_reader(void *unused)
{
    (void)unused;
    GUST_GROUP(group);
    gust_go(&group, read_byte, NULL);
    gust_go(&group, read_byte, NULL);
    gust_sleep(GUST_MS(2));
    close(ends[0]);
    return gust_group_wait(&group);
}

static void readers_of_a_closed_descriptor_get_ebadf(void **state)
{
    (void)state;
    open_pair();
    assert_int_equal(run(close_under_a_reader), 0);
    assert_int_equal(codes[0], EBADF);
    assert_int_equal(codes[1], EBADF);
    close(ends[1]);
}

/* That a thread closes what another reads is what the test is about. */
const char *__tsan_default_suppressions(void);
__attribute__((used, visibility("default"))) const char *__tsan_default_suppressions(void)
{
    return "race:close_in_a_thread\n";
}

static void *close_in_a_thread(void *unused)
{
    (void)unused;
    usleep(5000);
    close(ends[0]);
    return NULL;
}

static void readers_learn_of_a_close_by_another_thread(void **state)
{
    pthread_t thread;
    (void)state;
    open_pair();
    assert_int_equal(pthread_create(&thread, NULL, close_in_a_thread, NULL), 0);
    assert_int_equal(run(read_byte), 0);
    assert_int_equal(codes[0], EBADF);
    pthread_join(thread, NULL);
    close(ends[1]);
}

static int replace_under_a_reader(void *unused)
{
    (void)unused;
    GUST_GROUP(group);
    gust_go(&group, read_byte, NULL);
    gust_sleep(GUST_MS(2));
    codes[4] = dup2(4000, ends[0]); /* fails, and must leave the reader alone */
    gust_sleep(GUST_MS(2));
    codes[5] = codes[0];
    codes[6] = dup2(ends[1], ends[0]) == ends[0];
    return gust_group_wait(&group);
}

static void only_a_dup2_that_works_ends_a_wait(void **state)
{
    (void)state;
    open_pair();
    codes[0] = -7;
    assert_int_equal(run(replace_under_a_reader), 0);
    assert_int_equal(codes[4], -1);
    assert_int_equal(codes[5], -7);
    assert_int_equal(codes[6], 1);
    assert_int_equal(codes[0], EBADF);
    close_pair();
}

/* ---- the number is used anew ---- */

static int write_soon(void *unused)
{
    (void)unused;
    gust_sleep(GUST_MS(2));
    return write(ends[1], "x", 1) == 1 ? 0 : -1;
}

static int read_and_write(void)
{
    GUST_GROUP(group);
    gust_go(&group, write_soon, NULL);
    gust_go(&group, read_byte, NULL);
    return gust_group_wait(&group);
}

static int reuse(void *closes)
{
    void (*close_unseen)(void) = (void (*)(void))closes;
    for (int i = 0; i < 5; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || read_and_write() < 0)
            return -1;
        close_unseen();
    }
    return 0;
}

static void close_by_system_call(void)
{
    syscall(SYS_close, ends[0]);
    syscall(SYS_close, ends[1]);
}

static void close_by_stream(void)
{
    fclose(fdopen(ends[0], "r"));
    fclose(fdopen(ends[1], "w"));
}

static void a_number_used_anew_is_a_new_descriptor(void **state)
{
    void (*const ways[])(void) = {close_pair, close_by_system_call, close_by_stream};
    (void)state;
    for (size_t i = 0; i < GUST_LEN(ways); i++) {
        readers = 0;
        assert_int_equal(gust_run(reuse, (void *)ways[i], GUST_S(20)), 0);
    }
}

/* ---- two on one descriptor ---- */

static int share(void *unused)
{
    (void)unused;
    GUST_GROUP(group);
    for (int i = 0; i < 3; i++)
        gust_go(&group, read_byte, NULL);
    gust_sleep(GUST_MS(2));
    return write(ends[1], "abc", 3) == 3 ? gust_group_wait(&group) : -1;
}

static void three_readers_of_one_descriptor_all_get_their_byte(void **state)
{
    (void)state;
    open_pair();
    codes[0] = codes[1] = codes[2] = -1;
    assert_int_equal(run(share), 0);
    assert_int_equal(codes[0] | codes[1] | codes[2], 0);
    close_pair();
}

static char room[1 << 20];

static int write_much(void *unused)
{
    (void)unused;
    return write(ends[0], room, sizeof(room)) == sizeof(room) ? 0 : -1;
}

static int read_much(void *unused)
{
    ssize_t got, sum = 0;
    (void)unused;
    while (sum < (ssize_t)sizeof(room) && (got = read(ends[1], room, sizeof(room))) > 0)
        sum += got;
    return write(ends[1], "x", 1) == 1 ? 0 : -1;
}

static int both_ways(void *unused)
{
    (void)unused;
    GUST_GROUP(group);
    gust_go(&group, read_byte, NULL);
    gust_go(&group, write_much, NULL);
    gust_go(&group, read_much, NULL);
    return gust_group_wait(&group);
}

static void a_reader_and_a_writer_share_one_registration(void **state)
{
    (void)state;
    open_pair();
    assert_int_equal(run(both_ways), 0);
    assert_int_equal(codes[0], 0);
    close_pair();
}

static int count_registrations(void *unused)
{
    (void)unused;
    size_t before = gust__loop_descriptors(gust_loop_current());
    if (read_and_write() < 0)
        return -1;
    int more = (int)(gust__loop_descriptors(gust_loop_current()) - before);
    close(ends[0]);
    return more == 1 && gust__loop_descriptors(gust_loop_current()) == before ? 0 : -1;
}

static void a_registration_lasts_until_the_close(void **state)
{
    (void)state;
    open_pair();
    assert_int_equal(run(count_registrations), 0);
    close(ends[1]);
}

/* ---- others who have it registered ---- */

static int watched;

static int note_ready(int fd, unsigned events, void *argument)
{
    (void)fd, (void)events;
    watched++;
    return gust_watch_update(*(gust_watch **)argument, 0);
}

static int read_what_is_watched(void *unused)
{
    (void)unused;
    gust_watch *watch = NULL;
    watch = gust_watch_new(NULL, ends[0], GUST_READABLE, note_ready, &watch);
    int result = watch ? read_and_write() : -1;
    gust_watch_free(watch);
    return result;
}

static void a_read_waits_beside_a_watch(void **state)
{
    (void)state;
    open_pair();
    watched = 0;
    assert_int_equal(run(read_what_is_watched), 0);
    assert_int_equal(codes[0], 0);
    assert_int_equal(watched, 1);
    close_pair();
}

static int watch_what_is_read(void *unused)
{
    (void)unused;
    gust_watch *watch = NULL;
    if (read_and_write() < 0) /* has it registered */
        return -1;
    GUST_GROUP(group);
    gust_go(&group, read_byte, NULL);
    gust_yield();
    watch = gust_watch_new(NULL, ends[0], GUST_READABLE, note_ready, &watch);
    if (!watch)
        return -1;
    gust_go(&group, write_soon, NULL);
    int result = gust_group_wait(&group);
    gust_watch_free(watch);
    return result;
}

static void a_watch_takes_the_registration_and_the_read_goes_on(void **state)
{
    (void)state;
    open_pair();
    watched = 0;
    codes[1] = -1;
    assert_int_equal(run(watch_what_is_read), 0);
    assert_int_equal(codes[1], 0);
    assert_int_equal(watched, 1);
    close_pair();
}

/* ---- forking ---- */

static int read_again(void *unused)
{
    (void)unused;
    return read_and_write();
}

static int fork_inside(void *unused)
{
    (void)unused;
    if (read_and_write() < 0) /* registered with the parent's loop */
        return -1;
    int way[2], status;
    if (pipe(way) < 0)
        return -1;
    pid_t child = fork();
    if (child == 0) { /* not a coroutine any more, and free to run a loop of its own */
        close(ends[0]);
        close(ends[1]);
        int result =
            socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || gust_run(read_again, NULL, GUST_S(10)) < 0;
        _exit(result);
    }
    close(way[0]);
    close(way[1]);
    waitpid(child, &status, 0);
    return status == 0 && read_and_write() == 0 ? 0 : -1; /* the parent's registration still holds */
}

static void a_forked_child_starts_afresh_and_leaves_its_parent_alone(void **state)
{
    (void)state;
    open_pair();
    assert_int_equal(run(fork_inside), 0);
    close_pair();
}

static int vfork_inside(void *unused)
{
    (void)unused;
    GUST_GROUP(group);
    codes[0] = -7;
    gust_go(&group, read_byte, NULL);
    gust_sleep(GUST_MS(2));
    pid_t child = vfork();
    if (child == 0) {
        close(ends[0]); /* its own, but in our memory */
        _exit(0);
    }
    waitpid(child, NULL, 0);
    gust_sleep(GUST_MS(2));
    if (codes[0] != -7)
        return -1;
    return write(ends[1], "x", 1) == 1 ? gust_group_wait(&group) : -1;
}

static void a_child_of_vfork_closes_nothing_of_its_parents(void **state)
{
    (void)state;
    open_pair();
    assert_int_equal(run(vfork_inside), 0);
    assert_int_equal(codes[0], 0);
    close_pair();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_of_a_closed_descriptor_get_ebadf),
        cmocka_unit_test(readers_learn_of_a_close_by_another_thread),
        cmocka_unit_test(only_a_dup2_that_works_ends_a_wait),
        cmocka_unit_test(a_number_used_anew_is_a_new_descriptor),
        cmocka_unit_test(three_readers_of_one_descriptor_all_get_their_byte),
        cmocka_unit_test(a_reader_and_a_writer_share_one_registration),
        cmocka_unit_test(a_registration_lasts_until_the_close),
        cmocka_unit_test(a_read_waits_beside_a_watch),
        cmocka_unit_test(a_watch_takes_the_registration_and_the_read_goes_on),
        cmocka_unit_test(a_forked_child_starts_afresh_and_leaves_its_parent_alone),
        cmocka_unit_test(a_child_of_vfork_closes_nothing_of_its_parents),
    };
    gust_green_require();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
