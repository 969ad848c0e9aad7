/*
 * Throwing and catching (gust/scope.h is the manual). It needs no coroutine: the chain of scopes and the
 * innermost catcher hang on gust__context().
 *
 * A catcher is a place that a throw returns to, as setjmp is: gust__catch runs a function under one. A throw
 * walks the chain and ends every scope that was opened under the catcher, newest first (where libstdc++ is
 * linked it unwinds the frames with _Unwind_ForcedUnwind on the way, so that destructors run, ending the
 * scopes of each frame as it is left), and then continues at the catcher.
 */
#ifndef GUST_BASE_THROW_H
#define GUST_BASE_THROW_H

#include <gust/scope.h>

#include <stdbool.h>
#include <stdint.h>

struct gust__context;

/* Runs function(argument) under a catcher. Its result; -1 when it threw: the context's last error and errno
 * are set. */
int gust__catch(int (*function)(void *argument), void *argument);

/* True when the last gust__catch of this context ended by a throw (until the next begins). */
bool gust__caught(void);

/* Ends every scope of the context above `until` (NULL: all), newest first: for a coroutine that ends. */
void gust__scopes_end_until(struct gust__scope *until);

/* Defers run shielded: their waits are not interrupted until the grace time is over, which begins with the
 * first wait that asks for its end. (So that a defer that never waits does not read the clock.) */
#define GUST__SHIELD_GRACE GUST_S(5)
void gust__shield_begin(void);
void gust__shield_end(void);

/* While the context's shield is not 0: the monotonic time until which its waits go on. */
int64_t gust__shield_ends(struct gust__context *context, int64_t now);

#endif
