/* Conditions on coroutines: signals from coroutines, from other threads, to both, and time. */
#include "green/locks_testing.h"

/* ---- A bounded queue, with producers and consumers on both sides ---- */

enum { ROOM = 4, EACH = 300 };

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t not_empty, not_full;
    int items[ROOM];
    size_t used;
    long put, taken;
    bool broadcast;
};

static void notify(const struct queue *queue, pthread_cond_t *cond)
{
    CHECK((queue->broadcast ? pthread_cond_broadcast(cond) : pthread_cond_signal(cond)) == 0);
}

static int produce(void *argument)
{
    struct queue *queue = argument;
    for (int i = 1; i <= EACH; i++) {
        CHECK(pthread_mutex_lock(&queue->mutex) == 0);
        while (queue->used == ROOM)
            CHECK(pthread_cond_wait(&queue->not_full, &queue->mutex) == 0);
        queue->items[queue->used++] = i;
        queue->put += i;
        notify(queue, &queue->not_empty);
        CHECK(pthread_mutex_unlock(&queue->mutex) == 0);
    }
    return 0;
}

static int consume(void *argument)
{
    struct queue *queue = argument;
    for (int i = 1; i <= EACH; i++) {
        CHECK(pthread_mutex_lock(&queue->mutex) == 0);
        while (queue->used == 0)
            CHECK(pthread_cond_wait(&queue->not_empty, &queue->mutex) == 0);
        queue->taken += queue->items[--queue->used];
        notify(queue, &queue->not_full);
        CHECK(pthread_mutex_unlock(&queue->mutex) == 0);
    }
    return 0;
}

static void *produce_in_thread(void *argument)
{
    produce(argument);
    return NULL;
}

static void *consume_in_thread(void *argument)
{
    consume(argument);
    return NULL;
}

static int three_of_each(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < 3; i++) {
        gust_go(&group, consume, argument);
        gust_go(&group, produce, argument);
    }
    return gust_group_wait(&group);
}

static int three_producers(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < 3; i++)
        gust_go(&group, produce, argument);
    return gust_group_wait(&group);
}

static int three_consumers(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < 3; i++)
        gust_go(&group, consume, argument);
    return gust_group_wait(&group);
}

static void *loop_of_three(void *argument)
{
    CHECK(gust_run(three_of_each, argument, GUST_S(100)) == 0);
    return NULL;
}

static void begin_queue(struct queue *queue, bool broadcast)
{
    memset(queue, 0, sizeof(*queue));
    queue->broadcast = broadcast;
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->not_empty, NULL);
    pthread_cond_init(&queue->not_full, NULL);
}

static void end_queue(struct queue *queue)
{
    assert_int_equal(queue->used, 0);
    assert_int_equal(queue->put, queue->taken);
    assert_int_equal(pthread_cond_destroy(&queue->not_empty), 0);
    assert_int_equal(pthread_cond_destroy(&queue->not_full), 0);
    assert_int_equal(pthread_mutex_destroy(&queue->mutex), 0);
}

static void coroutines_hand_each_other_items(void **state)
{
    struct queue queue;
    (void)state;
    for (int broadcast = 0; broadcast < 2; broadcast++) {
        begin_queue(&queue, broadcast);
        assert_int_equal(gust_run(three_of_each, &queue, GUST_S(60)), 0);
        end_queue(&queue);
    }
}

static void run_against(int (*function)(void *), void *(*other)(void *), int threads)
{
    pthread_t ids[3];
    for (int broadcast = 0; broadcast < 2; broadcast++) {
        struct queue queue;
        begin_queue(&queue, broadcast);
        for (int i = 0; i < threads; i++)
            pthread_create(&ids[i], NULL, other, &queue);
        assert_int_equal(gust_run(function, &queue, GUST_S(100)), 0);
        for (int i = 0; i < threads; i++)
            pthread_join(ids[i], NULL);
        end_queue(&queue);
    }
}

static void threads_consume_what_coroutines_produce(void **state)
{
    (void)state;
    run_against(three_producers, consume_in_thread, 3);
}

static void coroutines_consume_what_threads_produce(void **state)
{
    (void)state;
    run_against(three_consumers, produce_in_thread, 3);
}

static void two_loops_share_a_queue(void **state)
{
    (void)state;
    run_against(three_of_each, loop_of_three, 2);
}

/* ---- A thread that waits releases its mutex inside glibc ---- */

struct handed {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool holds, done;
};

static void *hold_then_wait(void *argument)
{
    struct handed *handed = argument;
    pthread_mutex_lock(&handed->mutex);
    __atomic_store_n(&handed->holds, true, __ATOMIC_RELEASE);
    usleep(20000); /* until a coroutine is parked for it */
    while (!handed->done)
        pthread_cond_wait(&handed->cond, &handed->mutex);
    pthread_mutex_unlock(&handed->mutex);
    return NULL;
}

static int lock_and_end_it(void *argument)
{
    struct handed *handed = argument;
    pthread_mutex_lock(&handed->mutex);
    handed->done = true;
    pthread_cond_signal(&handed->cond);
    pthread_mutex_unlock(&handed->mutex);
    return 0;
}

static void a_waiting_thread_hands_its_mutex_over(void **state)
{
    struct handed handed = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
    pthread_t thread;
    (void)state;
    pthread_create(&thread, NULL, hold_then_wait, &handed);
    while (!__atomic_load_n(&handed.holds, __ATOMIC_ACQUIRE))
        usleep(100);
    assert_int_equal(gust_run(lock_and_end_it, &handed, GUST_S(60)), 0);
    pthread_join(thread, NULL);
}

/* ---- Time, deadlines ---- */

static int wait_for_nothing(void *argument)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER, monotonic;
    pthread_condattr_t attributes;
    struct timespec at = soon(CLOCK_REALTIME, GUST_MS(2)), wrong = {1, -1}, past = {0, 0};
    (void)argument;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_cond_timedwait(&cond, &mutex, &at) == ETIMEDOUT);
    CHECK(pthread_cond_timedwait(&cond, &mutex, &past) == ETIMEDOUT);
    CHECK(pthread_cond_timedwait(&cond, &mutex, &wrong) == EINVAL);
    at = soon(CLOCK_MONOTONIC, GUST_MS(2));
    CHECK(pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &at) == ETIMEDOUT);
    CHECK(pthread_cond_clockwait(&cond, &mutex, CLOCK_BOOTTIME, &at) == EINVAL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&monotonic, &attributes);
    int64_t before = gust_loop_time(gust_loop_current());
    at = soon(CLOCK_MONOTONIC, GUST_MS(2));
    CHECK(pthread_cond_timedwait(&monotonic, &mutex, &at) == ETIMEDOUT);
    CHECK(gust_loop_time(gust_loop_current()) - before >= GUST_MS(1)); /* as real time it were long past */
    {
        GUST_DEADLINE(GUST_MS(1));
        at = soon(CLOCK_MONOTONIC, GUST_S(100));
        CHECK(pthread_cond_timedwait(&monotonic, &mutex, &at) == ETIMEDOUT);
    }
    return pthread_mutex_unlock(&mutex);
}

static void timed_waits_end_at_their_time_or_a_deadline(void **state)
{
    (void)state;
    assert_int_equal(gust_run(wait_for_nothing, NULL, GUST_S(30)), 0);
}

static int wait_under_a_deadline(void *argument)
{
    struct handed *handed = argument;
    GUST_DEADLINE(GUST_MS(1));
    pthread_mutex_lock(&handed->mutex);
    while (!handed->done)
        CHECK(pthread_cond_wait(&handed->cond, &handed->mutex) == 0);
    return pthread_mutex_unlock(&handed->mutex);
}

static int end_it_later(void *argument)
{
    gust_sleep(GUST_MS(10));
    return lock_and_end_it(argument);
}

static int both(void *argument)
{
    GUST_GROUP(group);
    gust_go(&group, wait_under_a_deadline, argument);
    gust_go(&group, end_it_later, argument);
    return gust_group_wait(&group);
}

static void an_untimed_wait_goes_on_past_a_deadline(void **state)
{
    struct handed handed = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
    (void)state;
    assert_int_equal(gust_run(both, &handed, GUST_S(30)), 0);
}

/* ---- Errors, other kinds, memory ---- */

static int wait_without_it(void *argument)
{
    pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    (void)argument;
    return pthread_cond_wait(&cond, &mutex);
}

static void waiting_without_the_mutex_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(gust_run(wait_without_it, NULL, GUST_S(30)), EPERM);
}

static int signal_and_free(void *argument)
{
    (void)argument;
    for (int i = 0; i < 300; i++) {
        struct handed *handed = calloc(1, sizeof(*handed));
        pthread_mutex_init(&handed->mutex, NULL);
        pthread_cond_init(&handed->cond, NULL);
        {
            GUST_GROUP(group);
            gust_go(&group, wait_under_a_deadline, handed);
            gust_yield();
            lock_and_end_it(handed);
            gust_group_wait(&group);
        }
        CHECK(pthread_cond_destroy(&handed->cond) == 0);
        CHECK(pthread_mutex_destroy(&handed->mutex) == 0);
        free(handed);
    }
    return 0;
}

static void its_memory_may_go_at_once(void **state)
{
    (void)state;
    assert_int_equal(gust_run(signal_and_free, NULL, GUST_S(60)), 0);
}

static void *signal_shared(void *argument)
{
    usleep(10000);
    lock_and_end_it(argument);
    return NULL;
}

static void a_shared_one_works(void **state)
{
    pthread_mutexattr_t mutex;
    pthread_condattr_t cond;
    struct handed handed = {.done = false};
    pthread_t thread;
    (void)state;
    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    pthread_condattr_init(&cond);
    pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&handed.mutex, &mutex);
    pthread_cond_init(&handed.cond, &cond);
    pthread_create(&thread, NULL, signal_shared, &handed);
    assert_int_equal(gust_run(wait_under_a_deadline, &handed, GUST_S(30)), 0);
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coroutines_hand_each_other_items),
        cmocka_unit_test(threads_consume_what_coroutines_produce),
        cmocka_unit_test(coroutines_consume_what_threads_produce),
        cmocka_unit_test(two_loops_share_a_queue),
        cmocka_unit_test(a_waiting_thread_hands_its_mutex_over),
        cmocka_unit_test(timed_waits_end_at_their_time_or_a_deadline),
        cmocka_unit_test(an_untimed_wait_goes_on_past_a_deadline),
        cmocka_unit_test(waiting_without_the_mutex_is_an_error),
        cmocka_unit_test(its_memory_may_go_at_once),
        cmocka_unit_test(a_shared_one_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
