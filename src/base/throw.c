#include "base/throw.h"
#include "base/context.h"
#include "base/error_int.h"
#include "base/log_int.h"
#include "base/sanitize.h"
#include "base/throw_int.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Catching ---- */

int gust__catch(int (*function)(void *argument), void *argument)
{
    struct gust__context *context = gust__context();
    struct gust__catch catch;
    gust__catch_open(context, &catch);
    context->caught = false;
    int result = gust__jump_call(function, argument, &catch.place);
    gust__catch_shut(context, &catch);
    context->caught = catch.thrown;
    if (catch.thrown)
        errno = gust_error_code(context->error);
    return result;
}

bool gust__caught(void)
{
    return gust__context()->caught;
}

int gust_try(int (*function)(void *argument), void *argument)
{
    return gust__catch(function, argument);
}

/* ---- Throwing ---- */

/* Weak for what is linked in, dlsym for what comes with another library (a static libgust in a C program). */
extern int __gxx_personality_v0(void) __attribute__((weak));

static bool has_destructors(void)
{
    enum { UNKNOWN, NO, YES };
    static _Atomic int answer;
    int known = atomic_load_explicit(&answer, memory_order_relaxed);
    if (known == UNKNOWN) {
        known = __gxx_personality_v0 || dlsym(RTLD_DEFAULT, "__gxx_personality_v0") ? YES : NO;
        atomic_store_explicit(&answer, known, memory_order_relaxed);
    }
    return known == YES;
}

/* The frames from here to the catcher end without their epilogues, which would have unpoisoned them. */
static void forget_frames(const void *from, const void *to)
{
    if ((uintptr_t)to > (uintptr_t)from)
        gust__asan_unpoison(from, (size_t)((uintptr_t)to - (uintptr_t)from));
}

static _Noreturn void land(struct gust__catch *catcher)
{
    gust__scopes_end_until(catcher->scopes);
    if (gust__context()->locks > catcher->locks && gust__locks_lost)
        gust__locks_lost();
    forget_frames(__builtin_frame_address(0), catcher->place);
    gust__jump_back(catcher->place);
}

/* The unwinder asks before it leaves each frame. What it calls the frame's CFA is the stack pointer there:
 * scopes below belong to frames that are left already, those above to this frame, whose own landing pads end
 * them in order with the destructors, or to frames further out. */
static _Unwind_Reason_Code leave_frame(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
                                       struct _Unwind_Exception *exception, struct _Unwind_Context *frame,
                                       void *argument)
{
    struct gust__catch *catcher = argument;
    struct gust__context *context = gust__context();
    uintptr_t low = (uintptr_t)_Unwind_GetCFA(frame);
    (void)version, (void)class, (void)exception;
    if ((actions & _UA_END_OF_STACK) || low >= (uintptr_t)catcher->place)
        land(catcher);
    struct gust__scope *scope = context->scopes;
    while (scope && scope != catcher->scopes && (uintptr_t)scope < low)
        scope = scope->next;
    gust__scopes_end_until(scope);
    forget_frames(__builtin_frame_address(0), (void *)low);
    return _URC_NO_REASON;
}

/* A C++ catch (...) that ends without `throw;` would continue in a frame that is being left. */
static void swallowed(_Unwind_Reason_Code reason, struct _Unwind_Exception *exception)
{
    (void)reason, (void)exception;
    gust__log_error(GUST_ERROR, gust_error_last(),
                    "a C++ catch (...) kept what gust_throw threw; it must end with `throw;`");
    gust__log_drain();
    abort();
}

static _Noreturn void unwind(struct gust__catch *catcher)
{
    catcher->exception.exception_class = 0x67757374432b2b00; /* "gustC++\0": a foreign one to C++ */
    catcher->exception.exception_cleanup = swallowed;
    _Unwind_ForcedUnwind(&catcher->exception, leave_frame, catcher);
    land(catcher); /* it came back: a frame without unwind tables */
}

static _Noreturn void nobody_catches(void)
{
    gust__log_error(GUST_ERROR, gust_error_last(), "thrown outside gust_try, job and coroutine");
    gust__log_drain();
    abort();
}

static bool kept_further_out(const struct gust__scope *scope, const struct gust_error *error)
{
    return scope && scope->kept == error;
}

/* The clean-ups that run above the catcher will not come back: what they kept is dropped, but for the errors
 * of those further out, and for what is being thrown. */
static void abandon_clean_ups(struct gust__context *context, const struct gust__catch *catcher)
{
    while (context->ending != catcher->ending) {
        struct gust__scope *scope = context->ending;
        context->ending = scope->next;
        if (scope->kept != catcher->error && !kept_further_out(context->ending, scope->kept))
            gust__error_free(scope->kept);
    }
}

/* A clean-up threw while a throw to the same catcher was under way: that one goes on. Destructors of the
 * frames between are lost, as the unwinder is not re-entered. */
static _Noreturn void go_on(struct gust__context *context, struct gust__catch *catcher)
{
    gust__log_error(GUST_ERROR, gust_error_last(), "a clean-up threw during a throw");
    gust_error_clear();
    abandon_clean_ups(context, catcher);
    context->error = catcher->error;
    land(catcher);
}

void gust_throw_last(void)
{
    struct gust__context *context = gust__context();
    struct gust__catch *catcher = context->catcher;
    if (!context->error)
        gust_error_set(errno ? errno : ECANCELED, NULL);
    if (!catcher)
        nobody_catches();
    if (catcher->thrown)
        go_on(context, catcher);
    catcher->thrown = true;
    catcher->error = context->error;
    abandon_clean_ups(context, catcher);
    if (has_destructors())
        unwind(catcher);
    land(catcher);
}

void gust_throw(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct gust_error *error =
        gust__error_vnew(NULL, 0, code, gust__error_usual_flags(NULL, 0, code), format, arguments);
    va_end(arguments);
    gust__error_put(error);
    gust_throw_last();
}
