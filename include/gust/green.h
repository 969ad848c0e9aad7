/*
 * gust/green.h - blocking C that parks the coroutine: libgust-green
 *
 * Linked with libgust-green, a program's blocking libc calls (recv, poll, connect, sleep, pthread_mutex_lock,
 * getaddrinfo, ...) made inside a coroutine let only that coroutine wait, in whatever library they are made.
 * Outside coroutines, and where a call does not block, they are libc's as ever.
 *
 *     static int ask(void *arg)                       // a coroutine
 *     {
 *         GUST_DEADLINE(GUST_MS(500));                // reaches into libpq
 *         PGresult *r = PQexec(arg, "select ...");    // plain libpq: only this coroutine waits
 *         ...
 *     }
 *
 *     int main(void)
 *     {
 *         gust_green_require();                       // or ends with the remedy
 *         return gust_run(serve, NULL, 0) < 0;
 *     }
 *
 * The library must come before libc in the program's own link: `pkg-config --libs gust-green`, or CMake's
 * gust::green, see to it; or preload it: LD_PRELOAD=libgust-green.so.0 program.
 *
 * A wait that a deadline or a cancel ends fails with ETIMEDOUT or ECANCELED, and shuts the stream socket that
 * it waited for down before it returns, because the library that used it is in the middle of an answer:
 * afterwards it reports a dead connection, rather than hand one question's answer to the next. (As with any
 * dead connection, who writes to it gets SIGPIPE unless the program ignores that, as gust_main does.)
 *
 * A signal's handler that runs while the loop waits ends the call of the coroutine that gust_run runs with
 * EINTR, as a signal ends the main thread's, if SA_RESTART does not let it go on. No other coroutine's call
 * ends so, except where its own mask let the signal in (ppoll, pselect, epoll_pwait).
 *
 * GUST_GREEN_TRACE=1 in the environment prints each wait with its caller.
 */
#ifndef GUST_GREEN_H
#define GUST_GREEN_H

#include <gust/base.h>
#include <gust/scope.h>

#include <stdio.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_green_options {
    size_t size;
    bool offload_writes GUST_ZERO; /* buffered writes to files go to the thread pool; default: inline */
} gust_green_options;

/* [any] Looks whether every call of every loaded library comes to libgust-green, and takes the options.
 * 0; -1: ENOSYS, where gust_error_last() names what does not, why, and what to do. Calling it is also what
 * keeps the linker from dropping the library. */
GUST_API int gust_green_on_with(const gust_green_options *options);
#define gust_green_on(...) gust_green_on_with(GUST_OPTIONS(gust_green_options, ##__VA_ARGS__))

/* [any] The same, for main: when that fails it prints why and what to do, and ends the program with status 1.
 */
GUST_API void gust_green_require_with(const gust_green_options *options);
#define gust_green_require(...) gust_green_require_with(GUST_OPTIONS(gust_green_options, ##__VA_ARGS__))

/* [any] fdopen for sockets and pipes. A stream of libc's own waits inside libc, where nobody can step in, and
 * blocks the thread; this one's waits park the coroutine. One coroutine at a time may use it. Takes fd, which
 * fclose closes; on failure fd is the caller's. mode is fdopen's. NULL: EBADF, EINVAL, ENOMEM. */
GUST_API FILE *gust_green_stream(int fd, const char *mode);

/* Private: what the macros below expand to. */
struct gust__green_scope {
    struct gust__scope scope;
    int kind;
};
enum { GUST__GREEN_OFF = 1, GUST__GREEN_KEEP = 2 };
GUST_API void gust__green_scope_begin(struct gust__green_scope *scope, int kind);

static inline void gust__green_scope_cleanup(struct gust__green_scope *scope)
{
    gust__scope_end(&scope->scope);
}

GUST_END_DECLARATIONS

#define GUST__GREEN_SCOPE(name, kind)                                                  \
    struct gust__green_scope name __attribute__((cleanup(gust__green_scope_cleanup))); \
    GUST__NO_JUMP(GUST__JOIN(name, _no_jump))                                          \
    gust__green_scope_begin(&name, kind)

/* GUST_GREEN_OFF: until the block ends, libc calls of this coroutine block its thread, as without this
 * library. */
#define GUST_GREEN_OFF GUST__GREEN_SCOPE(GUST__UNIQUE(gust__green_), GUST__GREEN_OFF)

/* GUST_GREEN_KEEP: until the block ends, an interrupted wait leaves its socket as it is: for code that can go
 * on with the connection. */
#define GUST_GREEN_KEEP GUST__GREEN_SCOPE(GUST__UNIQUE(gust__green_), GUST__GREEN_KEEP)

#endif
