/* Spin locks, and giving one's turn to others. */
#include "green/locks.h"

#include <sched.h>

static void give_turn(struct gust__green_call *call)
{
    int saved = errno;
    gust__green_park(call, 0, 0);
    errno = saved;
}

/* Who has it may be a coroutine of this thread, parked: so each round is a turn of the loop. */
GUST__EXPORT int pthread_spin_lock(pthread_spinlock_t *lock)
{
    if (!gust__green_here())
        return gust__green_next.pthread_spin_lock(lock);
    struct gust__green_call call = GUST__GREEN_CALL("pthread_spin_lock", -1);
    while (gust__green_next.pthread_spin_trylock(lock) == EBUSY)
        give_turn(&call);
    return 0;
}

GUST__EXPORT int pthread_spin_trylock(pthread_spinlock_t *lock)
{
    return gust__green_next.pthread_spin_trylock(lock);
}

GUST__EXPORT int sched_yield(void)
{
    if (!gust__green_here())
        return gust__green_next.sched_yield();
    struct gust__green_call call = GUST__GREEN_CALL("sched_yield", -1);
    give_turn(&call);
    return 0;
}

GUST__EXPORT void thrd_yield(void)
{
    if (!gust__green_here()) {
        gust__green_next.thrd_yield();
        return;
    }
    struct gust__green_call call = GUST__GREEN_CALL("thrd_yield", -1);
    give_turn(&call);
}

/* Only programs that were linked long ago call it by this name, which the headers turn into sched_yield. */
GUST__EXPORT int gust__green_pthread_yield(void) __asm__("pthread_yield");
int gust__green_pthread_yield(void)
{
    if (!gust__green_here())
        return gust__green_next.sched_yield();
    struct gust__green_call call = GUST__GREEN_CALL("pthread_yield", -1);
    give_turn(&call);
    return 0;
}
