/*
 * gust/future.h - the one handle for what is not ready yet
 *
 * A future has two ends, and each is ended once. Its maker sets or fails it; its taker awaits, frees, or
 * hands it to a callback. Nothing is counted in user code: whoever holds an end ends it.
 *
 *     static void *long_task(void *arg)           // a plain thread
 *     {
 *         sleep(5);
 *         gust_future_set(arg, strdup("long task done in 5 sec"), free);
 *         return NULL;
 *     }
 *
 *     gust_future *future = gust_future_new(NULL);
 *     pthread_create(&thread, NULL, long_task, future);
 *     char *text = gust_await_ptr(future);        // only this coroutine waits
 *
 * Setting, failing and gust_cancel are for any thread; all else for the thread of the future's loop, except
 * that gust_await on another loop's future works: the result is forwarded.
 */
#ifndef GUST_FUTURE_H
#define GUST_FUTURE_H

#include <gust/base.h>
#include <gust/error.h>
#include <gust/loop.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_future gust_future;

/* [loop] A future of the given loop (NULL: the current one) with both ends open: the caller holds the taker's
 * and gives the maker's away. NULL: ENOMEM, EDEADLK without a loop. */
GUST_API gust_future *gust_future_new(gust_loop *loop);

/* ---- the maker's end ---- */

/* [any] Gives the result and ends the maker's end. value belongs to the taker from now on; where nobody takes
 * it, drop(value) is called on the loop (NULL: nothing is to be freed). 0; -1 and ECANCELED when the taker
 * had gone or cancelled: the value was dropped. */
GUST_API int gust_future_set(gust_future *future, void *value, void (*drop)(void *value));

/* [any] Ends the maker's end with an error: errno code and text. */
GUST_API int gust_future_fail(gust_future *future, int code, const char *format, ...) GUST_PRINTF(3, 4);

/* [any] Ends the maker's end with the caller's last error (gust_error_last, or errno). */
GUST_API int gust_future_fail_last(gust_future *future);

/* [loop] Names what gust_cancel shall do, once, on the loop: stop the work and soon set or fail the future.
 * Without it a cancelled future fails at once with ECANCELED (and the maker's set is answered ECANCELED). */
GUST_API void gust_future_on_cancel(gust_future *future, int (*function)(void *argument), void *argument);

/* ---- the taker's end ---- */

/* [blk] Waits until the future is done and ends the taker's end. The result: what a spawned function
 * returned, 0 for a set future; -1 and errno for a failed one, gust_error_last() has the rest. Cut short by a
 * deadline or cancel (-1, ETIMEDOUT, ECANCELED) it cancels the future. NULL passes errno through:
 * gust_await(gust_x_async()) needs no check between. Outside a coroutine: EDEADLK, the future untouched. */
GUST_API int gust_await(gust_future *future);

/* [blk] As gust_await, and hands the value over. NULL and errno on failure (errno = 0: the value was NULL).
 */
GUST_API void *gust_await_ptr(gust_future *future);

/* [loop] Calls function(future, argument) on the loop once the future is done (soon, if it is), and ends the
 * taker's end when that returns: look at the result inside by the functions below. */
GUST_API int gust_future_then(gust_future *future, int (*function)(gust_future *future, void *argument),
                              void *argument);

/* [any] Asks the work to stop: its waits end with ECANCELED. Ends no end. */
GUST_API void gust_cancel(gust_future *future);

/* [loop] Ends the taker's end unread: cancels what is not done; an error that nobody read is logged. NULL
 * allowed. */
GUST_API void gust_future_free(gust_future *future);

/* [loop] Looks, and ends nothing. value: borrowed until taken. code: 0 for success, else errno. */
GUST_API bool gust_future_done(const gust_future *future);
GUST_API int gust_future_code(const gust_future *future);
GUST_API int gust_future_result(const gust_future *future);
GUST_API void *gust_future_value(const gust_future *future);
GUST_API const gust_error *gust_future_error(const gust_future *future);
GUST_API void *gust_future_take(
    gust_future *future); /* the value, now yours; NULL when it was taken before */

/* [loop] When from is done, to gets its result. Takes from's taker end and to's maker end. */
GUST_API int gust_future_chain(gust_future *from, gust_future *to);

/* ---- several at once ---- */

/* [blk] Waits until one of count futures is done and returns its index; NULL entries are passed over. It ends
 * none: await the one that is done, set its entry to NULL, call again: that is completion order. -1: EINVAL
 * (all NULL), ETIMEDOUT, ECANCELED: no future is touched. */
GUST_API int gust_wait_any(gust_future *const *futures, size_t count);

/* [blk] Awaits all of them (Tornado's multi): 0, or -1 and the first error in time; further errors are
 * logged. values (may be NULL) receives each value. Every taker's end is ended; cut short, the rest is
 * cancelled. */
GUST_API int gust_wait_all(gust_future *const *futures, size_t count, void **values);

GUST_END_DECLARATIONS

#endif
