#include "base/clock.h"
#include "base/context.h"
#include "base/error_int.h"
#include "base/throw.h"

#include <errno.h>

const int gust__one = 1;

/* ---- The chain ---- */

static inline void push(struct gust__context *context, struct gust__scope *scope)
{
    scope->next = context->scopes;
    context->scopes = scope;
}

static __attribute__((cold, noinline)) void put_back(struct gust__context *context, struct gust_error *error)
{
    gust__error_free(context->error);
    context->error = error;
}

/* Called with four arguments whatever its type: those it doesn't have lie in registers that it doesn't read.
 */
static inline void run_defer(struct gust__context *context, struct gust__scope *scope)
{
    typedef void function_of_words(uintptr_t, uintptr_t, uintptr_t, uintptr_t);
    struct gust__defer *defer = (struct gust__defer *)(void *)scope;
    const uintptr_t *a = defer->arguments;
    if (context->shield++ == 0)
        context->shield_until = 0;
    ((function_of_words *)defer->function)(a[0], a[1], a[2], a[3]);
    context->shield--;
}

/* A clean-up that throws never comes back here: gust_throw_last does what remains. Most scopes are defers,
 * which are called directly. */
static inline void end_scope(struct gust__context *context, struct gust__scope *scope)
{
    int *code = &errno, saved = *code;
    void (*end)(struct gust__scope *) = scope->end;
    context->scopes = scope->next;
    scope->next = context->ending;
    scope->end = NULL;
    scope->kept = context->error;
    context->ending = scope;
    if (__builtin_expect(end == gust__defer_run, 1))
        run_defer(context, scope);
    else
        end(scope);
    context->ending = scope->next;
    if (__builtin_expect(context->error != scope->kept, 0))
        put_back(context, scope->kept);
    *code = saved;
}

/* Scopes newer than this one, if there are any, belong to frames that something left by a jump of its own. */
void gust__scope_end(struct gust__scope *scope)
{
    if (!scope->end)
        return;
    end_scope(gust__context(), scope);
}

void gust__scopes_end_until(struct gust__scope *until)
{
    struct gust__context *context = gust__context();
    while (context->scopes && context->scopes != until)
        end_scope(context, context->scopes);
}

/* ---- Defers ---- */

void gust__shield_begin(void)
{
    struct gust__context *context = gust__context();
    if (context->shield++ == 0)
        context->shield_until = 0;
}

void gust__shield_end(void)
{
    gust__context()->shield--;
}

int64_t gust__shield_ends(struct gust__context *context, int64_t now)
{
    if (context->shield_until == 0)
        context->shield_until = gust__clock_after(now, GUST__SHIELD_GRACE);
    return context->shield_until;
}

void gust__defer_begin(struct gust__defer *defer)
{
    push(gust__context(), &defer->scope);
}

void gust__defer_run(struct gust__scope *scope)
{
    run_defer(gust__context(), scope);
}

/* ---- Deadlines ---- */

static void deadline_end(struct gust__scope *scope)
{
    gust__context()->deadline = ((struct gust__deadline *)(void *)scope)->outer;
}

void gust__deadline_begin(struct gust__deadline *deadline, int64_t duration)
{
    struct gust__context *context = gust__context();
    int64_t until = gust__clock_after(gust__clock_now(), duration);
    deadline->scope.end = deadline_end;
    deadline->outer = context->deadline;
    if (until != GUST__FOREVER && (context->deadline == 0 || until < context->deadline))
        context->deadline = until;
    push(context, &deadline->scope);
}

int64_t gust_deadline_left(void)
{
    int64_t deadline = gust__context()->deadline;
    return deadline == 0 ? INT64_MAX : deadline - gust__clock_now();
}
