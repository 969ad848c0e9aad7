/* What we read inside glibc's locks, tried on real ones: another libc, or a later glibc, may differ. */
#include "green/locks.h"

#include <semaphore.h>

static bool mutex_is_known(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    gust__green_next.pthread_mutex_init(&mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    gust__green_next.pthread_mutex_lock(&mutex);
    bool known = mutex.__data.__owner == gust__owned_thread() && gust__mutex_is_special(&mutex) &&
                 (mutex.__data.__kind & 3) == PTHREAD_MUTEX_RECURSIVE;
    gust__green_next.pthread_mutex_unlock(&mutex);
    known = known && mutex.__data.__owner == 0;
    gust__green_next.pthread_mutex_destroy(&mutex);
    return known;
}

static bool rwlock_is_known(void)
{
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    gust__green_next.pthread_rwlock_wrlock(&lock);
    bool known = lock.__data.__cur_writer == gust__owned_thread();
    gust__green_next.pthread_rwlock_unlock(&lock);
    return known && lock.__data.__cur_writer == 0;
}

static bool condition_is_known(void)
{
    pthread_condattr_t attributes;
    pthread_cond_t cond;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    gust__green_next.pthread_cond_init(&cond, &attributes);
    bool known = cond.__data.__wrefs == GUST__COND_MONOTONIC;
    pthread_condattr_setclock(&attributes, CLOCK_REALTIME);
    pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    gust__green_next.pthread_cond_init(&cond, &attributes);
    known = known && cond.__data.__wrefs == GUST__COND_SHARED;
    pthread_condattr_destroy(&attributes);
    return known;
}

static bool semaphore_is_known(void)
{
    sem_t own, shared;
    gust__green_next.sem_init(&own, 0, 1);
    gust__green_next.sem_init(&shared, 1, 1);
    return !gust__semaphore_is_shared(&own) && gust__semaphore_is_shared(&shared);
}

static void nothing(void)
{
}

static bool once_is_known(void)
{
    pthread_once_t control = PTHREAD_ONCE_INIT;
    bool known = !(control & GUST__ONCE_DONE);
    gust__green_next.pthread_once(&control, nothing);
    return known && (control & GUST__ONCE_DONE);
}

const char *gust__green_unknown_lock(void)
{
    if (!mutex_is_known())
        return "pthread_mutex_t";
    if (!rwlock_is_known())
        return "pthread_rwlock_t";
    if (!condition_is_known())
        return "pthread_cond_t";
    if (!semaphore_is_known())
        return "sem_t";
    return once_is_known() ? NULL : "pthread_once_t";
}
