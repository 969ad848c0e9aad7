#include "base/lock.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/sys.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/prctl.h>

/* Straight to the kernel, past fault injection: a lock cannot fail, and none of this touches errno. */
static long futex(_Atomic uint32_t *word, int operation, uint32_t value, const struct timespec *until)
{
    return gust__sys_raw(SYS_futex, (long)word, operation | FUTEX_PRIVATE_FLAG, (long)value, (long)until, 0,
                         (long)FUTEX_BITSET_MATCH_ANY);
}

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    futex(word, FUTEX_WAIT_BITSET, value, NULL);
}

static void futex_wake(_Atomic uint32_t *word, uint32_t count)
{
    futex(word, FUTEX_WAKE, count, NULL);
}

/* Once a thread has waited, it takes the lock as 2: it cannot know whether others wait too, and a needless
 * wake is better than a lost one. */
void gust__lock_take(struct gust__lock *lock)
{
    uint32_t state = 0;
    if (atomic_compare_exchange_strong_explicit(&lock->state, &state, 1, memory_order_acquire,
                                                memory_order_relaxed))
        return;
    while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire) != 0)
        futex_wait(&lock->state, 2);
}

void gust__lock_drop(struct gust__lock *lock)
{
    if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2)
        futex_wake(&lock->state, 1);
}

/* Whoever wakes changes the sequence first; a wake between the drop and the wait makes the kernel refuse to
 * sleep, so none is lost. */
int gust__signal_wait(struct gust__signal *signal, struct gust__lock *lock, int64_t until_ns)
{
    uint32_t sequence = atomic_load_explicit(&signal->sequence, memory_order_relaxed);
    if (until_ns < 0)
        until_ns = 0;
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
    gust__lock_drop(lock);
    long result =
        futex(&signal->sequence, FUTEX_WAIT_BITSET, sequence, until_ns == GUST__FOREVER ? NULL : &until);
    gust__lock_take(lock);
    if (result != -ETIMEDOUT)
        return 0;
    errno = ETIMEDOUT;
    return -1;
}

void gust__signal_tell(struct gust__signal *signal)
{
    atomic_fetch_add_explicit(&signal->sequence, 1, memory_order_relaxed);
}

void gust__signal_rouse(struct gust__signal *signal)
{
    futex_wake(&signal->sequence, 1);
}

void gust__signal_wake_one(struct gust__signal *signal)
{
    gust__signal_tell(signal);
    gust__signal_rouse(signal);
}

void gust__signal_wake_all(struct gust__signal *signal)
{
    atomic_fetch_add_explicit(&signal->sequence, 1, memory_order_relaxed);
    futex_wake(&signal->sequence, INT_MAX);
}

/* Storing `ended` is the last touch of the caller's memory, which may be gone right after. The wake names an
 * address only: on one that is no longer mapped it fails, on one used anew it is a spurious wake, which every
 * waiter on a futex must expect. */
static void *thread_main(void *argument)
{
    struct gust__thread *thread = argument;
    if (thread->name)
        gust__sys_prctl(PR_SET_NAME, (long)thread->name, 0, 0, 0);
    thread->run(thread->argument);
    gust__context_end();
    atomic_store_explicit(&thread->ended, 1, memory_order_release);
    futex_wake(&thread->ended, INT_MAX);
    return NULL;
}

int gust__thread_start(struct gust__thread *thread, const char *name, void (*run)(void *), void *argument)
{
    *thread = (struct gust__thread){.run = run, .argument = argument, .name = name};
    pthread_attr_t attributes;
    int code = pthread_attr_init(&attributes);
    if (code)
        goto fail;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigset_t all, before;
    sigfillset(&all); /* glibc leaves its own two signals out */
    gust__sys_rt_sigprocmask(SIG_SETMASK, &all, &before);
    pthread_t id;
    code = pthread_create(&id, &attributes, thread_main, thread);
    gust__sys_rt_sigprocmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (code == 0)
        return 0;
fail:
    errno = EAGAIN;
    return -1;
}

void gust__thread_join(struct gust__thread *thread)
{
    while (!atomic_load_explicit(&thread->ended, memory_order_acquire))
        futex_wait(&thread->ended, 0);
}
