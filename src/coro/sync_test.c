#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coro/coroutine.h"

#include <errno.h>
#include <gust/queue.h>
#include <gust/sync.h>
#include <stdlib.h>
#include <string.h>

static char trace[64];

static void note(char letter)
{
    size_t length = strlen(trace);
    assert_true(length + 1 < sizeof(trace));
    trace[length] = letter;
    trace[length + 1] = '\0';
}

static int set_up(void **state)
{
    (void)state;
    trace[0] = '\0';
    return 0;
}

static void inside(int (*function)(void *))
{
    assert_int_equal(gust_run(function, NULL, GUST_S(100)), 0);
}

/* Lets everything that is ready run, and what that readies. */
static void settle(void)
{
    for (int i = 0; i < 4; i++)
        gust_yield();
}

/* ---- Mutex ---- */

static gust_mutex mutex;

static int lock_and_note(void *argument)
{
    assert_int_equal(gust_mutex_lock(&mutex), 0);
    note(*(char *)argument);
    gust_yield();
    return gust_mutex_unlock(&mutex);
}

static int lock_briefly(void *argument)
{
    GUST_DEADLINE(GUST_MS(1));
    assert_int_equal(gust_mutex_lock(&mutex), -1);
    assert_int_equal(errno, ETIMEDOUT);
    note(*(char *)argument);
    return 0;
}

static int unlock_foreign(void *argument)
{
    (void)argument;
    assert_int_equal(gust_mutex_unlock(&mutex), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(gust_mutex_try(&mutex), -1);
    assert_int_equal(errno, EBUSY);
    return 0;
}

static int use_mutex(void *argument)
{
    (void)argument;
    GUST_GROUP(group);
    assert_int_equal(gust_mutex_unlock(&mutex), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(gust_mutex_lock(&mutex), 0);
    assert_int_equal(gust_mutex_lock(&mutex), -1);
    assert_int_equal(errno, EDEADLK);
    gust_go(&group, lock_and_note, "a");
    gust_go(&group, lock_briefly, "x");
    gust_go(&group, lock_and_note, "b");
    gust_go(&group, unlock_foreign, NULL);
    while (!trace[0])
        gust_sleep(GUST_US(100));
    settle();
    assert_string_equal(trace, "x");
    assert_int_equal(gust_mutex_unlock(&mutex), 0);
    assert_int_equal(gust_mutex_try(&mutex), -1); /* it was handed over: nobody overtakes */
    assert_int_equal(errno, EBUSY);
    assert_int_equal(gust_mutex_lock(&mutex), 0);
    assert_string_equal(trace, "xab");
    return gust_mutex_unlock(&mutex);
}

static void a_mutex_is_handed_over_in_order(void **state)
{
    (void)state;
    inside(use_mutex);
    assert_null(mutex.owner);
    trace[0] = '\0';
    inside(use_mutex); /* static objects serve one loop after another */
}

static void outside_coroutines_only_try_works(void **state)
{
    (void)state;
    assert_int_equal(gust_mutex_lock(&mutex), -1);
    assert_int_equal(errno, EDEADLK);
    assert_int_equal(gust_mutex_try(&mutex), 0);
    assert_int_equal(gust_mutex_unlock(&mutex), 0);
    gust_event event = {.set = false};
    assert_int_equal(gust_event_wait(&event), -1);
    assert_int_equal(errno, EDEADLK);
}

/* ---- Condition and event ---- */

static gust_cond cond;

static int wait_cond(void *argument)
{
    assert_int_equal(gust_cond_wait(&cond), 0);
    note(*(char *)argument);
    return 0;
}

static int use_cond(void *argument)
{
    (void)argument;
    GUST_GROUP(group);
    gust_cond_notify(&cond, 5); /* nobody waits: nothing is kept */
    gust_go(&group, wait_cond, "a");
    gust_go(&group, wait_cond, "b");
    gust_go(&group, wait_cond, "c");
    gust_go(&group, wait_cond, "d");
    settle();
    assert_string_equal(trace, "");
    gust_cond_notify(&cond, 0);
    settle();
    assert_string_equal(trace, "");
    gust_cond_notify(&cond, 2);
    settle();
    assert_string_equal(trace, "ab");
    gust_cond_notify_all(&cond);
    settle();
    assert_string_equal(trace, "abcd");
    return gust_group_wait(&group);
}

static void a_condition_wakes_so_many_in_order(void **state)
{
    (void)state;
    inside(use_cond);
}

static gust_event event;

static int wait_event(void *argument)
{
    assert_int_equal(gust_event_wait(&event), 0);
    note(*(char *)argument);
    return 0;
}

static int use_event(void *argument)
{
    (void)argument;
    GUST_GROUP(group);
    gust_go(&group, wait_event, "a");
    gust_go(&group, wait_event, "b");
    settle();
    gust_event_set(&event);
    gust_event_clear(&event); /* those that waited go on nevertheless */
    settle();
    assert_string_equal(trace, "ab");
    gust_event_set(&event);
    assert_int_equal(gust_event_wait(&event), 0);
    gust_event_clear(&event);
    GUST_DEADLINE(GUST_MS(1));
    assert_int_equal(gust_event_wait(&event), -1);
    assert_int_equal(errno, ETIMEDOUT);
    return gust_group_wait(&group) < 0 && errno != ETIMEDOUT;
}

static void an_event_lets_all_pass_while_set(void **state)
{
    (void)state;
    inside(use_event);
}

/* ---- Semaphore ---- */

static gust_semaphore semaphore;

static int acquire(void *argument)
{
    assert_int_equal(gust_semaphore_acquire(&semaphore), 0);
    note(*(char *)argument);
    return 0;
}

static int acquire_cancelled(void *argument)
{
    assert_int_equal(gust_semaphore_acquire(&semaphore), -1);
    assert_int_equal(errno, ECANCELED);
    note(*(char *)argument);
    return 0;
}

static int use_semaphore(void *argument)
{
    (void)argument;
    semaphore = (gust_semaphore){.value = 1, .max = 2};
    GUST_GROUP(group);
    assert_int_equal(gust_semaphore_release(&semaphore), 0);
    assert_int_equal(gust_semaphore_release(&semaphore), -1); /* at its maximum */
    assert_int_equal(errno, EOVERFLOW);
    gust_go(&group, acquire, "a");
    gust_go(&group, acquire, "b");
    gust_future *cancelled = gust_spawn(NULL, acquire_cancelled, "x");
    gust_yield();
    gust_go(&group, acquire, "c");
    settle();
    assert_string_equal(trace, "ab");
    assert_int_equal(gust_semaphore_try(&semaphore), -1);
    assert_int_equal(errno, EBUSY);
    gust_cancel(cancelled);
    assert_int_equal(gust_await(cancelled), 0);
    assert_int_equal(gust_semaphore_release(&semaphore), 0); /* past the one that went, to the next */
    settle();
    assert_string_equal(trace, "abxc");
    assert_int_equal(semaphore.value, 0);
    semaphore.max = 0;
    for (int i = 0; i < 10; i++)
        assert_int_equal(gust_semaphore_release(&semaphore), 0);
    assert_int_equal(semaphore.value, 10);
    return gust_group_wait(&group);
}

static void a_semaphore_counts(void **state)
{
    (void)state;
    inside(use_semaphore);
}

static int other_loops_turn(void *argument)
{
    (void)argument;
    gust_cond held = {.waiters = {.first = (struct gust__waiter *)(void *)trace, .loop = trace}};
    assert_int_equal(gust_cond_wait(&held), -1);
    assert_int_equal(errno, EPERM);
    return 0;
}

static void another_loops_waiters_are_eperm(void **state)
{
    (void)state;
    inside(other_loops_turn);
}

/* ---- Queues ---- */

static char items[] = "abcdefghijklmnopqrstuvwxyz";
static int dropped;

static void drop(void *item)
{
    (void)item;
    dropped++;
}

static int put_all(void *queue)
{
    for (int i = 0; i < 6; i++) {
        assert_int_equal(gust_queue_put(queue, &items[i]), 0);
        note((char)('A' + i));
    }
    return 0;
}

static int use_queue(void *argument)
{
    (void)argument;
    gust_queue *queue = gust_queue_new(2, drop);
    GUST_GROUP(group);
    gust_go(&group, put_all, queue);
    settle();
    assert_string_equal(trace, "AB"); /* the third waits for room */
    assert_int_equal(gust_queue_length(queue), 2);
    assert_int_equal(gust_queue_try_put(queue, items), -1);
    assert_int_equal(errno, EAGAIN);
    for (int i = 0; i < 6; i++)
        assert_ptr_equal(gust_queue_get(queue), &items[i]);
    assert_null(gust_queue_try_get(queue));
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(gust_queue_try_put(queue, NULL), -1);
    assert_int_equal(errno, EINVAL);
    for (int i = 0; i < 6; i++)
        assert_int_equal(gust_queue_done(queue), 0);
    assert_int_equal(gust_queue_done(queue), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(gust_queue_join(queue), 0);
    gust_queue_put(queue, items);
    gust_queue_free(queue);
    assert_int_equal(dropped, 1);
    gust_queue_free(NULL);
    return gust_group_wait(&group);
}

static void a_queue_is_bounded_and_in_order(void **state)
{
    (void)state;
    dropped = 0;
    inside(use_queue);
}

static int get_and_note(void *queue)
{
    const char *item = gust_queue_get(queue);
    note(item ? *item : '-');
    if (!item)
        assert_int_equal(errno, EPIPE);
    return 0;
}

static int get_briefly(void *queue)
{
    GUST_DEADLINE(GUST_MS(1));
    assert_null(gust_queue_get(queue));
    assert_int_equal(errno, ETIMEDOUT);
    note('t');
    return 0;
}

static int wait_for_items(void *argument)
{
    (void)argument;
    gust_queue *queue = gust_queue_new(1, NULL);
    GUST_GROUP(group);
    gust_go(&group, get_briefly, queue);
    gust_go(&group, get_and_note, queue);
    gust_go(&group, get_and_note, queue);
    gust_go(&group, get_and_note, queue);
    while (!trace[0])
        gust_sleep(GUST_US(100));
    settle();
    assert_int_equal(gust_queue_put(queue, &items[0]), 0); /* straight to those that wait */
    assert_int_equal(gust_queue_put(queue, &items[1]), 0);
    assert_int_equal(gust_queue_length(queue), 0);
    settle();
    assert_string_equal(trace, "tab");
    gust_queue_close(queue);
    settle();
    assert_string_equal(trace, "tab-");
    assert_int_equal(gust_queue_put(queue, items), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(gust_group_wait(&group), 0);
    gust_queue_free(queue);
    return 0;
}

static void getters_are_served_in_order(void **state)
{
    (void)state;
    inside(wait_for_items);
}

static int put_refused(void *queue)
{
    assert_int_equal(gust_queue_put(queue, &items[1]), -1);
    assert_int_equal(errno, EPIPE);
    note('p');
    return 0;
}

static int close_full(void *argument)
{
    (void)argument;
    gust_queue *queue = gust_queue_new(1, NULL);
    gust_queue_put(queue, &items[0]);
    GUST_GROUP(group);
    gust_go(&group, put_refused, queue);
    settle();
    gust_queue_close(queue);
    assert_int_equal(gust_group_wait(&group), 0);
    assert_string_equal(trace, "p");
    assert_ptr_equal(gust_queue_get(queue), &items[0]); /* what is in it still comes out */
    assert_null(gust_queue_get(queue));
    assert_int_equal(errno, EPIPE);
    gust_queue_free(queue);
    return 0;
}

static void closing_refuses_puts_and_empties(void **state)
{
    (void)state;
    inside(close_full);
}

static int work(void *queue)
{
    for (int i = 0; i < 3; i++) {
        assert_non_null(gust_queue_get(queue));
        gust_yield();
        assert_int_equal(gust_queue_done(queue), 0);
        note('d');
    }
    return 0;
}

static int join(void *argument)
{
    (void)argument;
    gust_queue *queue = gust_queue_new(2, NULL);
    GUST_GROUP(group);
    gust_go(&group, work, queue);
    for (int i = 0; i < 3; i++)
        gust_queue_put(queue, &items[i]);
    assert_int_equal(gust_queue_join(queue), 0);
    assert_string_equal(trace, "ddd");
    assert_int_equal(gust_group_wait(&group), 0);
    gust_queue_free(queue);
    return 0;
}

static void join_waits_until_all_is_done(void **state)
{
    (void)state;
    inside(join);
}

static void lifo_gives_the_newest(void **state)
{
    (void)state;
    gust_queue *queue = gust_queue_new(26, NULL, .order = GUST_LIFO);
    for (int i = 0; i < 26; i++)
        assert_int_equal(gust_queue_try_put(queue, &items[i]), 0);
    assert_int_equal(gust_queue_try_put(queue, items), -1);
    for (int i = 25; i >= 0; i--)
        assert_ptr_equal(gust_queue_try_get(queue), &items[i]);
    gust_queue_free(queue);
}

struct job {
    int priority;
    int number;
};

static int compare(const void *a, const void *b)
{
    const struct job *x = a, *y = b;
    return (x->priority > y->priority) - (x->priority < y->priority);
}

static void priorities_come_out_in_order_and_equals_as_they_came(void **state)
{
    (void)state;
    enum { count = 500 };
    static struct job jobs[count];
    unsigned seed = 1;
    gust_queue *queue = gust_queue_new(count, NULL, .order = GUST_PRIORITY, .compare = compare);
    for (int i = 0; i < count; i++) {
        seed = seed * 1103515245 + 12345;
        jobs[i] = (struct job){(int)(seed >> 16) % 20, i};
        assert_int_equal(gust_queue_try_put(queue, &jobs[i]), 0);
    }
    struct job last = {-1, -1};
    for (int i = 0; i < count; i++) {
        const struct job *job = gust_queue_try_get(queue);
        assert_true(job->priority > last.priority ||
                    (job->priority == last.priority && job->number > last.number));
        last = *job;
    }
    gust_queue_free(queue);
}

static void a_queue_wraps_and_grows(void **state)
{
    (void)state;
    gust_queue *queue = gust_queue_new(20, NULL);
    size_t in = 0, out = 0;
    for (size_t fill = 1; fill <= 20; fill++) {
        while (in - out < fill)
            assert_int_equal(gust_queue_try_put(queue, &items[in++ % 26]), 0);
        while (in - out > fill / 2)
            assert_ptr_equal(gust_queue_try_get(queue), &items[out++ % 26]);
    }
    gust_queue_free(queue);
}

static void wrong_options_are_einval(void **state)
{
    (void)state;
    assert_null(gust_queue_new(0, NULL));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_null(gust_queue_new(1, NULL, .order = GUST_PRIORITY));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_null(gust_queue_new(1, NULL, .compare = compare));
    assert_int_equal(errno, EINVAL);
    gust_queue *queue = gust_queue_new(SIZE_MAX, NULL);
    assert_int_equal(gust_queue_try_put(queue, items), 0);
    gust_queue_free(queue);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mutex_is_handed_over_in_order),
        TEST(outside_coroutines_only_try_works),
        TEST(a_condition_wakes_so_many_in_order),
        TEST(an_event_lets_all_pass_while_set),
        TEST(a_semaphore_counts),
        TEST(another_loops_waiters_are_eperm),
        TEST(a_queue_is_bounded_and_in_order),
        TEST(getters_are_served_in_order),
        TEST(closing_refuses_puts_and_empties),
        TEST(join_waits_until_all_is_done),
        TEST(lifo_gives_the_newest),
        TEST(priorities_come_out_in_order_and_equals_as_they_came),
        TEST(a_queue_wraps_and_grows),
        TEST(wrong_options_are_einval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
