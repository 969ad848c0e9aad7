#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/faults.h"
#include "loop/loop.h"

#include <errno.h>
#include <gust/log.h>
#include <stdlib.h>

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

struct alarm {
    gust_timer timer;
    gust_loop *loop;
    int fired;
    int *order;
    int number;
    int64_t again; /* not 0: starts itself for that time */
    struct alarm *stops;
};

static int fire(void *argument)
{
    struct alarm *alarm = argument;
    alarm->fired++;
    if (alarm->order)
        alarm->number = ++*alarm->order;
    if (alarm->again)
        gust_timer_start(alarm->loop, &alarm->timer, alarm->again);
    if (alarm->stops)
        gust_timer_stop(alarm->loop, &alarm->stops->timer);
    return 0;
}

static struct alarm make(gust_loop *loop, int *order)
{
    return (struct alarm){.timer.function = fire, .loop = loop, .order = order};
}

static void start(struct alarm *alarm, int64_t when)
{
    alarm->timer.argument = alarm;
    assert_int_equal(gust_timer_start(alarm->loop, &alarm->timer, when), 0);
}

static void due_timers_fire_in_order_of_time(void **state)
{
    static const int64_t times[] = {50, 10, 40, 20, 30};
    int order = 0;
    struct alarm alarms[5];
    for (int i = 0; i < 5; i++) {
        alarms[i] = make(*state, &order);
        start(&alarms[i], times[i]);
    }
    assert_int_equal(gust__loop_timers(*state), 5);
    gust__loop_iterate(*state, GUST__FOREVER);
    for (int i = 0; i < 5; i++)
        assert_int_equal(alarms[i].number, times[i] / 10);
    assert_int_equal(gust__loop_timers(*state), 0);
}

static void a_timer_never_fires_early(void **state)
{
    struct alarm alarm = make(*state, NULL);
    int64_t when = gust__clock_now() + GUST_MS(5);
    start(&alarm, when);
    while (!alarm.fired)
        gust__loop_iterate(*state, GUST__FOREVER);
    assert_true(gust__clock_now() >= when);
    assert_true(gust_loop_time(*state) >= when);
}

static void a_wait_ends_when_it_is_said_to(void **state)
{
    struct alarm alarm = make(*state, NULL);
    start(&alarm, GUST__FOREVER - 1);
    int64_t until = gust__clock_now() + GUST_MS(5);
    gust__loop_iterate(*state, until);
    assert_true(gust__clock_now() >= until);
    assert_int_equal(alarm.fired, 0);
    gust_timer_stop(*state, &alarm.timer);
}

static void a_timer_moves_both_ways(void **state)
{
    int64_t far = gust__clock_now() + GUST_S(1000);
    struct alarm alarm = make(*state, NULL);
    start(&alarm, 1);
    start(&alarm, far);
    gust__loop_iterate(*state, 0);
    assert_int_equal(alarm.fired, 0);
    assert_int_equal(alarm.timer.when, far);
    start(&alarm, far + 1);
    start(&alarm, 1);
    gust__loop_iterate(*state, 0);
    assert_int_equal(alarm.fired, 1);
    assert_int_equal(alarm.timer.place, 0);
}

static void a_stopped_timer_does_not_fire(void **state)
{
    struct alarm first = make(*state, NULL), second = make(*state, NULL);
    gust_timer_stop(*state, &first.timer);
    first.stops = &second;
    start(&first, 1);
    start(&second, 2);
    gust__loop_iterate(*state, 0);
    assert_int_equal(first.fired, 1);
    assert_int_equal(second.fired, 0);
    gust_timer_stop(*state, &first.timer);
    assert_int_equal(gust__loop_timers(*state), 0);
}

/* One that is always due comes once an iteration, also when it is a running one that is moved. */
static void a_timer_started_by_a_timer_waits_for_the_next_iteration(void **state)
{
    struct alarm alarm = make(*state, NULL);
    alarm.again = 1;
    start(&alarm, 1);
    for (int i = 1; i <= 3; i++) {
        gust__loop_iterate(*state, GUST__FOREVER);
        assert_int_equal(alarm.fired, i);
    }
    alarm.again = 0;
    gust__loop_iterate(*state, GUST__FOREVER);
    assert_int_equal(alarm.fired, 4);
    assert_int_equal(gust__loop_timers(*state), 0);
}

static int free_it(void *argument)
{
    free(argument);
    return 0;
}

static void a_timer_may_be_freed_by_its_function(void **state)
{
    gust_timer *timer = malloc(sizeof(*timer));
    *timer = (gust_timer){.function = free_it, .argument = timer};
    assert_int_equal(gust_timer_start(*state, timer, 1), 0);
    gust__loop_iterate(*state, 0);
    assert_int_equal(gust__loop_timers(*state), 0);
}

#ifdef GUST_FAULTS
static void a_timer_survives_a_failing_heap(void **state)
{
    struct alarm alarm = make(*state, NULL);
    gust__faults_alloc_at(1, false);
    errno = 0;
    assert_int_equal(gust_timer_start(*state, &alarm.timer, 1), -1);
    assert_int_equal(errno, ENOMEM);
    gust__faults_set(NULL);
    assert_int_equal(alarm.timer.place, 0);
    start(&alarm, 1);
    gust__loop_iterate(*state, 0);
    assert_int_equal(alarm.fired, 1);
}
#endif

/* ---- Random operations against a model: times before `past` are due, those after it are not ---- */

static uint64_t seed = 20240229;

static uint64_t random_number(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

struct model {
    struct alarm alarm;
    int64_t when; /* 0: does not run */
    int expected;
};

static int64_t random_time(int64_t now)
{
    int64_t time = (int64_t)(random_number() % 100000) + 1;
    return random_number() % 4 ? now + GUST_S(10000) + time : time;
}

static void step(struct model *model, int64_t now)
{
    if (random_number() % 3 == 0) {
        gust_timer_stop(model->alarm.loop, &model->alarm.timer);
        model->when = 0;
    } else {
        model->when = random_time(now);
        start(&model->alarm, model->when);
    }
}

static int64_t last_fired;

static int check_order(void *argument)
{
    struct alarm *alarm = argument;
    assert_true(alarm->timer.when >= last_fired);
    last_fired = alarm->timer.when;
    alarm->fired++;
    return 0;
}

static size_t expect_due(struct model *models, size_t count, int64_t now)
{
    size_t running = 0;
    for (size_t i = 0; i < count; i++) {
        if (models[i].when && models[i].when <= now) {
            models[i].expected++;
            models[i].when = 0;
        }
        running += models[i].when != 0;
    }
    return running;
}

static void random_operations_agree_with_a_model(void **state)
{
    enum { COUNT = 500 };
    static struct model models[COUNT];
    int64_t now = gust_loop_time(*state);
    for (size_t i = 0; i < COUNT; i++) {
        models[i] = (struct model){.alarm = make(*state, NULL)};
        models[i].alarm.timer.function = check_order;
    }
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 400; i++)
            step(&models[random_number() % COUNT], now);
        last_fired = 0;
        gust__loop_iterate(*state, 0);
        assert_int_equal(gust__loop_timers(*state), expect_due(models, COUNT, now + GUST_S(9000)));
        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(models[i].alarm.fired, models[i].expected);
    }
    for (size_t i = 0; i < COUNT; i++)
        gust_timer_stop(*state, &models[i].alarm.timer);
    assert_int_equal(gust__loop_timers(*state), 0);
}

static void a_million_timers(void **state)
{
    enum { MILLION = 1000000 };
    static int64_t const base = 1000;
    struct model *models = malloc(MILLION * sizeof(*models));
    assert_non_null(models);
    int64_t far = gust__clock_now() + GUST_S(10000);
    for (size_t i = 0; i < MILLION; i++) {
        models[i] = (struct model){.alarm = make(*state, NULL)};
        models[i].alarm.timer.function = check_order;
        start(&models[i].alarm, far + (int64_t)(random_number() % MILLION));
    }
    assert_int_equal(gust__loop_timers(*state), MILLION);
    for (size_t i = 0; i < MILLION; i += 2) /* half of them is due now, a quarter is stopped */
        start(&models[i].alarm, base + (int64_t)(random_number() % MILLION));
    for (size_t i = 1; i < MILLION; i += 4)
        gust_timer_stop(*state, &models[i].alarm.timer);
    last_fired = 0;
    gust__loop_iterate(*state, 0);
    for (size_t i = 0; i < MILLION; i++)
        assert_int_equal(models[i].alarm.fired, i % 2 == 0);
    assert_int_equal(gust__loop_timers(*state), MILLION / 4);
    gust_loop_close(*state);
    for (size_t i = 0; i < MILLION; i++)
        assert_int_equal(models[i].alarm.timer.place, 0);
    free(models);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(due_timers_fire_in_order_of_time),
        LOOP_TEST(a_timer_never_fires_early),
        LOOP_TEST(a_wait_ends_when_it_is_said_to),
        LOOP_TEST(a_timer_moves_both_ways),
        LOOP_TEST(a_stopped_timer_does_not_fire),
        LOOP_TEST(a_timer_started_by_a_timer_waits_for_the_next_iteration),
        LOOP_TEST(a_timer_may_be_freed_by_its_function),
#ifdef GUST_FAULTS
        LOOP_TEST(a_timer_survives_a_failing_heap),
#endif
        LOOP_TEST(random_operations_agree_with_a_model),
        LOOP_TEST(a_million_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
