/*
 * gust/scope.h - clean-up that is bound to a block, and failing from any depth
 *
 * A scope ends with its block, however the block ends: its closing brace, return, break, goto out, or a throw
 * from far below. Scopes end last first. They are nodes on the stack in a chain: nothing is allocated and
 * opening one cannot fail. errno and the last error survive the clean-up. A jump into a scope does not
 * compile.
 *
 *     static int save(struct db *db, const char *post, const char *text)
 *     {
 *         if (db_lock(db, post) < 0)
 *             return -1;
 *         GUST_DEFER(db_unlock, db, post);
 *         if (!*text)
 *             gust_throw(EINVAL, "an empty post");   // unlocks on its way out
 *         return db_save(db, post, text);
 *     }
 *
 *     if (gust_try(save_post, &post) < 0)
 *         gust_log(GUST_WARNING, "not saved: %s", gust_error_text(gust_error_last()));
 *
 * Each function's comment begins with who may call it: [any] any thread, inside coroutines and outside;
 * [blk] parks the calling coroutine; [loop] the thread of the object's loop; [sig] signal handlers too.
 */
#ifndef GUST_SCOPE_H
#define GUST_SCOPE_H

#include <gust/base.h>
#include <gust/error.h>

GUST_BEGIN_DECLARATIONS

/* Private: a node of the chain. Its address orders it: a throw ends every scope below the frame it leaves to.
 */
struct gust__scope {
    struct gust__scope *next;
    void (*end)(struct gust__scope *scope); /* NULL: it has ended, or does */
    struct gust_error *kept;                /* while its function runs: the last error from before */
};

struct gust__defer {
    struct gust__scope scope;
    void (*function)(void);
    uintptr_t arguments[4];
    unsigned count;
};

struct gust__deadline {
    struct gust__scope scope;
    int64_t outer;
};

GUST_API void gust__defer_begin(struct gust__defer *defer);
GUST_API void gust__deadline_begin(struct gust__deadline *deadline, int64_t duration);
GUST_API void gust__scope_end(
    struct gust__scope *scope); /* ends this scope; one already ended is left alone */

/* GUST_DEFER(function, arguments...): calls function(arguments...) when the enclosing block ends. Up to four
 * arguments, pointers or integers, checked against the function's type and taken now. The function runs
 * shielded: a deadline or cancel does not interrupt what it waits for until a grace time (5 s) is over. It is
 * called with integer registers only: no parameter of it may be a float or double.
 *
 * A function that throws does so as any other code: to the nearest gust_try, the block's other scopes end
 * first. Thrown while a throw is on its way already, the second error is only logged and the first goes on.
 */

/* GUST_DEADLINE(nanoseconds): until the block ends, whatever waits in it ends with ETIMEDOUT once so much
 * time has passed, inside libraries too (libgust-green). The earliest of nested deadlines rules; children
 * inherit it. */

/* [any] Nanoseconds until the earliest deadline in force: 0 or less once it has passed, INT64_MAX without
 * one. The way to ask whether time was up behind a library that hides errno. */
GUST_API int64_t gust_deadline_left(void);

/* [any] Calls function(argument) and returns what it returned; -1 when it threw, gust_error_last() says what.
 */
GUST_API int gust_try(int (*function)(void *argument), void *argument);

/* [any] Leaves the caller's frames to the nearest gust_try, gust_next, job or start of a coroutine, which
 * gives -1 and errno = code; scopes on the way end. Frames must be one's own: never throw out of a library's
 * callback. Where libstdc++ is linked, destructors run too: a C++
 * catch (...) on the way must end with `throw;`, one that does not aborts, and so does a noexcept function.
 * Outside all of these it logs the error and aborts. */
GUST_API void gust_throw(int code, const char *format, ...) GUST_PRINTF(2, 3) __attribute__((__noreturn__));

/* [any] The same with the last error as it stands, its text, domain and backtrace: for who asked, was told
 * -1, and has nothing to add. Without one it is errno's; ECANCELED if that is 0. */
GUST_API void gust_throw_last(void) __attribute__((__noreturn__));

/* Private: what the macros below expand to. */
static inline void gust__defer_cleanup(struct gust__defer *defer)
{
    gust__scope_end(&defer->scope);
}

static inline void gust__deadline_cleanup(struct gust__deadline *deadline)
{
    gust__scope_end(&deadline->scope);
}

GUST_API void gust__defer_run(struct gust__scope *scope);
extern GUST_API const int gust__one;

GUST_END_DECLARATIONS

/* An array type of variable length: jumping past its declaration is an error in C. C++ refuses by itself. */
#ifdef __cplusplus
#define GUST__NO_JUMP(name)
#else
#define GUST__NO_JUMP(name) __attribute__((unused)) char(*name)[gust__one] = 0;
#endif

#define GUST__JOIN_(a, b)  a##b
#define GUST__JOIN(a, b)   GUST__JOIN_(a, b)
#define GUST__UNIQUE(name) GUST__JOIN(name, __COUNTER__)

#define GUST__COUNT_(ignored, a, b, c, d, n, ...) n
#define GUST__COUNT(...)                          GUST__COUNT_(0, ##__VA_ARGS__, 4, 3, 2, 1, 0, 0)

/* A pointer or an integer as a word. They have type classes up to 5; a double or a struct has a higher one,
 * and does not compile. (An array is taken as the pointer that it decays to.) */
#ifdef __cplusplus
template <class T> inline uintptr_t gust__word(T value)
{
    static_assert(__builtin_classify_type(T()) <= 5 && sizeof(T) <= 8,
                  "GUST_DEFER takes pointers and integers");
    return (uintptr_t)value;
}
#define GUST__WORD(value) gust__word(value)
#else
#define GUST__DECAYED(value) (1 ? (value) : (value))
#define GUST__WORD(value)                                                                                    \
    ((uintptr_t)(value) +                                                                                    \
     0 * sizeof(char[__builtin_classify_type(GUST__DECAYED(value)) <= 5 && sizeof(GUST__DECAYED(value)) <= 8 \
                         ? 1                                                                                 \
                         : -1]))
#endif
#define GUST__WORDS_0()           0
#define GUST__WORDS_1(a)          GUST__WORD(a)
#define GUST__WORDS_2(a, b)       GUST__WORD(a), GUST__WORD(b)
#define GUST__WORDS_3(a, b, c)    GUST__WORD(a), GUST__WORD(b), GUST__WORD(c)
#define GUST__WORDS_4(a, b, c, d) GUST__WORD(a), GUST__WORD(b), GUST__WORD(c), GUST__WORD(d)

#define GUST_DEFER(function, ...)                                                                         \
    GUST__DEFER(GUST__UNIQUE(gust__defer_), GUST__JOIN(GUST__WORDS_, GUST__COUNT(__VA_ARGS__)), function, \
                ##__VA_ARGS__)
#define GUST__DEFER(name, words, function, ...)                                                             \
    struct gust__defer name __attribute__((cleanup(gust__defer_cleanup))) = {                               \
        {0, gust__defer_run, 0},                                                                            \
        (void (*)(void))(function),                                                                         \
        {words(__VA_ARGS__)},                                                                               \
        (unsigned)(0 * sizeof((function)(__VA_ARGS__), 0)) /* the arguments checked against the function */ \
    };                                                                                                      \
    GUST__NO_JUMP(GUST__JOIN(name, _no_jump))                                                               \
    gust__defer_begin(&name)

#define GUST_DEADLINE(nanoseconds) GUST__DEADLINE(GUST__UNIQUE(gust__deadline_), nanoseconds)
#define GUST__DEADLINE(name, nanoseconds)                                        \
    struct gust__deadline name __attribute__((cleanup(gust__deadline_cleanup))); \
    GUST__NO_JUMP(GUST__JOIN(name, _no_jump))                                    \
    gust__deadline_begin(&name, nanoseconds)

#define GUST_GROUP(name)                                           \
    gust_group name __attribute__((cleanup(gust__group_cleanup))); \
    GUST__NO_JUMP(GUST__JOIN(name, _no_jump))                      \
    gust__group_begin(&name)

#endif
