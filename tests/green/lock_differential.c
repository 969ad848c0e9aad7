/* Every call that takes a lock, in every situation, natively and on a coroutine. */
#include "differential.h"

#include <semaphore.h>
#include <threads.h>

enum {
    ALL = 1,
    OWNED = 2,    /* by who took it: a thread, or a coroutine */
    TIMED = 4,    /* with a limit of LIMIT milliseconds */
    TRY = 8,      /* never waits */
    TWICE = 16,   /* can be taken twice by the same without waiting for ever: taken, refused or timed out */
    CHECKED = 32, /* to give back what one has not got is refused */
    READ = 64,
    MUTEX = 256,
    RECURSIVE = 512,
    ERRORCHECK = 1024,
    RWLOCK = 2048,
    SEMAPHORE = 4096,
    MTX = 8192,
    WAITS = 16384,
};
enum { LIMIT = 20 };

static pthread_mutex_t mutex;
static pthread_rwlock_t rwlock;
static sem_t semaphore;
static mtx_t mtx;

static volatile int held, may_go;
static int limit = LIMIT; /* milliseconds from now; BAD: an impossible time */
enum { BAD = 1 << 20 };

/* ---- the locks ---- */

static void set_up(unsigned kind)
{
    pthread_mutexattr_t type;
    pthread_mutexattr_init(&type);
    pthread_mutexattr_settype(&type, kind & RECURSIVE    ? PTHREAD_MUTEX_RECURSIVE
                                     : kind & ERRORCHECK ? PTHREAD_MUTEX_ERRORCHECK
                                                         : PTHREAD_MUTEX_NORMAL);
    pthread_mutex_init(&mutex, &type);
    pthread_mutexattr_destroy(&type);
    pthread_rwlock_init(&rwlock, NULL);
    sem_init(&semaphore, 0, 1);
    mtx_init(&mtx, kind & RECURSIVE ? mtx_timed | mtx_recursive : mtx_timed);
    held = may_go = 0;
    limit = LIMIT;
}

static void tear_down(void)
{
    pthread_mutex_destroy(&mutex);
    pthread_rwlock_destroy(&rwlock);
    sem_destroy(&semaphore);
    mtx_destroy(&mtx);
}

/* Both give what the call returns. */
static int take_plainly(unsigned kind)
{
    if (kind & MUTEX)
        return pthread_mutex_lock(&mutex);
    if (kind & RWLOCK)
        return pthread_rwlock_wrlock(&rwlock);
    return kind & MTX ? mtx_lock(&mtx) : sem_wait(&semaphore);
}

static int give_back(unsigned kind)
{
    if (kind & MUTEX)
        return pthread_mutex_unlock(&mutex);
    if (kind & RWLOCK)
        return pthread_rwlock_unlock(&rwlock);
    return kind & MTX ? mtx_unlock(&mtx) : sem_post(&semaphore);
}

/* ---- operations ---- */

static const struct timespec *at(clockid_t clock)
{
    static _Thread_local struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += limit == BAD ? 0 : limit * 1000000L;
    time.tv_sec += time.tv_nsec / 1000000000 - (time.tv_nsec < 0);
    time.tv_nsec = limit == BAD ? 1000000000 : (time.tv_nsec + 1000000000) % 1000000000;
    return &time;
}

#define REAL  at(CLOCK_REALTIME)
#define CLOCK CLOCK_MONOTONIC, at(CLOCK_MONOTONIC)

#define OPERATION(name, call)                            \
    static long name(struct differential *d, int unused) \
    {                                                    \
        (void)d, (void)unused;                           \
        return call;                                     \
    }
OPERATION(by_lock, pthread_mutex_lock(&mutex))
OPERATION(by_trylock, pthread_mutex_trylock(&mutex))
OPERATION(by_timedlock, pthread_mutex_timedlock(&mutex, REAL))
OPERATION(by_clocklock, pthread_mutex_clocklock(&mutex, CLOCK))
OPERATION(by_rdlock, pthread_rwlock_rdlock(&rwlock))
OPERATION(by_tryrdlock, pthread_rwlock_tryrdlock(&rwlock))
OPERATION(by_timedrdlock, pthread_rwlock_timedrdlock(&rwlock, REAL))
OPERATION(by_clockrdlock, pthread_rwlock_clockrdlock(&rwlock, CLOCK))
OPERATION(by_wrlock, pthread_rwlock_wrlock(&rwlock))
OPERATION(by_trywrlock, pthread_rwlock_trywrlock(&rwlock))
OPERATION(by_timedwrlock, pthread_rwlock_timedwrlock(&rwlock, REAL))
OPERATION(by_clockwrlock, pthread_rwlock_clockwrlock(&rwlock, CLOCK))
OPERATION(by_sem_wait, sem_wait(&semaphore))
OPERATION(by_sem_trywait, sem_trywait(&semaphore))
OPERATION(by_sem_timedwait, sem_timedwait(&semaphore, REAL))
OPERATION(by_sem_clockwait, sem_clockwait(&semaphore, CLOCK))
OPERATION(by_mtx_lock, mtx_lock(&mtx))
OPERATION(by_mtx_trylock, mtx_trylock(&mtx))
OPERATION(by_mtx_timedlock, mtx_timedlock(&mtx, at(CLOCK_REALTIME)))

#define NORMAL_MUTEX     (ALL | OWNED | MUTEX)
#define RECURSIVE_MUTEX  (ALL | OWNED | MUTEX | RECURSIVE | TWICE | CHECKED)
#define ERRORCHECK_MUTEX (ALL | OWNED | MUTEX | ERRORCHECK | TWICE | CHECKED)

static const struct differential_operation operations[] = {
    {"pthread_mutex_lock, normal", by_lock, NORMAL_MUTEX},
    {"pthread_mutex_lock, recursive", by_lock, RECURSIVE_MUTEX},
    {"pthread_mutex_lock, errorcheck", by_lock, ERRORCHECK_MUTEX},
    {"pthread_mutex_trylock, normal", by_trylock, NORMAL_MUTEX | TRY | TWICE},
    {"pthread_mutex_trylock, recursive", by_trylock, RECURSIVE_MUTEX | TRY},
    {"pthread_mutex_trylock, errorcheck", by_trylock, ERRORCHECK_MUTEX | TRY},
    {"pthread_mutex_timedlock, normal", by_timedlock, NORMAL_MUTEX | TIMED | TWICE},
    {"pthread_mutex_timedlock, recursive", by_timedlock, RECURSIVE_MUTEX | TIMED},
    {"pthread_mutex_timedlock, errorcheck", by_timedlock, ERRORCHECK_MUTEX | TIMED},
    {"pthread_mutex_clocklock, normal", by_clocklock, NORMAL_MUTEX | TIMED | TWICE},
    {"pthread_mutex_clocklock, recursive", by_clocklock, RECURSIVE_MUTEX | TIMED},
    {"pthread_mutex_clocklock, errorcheck", by_clocklock, ERRORCHECK_MUTEX | TIMED},
    {"pthread_rwlock_rdlock", by_rdlock, ALL | OWNED | RWLOCK | READ | TWICE},
    {"pthread_rwlock_tryrdlock", by_tryrdlock, ALL | OWNED | RWLOCK | READ | TRY | TWICE},
    {"pthread_rwlock_timedrdlock", by_timedrdlock, ALL | OWNED | RWLOCK | READ | TIMED | TWICE},
    {"pthread_rwlock_clockrdlock", by_clockrdlock, ALL | OWNED | RWLOCK | READ | TIMED | TWICE},
    {"pthread_rwlock_wrlock", by_wrlock, ALL | OWNED | RWLOCK | TWICE},
    {"pthread_rwlock_trywrlock", by_trywrlock, ALL | OWNED | RWLOCK | TRY | TWICE},
    {"pthread_rwlock_timedwrlock", by_timedwrlock, ALL | OWNED | RWLOCK | TIMED | TWICE},
    {"pthread_rwlock_clockwrlock", by_clockwrlock, ALL | OWNED | RWLOCK | TIMED | TWICE},
    {"sem_wait", by_sem_wait, ALL | SEMAPHORE | WAITS},
    {"sem_trywait", by_sem_trywait, ALL | SEMAPHORE | TRY | TWICE},
    {"sem_timedwait", by_sem_timedwait, ALL | SEMAPHORE | WAITS | TIMED | TWICE},
    {"sem_clockwait", by_sem_clockwait, ALL | SEMAPHORE | WAITS | TIMED | TWICE},
    {"mtx_lock", by_mtx_lock, ALL | OWNED | MTX},
    {"mtx_lock, recursive", by_mtx_lock, ALL | OWNED | MTX | RECURSIVE | TWICE},
    {"mtx_trylock", by_mtx_trylock, ALL | OWNED | MTX | TRY | TWICE},
    {"mtx_timedlock", by_mtx_timedlock, ALL | OWNED | MTX | TIMED | TWICE},
};

/* ---- what siblings do ---- */

static void hold(struct differential *d, int milliseconds)
{
    take_plainly(d->operation->kind);
    held = 1;
    for (int left = milliseconds; left > 0 && !may_go; left--)
        usleep(1000);
    give_back(d->operation->kind);
}

static void read_for_a_while(struct differential *d, int milliseconds)
{
    (void)d;
    pthread_rwlock_rdlock(&rwlock);
    held = 1;
    usleep((unsigned)milliseconds * 1000);
    pthread_rwlock_unlock(&rwlock);
}

/* A sibling has it, for so long, or until may_go. */
static void have_it_held(struct differential *d, int milliseconds)
{
    set_up(d->operation->kind);
    differential_later(d, 0, hold, milliseconds);
    while (!held)
        usleep(1000);
    d->arranged = 0; /* from now on it is held */
}

static void take(struct differential *d)
{
    bool taken = differential_operate(d, 0) == 0;
    if (taken)
        NOTE(d, give_back(d->operation->kind));
}

static void end(struct differential *d)
{
    may_go = 1;
    differential_join(d);
    tear_down();
}

/* ---- scenarios ---- */

static void it_is_free(struct differential *d)
{
    set_up(d->operation->kind);
    take(d);
    take(d);
    end(d);
}

static void a_sibling_gives_it_back(struct differential *d)
{
    have_it_held(d, 12);
    limit = 2000;
    take(d);
    end(d);
}

static void a_sibling_keeps_it(struct differential *d)
{
    have_it_held(d, 1000);
    take(d);
    end(d);
}

static void its_limit_is_over(struct differential *d)
{
    have_it_held(d, 1000);
    limit = -5;
    take(d);
    end(d);
}

static void its_limit_is_over_and_it_is_free(struct differential *d)
{
    set_up(d->operation->kind);
    limit = -5;
    take(d);
    end(d);
}

static void its_limit_is_impossible(struct differential *d)
{
    have_it_held(d, 1000);
    limit = BAD;
    take(d);
    end(d);
}

static void it_is_taken_twice(struct differential *d)
{
    set_up(d->operation->kind);
    bool first = differential_operate(d, 0) == 0, second = differential_operate(d, 0) == 0;
    if (second)
        NOTE(d, give_back(d->operation->kind));
    if (first)
        NOTE(d, give_back(d->operation->kind));
    end(d);
}

static void it_is_given_back_by_another(struct differential *d)
{
    have_it_held(d, 1000);
    NOTE(d, give_back(d->operation->kind));
    end(d);
}

static void it_is_given_back_twice(struct differential *d)
{
    set_up(d->operation->kind);
    take(d);
    NOTE(d, give_back(d->operation->kind));
    end(d);
}

static void a_sibling_reads(struct differential *d)
{
    set_up(d->operation->kind);
    differential_later(d, 0, read_for_a_while, 12);
    while (!held)
        usleep(1000);
    d->arranged = 0;
    take(d);
    end(d);
}

static void a_signal_comes_with(struct differential *d, int flags)
{
    have_it_held(d, 60);
    limit = 2000;
    differential_signal(d, 10, flags);
    take(d);
    end(d);
}

static void a_signal_comes(struct differential *d)
{
    a_signal_comes_with(d, 0);
}

static void a_signal_comes_that_restarts(struct differential *d)
{
    a_signal_comes_with(d, SA_RESTART);
}

static const struct differential_scenario scenarios[] = {
    {"it is free", it_is_free, ALL},
    {"a sibling gives it back", a_sibling_gives_it_back, ALL},
    {"a sibling keeps it", a_sibling_keeps_it, TIMED},
    {"a sibling keeps it", a_sibling_keeps_it, TRY},
    {"its limit is over", its_limit_is_over, TIMED},
    {"its limit is over and it is free", its_limit_is_over_and_it_is_free, TIMED},
    {"its limit is impossible", its_limit_is_impossible, TIMED},
    {"it is taken twice", it_is_taken_twice, TWICE},
    {"it is given back by another", it_is_given_back_by_another, CHECKED},
    {"it is given back twice", it_is_given_back_twice, CHECKED},
    {"a sibling reads", a_sibling_reads, RWLOCK},
    {"a signal comes", a_signal_comes, ALL},
    {"a signal comes that restarts", a_signal_comes_that_restarts, ALL},
};

static const struct differential_difference differences[] = {
    {.scenario = NULL},
};

int main(void)
{
    return differential_table(operations, GUST_LEN(operations), scenarios, GUST_LEN(scenarios), differences);
}
