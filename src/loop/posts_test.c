#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "loop/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int begin(void **state)
{
    *state = gust_loop_new();
    return *state ? 0 : -1;
}

static int end(void **state)
{
    gust_loop_free(*state);
    return 0;
}

struct note {
    gust_post post;
    gust_loop *loop;
    int *order;
    int number;
};

static int take_number(void *argument)
{
    struct note *note = argument;
    note->number = ++*note->order;
    return 0;
}

static void posts_run_in_the_order_of_posting(void **state)
{
    enum { COUNT = 100 };
    struct note notes[COUNT];
    int order = 0;
    for (int i = 0; i < COUNT; i++) {
        notes[i] = (struct note){.loop = *state, .order = &order};
        assert_int_equal(gust_loop_post(*state, &notes[i].post, take_number, &notes[i]), 0);
    }
    gust__loop_iterate(*state, GUST__FOREVER); /* does not wait */
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(notes[i].number, i + 1);
}

static int post_again(void *argument)
{
    struct note *note = argument;
    if (++*note->order < 3)
        gust_loop_post(note->loop, &note->post, post_again, note);
    return 0;
}

static int free_note(void *argument)
{
    free(argument);
    return 0;
}

static void a_node_may_be_reused_or_freed_by_its_function(void **state)
{
    int order = 0;
    struct note note = {.loop = *state, .order = &order};
    struct note *heap = malloc(sizeof(*heap));
    gust_loop_post(*state, &note.post, post_again, &note);
    gust_loop_post(*state, &heap->post, free_note, heap);
    for (int i = 1; i <= 3; i++) {
        gust__loop_iterate(*state, GUST__FOREVER);
        assert_int_equal(order, i);
    }
    gust__loop_iterate(*state, 0);
    assert_int_equal(order, 3);
}

/* ---- From other threads ---- */

enum { THREADS = 4, EACH = 20000 };

struct poster {
    pthread_t thread;
    gust_loop *loop;
    struct ping {
        gust_post post;
        struct poster *poster;
        int number;
    } * pings;
    int next; /* the number expected: one thread's posts keep their order */
    int *left;
};

static int count_ping(void *argument)
{
    struct ping *ping = argument;
    struct poster *poster = ping->poster;
    assert_int_equal(ping->number, poster->next++);
    if (--*poster->left == 0)
        gust_loop_stop(poster->loop);
    return 0;
}

static void *post_all(void *argument)
{
    struct poster *poster = argument;
    for (int i = 0; i < EACH; i++) {
        struct ping *ping = &poster->pings[i];
        ping->poster = poster;
        ping->number = i;
        if (gust_loop_post(poster->loop, &ping->post, count_ping, ping) < 0)
            abort();
        if (i % 64 == 0)
            usleep(1); /* so that the loop falls asleep now and then */
    }
    return NULL;
}

static void no_post_of_many_threads_is_lost(void **state)
{
    struct poster posters[THREADS];
    int left = THREADS * EACH;
    for (int i = 0; i < THREADS; i++) {
        posters[i] = (struct poster){.loop = *state, .left = &left};
        posters[i].pings = calloc(EACH, sizeof(struct ping));
        assert_non_null(posters[i].pings);
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    assert_int_equal(gust_loop_run(*state), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(posters[i].thread, NULL);
        assert_int_equal(posters[i].next, EACH);
        free(posters[i].pings);
    }
    assert_int_equal(left, 0);
}

/* The other thread's post ends the loop, which is freed while that thread may still be in gust_loop_post. */
struct last {
    gust_post post;
    gust_loop *loop;
};

static int stop_loop(void *loop)
{
    gust_loop_stop(loop);
    return 0;
}

static void *post_last(void *argument)
{
    struct last *last = argument;
    gust_loop_post(last->loop, &last->post, stop_loop, last->loop);
    return NULL;
}

static void *stop_from_outside(void *argument)
{
    gust_loop_stop(((struct last *)argument)->loop);
    return NULL;
}

static void a_loop_may_be_freed_by_what_was_posted(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        struct last last = {.loop = gust_loop_new()};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, i % 2 ? post_last : stop_from_outside, &last), 0);
        assert_int_equal(gust_loop_run(last.loop), 0);
        gust_loop_free(last.loop);
        pthread_join(thread, NULL);
    }
}

struct closer {
    gust_loop *loop;
    _Atomic int posted;
    gust_post posts[10000];
};

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static void *post_until_closed(void *argument)
{
    struct closer *closer = argument;
    for (int i = 0; i < 10000; i++) {
        if (gust_loop_post(closer->loop, &closer->posts[i], nothing, NULL) < 0) {
            assert_int_equal(errno, ECANCELED);
            break;
        }
        closer->posted++;
    }
    return NULL;
}

static void posting_to_a_loop_that_closes_is_harmless(void **state)
{
    static struct closer closer;
    pthread_t thread;
    gust_post late;
    closer.loop = *state;
    assert_int_equal(pthread_create(&thread, NULL, post_until_closed, &closer), 0);
    while (closer.posted < 100)
        gust__loop_iterate(*state, 0);
    gust_loop_close(*state);
    pthread_join(thread, NULL);
    errno = 0;
    assert_int_equal(gust_loop_post(*state, &late, nothing, NULL), -1);
    assert_int_equal(errno, ECANCELED);
}

/* ---- From a signal handler ---- */

static gust_loop *signalled_loop;
static gust_post signalled_post;

static void handler(int signal_number)
{
    (void)signal_number;
    gust_loop_post(signalled_loop, &signalled_post, stop_loop, signalled_loop);
}

static int raise_signal(void *unused)
{
    (void)unused;
    raise(SIGUSR1);
    return 0;
}

static void a_signal_handler_may_post(void **state)
{
    struct sigaction action = {.sa_handler = handler}, old;
    signalled_loop = *state;
    sigaction(SIGUSR1, &action, &old);
    gust_timer timer = {.function = raise_signal};
    gust_timer_start(*state, &timer, 1);
    assert_int_equal(gust_loop_run(*state), 0);
    sigaction(SIGUSR1, &old, NULL);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(posts_run_in_the_order_of_posting),
        LOOP_TEST(a_node_may_be_reused_or_freed_by_its_function),
        LOOP_TEST(no_post_of_many_threads_is_lost),
        LOOP_TEST(a_loop_may_be_freed_by_what_was_posted),
        LOOP_TEST(posting_to_a_loop_that_closes_is_harmless),
        LOOP_TEST(a_signal_handler_may_post),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
