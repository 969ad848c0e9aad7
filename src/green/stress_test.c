/*
 * Locks of all kinds under a random schedule: coroutines of two loops and threads without any, on the same
 * few objects. A second by default; GUST_STRESS_SECONDS=10 for more.
 */
#include "green/locks_testing.h"

#include <semaphore.h>

enum { MUTEXES = 4, COROUTINES = 24, TOKENS = 3 };

static struct {
    pthread_mutex_t mutexes[MUTEXES];
    long guarded[MUTEXES]; /* changed in two steps, under its mutex */
    pthread_rwlock_t rwlock;
    long written, copy;
    sem_t tokens;
    _Atomic int out;
    pthread_mutex_t gate;
    pthread_cond_t opened;
    unsigned long generation;
    _Atomic long done;
    int64_t end;
} all;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void pause_at_random(unsigned *random, bool coroutine)
{
    unsigned choice = next_random(random) % 16;
    if (!coroutine) {
        if (choice == 0)
            usleep(next_random(random) % 100);
    } else if (choice < 6) {
        gust_yield();
    } else if (choice < 8) {
        gust_sleep(next_random(random) % 100000);
    }
}

static bool take(pthread_mutex_t *mutex, unsigned *random)
{
    struct timespec at;
    int code;
    switch (next_random(random) % 4) {
    case 0:
        code = pthread_mutex_trylock(mutex);
        CHECK(code == 0 || code == EBUSY);
        return code == 0;
    case 1:
        at = soon(CLOCK_REALTIME, next_random(random) % 300000); /* TSan does not know clocklock */
        code = pthread_mutex_timedlock(mutex, &at);
        CHECK(code == 0 || code == ETIMEDOUT);
        return code == 0;
    default:
        CHECK(pthread_mutex_lock(mutex) == 0);
        return true;
    }
}

static void use_mutex(unsigned *random, bool coroutine)
{
    size_t which = next_random(random) % MUTEXES;
    pthread_mutex_t *mutex = &all.mutexes[which];
    bool recursive = which == 1;
    if (!take(mutex, random))
        return;
    if (recursive)
        CHECK(pthread_mutex_lock(mutex) == 0);
    CHECK(all.guarded[which] % 2 == 0);
    all.guarded[which]++;
    pause_at_random(random, coroutine);
    all.guarded[which]++;
    if (recursive)
        CHECK(pthread_mutex_unlock(mutex) == 0);
    CHECK(pthread_mutex_unlock(mutex) == 0);
}

static void use_rwlock(unsigned *random, bool coroutine)
{
    if (next_random(random) % 3 == 0) {
        CHECK(pthread_rwlock_wrlock(&all.rwlock) == 0);
        all.written++;
        pause_at_random(random, coroutine);
        all.copy++;
    } else {
        CHECK(pthread_rwlock_rdlock(&all.rwlock) == 0);
        CHECK(all.written == all.copy);
        pause_at_random(random, coroutine);
        CHECK(all.written == all.copy);
    }
    CHECK(pthread_rwlock_unlock(&all.rwlock) == 0);
}

static void use_semaphore(unsigned *random, bool coroutine)
{
    struct timespec at = soon(CLOCK_REALTIME, next_random(random) % 300000);
    if (next_random(random) % 2 == 0)
        CHECK(sem_wait(&all.tokens) == 0);
    else if (sem_timedwait(&all.tokens, &at) < 0)
        return;
    CHECK(++all.out <= TOKENS);
    pause_at_random(random, coroutine);
    all.out--;
    CHECK(sem_post(&all.tokens) == 0);
}

/* Some wait for the next generation, some make it. */
static void use_condition(unsigned *random)
{
    struct timespec at = soon(CLOCK_REALTIME, 2000000);
    CHECK(pthread_mutex_lock(&all.gate) == 0);
    if (next_random(random) % 2 == 0) {
        all.generation++;
        CHECK(pthread_cond_broadcast(&all.opened) == 0);
    } else {
        unsigned long generation = all.generation;
        while (all.generation == generation && now() < all.end)
            if (pthread_cond_timedwait(&all.opened, &all.gate, &at) == ETIMEDOUT)
                break;
    }
    CHECK(pthread_mutex_unlock(&all.gate) == 0);
}

static void work(unsigned seed, bool coroutine)
{
    unsigned random = seed;
    while (now() < all.end) {
        switch (next_random(&random) % 5) {
        case 0:
            use_rwlock(&random, coroutine);
            break;
        case 1:
            use_semaphore(&random, coroutine);
            break;
        case 2:
            use_condition(&random);
            break;
        default:
            use_mutex(&random, coroutine);
        }
        all.done++;
        if (coroutine)
            gust_yield();
    }
}

static _Atomic unsigned seeds = 1;

static int work_in_coroutine(void *argument)
{
    work(seeds++ * 7919u, true);
    (void)argument;
    return 0;
}

static int run_coroutines(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < COROUTINES; i++)
        gust_go(&group, work_in_coroutine, argument);
    return gust_group_wait(&group);
}

static void *run_loop(void *argument)
{
    CHECK(gust_run(run_coroutines, argument, 0) == 0);
    return NULL;
}

static void *work_in_thread(void *argument)
{
    work(seeds++ * 104729u, false);
    return argument;
}

static void everything_at_once(void **state)
{
    static const int types[MUTEXES] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE,
                                       PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ADAPTIVE_NP};
    const char *seconds = getenv("GUST_STRESS_SECONDS");
    pthread_t threads[4];
    (void)state;
    for (size_t i = 0; i < MUTEXES; i++) {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_settype(&attributes, types[i]);
        pthread_mutex_init(&all.mutexes[i], &attributes);
    }
    pthread_rwlock_init(&all.rwlock, NULL);
    sem_init(&all.tokens, 0, TOKENS);
    pthread_mutex_init(&all.gate, NULL);
    pthread_cond_init(&all.opened, NULL);
    all.end = now() + (seconds ? atoi(seconds) : 1) * INT64_C(1000000000);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, i < 2 ? run_loop : work_in_thread, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    print_message("%ld steps\n", (long)all.done);
    assert_int_equal(all.written, all.copy);
    assert_true(all.done > 0);
    for (size_t i = 0; i < MUTEXES; i++) {
        assert_int_equal(all.guarded[i] % 2, 0);
        assert_int_equal(pthread_mutex_destroy(&all.mutexes[i]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
