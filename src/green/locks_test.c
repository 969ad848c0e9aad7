/* Read-write locks, semaphores, once, joins, barriers, spin locks and C11's names on coroutines. */
#include "green/locks_testing.h"

#include <sched.h>
#include <semaphore.h>
#include <threads.h>

/* ---- Read-write locks ---- */

struct guarded {
    pthread_rwlock_t lock;
    int readers, most_readers, writers, most_writers, mixed;
    long value;
};

static int read_it(void *argument)
{
    struct guarded *guarded = argument;
    CHECK(pthread_rwlock_rdlock(&guarded->lock) == 0);
    if (++guarded->readers > guarded->most_readers)
        guarded->most_readers = guarded->readers;
    guarded->mixed += guarded->writers > 0;
    gust_sleep(GUST_MS(1) / 2);
    guarded->readers--;
    CHECK(pthread_rwlock_unlock(&guarded->lock) == 0);
    return 0;
}

static int write_it(void *argument)
{
    struct guarded *guarded = argument;
    CHECK(pthread_rwlock_wrlock(&guarded->lock) == 0);
    if (++guarded->writers > guarded->most_writers)
        guarded->most_writers = guarded->writers;
    guarded->mixed += guarded->readers > 0;
    gust_sleep(GUST_MS(1) / 2);
    guarded->writers--;
    CHECK(pthread_rwlock_unlock(&guarded->lock) == 0);
    return 0;
}

static int readers_and_writers(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < 40; i++)
        gust_go(&group, i % 4 ? read_it : write_it, argument);
    return gust_group_wait(&group);
}

static void many_read_or_one_writes(void **state)
{
    struct guarded guarded = {.lock = PTHREAD_RWLOCK_INITIALIZER};
    (void)state;
    assert_int_equal(gust_run(readers_and_writers, &guarded, GUST_S(60)), 0);
    assert_int_equal(guarded.mixed, 0);
    assert_int_equal(guarded.most_writers, 1);
    assert_true(guarded.most_readers > 1);
}

static int change(void *argument)
{
    struct guarded *guarded = argument;
    for (int i = 0; i < 400; i++) {
        CHECK(pthread_rwlock_wrlock(&guarded->lock) == 0);
        guarded->value++;
        if (i % 32 == 0)
            gust_yield();
        CHECK(pthread_rwlock_unlock(&guarded->lock) == 0);
        CHECK(pthread_rwlock_rdlock(&guarded->lock) == 0);
        CHECK(guarded->value > i);
        CHECK(pthread_rwlock_unlock(&guarded->lock) == 0);
    }
    return 0;
}

static void *change_in_thread(void *argument)
{
    change(argument);
    return NULL;
}

static int change_in_five(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < 5; i++)
        gust_go(&group, change, argument);
    return gust_group_wait(&group);
}

static void threads_take_their_turn_in_it(void **state)
{
    struct guarded guarded = {.lock = PTHREAD_RWLOCK_INITIALIZER};
    pthread_t threads[2];
    (void)state;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, change_in_thread, &guarded);
    assert_int_equal(gust_run(change_in_five, &guarded, GUST_S(60)), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(guarded.value, 7 * 400);
}

static int ask_others_lock(void *argument)
{
    struct guarded *guarded = argument;
    struct timespec at = soon(CLOCK_REALTIME, GUST_MS(2)), mono = soon(CLOCK_MONOTONIC, GUST_MS(2));
    struct timespec wrong = {0, -1};
    CHECK(pthread_rwlock_tryrdlock(&guarded->lock) == EBUSY);
    CHECK(pthread_rwlock_trywrlock(&guarded->lock) == EBUSY);
    CHECK(pthread_rwlock_timedrdlock(&guarded->lock, &at) == ETIMEDOUT);
    CHECK(pthread_rwlock_timedwrlock(&guarded->lock, &at) == ETIMEDOUT);
    CHECK(pthread_rwlock_clockrdlock(&guarded->lock, CLOCK_MONOTONIC, &mono) == ETIMEDOUT);
    CHECK(pthread_rwlock_clockwrlock(&guarded->lock, CLOCK_MONOTONIC, &mono) == ETIMEDOUT);
    CHECK(pthread_rwlock_timedwrlock(&guarded->lock, &wrong) == EINVAL);
    return 0;
}

static int ask_lock(void *argument)
{
    struct guarded *guarded = argument;
    CHECK(pthread_rwlock_wrlock(&guarded->lock) == 0);
    CHECK(pthread_rwlock_wrlock(&guarded->lock) == EDEADLK);
    CHECK(pthread_rwlock_rdlock(&guarded->lock) == EDEADLK);
    CHECK(pthread_rwlock_trywrlock(&guarded->lock) == EBUSY);
    GUST_GROUP(group);
    gust_go(&group, ask_others_lock, guarded);
    gust_group_wait(&group);
    CHECK(pthread_rwlock_unlock(&guarded->lock) == 0);
    CHECK(pthread_rwlock_rdlock(&guarded->lock) == 0);
    CHECK(pthread_rwlock_rdlock(&guarded->lock) == 0);
    CHECK(pthread_rwlock_trywrlock(&guarded->lock) == EBUSY);
    CHECK(pthread_rwlock_wrlock(&guarded->lock) == EDEADLK); /* natively it would never come back */
    CHECK(pthread_rwlock_unlock(&guarded->lock) == 0);
    CHECK(pthread_rwlock_unlock(&guarded->lock) == 0);
    CHECK(pthread_rwlock_trywrlock(&guarded->lock) == 0);
    return pthread_rwlock_unlock(&guarded->lock);
}

static void a_writer_is_told_from_its_siblings(void **state)
{
    struct guarded guarded = {.lock = PTHREAD_RWLOCK_INITIALIZER};
    (void)state;
    assert_int_equal(gust_run(ask_lock, &guarded, GUST_S(30)), 0);
    assert_int_equal(pthread_rwlock_destroy(&guarded.lock), 0);
}

struct callback {
    struct guarded guarded;
    gust_post post;
    int read, write;
    bool writes;
};

static int take_in_callback(void *argument)
{
    struct callback *callback = argument;
    callback->write = pthread_rwlock_wrlock(&callback->guarded.lock);
    callback->read = pthread_rwlock_rdlock(&callback->guarded.lock);
    if (callback->read == 0)
        pthread_rwlock_unlock(&callback->guarded.lock);
    return 0;
}

static int hold_while_a_callback_takes(void *argument)
{
    struct callback *callback = argument;
    pthread_rwlock_t *lock = &callback->guarded.lock;
    CHECK((callback->writes ? pthread_rwlock_wrlock(lock) : pthread_rwlock_rdlock(lock)) == 0);
    gust_loop_post(gust_loop_current(), &callback->post, take_in_callback, callback);
    gust_sleep(GUST_MS(2));
    return pthread_rwlock_unlock(lock);
}

static void a_callback_gets_edeadlk(void **state)
{
    (void)state;
    for (int writes = 0; writes < 2; writes++) {
        struct callback callback = {.guarded.lock = PTHREAD_RWLOCK_INITIALIZER, .writes = writes};
        log_quietly();
        assert_int_equal(gust_run(hold_while_a_callback_takes, &callback, GUST_S(30)), 0);
        gust_log_sink(NULL, NULL);
        assert_int_equal(callback.write, EDEADLK);
        assert_int_equal(callback.read, writes ? EDEADLK : 0);
        assert_true(logged("is parked here"));
    }
}

/* ---- Semaphores ---- */

struct posted {
    sem_t semaphore;
    int got;
};

static int wait_once(void *argument)
{
    struct posted *posted = argument;
    errno = 0;
    CHECK(sem_wait(&posted->semaphore) == 0);
    CHECK(errno == 0);
    posted->got++;
    return 0;
}

static int post_twenty(void *argument)
{
    struct posted *posted = argument;
    for (int i = 0; i < 20; i++)
        CHECK(sem_post(&posted->semaphore) == 0);
    return 0;
}

static int wait_and_post(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < 20; i++)
        gust_go(&group, wait_once, argument);
    gust_go(&group, post_twenty, argument);
    return gust_group_wait(&group);
}

static void each_post_lets_one_through(void **state)
{
    struct posted posted = {.got = 0};
    (void)state;
    sem_init(&posted.semaphore, 0, 0);
    assert_int_equal(gust_run(wait_and_post, &posted, GUST_S(30)), 0);
    assert_int_equal(posted.got, 20);
    sem_destroy(&posted.semaphore);
}

static void *post_slowly(void *argument)
{
    struct posted *posted = argument;
    for (int i = 0; i < 20; i++) {
        usleep(200);
        sem_post(&posted->semaphore);
    }
    return NULL;
}

static int wait_for_twenty(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < 20; i++)
        gust_go(&group, wait_once, argument);
    return gust_group_wait(&group);
}

static void threads_post_to_coroutines(void **state)
{
    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        struct posted posted = {.got = 0};
        pthread_t thread;
        sem_init(&posted.semaphore, shared, 0);
        pthread_create(&thread, NULL, post_slowly, &posted);
        assert_int_equal(gust_run(wait_for_twenty, &posted, GUST_S(30)), 0);
        pthread_join(thread, NULL);
        assert_int_equal(posted.got, 20);
    }
}

static sem_t from_handler;
static int handled; /* two signals may become one */

static void post_in_handler(int signal)
{
    (void)signal;
    sem_post(&from_handler);
    __atomic_add_fetch(&handled, 1, __ATOMIC_RELEASE);
}

static int wait_for_handlers(void *argument)
{
    for (int i = 0; i < 200; i++)
        CHECK(sem_wait(&from_handler) == 0);
    (void)argument;
    return 0;
}

static void *raise_slowly(void *argument)
{
    const pthread_t *main_thread = argument;
    for (int i = 0; i < 200; i++) {
        pthread_kill(*main_thread, SIGUSR1);
        while (__atomic_load_n(&handled, __ATOMIC_ACQUIRE) <= i)
            usleep(20);
    }
    return NULL;
}

static void signal_handlers_post_to_coroutines(void **state)
{
#ifdef UNDER_TSAN
    skip();
#endif
    struct sigaction action = {.sa_handler = post_in_handler, .sa_flags = SA_RESTART};
    pthread_t self = pthread_self(), thread;
    (void)state;
    sem_init(&from_handler, 0, 0);
    sigaction(SIGUSR1, &action, NULL);
    pthread_create(&thread, NULL, raise_slowly, &self);
    assert_int_equal(gust_run(wait_for_handlers, NULL, GUST_S(30)), 0);
    pthread_join(thread, NULL);
    signal(SIGUSR1, SIG_DFL);
}

static int wait_for_a_time(void *argument)
{
    struct posted *posted = argument;
    struct timespec at = soon(CLOCK_REALTIME, GUST_MS(2)), wrong = {0, 1000000000};
    CHECK(sem_timedwait(&posted->semaphore, &at) == -1 && errno == ETIMEDOUT);
    CHECK(sem_timedwait(&posted->semaphore, &wrong) == -1 && errno == EINVAL);
    at = soon(CLOCK_MONOTONIC, GUST_MS(2));
    CHECK(sem_clockwait(&posted->semaphore, CLOCK_MONOTONIC, &at) == -1 && errno == ETIMEDOUT);
    CHECK(sem_trywait(&posted->semaphore) == -1 && errno == EAGAIN);
    CHECK(sem_post(&posted->semaphore) == 0);
    CHECK(sem_timedwait(&posted->semaphore, &wrong) == 0);
    GUST_DEADLINE(GUST_MS(1));
    at = soon(CLOCK_REALTIME, GUST_S(100));
    CHECK(sem_timedwait(&posted->semaphore, &at) == -1 && errno == ETIMEDOUT);
    return 0;
}

static void timed_waits_end_at_their_time_or_a_deadline(void **state)
{
    struct posted posted = {.got = 0};
    (void)state;
    sem_init(&posted.semaphore, 0, 0);
    assert_int_equal(gust_run(wait_for_a_time, &posted, GUST_S(30)), 0);
}

/* ---- Once ---- */

static pthread_once_t control = PTHREAD_ONCE_INIT;
static once_flag flag = ONCE_FLAG_INIT;
static int initialised, c11_initialised;

static void initialise(void)
{
    if (gust_loop_current())
        gust_sleep(GUST_MS(5));
    else
        usleep(5000);
    initialised++;
}

static void initialise_c11(void)
{
    gust_sleep(GUST_MS(1));
    c11_initialised++;
}

static int once(void *argument)
{
    (void)argument;
    CHECK(pthread_once(&control, initialise) == 0);
    CHECK(initialised == 1);
    call_once(&flag, initialise_c11);
    CHECK(c11_initialised == 1);
    return 0;
}

static int twenty_at_once(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < 20; i++)
        gust_go(&group, once, argument);
    return gust_group_wait(&group);
}

static void *once_in_thread(void *argument)
{
    CHECK(pthread_once(&control, initialise) == 0);
    CHECK(initialised == 1);
    return argument;
}

static void initialisations_happen_once(void **state)
{
#ifdef UNDER_TSAN
    skip();
#endif
    pthread_t thread;
    (void)state;
    assert_int_equal(gust_run(twenty_at_once, NULL, GUST_S(30)), 0);
    assert_int_equal(initialised, 1);
    assert_int_equal(c11_initialised, 1);
    control = PTHREAD_ONCE_INIT;
    initialised = 0;
    pthread_create(&thread, NULL, once_in_thread, NULL);
    assert_int_equal(gust_run(twenty_at_once, NULL, GUST_S(30)), 0);
    pthread_join(thread, NULL);
    assert_int_equal(initialised, 1);
}

static pthread_once_t recursive = PTHREAD_ONCE_INIT;
static int inner;

static void initialise_recursively(void)
{
    inner = pthread_once(&recursive, initialise_recursively);
}

static int once_recursively(void *argument)
{
    (void)argument;
    return pthread_once(&recursive, initialise_recursively);
}

static void one_inside_itself_is_reported(void **state)
{
#ifdef UNDER_TSAN
    skip();
#endif
    (void)state;
    log_quietly();
    assert_int_equal(gust_run(once_recursively, NULL, GUST_S(30)), 0);
    gust_log_sink(NULL, NULL);
    assert_int_equal(inner, EDEADLK);
}

/* ---- Joins and barriers ---- */

struct ticks {
    int count;
    bool may_end, stop;
};

/* Ends only when the coroutine that ticks has run beside the one that joins. */
static void *await_ticks(void *argument)
{
    struct ticks *ticks = argument;
    while (!__atomic_load_n(&ticks->may_end, __ATOMIC_ACQUIRE))
        usleep(100);
    int before = __atomic_load_n(&ticks->count, __ATOMIC_ACQUIRE);
    while (__atomic_load_n(&ticks->count, __ATOMIC_ACQUIRE) < before + 3)
        usleep(100);
    return argument;
}

#ifndef UNDER_TSAN
static int sleep_c11(void *argument)
{
    usleep(2000);
    return *(int *)argument;
}
#endif

static int join_some(void *argument)
{
    void *value = NULL;
    pthread_t thread;
    struct timespec at = soon(CLOCK_REALTIME, 0);
#ifndef UNDER_TSAN /* which stops at it */
    CHECK(pthread_join(pthread_self(), NULL) == EDEADLK);
#endif
    pthread_create(&thread, NULL, await_ticks, argument);
    CHECK(pthread_timedjoin_np(thread, &value, &at) == ETIMEDOUT);
    at = soon(CLOCK_MONOTONIC, 0);
    CHECK(pthread_clockjoin_np(thread, &value, CLOCK_MONOTONIC, &at) == ETIMEDOUT);
    __atomic_store_n(&((struct ticks *)argument)->may_end, true, __ATOMIC_RELEASE);
    CHECK(pthread_join(thread, &value) == 0 && value == argument);
#ifndef UNDER_TSAN /* which has no thrd_create: such threads crash in it */
    int number = 17, result = 0;
    thrd_t other;
    CHECK(thrd_create(&other, sleep_c11, &number) == thrd_success);
    CHECK(thrd_join(other, &result) == thrd_success && result == 17);
#endif
    return 0;
}

static int tick(void *argument)
{
    struct ticks *ticks = argument;
    while (!ticks->stop) {
        __atomic_add_fetch(&ticks->count, 1, __ATOMIC_RELEASE);
        gust_sleep(GUST_MS(1) / 4);
    }
    return 0;
}

static int join_beside_another(void *argument)
{
    struct ticks *ticks = argument;
    GUST_GROUP(group);
    gust_go(&group, tick, ticks);
    CHECK(join_some(ticks) == 0);
    ticks->stop = true;
    return gust_group_wait(&group);
}

static void a_join_lets_others_run(void **state)
{
    struct ticks ticks = {0};
    (void)state;
    assert_int_equal(gust_run(join_beside_another, &ticks, GUST_S(30)), 0);
}

struct line {
    pthread_barrier_t barrier;
    int serial, passed;
};

static int pass(void *argument)
{
    struct line *line = argument;
    for (int i = 0; i < 3; i++) {
        int code = pthread_barrier_wait(&line->barrier);
        CHECK(code == 0 || code == PTHREAD_BARRIER_SERIAL_THREAD);
        line->serial += code == PTHREAD_BARRIER_SERIAL_THREAD;
        line->passed++;
    }
    return 0;
}

static int six_pass(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < 6; i++)
        gust_go(&group, pass, argument);
    return gust_group_wait(&group);
}

static void coroutines_meet_at_a_barrier(void **state)
{
    struct line line = {.serial = 0};
    (void)state;
    pthread_barrier_init(&line.barrier, NULL, 6);
    assert_int_equal(gust_run(six_pass, &line, GUST_S(30)), 0);
    assert_int_equal(line.serial, 3);
    assert_int_equal(line.passed, 18);
    pthread_barrier_destroy(&line.barrier);
}

/* ---- Spin locks, turns ---- */

struct spun {
    pthread_spinlock_t lock;
    int inside, most;
};

static int spin(void *argument)
{
    struct spun *spun = argument;
    CHECK(pthread_spin_lock(&spun->lock) == 0);
    if (++spun->inside > spun->most)
        spun->most = spun->inside;
    CHECK(sched_yield() == 0);
    thrd_yield();
    spun->inside--;
    CHECK(pthread_spin_unlock(&spun->lock) == 0);
    return 0;
}

static int ten_spin(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < 10; i++)
        gust_go(&group, spin, argument);
    return gust_group_wait(&group);
}

static void spinning_lets_the_owner_run(void **state)
{
    struct spun spun = {.inside = 0};
    (void)state;
    pthread_spin_init(&spun.lock, PTHREAD_PROCESS_PRIVATE);
    assert_int_equal(gust_run(ten_spin, &spun, GUST_S(30)), 0);
    assert_int_equal(spun.most, 1);
}

/* ---- C11 ---- */

struct c11 {
    mtx_t mutex;
    cnd_t condition;
    bool set;
};

static int c11_wait(void *argument)
{
    struct c11 *c11 = argument;
    CHECK(mtx_lock(&c11->mutex) == thrd_success);
    while (!c11->set)
        CHECK(cnd_wait(&c11->condition, &c11->mutex) == thrd_success);
    return mtx_unlock(&c11->mutex);
}

static int c11_set(void *argument)
{
    struct c11 *c11 = argument;
    struct timespec at = soon(CLOCK_REALTIME, GUST_MS(2));
    CHECK(mtx_lock(&c11->mutex) == thrd_success);
    CHECK(mtx_lock(&c11->mutex) == thrd_success); /* a recursive one */
    CHECK(mtx_unlock(&c11->mutex) == thrd_success);
    CHECK(cnd_timedwait(&c11->condition, &c11->mutex, &at) == thrd_timedout);
    c11->set = true;
    CHECK(cnd_signal(&c11->condition) == thrd_success);
    CHECK(cnd_broadcast(&c11->condition) == thrd_success);
    gust_sleep(GUST_MS(1));
    return mtx_unlock(&c11->mutex);
}

static int c11_try(void *argument)
{
    struct c11 *c11 = argument;
    struct timespec at = soon(CLOCK_REALTIME, GUST_MS(1));
    CHECK(mtx_lock(&c11->mutex) == thrd_success);
    GUST_GROUP(group);
    gust_go(&group, c11_wait, c11);
    gust_yield();
    CHECK(mtx_unlock(&c11->mutex) == thrd_success);
    gust_go(&group, c11_set, c11);
    while (!c11->set)
        gust_yield();
    CHECK(mtx_trylock(&c11->mutex) == thrd_busy);
    CHECK(mtx_timedlock(&c11->mutex, &at) == thrd_timedout);
    return gust_group_wait(&group);
}

static void c11_names_do_the_same(void **state)
{
    struct c11 c11 = {.set = false};
    tss_t key;
    (void)state;
    mtx_init(&c11.mutex, mtx_timed | mtx_recursive);
    cnd_init(&c11.condition);
    assert_int_equal(gust_run(c11_try, &c11, GUST_S(30)), 0);
    cnd_destroy(&c11.condition);
    mtx_destroy(&c11.mutex);
    assert_int_equal(tss_create(&key, NULL), thrd_success);
    assert_int_equal(tss_set(key, &c11), thrd_success);
    assert_ptr_equal(tss_get(key), &c11);
    tss_delete(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_read_or_one_writes),
        cmocka_unit_test(threads_take_their_turn_in_it),
        cmocka_unit_test(a_writer_is_told_from_its_siblings),
        cmocka_unit_test(a_callback_gets_edeadlk),
        cmocka_unit_test(each_post_lets_one_through),
        cmocka_unit_test(threads_post_to_coroutines),
        cmocka_unit_test(signal_handlers_post_to_coroutines),
        cmocka_unit_test(timed_waits_end_at_their_time_or_a_deadline),
        cmocka_unit_test(initialisations_happen_once),
        cmocka_unit_test(one_inside_itself_is_reported),
        cmocka_unit_test(a_join_lets_others_run),
        cmocka_unit_test(coroutines_meet_at_a_barrier),
        cmocka_unit_test(spinning_lets_the_owner_run),
        cmocka_unit_test(c11_names_do_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
