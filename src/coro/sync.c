/* Mutex, condition, event, semaphore: all are a queue of waiters, served directly, so that nobody overtakes.
 */
#include "base/context.h"
#include "coro/waiters.h"

#include <errno.h>

static int fail(int code)
{
    errno = code;
    return -1;
}

/* ---- Waiters ---- */

int gust__waiters_check(const struct gust__waiters *waiters)
{
    if (!gust__current)
        return fail(EDEADLK);
    return waiters->first && waiters->loop != gust__current->loop ? fail(EPERM) : 0;
}

static void append(struct gust__waiters *waiters, struct gust__waiter *waiter)
{
    waiter->next = NULL;
    waiter->previous = waiters->last;
    if (waiters->last)
        waiters->last->next = waiter;
    else
        waiters->first = waiter;
    waiters->last = waiter;
    waiters->loop = waiter->coroutine->loop;
}

static void take_out(struct gust__waiters *waiters, struct gust__waiter *waiter)
{
    if (waiter->previous)
        waiter->previous->next = waiter->next;
    else
        waiters->first = waiter->next;
    if (waiter->next)
        waiter->next->previous = waiter->previous;
    else
        waiters->last = waiter->previous;
    if (!waiters->first)
        waiters->loop = NULL; /* the object may be used in another loop from now on */
}

int gust__waiters_wait(struct gust__waiters *waiters, struct gust__waiter *waiter, const char *what)
{
    if (gust__waiters_check(waiters) < 0)
        return -1;
    waiter->coroutine = gust__current;
    waiter->served = false;
    append(waiters, waiter);
    while (!waiter->served) {
        if (gust__park(GUST__INTERRUPTIBLE, what) < 0) {
            take_out(waiters, waiter);
            return -1;
        }
    }
    return 0;
}

struct gust__waiter *gust__waiters_serve(struct gust__waiters *waiters)
{
    struct gust__waiter *waiter = waiters->first;
    if (!waiter)
        return NULL;
    take_out(waiters, waiter);
    waiter->served = true;
    gust__wake(waiter->coroutine);
    return waiter;
}

/* ---- Mutex ---- */

/* Code outside coroutines can own a mutex too (it can try), each thread for itself. */
static void *self(void)
{
    return gust__context();
}

int gust_mutex_try(gust_mutex *mutex)
{
    if (mutex->owner)
        return fail(EBUSY);
    mutex->owner = self();
    return 0;
}

int gust_mutex_lock(gust_mutex *mutex)
{
    struct gust__waiter waiter;
    if (!gust__current || mutex->owner == self())
        return fail(EDEADLK);
    return mutex->owner ? gust__waiters_wait(&mutex->waiters, &waiter, "a mutex") : gust_mutex_try(mutex);
}

int gust_mutex_unlock(gust_mutex *mutex)
{
    if (!mutex->owner || mutex->owner != self())
        return fail(EPERM);
    struct gust__waiter *next = gust__waiters_serve(&mutex->waiters);
    mutex->owner = next ? next->coroutine : NULL;
    return 0;
}

/* ---- Condition ---- */

int gust_cond_wait(gust_cond *cond)
{
    struct gust__waiter waiter;
    return gust__waiters_wait(&cond->waiters, &waiter, "a condition");
}

void gust_cond_notify(gust_cond *cond, size_t count)
{
    while (count-- > 0 && gust__waiters_serve(&cond->waiters))
        ;
}

void gust_cond_notify_all(gust_cond *cond)
{
    gust_cond_notify(cond, SIZE_MAX);
}

/* ---- Event ---- */

int gust_event_wait(gust_event *event)
{
    struct gust__waiter waiter;
    if (event->set)
        return 0;
    return gust__waiters_wait(&event->waiters, &waiter, "an event");
}

void gust_event_set(gust_event *event)
{
    event->set = true;
    while (gust__waiters_serve(&event->waiters))
        ;
}

void gust_event_clear(gust_event *event)
{
    event->set = false;
}

/* ---- Semaphore ---- */

int gust_semaphore_try(gust_semaphore *semaphore)
{
    if (semaphore->value == 0)
        return fail(EBUSY);
    semaphore->value--;
    return 0;
}

/* Nobody waits while there are units, so nobody is overtaken. */
int gust_semaphore_acquire(gust_semaphore *semaphore)
{
    struct gust__waiter waiter;
    if (semaphore->value > 0)
        return gust_semaphore_try(semaphore);
    return gust__waiters_wait(&semaphore->waiters, &waiter, "a semaphore");
}

int gust_semaphore_release(gust_semaphore *semaphore)
{
    if (gust__waiters_serve(&semaphore->waiters))
        return 0;
    if (semaphore->value == SIZE_MAX || (semaphore->max && semaphore->value >= semaphore->max))
        return fail(EOVERFLOW);
    semaphore->value++;
    return 0;
}
