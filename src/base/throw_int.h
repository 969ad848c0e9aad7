/* Catchers, for scope.c and throw.c. */
#ifndef GUST_BASE_THROW_INT_H
#define GUST_BASE_THROW_INT_H

#include "base/context.h"
#include "base/throw_jump.h"

#include <stdbool.h>
#include <unwind.h>

/* On the catching function's stack, so that it outlives the frames that a throw leaves. */
struct gust__catch {
    struct gust__catch *outer;
    struct gust__scope *scopes; /* those open when it began: a throw ends the newer ones */
    struct gust__scope *ending; /* those that were in their clean-up */
    struct gust_error *error;   /* once thrown: what; the context's, or kept by a scope that ends */
    void *place;
    unsigned shield;
    unsigned locks; /* owned when it began */
    bool thrown;
    struct _Unwind_Exception exception; /* set by a throw that unwinds */
};

static inline void gust__catch_open(struct gust__context *context, struct gust__catch *catch)
{
    catch->outer = context->catcher;
    catch->scopes = context->scopes;
    catch->ending = context->ending;
    catch->shield = context->shield;
    catch->locks = context->locks;
    catch->thrown = false;
    context->catcher = catch;
}

static inline void gust__catch_shut(struct gust__context *context, const struct gust__catch *catch)
{
    context->catcher = catch->outer;
    context->scopes = catch->scopes;
    context->shield = catch->shield;
}

#endif
