/*
 * C11's locks. In glibc they are the POSIX ones by other names, which call them inside, where no hook sees
 * it; so they are here, over the POSIX functions by their public names: ours, and a sanitizer's before them.
 */
#include "green/locks.h"

static pthread_mutex_t *mutex_of(mtx_t *mutex)
{
    return (pthread_mutex_t *)(void *)mutex;
}

static pthread_cond_t *condition_of(cnd_t *condition)
{
    return (pthread_cond_t *)(void *)condition;
}

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "one layout");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "one layout");
_Static_assert(sizeof(once_flag) == sizeof(pthread_once_t), "one layout");

static int result_of(int code)
{
    switch (code) {
    case 0:
        return thrd_success;
    case EBUSY:
        return thrd_busy;
    case ENOMEM:
        return thrd_nomem;
    case ETIMEDOUT:
        return thrd_timedout;
    default:
        return thrd_error;
    }
}

GUST__EXPORT int mtx_init(mtx_t *mutex, int type)
{
    return gust__green_next.mtx_init(mutex, type);
}

GUST__EXPORT void mtx_destroy(mtx_t *mutex)
{
    pthread_mutex_destroy(mutex_of(mutex));
}

GUST__EXPORT int mtx_lock(mtx_t *mutex)
{
    return result_of(pthread_mutex_lock(mutex_of(mutex)));
}

GUST__EXPORT int mtx_trylock(mtx_t *mutex)
{
    return result_of(pthread_mutex_trylock(mutex_of(mutex)));
}

GUST__EXPORT int mtx_timedlock(mtx_t *mutex, const struct timespec *time)
{
    return result_of(pthread_mutex_timedlock(mutex_of(mutex), time));
}

GUST__EXPORT int mtx_unlock(mtx_t *mutex)
{
    return result_of(pthread_mutex_unlock(mutex_of(mutex)));
}

GUST__EXPORT int cnd_init(cnd_t *condition)
{
    return result_of(pthread_cond_init(condition_of(condition), NULL));
}

GUST__EXPORT void cnd_destroy(cnd_t *condition)
{
    pthread_cond_destroy(condition_of(condition));
}

GUST__EXPORT int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    return result_of(pthread_cond_wait(condition_of(condition), mutex_of(mutex)));
}

GUST__EXPORT int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *time)
{
    return result_of(pthread_cond_timedwait(condition_of(condition), mutex_of(mutex), time));
}

GUST__EXPORT int cnd_signal(cnd_t *condition)
{
    return result_of(pthread_cond_signal(condition_of(condition)));
}

GUST__EXPORT int cnd_broadcast(cnd_t *condition)
{
    return result_of(pthread_cond_broadcast(condition_of(condition)));
}

GUST__EXPORT int tss_create(tss_t *key, tss_dtor_t destructor)
{
    return result_of(pthread_key_create(key, destructor));
}

GUST__EXPORT void tss_delete(tss_t key)
{
    pthread_key_delete(key);
}

GUST__EXPORT void *tss_get(tss_t key)
{
    return pthread_getspecific(key);
}

GUST__EXPORT int tss_set(tss_t key, void *value)
{
    return result_of(pthread_setspecific(key, value));
}
