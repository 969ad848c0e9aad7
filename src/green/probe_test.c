/*
 * The probe for the key of OpenSSL's error queue stands between a waiter's last look and its park, and
 * OpenSSL, asked for the first time, initialises itself: it may wait. What came meanwhile is not lost.
 * This OpenSSL is ours: the program exports it, so that the probe finds it first.
 */
#include "green/locks_testing.h"

static void (*meanwhile)(void); /* while the probe waits */
static int asked;

__attribute__((visibility("default"))) unsigned long ERR_peek_error(void);
__attribute__((visibility("default"))) void ERR_clear_error(void);

unsigned long ERR_peek_error(void)
{
    void (*function)(void) = meanwhile;
    meanwhile = NULL;
    asked++;
    if (function)
        function();
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_released_during_the_probe_is_taken),
        cmocka_unit_test(a_pipe_written_during_the_probe_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
