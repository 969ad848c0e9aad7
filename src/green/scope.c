/* GUST_GREEN_OFF and GUST_GREEN_KEEP. */
#include "green/green_int.h"

static unsigned *count_of(const struct gust__green_scope *scope)
{
    struct gust__coroutine_green *green = &gust__current->green;
    return scope->kind == GUST__GREEN_OFF ? &green->off : &green->keep;
}

static void end(struct gust__scope *node)
{
    struct gust__green_scope *scope = (struct gust__green_scope *)(void *)node;
    if (gust__current)
        --*count_of(scope);
}

void gust__green_scope_begin(struct gust__green_scope *scope, int kind)
{
    struct gust__context *context = gust__current ? &gust__current->context : NULL;
    scope->kind = kind;
    scope->scope = (struct gust__scope){.end = NULL};
    if (!context)
        return; /* outside of coroutines nothing is interposed anyway */
    scope->scope.end = end;
    scope->scope.next = context->scopes;
    context->scopes = &scope->scope;
    ++*count_of(scope);
}
