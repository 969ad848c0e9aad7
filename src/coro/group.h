/* Groups as coroutines see them. */
#ifndef GUST_CORO_GROUP_H
#define GUST_CORO_GROUP_H

#include "coro/coroutine.h"

/* Makes a coroutine that has not run yet the group's child: it inherits the owner's deadline, locals and
 * request. 0; -1: ENOMEM, ECANCELED, EPERM (another loop's), EDEADLK (a group outside a coroutine can't
 * wait). */
int gust__group_enter(gust_group *group, struct gust__coroutine *child);

/* The child failed, and it was for the group to hear. Takes error. */
void gust__group_failed(gust_group *group, const struct gust__coroutine *child, struct gust_error *error);

/* Ends a group by hand, at once if nothing was ever started in it. */
static inline void gust__group_end(gust_group *group)
{
    struct gust__context *context = gust__context();
    if (context->scopes != &group->scope || group->running || group->error) {
        gust__scope_end(&group->scope);
        return;
    }
    context->scopes = group->scope.next;
    group->scope.end = NULL;
    group->ended = true;
}

/* The child has ended, after whatever it had to say. */
void gust__group_leave(gust_group *group, struct gust__coroutine *child);

#endif
