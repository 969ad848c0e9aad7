/*
 * The probe for the key of OpenSSL's error queue stands between a waiter's last look and its park, and
 * OpenSSL, asked for the first time, initialises itself: it may wait. What came meanwhile is not lost.
 * This OpenSSL is ours: the program exports it, so that the probe finds it first.
 */
#include "green/locks_testing.h"

#include <sys/syscall.h>

#define MARK ((void *)-1)

static void (*meanwhile)(void); /* while the probe waits */
static int asked;

static bool has_queues;
static pthread_key_t key_of_queues;
static void (*in_the_making)(void); /* of a queue */

__attribute__((visibility("default"))) unsigned long ERR_peek_error(void);
__attribute__((visibility("default"))) void ERR_clear_error(void);

/* As OpenSSL does, with a mark that is there meanwhile. */
static void make_queue(void)
{
    static char queues[16];
    static _Atomic int count;
    void (*function)(void) = in_the_making;
    in_the_making = NULL;
    CHECK(pthread_setspecific(key_of_queues, MARK) == 0);
    if (function)
        function();
    CHECK(count < 16);
    CHECK(pthread_setspecific(key_of_queues, &queues[count++]) == 0);
}

unsigned long ERR_peek_error(void)
{
    void (*function)(void) = meanwhile;
    meanwhile = NULL;
    asked++;
    if (function)
        function();
    if (has_queues && !pthread_getspecific(key_of_queues))
        make_queue();
    return 0;
}

void ERR_clear_error(void)
{
}

/* Makes the next wait probe. */
static void prepare(void (*function)(void))
{
    pthread_key_t key;
    CHECK(pthread_key_create(&key, NULL) == 0);
    CHECK(pthread_key_delete(key) == 0);
    asked = 0;
    meanwhile = function;
}

/* A lost wake is a wait without end. */
static int run_or_hang(int (*function)(void *), void *argument)
{
    alarm(20);
    int result = gust_run(function, argument, 0);
    alarm(0);
    return result;
}

/* ---- A lock ---- */

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static bool release, released;

static int hold(void *argument)
{
    CHECK(pthread_rwlock_wrlock(&lock) == 0);
    while (!release)
        gust_yield();
    CHECK(pthread_rwlock_unlock(&lock) == 0);
    released = true;
    (void)argument;
    return 0;
}

static void see_it_released(void)
{
    release = true;
    while (!released)
        gust_yield();
}

static int take_held(void *argument)
{
    GUST_GROUP(group);
    gust_go(&group, hold, argument);
    gust_yield();
    prepare(see_it_released);
    CHECK(pthread_rwlock_wrlock(&lock) == 0);
    CHECK(released);
    CHECK(pthread_rwlock_unlock(&lock) == 0);
    return gust_group_wait(&group);
}

static void a_lock_released_during_the_probe_is_taken(void **state)
{
    (void)state;
    assert_int_equal(run_or_hang(take_held, NULL), 0);
    assert_true(asked > 0);
}

/* ---- A descriptor ---- */

static int ends[2];

static void see_it_written(void)
{
    CHECK(write(ends[1], "x", 1) == 1);
    gust_sleep(GUST_MS(1)); /* the loop hears of it */
}

static int read_empty(void *argument)
{
    char byte;
    prepare(see_it_written);
    CHECK(read(ends[0], &byte, 1) == 1);
    CHECK(byte == 'x');
    (void)argument;
    return 0;
}

static void a_pipe_written_during_the_probe_is_read(void **state)
{
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(run_or_hang(read_empty, NULL), 0);
    assert_true(asked > 0);
    close(ends[0]);
    close(ends[1]);
}

/* ---- Another thread ---- */

static _Atomic bool other_has_ended;

static int wait_a_little(void *unused)
{
    pthread_key_t key;
    (void)unused;
    CHECK(pthread_key_create(&key, NULL) == 0);
    CHECK(pthread_key_delete(key) == 0);
    return usleep(1000);
}

static void *run_other_loop(void *unused)
{
    CHECK(gust_run(wait_a_little, NULL, 0) == 0);
    other_has_ended = true;
    return unused;
}

static pthread_t other;

/* The coroutine keeps its thread: where it waits it would find the key itself. */
static void let_another_find_the_key(void)
{
    CHECK(pthread_create(&other, NULL, run_other_loop, NULL) == 0);
    while (!other_has_ended)
        syscall(SYS_sched_yield);
}

static void a_key_found_while_a_queue_is_made_leaves_no_mark(void **state)
{
    (void)state;
    assert_int_equal(pthread_key_create(&key_of_queues, NULL), 0);
    has_queues = true;
    in_the_making = let_another_find_the_key;
    assert_int_equal(run_or_hang(wait_a_little, NULL), 0);
    assert_true(other_has_ended);
    assert_ptr_not_equal(pthread_getspecific(key_of_queues), MARK);
    pthread_join(other, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_released_during_the_probe_is_taken),
        cmocka_unit_test(a_pipe_written_during_the_probe_is_read),
        cmocka_unit_test(a_key_found_while_a_queue_is_made_leaves_no_mark), /* finds the key for good */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
