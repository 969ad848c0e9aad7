/*
 * gust/subprocess.h - other programs: started, fed, read, waited for
 *
 * One call, for a program that takes some bytes and gives some:
 *
 *     char *sorted;
 *     int code = gust_command(GUST_ARGV("sort", "-n"), .in = numbers, .out = &sorted, .timeout = GUST_S(5));
 *     if (code < 0)
 *         return -1;                              // it did not run, ran too long, or a signal ended it
 *     GUST_DEFER(free, sorted);
 *
 * A conversation, with streams (gust/net.h) over pipes:
 *
 *     gust_subprocess *bc = gust_subprocess_new(GUST_ARGV("bc"), .in = GUST_PIPE, .out = GUST_PIPE);
 *     gust_stream_printf(gust_subprocess_in(bc), "%s\n", sum);
 *     gust_stream_close(gust_subprocess_in(bc));  // bc reads the end
 *     gust_stream_read_until(gust_subprocess_out(bc), "\n", 100, &line);
 *     int code = gust_subprocess_wait(bc);
 *     gust_subprocess_free(bc);
 *
 * Nothing started is forgotten. A subprocess belongs to the coroutine that starts it, so to the request that
 * it was started for: when that ends, however it ends, the subprocess is killed, with all that it started
 * itself (it leads a process group of its own; what leaves the group on purpose, as a daemon does by setsid,
 * leaves our reach). It is reaped by the loop later; nobody waits for that. What is not a coroutine's
 * (detached, or started outside any) lives until gust_subprocess_free, at most until its loop closes.
 *
 * The program begins as any program does: no signal blocked or ignored, and no descriptor open but its three.
 * It is made as posix_spawn does, without copying this process's memory map, however large; inside a
 * coroutine a thread of the pool does it, so that a slow disk does not hold the loop.
 *
 * Should this process be killed itself, its subprocesses live on: the system can end a child with its parent
 * only for the thread that made it (PR_SET_PDEATHSIG), and threads here come and go.
 *
 * Needs pidfds, that is Linux 5.3: without them, ENOSYS. SIGCHLD is left alone: a program that ignores it, or
 * reaps all children itself, takes the exit codes away (ECHILD); under libgust-green its waitpid(-1) does
 * not find ours.
 */
#ifndef GUST_SUBPROCESS_H
#define GUST_SUBPROCESS_H

#include <gust/base.h>
#include <gust/future.h>
#include <gust/net.h>

#include <limits.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_subprocess gust_subprocess;

/* What the program has as standard input, output and error, instead of a descriptor. */
enum {
    GUST_NOTHING = -1, /* reads the end at once; what it writes is dropped: /dev/null. The default of in */
    GUST_PIPE = -2,    /* a stream of ours: gust_subprocess_in and so on */
    GUST_INHERIT = -3, /* what this process has. The default of out and err */
    GUST_AS_OUT = -4,  /* err only: goes where out goes */
};

typedef struct gust_subprocess_options {
    size_t size;
    int in GUST_ZERO; /* a descriptor above 0 (borrowed; it stays blocking), or one of the above */
    int out GUST_ZERO;
    int err GUST_ZERO;
    const char *const *environment GUST_ZERO; /* "NAME=value", ..., NULL; default: this process's */
    const char *directory GUST_ZERO;          /* to run in; default: this process's */
    int64_t timeout GUST_ZERO;                /* then its group is killed; default: none */
    bool detached GUST_ZERO;                  /* the coroutine's end does not kill it */
    gust_stream_options stream GUST_ZERO;     /* of its pipes */
} gust_subprocess_options;

/* [loop] Starts a program, looked for in PATH where its name has no slash; waits as [blk] for that in a
 * coroutine. The arguments end with NULL. NULL: what keeps it from running, as ENOENT, EACCES, ENOEXEC,
 * E2BIG; EAGAIN (too many processes), EINVAL (no program, or options that make no sense), EBADF (a bad
 * descriptor), EMFILE, ENOMEM, ENOSYS, EDEADLK without a loop; ETIMEDOUT and ECANCELED: by the scope. */
GUST_API gust_subprocess *gust_subprocess_new_with(const char *const *arguments,
                                                   const gust_subprocess_options *options);
#define gust_subprocess_new(arguments, ...) \
    gust_subprocess_new_with(arguments, GUST_OPTIONS(gust_subprocess_options, ##__VA_ARGS__))

/* [loop] Our ends of the pipes; NULL where there is none. Owned by the subprocess: close them as you like,
 * but do not free them. A program that reads to the end waits until gust_stream_close of its in. */
GUST_API gust_stream *gust_subprocess_in(const gust_subprocess *process);
GUST_API gust_stream *gust_subprocess_out(const gust_subprocess *process);
GUST_API gust_stream *gust_subprocess_err(const gust_subprocess *process);

/* [blk] Waits for its end; any number may wait, and ask again. The exit code, 0 to 255; -1: ECHILD (a signal
 * ended it: the error's domain is "signal" and its detail the signal; or its end was taken by others: the
 * domain is "errno"), ETIMEDOUT (by its own time-out, or the scope's), ECANCELED. A wait cut short leaves it
 * running. What it started itself may run on until gust_subprocess_free. */
GUST_API int gust_subprocess_wait(gust_subprocess *process);

/* [loop] The same as a future with that result; it fails with ECANCELED when the subprocess is freed before.
 * NULL: ENOMEM. */
GUST_API gust_future *gust_subprocess_wait_async(gust_subprocess *process);

enum { GUST_RUNNING = INT_MIN, GUST_UNKNOWN = INT_MAX };

/* [loop] How it ended: the exit code, or the signal, negated; GUST_RUNNING; GUST_UNKNOWN where its end was
 * taken by others. */
GUST_API int gust_subprocess_status(const gust_subprocess *process);

/* [loop] Its process id, which is its group's too. Not another's while the subprocess is not freed. */
GUST_API pid_t gust_subprocess_id(const gust_subprocess *process);

/* [loop] Sends a signal to it and all of its group. 0; -1: EINVAL, EPERM (it runs as another user by now),
 * ESRCH (it is gone). */
GUST_API int gust_subprocess_signal(gust_subprocess *process, int signal_number);

/* [loop] Kills its group, whatever of it still runs; closes and frees the streams, on which nobody may be
 * waiting; lets the loop reap it, and does not wait for that. NULL is allowed. A coroutine's own is freed at
 * its end at the latest. */
GUST_API void gust_subprocess_free(gust_subprocess *process);

/* ---- one call ---- */

typedef struct gust_command_options {
    size_t size;
    gust_bytes in GUST_ZERO;   /* what it reads; default: nothing */
    char **out GUST_ZERO;      /* gets what it wrote, with a NUL behind: yours, free it. Default: inherited */
    size_t *out_len GUST_ZERO; /* gets its length */
    char **err GUST_ZERO;      /* the same of its standard error */
    size_t *err_len GUST_ZERO;
    bool err_as_out GUST_ZERO;   /* both in out, as they come. Not with err */
    size_t max_output GUST_ZERO; /* of out and of err, each; default 16 MiB */
    const char *const *environment GUST_ZERO;
    const char *directory GUST_ZERO;
    int64_t timeout GUST_ZERO; /* of the whole; default: none but the scope's deadline */
} gust_command_options;

/* [blk] Runs a program to its end, and until nobody holds its output open: feeds it, keeps what it writes.
 * The exit code; -1 as gust_subprocess_new and gust_subprocess_wait have it, and EMSGSIZE (it wrote more than
 * max_output). After -1 nothing of it runs any more, *out and *err are NULL. A program that does not read its
 * input to the end is none the worse. EDEADLK outside a coroutine. */
GUST_API int gust_command_with(const char *const *arguments, const gust_command_options *options);
#define gust_command(arguments, ...) \
    gust_command_with(arguments, GUST_OPTIONS(gust_command_options, ##__VA_ARGS__))

GUST_END_DECLARATIONS

/* GUST_ARGV("sort", "-n"): a program and its arguments, texts; lasts as long as the statement's block, in C++
 * as the expression. */
#ifdef __cplusplus
template <class... T> struct gust__argv {
    const char *words[sizeof...(T) + 1];
    explicit gust__argv(T... word) : words{word..., nullptr}
    {
    }
};
#define GUST_ARGV(...) (gust__argv(__VA_ARGS__).words)
#else
#define GUST_ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#endif

#endif
