/* Mutexes on coroutines: of each kind, between coroutines, between threads, and outside of both. */
#include "green/locks_testing.h"

static pthread_mutex_t *new_mutex(int type)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t *mutex = malloc(sizeof(*mutex));
    assert_non_null(mutex);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type);
    assert_int_equal(pthread_mutex_init(mutex, &attributes), 0);
    pthread_mutexattr_destroy(&attributes);
    return mutex;
}

static void free_mutex(pthread_mutex_t *mutex)
{
    assert_int_equal(pthread_mutex_destroy(mutex), 0);
    free(mutex);
}

static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
                            PTHREAD_MUTEX_ADAPTIVE_NP};

/* ---- Two, and many ---- */

struct counted {
    pthread_mutex_t *mutex;
    int inside, most, total;
};

static int enter_and_sleep(void *argument)
{
    struct counted *counted = argument;
    CHECK(pthread_mutex_lock(counted->mutex) == 0);
    if (++counted->inside > counted->most)
        counted->most = counted->inside;
    gust_sleep(GUST_MS(1) / 10);
    counted->inside--;
    counted->total++;
    CHECK(pthread_mutex_unlock(counted->mutex) == 0);
    return 0;
}

static int fifty(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < 50; i++)
        gust_go(&group, enter_and_sleep, argument);
    return gust_group_wait(&group);
}

static void one_at_a_time_for_each_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < GUST_LEN(types); i++) {
        struct counted counted = {.mutex = new_mutex(types[i])};
        assert_int_equal(gust_run(fifty, &counted, GUST_S(60)), 0);
        assert_int_equal(counted.most, 1);
        assert_int_equal(counted.total, 50);
        free_mutex(counted.mutex);
    }
}

static pthread_mutex_t made_by_initialiser = PTHREAD_MUTEX_INITIALIZER;

static void a_statically_initialised_one_works(void **state)
{
    struct counted counted = {.mutex = &made_by_initialiser};
    (void)state;
    assert_int_equal(gust_run(fifty, &counted, GUST_S(60)), 0);
    assert_int_equal(counted.most, 1);
}

/* ---- What each kind says to its owner, and to others ---- */

struct answers {
    pthread_mutex_t *mutex;
    int again, try_again, other_try, other_unlock, other_timed, second_unlock, third_unlock;
};

static int ask_as_other(void *argument)
{
    struct answers *answers = argument;
    struct timespec at = soon(CLOCK_REALTIME, GUST_MS(2));
    answers->other_try = pthread_mutex_trylock(answers->mutex);
    answers->other_timed = pthread_mutex_timedlock(answers->mutex, &at);
    answers->other_unlock = pthread_mutex_unlock(answers->mutex);
    return 0;
}

static int ask_as_owner(void *argument)
{
    struct answers *answers = argument;
    CHECK(pthread_mutex_lock(answers->mutex) == 0);
    answers->again = pthread_mutex_lock(answers->mutex);
    answers->try_again = pthread_mutex_trylock(answers->mutex);
    GUST_GROUP(group);
    gust_go(&group, ask_as_other, answers);
    gust_group_wait(&group);
    if (answers->try_again == 0)
        CHECK(pthread_mutex_unlock(answers->mutex) == 0);
    if (answers->again == 0)
        CHECK(pthread_mutex_unlock(answers->mutex) == 0);
    CHECK(pthread_mutex_unlock(answers->mutex) == 0);
    answers->second_unlock = pthread_mutex_unlock(answers->mutex);
    return 0;
}

static void a_recursive_one_is_its_coroutines(void **state)
{
    struct answers answers = {.mutex = new_mutex(PTHREAD_MUTEX_RECURSIVE)};
    (void)state;
    assert_int_equal(gust_run(ask_as_owner, &answers, GUST_S(10)), 0);
    assert_int_equal(answers.again, 0);
    assert_int_equal(answers.try_again, 0);
    assert_int_equal(answers.other_try, EBUSY);
    assert_int_equal(answers.other_timed, ETIMEDOUT);
    assert_int_equal(answers.other_unlock, EPERM);
    assert_int_equal(answers.second_unlock, EPERM);
    free_mutex(answers.mutex);
}

static void an_errorchecking_one_tells(void **state)
{
    struct answers answers = {.mutex = new_mutex(PTHREAD_MUTEX_ERRORCHECK)};
    (void)state;
    assert_int_equal(gust_run(ask_as_owner, &answers, GUST_S(10)), 0);
    assert_int_equal(answers.again, EDEADLK);
    assert_int_equal(answers.try_again, EBUSY);
    assert_int_equal(answers.other_try, EBUSY);
    assert_int_equal(answers.other_timed, ETIMEDOUT);
    assert_int_equal(answers.other_unlock, EPERM);
    assert_int_equal(answers.second_unlock, EPERM);
    free_mutex(answers.mutex);
}

static int lock_twice(void *mutex)
{
    struct timespec at = soon(CLOCK_REALTIME, GUST_MS(2));
    CHECK(pthread_mutex_lock(mutex) == 0);
    CHECK(pthread_mutex_timedlock(mutex, &at) == ETIMEDOUT);
    CHECK(pthread_mutex_trylock(mutex) == EBUSY);
    log_quietly();
    int code = pthread_mutex_lock(mutex); /* natively it would never come back */
    gust_log_sink(NULL, NULL);
    CHECK(pthread_mutex_unlock(mutex) == 0);
    return code;
}

static void a_normal_one_taken_twice_is_reported(void **state)
{
    pthread_mutex_t *mutex = new_mutex(PTHREAD_MUTEX_NORMAL);
    (void)state;
    assert_int_equal(gust_run(lock_twice, mutex, GUST_S(10)), EDEADLK);
    free_mutex(mutex);
}

/* ---- Times ---- */

static int hold(void *mutex)
{
    CHECK(pthread_mutex_lock(mutex) == 0);
    gust_sleep(GUST_MS(20));
    CHECK(pthread_mutex_unlock(mutex) == 0);
    return 0;
}

static int try_for_a_time(void *mutex)
{
    struct timespec past = {0}, wrong = {0, 1000000000}, at = soon(CLOCK_MONOTONIC, GUST_MS(2));
    GUST_GROUP(group);
    gust_go(&group, hold, mutex);
    gust_yield();
    CHECK(pthread_mutex_timedlock(mutex, &past) == ETIMEDOUT);
    CHECK(pthread_mutex_timedlock(mutex, &wrong) == EINVAL);
    CHECK(pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &at) == ETIMEDOUT);
    CHECK(pthread_mutex_clocklock(mutex, CLOCK_BOOTTIME, &at) == EINVAL);
    at = soon(CLOCK_MONOTONIC, GUST_S(20));
    CHECK(pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &at) == 0);
    CHECK(pthread_mutex_unlock(mutex) == 0);
    CHECK(pthread_mutex_timedlock(mutex, &past) == 0); /* free: the time is not looked at */
    CHECK(pthread_mutex_unlock(mutex) == 0);
    return gust_group_wait(&group);
}

static void timed_locks_end_at_their_time(void **state)
{
    pthread_mutex_t *mutex = new_mutex(PTHREAD_MUTEX_NORMAL);
    (void)state;
    assert_int_equal(gust_run(try_for_a_time, mutex, GUST_S(30)), 0);
    free_mutex(mutex);
}

static int lock_under_a_deadline(void *mutex)
{
    GUST_GROUP(group);
    gust_go(&group, hold, mutex);
    gust_yield();
    GUST_DEADLINE(GUST_MS(1));
    CHECK(pthread_mutex_lock(mutex) == 0);
    CHECK(pthread_mutex_unlock(mutex) == 0);
    return 0;
}

static void a_deadline_does_not_end_a_lock(void **state)
{
    pthread_mutex_t *mutex = new_mutex(PTHREAD_MUTEX_NORMAL);
    (void)state;
    assert_int_equal(gust_run(lock_under_a_deadline, mutex, GUST_S(30)), 0);
    free_mutex(mutex);
}

/* ---- Threads ---- */

struct shared {
    pthread_mutex_t *mutex;
    long value;
    int rounds;
};

static void *count_in_thread(void *argument)
{
    struct shared *shared = argument;
    for (int i = 0; i < shared->rounds; i++) {
        pthread_mutex_lock(shared->mutex);
        shared->value++;
        pthread_mutex_unlock(shared->mutex);
    }
    return NULL;
}

static int count_in_coroutine(void *argument)
{
    struct shared *shared = argument;
    for (int i = 0; i < shared->rounds; i++) {
        CHECK(pthread_mutex_lock(shared->mutex) == 0);
        long before = shared->value;
        if (i % 16 == 0)
            gust_yield();
        shared->value = before + 1;
        CHECK(pthread_mutex_unlock(shared->mutex) == 0);
    }
    return 0;
}

static int count_in_ten(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < 10; i++)
        gust_go(&group, count_in_coroutine, argument);
    return gust_group_wait(&group);
}

static void *run_ten(void *argument)
{
    return gust_run(count_in_ten, argument, GUST_S(100)) == 0 ? NULL : argument;
}

static void threads_and_coroutines_of_two_loops_take_turns(void **state)
{
    (void)state;
    for (size_t i = 0; i < GUST_LEN(types); i++) {
        struct shared shared = {.mutex = new_mutex(types[i]), .rounds = 500};
        pthread_t threads[3];
        pthread_create(&threads[0], NULL, count_in_thread, &shared);
        pthread_create(&threads[1], NULL, count_in_thread, &shared);
        pthread_create(&threads[2], NULL, run_ten, &shared);
        assert_int_equal(gust_run(count_in_ten, &shared, GUST_S(100)), 0);
        for (int j = 0; j < 3; j++) {
            void *failed;
            pthread_join(threads[j], &failed);
            assert_null(failed);
        }
        assert_int_equal(shared.value, 22 * shared.rounds);
        free_mutex(shared.mutex);
    }
}

/* ---- Fairness ---- */

struct greedy {
    pthread_mutex_t *mutex;
    bool served;
    int rounds;
};

static int take_all_the_time(void *argument)
{
    struct greedy *greedy = argument;
    for (; !greedy->served && greedy->rounds < 1000; greedy->rounds++) {
        pthread_mutex_lock(greedy->mutex);
        gust_yield();
        pthread_mutex_unlock(greedy->mutex);
    }
    return 0;
}

static int take_once(void *argument)
{
    struct greedy *greedy = argument;
    pthread_mutex_lock(greedy->mutex);
    greedy->served = true;
    pthread_mutex_unlock(greedy->mutex);
    return 0;
}

static int take_against_the_greedy(void *argument)
{
    GUST_GROUP(group);
    gust_go(&group, take_all_the_time, argument);
    gust_go(&group, take_once, argument);
    return gust_group_wait(&group);
}

static void nobody_starves(void **state)
{
    struct greedy greedy = {.mutex = new_mutex(PTHREAD_MUTEX_NORMAL)};
    (void)state;
    assert_int_equal(gust_run(take_against_the_greedy, &greedy, GUST_S(30)), 0);
    assert_true(greedy.rounds < 10);
    free_mutex(greedy.mutex);
}

/* ---- Callbacks of the loop ---- */

struct callback {
    pthread_mutex_t *mutex;
    int lock, try, timed;
    gust_post post;
};

static int lock_in_callback(void *argument)
{
    struct callback *callback = argument;
    struct timespec at = soon(CLOCK_REALTIME, GUST_S(100));
    callback->lock = pthread_mutex_lock(callback->mutex);
    callback->try = pthread_mutex_trylock(callback->mutex);
    callback->timed = pthread_mutex_timedlock(callback->mutex, &at);
    return 0;
}

static int hold_while_a_callback_locks(void *argument)
{
    struct callback *callback = argument;
    CHECK(pthread_mutex_lock(callback->mutex) == 0);
    gust_loop_post(gust_loop_current(), &callback->post, lock_in_callback, callback);
    gust_sleep(GUST_MS(2));
    CHECK(pthread_mutex_unlock(callback->mutex) == 0);
    return 0;
}

static void a_callback_gets_edeadlk_and_both_backtraces(void **state)
{
    (void)state;
    for (size_t i = 0; i < GUST_LEN(types); i++) {
        struct callback callback = {.mutex = new_mutex(types[i])};
        log_quietly();
        assert_int_equal(gust_run(hold_while_a_callback_locks, &callback, GUST_S(30)), 0);
        gust_log_sink(NULL, NULL);
        assert_int_equal(callback.lock, EDEADLK);
        assert_int_equal(callback.try, EBUSY);
        assert_int_equal(callback.timed, EDEADLK);
        assert_true(logged("pthread_mutex_lock would block for ever"));
        assert_true(logged("is parked here"));
        assert_int_equal(logged_lines(), 4);
        free_mutex(callback.mutex);
    }
}

/* ---- Memory ---- */

static int unlock_and_free(void *argument)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_t *mutex = new_mutex(types[(size_t)i % GUST_LEN(types)]);
        struct counted counted = {.mutex = mutex};
        GUST_GROUP(group);
        gust_go(&group, enter_and_sleep, &counted);
        CHECK(pthread_mutex_lock(mutex) == 0);
        gust_yield();
        CHECK(pthread_mutex_unlock(mutex) == 0);
        gust_group_wait(&group);
        free_mutex(mutex);
    }
    (void)argument;
    return 0;
}

static void its_memory_may_go_at_once(void **state)
{
    (void)state;
    assert_int_equal(gust_run(unlock_and_free, NULL, GUST_S(60)), 0);
}

/* More locks than the table has room for at first. */
static int hold_many(void *argument)
{
    static pthread_mutex_t many[60]; /* TSan stops at 64 */
    for (size_t i = 0; i < GUST_LEN(many); i++) {
        pthread_mutex_init(&many[i], NULL);
        CHECK(pthread_mutex_lock(&many[i]) == 0);
    }
    for (size_t i = 0; i < GUST_LEN(many); i += 2)
        CHECK(pthread_mutex_unlock(&many[i]) == 0);
    for (size_t i = 0; i < GUST_LEN(many); i++)
        CHECK(pthread_mutex_trylock(&many[i]) == (i % 2 ? EBUSY : 0));
    for (size_t i = 0; i < GUST_LEN(many); i++)
        CHECK(pthread_mutex_unlock(&many[i]) == 0);
    (void)argument;
    return 0;
}

static void a_coroutine_can_hold_many(void **state)
{
    (void)state;
    assert_int_equal(gust_run(hold_many, NULL, GUST_S(60)), 0);
}

/* ---- Ends ---- */

static int throw_with(void *mutex)
{
    pthread_mutex_lock(mutex);
    gust_throw(EIO, "with a mutex");
}

static int try_to_throw(void *mutex)
{
    gust_try(throw_with, mutex);
    return 0;
}

static void *die_by_throwing(void *mutex)
{
    gust_run(try_to_throw, mutex, 0);
    return NULL;
}

static void a_throw_that_leaves_a_lock_behind_aborts(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        log_quietly();
        die_by_throwing(new_mutex(PTHREAD_MUTEX_NORMAL));
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}

static void release(void *mutex)
{
    pthread_mutex_unlock(mutex);
}

static int throw_with_a_defer(void *mutex)
{
    pthread_mutex_lock(mutex);
    GUST_DEFER(release, mutex);
    gust_throw(EIO, "with a mutex");
}

static int catch_it(void *mutex)
{
    CHECK(pthread_mutex_lock(mutex) == 0); /* owned before: no business of the throw's */
    CHECK(gust_try(throw_with_a_defer, mutex) == -1);
    CHECK(pthread_mutex_unlock(mutex) == 0);
    return pthread_mutex_unlock(mutex);
}

static void a_throw_past_a_defer_that_unlocks_is_fine(void **state)
{
    pthread_mutex_t *mutex = new_mutex(PTHREAD_MUTEX_RECURSIVE);
    (void)state;
    assert_int_equal(gust_run(catch_it, mutex, GUST_S(10)), EPERM);
    free_mutex(mutex);
}

static int lock_and_end(void *mutex)
{
    return pthread_mutex_lock(mutex);
}

static int ask_after_the_end(void *mutex)
{
    GUST_GROUP(group);
    gust_go(&group, lock_and_end, mutex);
    gust_group_wait(&group);
    return pthread_mutex_trylock(mutex);
}

static void who_ends_with_a_lock_is_named(void **state)
{
    pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    (void)state;
    log_quietly();
    assert_int_equal(gust_run(ask_after_the_end, &mutex, GUST_S(10)), EBUSY);
    gust_log_sink(NULL, NULL);
    assert_true(logged("ended while it owned the lock"));
    pthread_mutex_init(&mutex, NULL);
    assert_int_equal(pthread_mutex_lock(&mutex), 0);
    assert_int_equal(pthread_mutex_unlock(&mutex), 0);
}

/* ---- Interposition switched off ---- */

static int lock_with_it_off(void *mutex)
{
    GUST_GREEN_OFF;
    CHECK(pthread_mutex_lock(mutex) == 0);
    CHECK(pthread_mutex_lock(mutex) == 0);
    gust_yield();
    CHECK(pthread_mutex_unlock(mutex) == 0);
    gust_yield();
    return pthread_mutex_unlock(mutex);
}

static int lock_on_both_sides(void *argument)
{
    struct counted *counted = argument;
    GUST_GROUP(group);
    gust_go(&group, lock_with_it_off, counted->mutex);
    gust_go(&group, enter_and_sleep, counted);
    return gust_group_wait(&group);
}

static void the_owner_counts_with_interposition_off_too(void **state)
{
    struct counted counted = {.mutex = new_mutex(PTHREAD_MUTEX_RECURSIVE)};
    (void)state;
    assert_int_equal(gust_run(lock_on_both_sides, &counted, GUST_S(10)), 0);
    assert_int_equal(counted.total, 1);
    free_mutex(counted.mutex);
}

/* ---- Robust and shared ---- */

static void *die_with_it(void *mutex)
{
    pthread_mutex_lock(mutex);
    return NULL;
}

static int take_over(void *argument)
{
    pthread_mutex_t *mutex = argument;
    int code = pthread_mutex_lock(mutex);
    if (code == EOWNERDEAD)
        pthread_mutex_consistent(mutex);
    CHECK(pthread_mutex_unlock(mutex) == 0);
    return code;
}

static void a_robust_one_is_taken_over(void **state)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    pthread_t thread;
    (void)state;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&mutex, &attributes);
    pthread_create(&thread, NULL, die_with_it, &mutex);
    pthread_join(thread, NULL);
    assert_int_equal(gust_run(take_over, &mutex, GUST_S(10)), EOWNERDEAD);
    struct counted counted = {.mutex = &mutex};
    assert_int_equal(gust_run(fifty, &counted, GUST_S(60)), 0);
    assert_int_equal(counted.most, 1);
    pthread_mutex_destroy(&mutex);
    pthread_mutexattr_destroy(&attributes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time_for_each_kind),
        cmocka_unit_test(a_statically_initialised_one_works),
        cmocka_unit_test(a_recursive_one_is_its_coroutines),
        cmocka_unit_test(an_errorchecking_one_tells),
        cmocka_unit_test(a_normal_one_taken_twice_is_reported),
        cmocka_unit_test(timed_locks_end_at_their_time),
        cmocka_unit_test(a_deadline_does_not_end_a_lock),
        cmocka_unit_test(threads_and_coroutines_of_two_loops_take_turns),
        cmocka_unit_test(nobody_starves),
        cmocka_unit_test(a_callback_gets_edeadlk_and_both_backtraces),
        cmocka_unit_test(its_memory_may_go_at_once),
        cmocka_unit_test(a_coroutine_can_hold_many),
        cmocka_unit_test(a_throw_that_leaves_a_lock_behind_aborts),
        cmocka_unit_test(a_throw_past_a_defer_that_unlocks_is_fine),
        cmocka_unit_test(who_ends_with_a_lock_is_named),
        cmocka_unit_test(the_owner_counts_with_interposition_off_too),
        cmocka_unit_test(a_robust_one_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
