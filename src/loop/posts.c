/*
 * Posts and stops: what other threads and signal handlers may do to a loop.
 *
 * A post is pushed onto a stack; the loop takes the whole stack and turns it round. The loop is woken only if
 * it sleeps: it sets `sleeping` and then looks once more for posts, a caller pushes and then looks at
 * `sleeping`, all sequentially consistent, so that one of them sees the other.
 *
 * `callers` counts the threads inside. What a post tells (that a thread is done, say) may let the loop's
 * thread close and free the loop while the poster is still on its way out: closing waits for it.
 */
#include "base/sys.h"
#include "loop/loop_int.h"

#include <errno.h>

static gust_post closed_mark;

static void wake(gust_loop *loop)
{
    static const uint64_t one = 1;
    if (atomic_load(&loop->sleeping) == 0 || atomic_exchange(&loop->sleeping, 0) == 0)
        return;
    int saved = errno;
    gust__sys_write(loop->wake_fd, &one, sizeof(one));
    errno = saved;
}

static bool push(gust_loop *loop, gust_post *post)
{
    gust_post *head = atomic_load_explicit(&loop->posts, memory_order_relaxed);
    do {
        if (head == &closed_mark)
            return false;
        post->next = head;
    } while (!atomic_compare_exchange_weak(&loop->posts, &head, post));
    return true;
}

int gust_loop_post(gust_loop *loop, gust_post *post, int (*function)(void *argument), void *argument)
{
    post->function = function;
    post->argument = argument;
    atomic_fetch_add(&loop->callers, 1);
    bool pushed = push(loop, post);
    if (pushed)
        wake(loop);
    atomic_fetch_sub_explicit(&loop->callers, 1, memory_order_release);
    if (pushed)
        return 0;
    errno = ECANCELED;
    return -1;
}

void gust_loop_stop(gust_loop *loop)
{
    atomic_fetch_add(&loop->callers, 1);
    atomic_store(&loop->stop, 1);
    wake(loop);
    atomic_fetch_sub_explicit(&loop->callers, 1, memory_order_release);
}

bool gust__posts_pending(gust_loop *loop)
{
    return atomic_load(&loop->posts) || (loop->running && atomic_load(&loop->stop));
}

static void drain(gust_loop *loop)
{
    gust_post *post = atomic_exchange_explicit(&loop->posts, NULL, memory_order_acquire);
    while (post) {
        gust_post *next = post->next;
        post->next = loop->drained;
        loop->drained = post;
        post = next;
    }
}

/* loop->drained is not empty only when a post threw: then the rest comes before what was posted since. */
void gust__posts_dispatch(gust_loop *loop)
{
    if (!loop->drained && atomic_load_explicit(&loop->posts, memory_order_relaxed))
        drain(loop);
    while (loop->drained) {
        gust_post *post = loop->drained;
        loop->drained = post->next;
        gust__loop_turn(loop);
        if (post->function(post->argument) < 0)
            gust__loop_failed("a posted function failed");
    }
}

void gust__posts_fini(gust_loop *loop)
{
    atomic_exchange(&loop->posts, &closed_mark);
    loop->drained = NULL;
    while (gust__loop_own(loop) && atomic_load(&loop->callers) > 0) /* in a forked child nobody is inside */
        gust__sys_call("sched_yield", SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}
