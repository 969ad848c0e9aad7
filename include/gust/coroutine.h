/*
 * gust/coroutine.h - coroutines, groups, and running a function to its end
 *
 * A coroutine is a function with a stack of its own. Wherever it waits, at any depth of calls, only it waits.
 * It never changes thread. Coroutines are started in groups: a group's block does not end before its
 * children.
 *
 *     static int fetch_both(void *arg)
 *     {
 *         struct page a = { "/a" }, b = { "/b" };
 *         GUST_GROUP(both);
 *         gust_go(&both, fetch_page, &a);
 *         gust_go(&both, fetch_page, &b);
 *         return gust_group_wait(&both);          // the first error cancels the other
 *     }
 *
 *     int main(void)
 *     {
 *         return gust_run(fetch_both, NULL, GUST_S(10)) < 0;
 *     }
 */
#ifndef GUST_COROUTINE_H
#define GUST_COROUTINE_H

#include <gust/base.h>
#include <gust/future.h>
#include <gust/scope.h>

GUST_BEGIN_DECLARATIONS

/* [any] Runs function(argument) in a coroutine on this thread's loop, or one made for the call, until it
 * ends; returns its result. timeout: nanoseconds, 0 = none; then it is cancelled and the call gives -1 and
 * ETIMEDOUT. -1: EDEADLK inside a coroutine or while this thread's loop runs. */
GUST_API int gust_run(int (*function)(void *argument), void *argument, int64_t timeout);

/* [blk] Waits. 0; -1: ETIMEDOUT, ECANCELED. gust_sleep(0) is gust_yield. Outside a coroutine: EDEADLK. */
GUST_API int gust_sleep(int64_t nanoseconds);

/* [blk] Lets everything else that is ready run first. 0; -1: ETIMEDOUT, ECANCELED. */
GUST_API int gust_yield(void);

/* [blk] For loops that compute: yields when this coroutine has run longer than its share (10 ms), else costs
 * a clock reading. */
GUST_API int gust_checkpoint(void);

/* [any] The running coroutine's name, as dumps and overflow reports show it; "" outside. Set: copied, at most
 * 31 bytes are kept. */
GUST_API const char *gust_coroutine_name(void);
GUST_API void gust_coroutine_set_name(const char *name);

/* [any] Bytes of stack that the running coroutine has left; SIZE_MAX outside. */
GUST_API size_t gust_stack_left(void);

/* ---- groups ---- */

/* A group: declare one with GUST_GROUP(name); it belongs to the block and the coroutine that declared it. */
typedef struct gust_group {
    struct gust__scope scope;
    struct gust_group_child *children; /* newest first */
    void *waiter;
    void *home; /* the coroutine that owns it */
    size_t running;
    int code; /* errno of the first failure */
    struct gust_error *error;
    bool cancelled;
    bool ended;
} gust_group;

GUST_API void gust__group_begin(gust_group *group);

static inline void gust__group_cleanup(gust_group *group)
{
    gust__scope_end(&group->scope);
}

/* GUST_GROUP(name): a gust_group that ends with the block: children that still run are cancelled and joined.
 */

/* [loop] Starts function(argument) in a coroutine of the group; it runs when the caller next waits. Its
 * failure
 * (-1 or a throw) cancels the other children. Deadline and locals are inherited. 0; -1: ENOMEM, EAGAIN (too
 * many coroutines), ECANCELED (the group was cancelled). */
GUST_API int gust_go(gust_group *group, int (*function)(void *argument), void *argument);

/* [loop] As gust_go, with a future for the result: a failure is the future's, and cancels nobody. group NULL:
 * the loop's own, which lasts until the loop closes. */
GUST_API gust_future *gust_spawn(gust_group *group, int (*function)(void *argument), void *argument);

/* [blk] Waits until every child has ended. 0, or -1 with the first child's error. Cut short by a deadline or
 * cancel
 * (-1, ETIMEDOUT, ECANCELED) it cancels and joins them first. */
GUST_API int gust_group_wait(gust_group *group);

/* [loop] Cancels the children; they end in their own time (gust_group_wait, or the block's end, joins them).
 */
GUST_API void gust_group_cancel(gust_group *group);

/* [any] True once the running coroutine was cancelled. */
GUST_API bool gust_cancelled(void);

/* ---- coroutine-local values: what follows a request through everything it starts ---- */

typedef struct gust_local {    /* a key: static gust_local request_id = { .inherit = true }; */
    bool inherit;              /* children get the value that their parent has when they start */
    void (*drop)(void *value); /* when a coroutine that set the value ends; NULL: nothing */
    const char *name;
} gust_local;

/* [any] Outside a coroutine the value is the thread's. Set: 0; -1: ENOMEM. A child that inherited a value
 * borrows it from an ancestor and must not outlive it: structured groups see to that; gust_spawn(NULL, ...)
 * inherits none. */
GUST_API void *gust_local_get(const gust_local *local);
GUST_API int gust_local_set(const gust_local *local, void *value);

GUST_END_DECLARATIONS

#endif
