/* Every call that waits for another thread or coroutine, or for a time, natively and on a coroutine. */
#include "differential.h"

#include <threads.h>

/* BY_CODE: tells by what it returns, not by errno. REFUSES: knows impossible times. */
enum {
    CONDITION = 1,
    TIMED = 2,
    JOIN = 4,
    SLEEP = 8,
    ONCE = 16,
    WAITS = 32,
    BY_CODE = 64,
    REFUSES = 128,
};
enum { LIMIT = 20 };

int __nanosleep(const struct timespec *time, struct timespec *left);

static pthread_mutex_t mutex;
static pthread_cond_t condition, monotonic_condition;
static mtx_t c11_mutex;
static cnd_t c11_condition;
static int limit;
static int milliseconds; /* a sleep's length; -1: impossible */

static const struct timespec *at(clockid_t clock)
{
    static _Thread_local struct timespec time;
    clock_gettime(clock, &time);
    int64_t sum = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec + limit * 1000000LL;
    time = (struct timespec){sum / 1000000000, sum % 1000000000};
    return &time;
}

#define OPERATION(name, call)                            \
    static long name(struct differential *d, int unused) \
    {                                                    \
        (void)d, (void)unused;                           \
        return call;                                     \
    }

/* ---- conditions: they wait once, with both mutexes taken ---- */

OPERATION(by_cond_wait, pthread_cond_wait(&condition, &mutex))
OPERATION(by_cond_timedwait, pthread_cond_timedwait(&condition, &mutex, at(CLOCK_REALTIME)))
OPERATION(by_monotonic_timedwait, pthread_cond_timedwait(&monotonic_condition, &mutex, at(CLOCK_MONOTONIC)))
OPERATION(by_cond_clockwait, pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, at(CLOCK_MONOTONIC)))
OPERATION(by_cnd_wait, cnd_wait(&c11_condition, &c11_mutex))
OPERATION(by_cnd_timedwait, cnd_timedwait(&c11_condition, &c11_mutex, at(CLOCK_REALTIME)))

static void conditions_set_up(void)
{
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&mutex, NULL);
    pthread_cond_init(&condition, NULL);
    pthread_cond_init(&monotonic_condition, &clock);
    pthread_condattr_destroy(&clock);
    mtx_init(&c11_mutex, mtx_plain);
    cnd_init(&c11_condition);
    limit = LIMIT;
    pthread_mutex_lock(&mutex);
    mtx_lock(&c11_mutex);
}

static void conditions_end(struct differential *d)
{
    NOTE(d, pthread_mutex_trylock(&mutex));
    pthread_mutex_unlock(&mutex);
    mtx_unlock(&c11_mutex);
    differential_join(d);
    pthread_mutex_destroy(&mutex);
    pthread_cond_destroy(&condition);
    pthread_cond_destroy(&monotonic_condition);
    mtx_destroy(&c11_mutex);
    cnd_destroy(&c11_condition);
}

/* Only the mutex of the condition that waits is free. */
static void signal_it(struct differential *d, int c11)
{
    (void)d;
    if (c11) {
        mtx_lock(&c11_mutex);
        cnd_signal(&c11_condition);
        mtx_unlock(&c11_mutex);
        return;
    }
    pthread_mutex_lock(&mutex);
    pthread_cond_signal(&condition);
    pthread_cond_signal(&monotonic_condition);
    pthread_mutex_unlock(&mutex);
}

static void broadcast_it(struct differential *d, int c11)
{
    (void)d;
    if (c11) {
        cnd_broadcast(&c11_condition);
        return;
    }
    pthread_cond_broadcast(&condition);
    pthread_cond_broadcast(&monotonic_condition);
}

static int is_c11(const struct differential *d)
{
    return d->operation->name[0] == 'c';
}

static void it_is_signalled(struct differential *d)
{
    conditions_set_up();
    limit = 2000;
    differential_later(d, 12, signal_it, is_c11(d));
    differential_operate(d, 0);
    conditions_end(d);
}

static void it_is_broadcast_to(struct differential *d)
{
    conditions_set_up();
    limit = 2000;
    differential_later(d, 12, broadcast_it, is_c11(d));
    differential_operate(d, 0);
    conditions_end(d);
}

static void a_limit_comes(struct differential *d)
{
    conditions_set_up();
    differential_operate(d, 0);
    limit = -5;
    differential_operate(d, 0);
    conditions_end(d);
}

static void a_signal_comes_to_it(struct differential *d)
{
    conditions_set_up();
    limit = 2000;
    differential_signal(d, 5, 0);
    differential_later(d, 30, signal_it, is_c11(d));
    differential_operate(d, 0);
    conditions_end(d);
}

/* ---- joins: a thread in both ---- */

/* ThreadSanitizer loses count of threads that are joined past it, and ends the program; and its own
 * pthread_once waits by spinning. */
#ifdef DIFFERENTIAL_TSAN
enum { FOLLOWED = 0 };
#else
enum { FOLLOWED = 1 };
#endif

static pthread_t thread;

static void *sleep_and_give(void *argument)
{
    const struct timespec pause = {0, *(const int *)argument * 1000000L};
    nanosleep(&pause, NULL);
    return &thread;
}

static long joined(struct differential *d, int code, const void *result)
{
    differential_text(d, "gave %d\n", result == &thread);
    return code;
}

static long by_join(struct differential *d, int unused)
{
    void *result = NULL;
    (void)unused;
    int code = pthread_join(thread, &result);
    return joined(d, code, result);
}

static long by_timedjoin(struct differential *d, int unused)
{
    void *result = NULL;
    (void)unused;
    int code = pthread_timedjoin_np(thread, &result, at(CLOCK_REALTIME));
    return joined(d, code, result);
}

static long by_clockjoin(struct differential *d, int unused)
{
    void *result = NULL;
    (void)unused;
    int code = pthread_clockjoin_np(thread, &result, CLOCK_MONOTONIC, at(CLOCK_MONOTONIC));
    return joined(d, code, result);
}

static long by_tryjoin(struct differential *d, int unused)
{
    void *result = NULL;
    (void)unused;
    int code = pthread_tryjoin_np(thread, &result);
    return joined(d, code, result);
}

OPERATION(by_thrd_join, thrd_join(thread, NULL))

static void start(int how_long)
{
    static int sleeps;
    sleeps = how_long;
    limit = 2000;
    differential_must(pthread_create(&thread, NULL, sleep_and_give, &sleeps) == 0, "pthread_create");
}

static void a_thread_ends(struct differential *d)
{
    if (!FOLLOWED)
        return;
    start(15);
    differential_operate(d, 0);
}

static void a_thread_has_ended(struct differential *d)
{
    if (!FOLLOWED)
        return;
    start(0);
    usleep(20000);
    differential_operate(d, 0);
}

static void a_limit_comes_first(struct differential *d)
{
    if (!FOLLOWED)
        return;
    start(60);
    limit = LIMIT;
    differential_operate(d, 0);
    limit = -5;
    differential_operate(d, 0);
    NOTE(d, pthread_join(thread, NULL));
}

static void it_is_oneself(struct differential *d)
{
    if (!FOLLOWED)
        return;
    thread = pthread_self();
    limit = LIMIT;
    differential_operate(d, 0);
}

/* ---- sleeps ---- */

static struct timespec length(void)
{
    return (struct timespec){0, milliseconds < 0 ? 1000000000L : milliseconds * 1000000L};
}

static long slept(struct differential *d, int result, const struct timespec *left)
{
    d->room[0] = (char)(left->tv_sec || left->tv_nsec);
    return result;
}

static long by_nanosleep(struct differential *d, int unused)
{
    struct timespec time = length(), left = {0, 0};
    (void)unused;
    int result = nanosleep(&time, &left);
    return slept(d, result, &left);
}

static long by_nanosleep_alias(struct differential *d, int unused)
{
    struct timespec time = length(), left = {0, 0};
    (void)unused;
    int result = __nanosleep(&time, &left);
    return slept(d, result, &left);
}

static long by_clock_nanosleep(struct differential *d, int unused)
{
    struct timespec time = length(), left = {0, 0};
    (void)unused;
    int result = clock_nanosleep(CLOCK_REALTIME, 0, &time, &left);
    return slept(d, result, &left);
}

static long by_absolute_sleep(struct differential *d, int unused)
{
    (void)d, (void)unused;
    limit = milliseconds;
    struct timespec time = *at(CLOCK_MONOTONIC);
    if (milliseconds < 0)
        time.tv_nsec = -1;
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static long by_thrd_sleep(struct differential *d, int unused)
{
    struct timespec time = length(), left = {0, 0};
    (void)unused;
    int result = thrd_sleep(&time, &left);
    return slept(d, result, &left);
}

OPERATION(by_usleep, usleep(milliseconds < 0 ? 0 : (useconds_t)milliseconds * 1000))
OPERATION(by_sleep, (long)sleep(milliseconds > 15 ? 1 : 0))

static void a_while(struct differential *d)
{
    milliseconds = 15;
    differential_operate(d, 0);
}

static void no_time(struct differential *d)
{
    milliseconds = 0;
    differential_operate(d, 0);
}

static void an_impossible_time(struct differential *d)
{
    milliseconds = -1;
    differential_operate(d, 0);
}

static void a_signal_comes_while_it_sleeps(struct differential *d)
{
    milliseconds = 50;
    differential_signal(d, 10, SA_RESTART);
    differential_operate(d, 0);
    differential_join(d);
}

/* ---- once ---- */

static pthread_once_t pthread_control;
static once_flag c11_control;
static volatile int initialised;

static void initialise(void)
{
    usleep(15000);
    initialised++;
}

OPERATION(by_pthread_once, pthread_once(&pthread_control, initialise))
OPERATION(by_call_once, (call_once(&c11_control, initialise), 0))

static void begin_anew(void)
{
    initialised = 0;
    memset(&pthread_control, 0, sizeof(pthread_control));
    memset(&c11_control, 0, sizeof(c11_control));
}

static void it_is_the_first(struct differential *d)
{
    begin_anew();
    differential_operate(d, 0);
    differential_text(d, "initialised %d\n", initialised);
    differential_operate(d, 0);
    differential_text(d, "initialised %d\n", initialised);
}

static void initialise_too(struct differential *d, int unused)
{
    d->operation->call(d, unused);
}

static void a_sibling_is_at_it(struct differential *d)
{
    if (!FOLLOWED)
        return;
    begin_anew();
    differential_later(d, 0, initialise_too, 0);
    usleep(5000);
    differential_operate(d, 0);
    differential_text(d, "initialised %d\n", initialised);
    differential_join(d);
}

static const struct differential_operation operations[] = {
    {"pthread_cond_wait", by_cond_wait, CONDITION},
    {"pthread_cond_timedwait", by_cond_timedwait, CONDITION | TIMED},
    {"pthread_cond_timedwait, monotonic", by_monotonic_timedwait, CONDITION | TIMED},
    {"pthread_cond_clockwait", by_cond_clockwait, CONDITION | TIMED},
    {"cnd_wait", by_cnd_wait, CONDITION},
    {"cnd_timedwait", by_cnd_timedwait, CONDITION | TIMED},
    {"pthread_join", by_join, JOIN | WAITS},
    {"pthread_timedjoin_np", by_timedjoin, JOIN | WAITS | TIMED},
    {"pthread_tryjoin_np", by_tryjoin, JOIN | TIMED},
    {"pthread_clockjoin_np", by_clockjoin, JOIN | WAITS | TIMED},
    {"thrd_join", by_thrd_join, JOIN | WAITS},
    {"nanosleep", by_nanosleep, SLEEP | REFUSES},
    {"__nanosleep", by_nanosleep_alias, SLEEP | REFUSES},
    {"clock_nanosleep", by_clock_nanosleep, SLEEP | REFUSES | BY_CODE},
    {"clock_nanosleep, absolute", by_absolute_sleep, SLEEP | REFUSES | BY_CODE},
    {"thrd_sleep", by_thrd_sleep, SLEEP | REFUSES | BY_CODE},
    {"usleep", by_usleep, SLEEP},
    {"sleep", by_sleep, SLEEP},
    {"pthread_once", by_pthread_once, ONCE},
    {"call_once", by_call_once, ONCE},
};

static const struct differential_scenario scenarios[] = {
    {"it is signalled", it_is_signalled, CONDITION},
    {"it is broadcast to", it_is_broadcast_to, CONDITION},
    {"its limit comes", a_limit_comes, CONDITION | TIMED},
    {"a signal comes to it", a_signal_comes_to_it, CONDITION},
    {"a thread ends", a_thread_ends, JOIN | WAITS},
    {"a thread has ended", a_thread_has_ended, JOIN},
    {"its limit comes first", a_limit_comes_first, JOIN | TIMED},
    {"it is oneself", it_is_oneself, JOIN},
    {"a while", a_while, SLEEP},
    {"no time", no_time, SLEEP},
    {"an impossible time", an_impossible_time, SLEEP | REFUSES},
    {"a signal comes while it sleeps", a_signal_comes_while_it_sleeps, SLEEP},
    {"it is the first", it_is_the_first, ONCE},
    {"a sibling is at it", a_sibling_is_at_it, ONCE},
};

static const struct differential_difference differences[] = {
    {.scenario = NULL},
};

int main(void)
{
    return differential_table(operations, GUST_LEN(operations), scenarios, GUST_LEN(scenarios), differences);
}
