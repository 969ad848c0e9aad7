/*
 * What parks the coroutine and what blocks its thread: the limits that docs/green.md names. A coroutine makes
 * the call while another counts turns of the loop; a thread ends the call once three turns were counted, or
 * when a while has passed without them.
 */
#include <gust/coroutine.h>
#include <gust/green.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define TSAN
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define TSAN
#endif

enum { TURNS = 3, A_WHILE = 300 };

struct trial {
    int (*call)(struct trial *trial); /* 0 when it did what it should */
    bool blocks;
    int mutex_protocol, mutex_shared;
    int ends[2];
    pthread_mutex_t mutex;
    atomic_int turns, turns_when_it_ended;
    atomic_bool ended, taken;
};

/* ---- the calls ---- */

static int by_read(struct trial *trial)
{
    char room[8];
    return read(trial->ends[0], room, sizeof(room)) == 6 ? 0 : -1;
}

static int by_stdio(struct trial *trial)
{
    char room[8];
    FILE *file = fdopen(dup(trial->ends[0]), "r");
    bool same = fgets(room, sizeof(room), file) && strcmp(room, "hello\n") == 0;
    fclose(file);
    return same ? 0 : -1;
}

static int by_green_stream(struct trial *trial)
{
    char room[8];
    FILE *file = gust_green_stream(dup(trial->ends[0]), "r");
    bool same = fgets(room, sizeof(room), file) && strcmp(room, "hello\n") == 0;
    fclose(file);
    return same ? 0 : -1;
}

static int by_raw_system_call(struct trial *trial)
{
    char room[8];
    return syscall(SYS_read, trial->ends[0], room, sizeof(room)) == 6 ? 0 : -1;
}

static int by_read_switched_off(struct trial *trial)
{
    GUST_GREEN_OFF;
    return by_read(trial);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* vfork is what this is about */
static int by_vfork(struct trial *trial)
{
    static char room[8];
    int status = -1;
    pid_t child = vfork();
    if (child == 0) {
        ssize_t got = syscall(SYS_read, trial->ends[0], room, sizeof(room));
        _exit(got == 6 ? 0 : 1);
    }
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : -1;
}
#pragma GCC diagnostic pop

static int by_lock(struct trial *trial)
{
    int code = pthread_mutex_lock(&trial->mutex);
    return code || pthread_mutex_unlock(&trial->mutex);
}

/* ---- one trial ---- */

/* Whether three turns were counted, in time. */
static void wait_for_turns(struct trial *trial)
{
    for (int left = A_WHILE; left > 0 && atomic_load(&trial->turns) < TURNS; left--)
        usleep(1000);
}

static void *end_the_call(void *argument)
{
    struct trial *trial = argument;
    pthread_mutex_lock(&trial->mutex);
    atomic_store(&trial->taken, true);
    wait_for_turns(trial);
    atomic_store(&trial->turns_when_it_ended, atomic_load(&trial->turns));
    pthread_mutex_unlock(&trial->mutex);
    return write(trial->ends[1], "hello\n", 6) == 6 ? NULL : trial;
}

static int count_turns(void *argument)
{
    struct trial *trial = argument;
    while (!atomic_load(&trial->ended)) {
        gust_sleep(GUST_MS(1));
        atomic_fetch_add(&trial->turns, 1);
    }
    return 0;
}

static int make_the_call(void *argument)
{
    struct trial *trial = argument;
    int result = trial->call(trial);
    atomic_store(&trial->ended, true);
    return result;
}

static int run_both(void *argument)
{
    GUST_GROUP(group);
    gust_go(&group, make_the_call, argument);
    gust_go(&group, count_turns, argument);
    return gust_group_wait(&group);
}

static void set_up(struct trial *trial)
{
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setprotocol(&kind, trial->mutex_protocol);
    pthread_mutexattr_setpshared(&kind, trial->mutex_shared);
    assert_int_equal(pthread_mutex_init(&trial->mutex, &kind), 0);
    pthread_mutexattr_destroy(&kind);
    if (trial->ends[0] == 0)
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, trial->ends), 0);
}

static void run_trial(struct trial *trial)
{
    pthread_t thread;
    void *failed;
    set_up(trial);
    pthread_create(&thread, NULL, end_the_call, trial);
    while (!atomic_load(&trial->taken))
        usleep(1000);
    assert_int_equal(gust_run(run_both, trial, GUST_S(20)), 0);
    pthread_join(thread, &failed);
    assert_null(failed);
    if (trial->blocks)
        assert_true(atomic_load(&trial->turns_when_it_ended) < TURNS);
    else
        assert_true(atomic_load(&trial->turns_when_it_ended) >= TURNS);
    close(trial->ends[0]);
    close(trial->ends[1]);
    pthread_mutex_destroy(&trial->mutex);
}

/* ---- the tests ---- */

static void a_read_parks(void **state)
{
    (void)state;
    run_trial(&(struct trial){.call = by_read});
}

static void stdio_on_a_socket_blocks(void **state)
{
    (void)state;
    run_trial(&(struct trial){.call = by_stdio, .blocks = true});
}

static void gust_green_stream_parks(void **state)
{
    (void)state;
    run_trial(&(struct trial){.call = by_green_stream});
}

static void a_raw_system_call_blocks(void **state)
{
    (void)state;
    run_trial(&(struct trial){.call = by_raw_system_call, .blocks = true});
}

static void a_scope_that_is_off_blocks(void **state)
{
    (void)state;
    run_trial(&(struct trial){.call = by_read_switched_off, .blocks = true});
}

static void vfork_blocks_until_its_child_has_gone(void **state)
{
    (void)state;
#ifdef TSAN
    run_trial(&(struct trial){.call = by_vfork}); /* it makes a fork of it */
#else
    run_trial(&(struct trial){.call = by_vfork, .blocks = true});
#endif
}

static void a_terminal_parks(void **state)
{
    struct trial trial = {.call = by_read};
    struct termios mode;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    (void)state;
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_int_equal(tcgetattr(slave, &mode), 0);
    cfmakeraw(&mode);
    assert_int_equal(tcsetattr(slave, TCSANOW, &mode), 0);
    trial.ends[0] = slave;
    trial.ends[1] = master;
    run_trial(&trial);
}

static void a_threads_mutex_parks(void **state)
{
    (void)state;
    run_trial(&(struct trial){.call = by_lock});
}

static void a_mutex_of_several_processes_parks(void **state)
{
    (void)state;
    run_trial(&(struct trial){.call = by_lock, .mutex_shared = PTHREAD_PROCESS_SHARED});
}

static void a_mutex_with_priority_inheritance_parks(void **state)
{
    (void)state;
    run_trial(&(struct trial){.call = by_lock, .mutex_protocol = PTHREAD_PRIO_INHERIT});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_parks),
        cmocka_unit_test(stdio_on_a_socket_blocks),
        cmocka_unit_test(gust_green_stream_parks),
        cmocka_unit_test(a_raw_system_call_blocks),
        cmocka_unit_test(a_scope_that_is_off_blocks),
        cmocka_unit_test(vfork_blocks_until_its_child_has_gone),
        cmocka_unit_test(a_terminal_parks),
        cmocka_unit_test(a_threads_mutex_parks),
        cmocka_unit_test(a_mutex_of_several_processes_parks),
        cmocka_unit_test(a_mutex_with_priority_inheritance_parks),
    };
    gust_green_require();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
