/*
 * gust/processes.h - a pool of processes, for calls that compute, that leak, or that may crash
 *
 * A job is a function of this program that runs in another process: it gets bytes and gives bytes. It has a
 * processor of its own, memory of its own, and whatever it does to itself stays there: a job that throws,
 * exits, or dereferences NULL is an error on its future, with its own backtrace, and the worker is replaced.
 *
 *     static int count_primes(const void *in, size_t length, gust_output *output)
 *     {
 *         unsigned limit;
 *         if (length != sizeof(limit))
 *             return gust_error_set(EINVAL, "a number is wanted");
 *         memcpy(&limit, in, sizeof(limit));
 *         return gust_output_printf(output, "%u", primes_below(limit));
 *     }
 *
 *     static void primes(gust_request *req)
 *     {
 *         unsigned limit = ...;
 *         gust_result *result;
 *         if (gust_processes_run(pool, count_primes, &limit, sizeof(limit), &result) < 0)
 *             gust_fail(500, "%s", gust_error_text(gust_error_last()));
 *         GUST_DEFER(gust_result_free, result);
 *         gust_print(req, result->data);
 *     }
 *
 *     int main(int argc, char **argv)
 *     {
 *         pool = gust_processes_new(.workers = 4);
 *         ...
 *         return gust_main(app, argc, argv);
 *     }
 *
 * Where workers come from. Forking a process that has threads copies locks which nobody will ever release. So
 * each serving process forks once, before its first thread and its first loop, a zygote: a process with one
 * thread that does nothing but fork workers when asked, and say how they ended. Make pools in main, before
 * gust_main or gust_run: these start the zygote at the right time (gust_main in every serving process). A
 * program that starts threads before its first loop calls gust_processes_start before that.
 *
 * What a worker has: the program's memory as it was when the zygote was forked, standard input, output and
 * error, and the regular files, directories and devices that were open then. Sockets, pipes, listeners and
 * the like are /dev/null there. No coroutine, no loop (a job may call gust_run). Default signal dispositions,
 * but for SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2, which do nothing: sent to a process group, or to all
 * of a name, they are meant for the server. What a job changes in its memory stays for the worker's next job;
 * .max_tasks bounds that. Workers end with the zygote, the zygote with the serving process.
 *
 * Errors of a worker that died have the code ECHILD: "the worker was killed by SIGSEGV" with the domain
 * "signal" and the signal as detail, or "the worker exited with status 3" with the domain "exit". Errors of a
 * job that failed or threw arrive as they were, text, domain and backtrace. Nothing is tried a second time: a
 * job that has begun may have had effects.
 */
#ifndef GUST_PROCESSES_H
#define GUST_PROCESSES_H

#include <gust/base.h>
#include <gust/future.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_processes gust_processes;

/* Where a job writes its result. */
typedef struct gust_output gust_output;

/* A job, in a worker. in: length bytes with a NUL behind, borrowed until it returns. Its result, 0 or more,
 * is the call's; -1 or a throw: its last error is. */
typedef int gust_process_job(const void *in, size_t length, gust_output *output);

/* What a job wrote, with a NUL behind. */
typedef struct gust_result {
    const char *data;
    size_t len;
} gust_result;

typedef struct gust_processes_options {
    size_t size;
    unsigned workers GUST_ZERO;    /* so many, always; default: the cores, at most 1024 */
    size_t max_queue GUST_ZERO;    /* calls that wait for a worker; beyond it EAGAIN. Default 10,000 */
    size_t max_argument GUST_ZERO; /* bytes of a call's argument; beyond it EMSGSIZE. Default 1 GiB */
    size_t max_result GUST_ZERO;   /* bytes that a job may write; beyond it ENOBUFS there. Default 1 GiB */
    size_t max_memory GUST_ZERO;   /* bytes of memory of its own that a worker may have more than it began
                                      with: an allocation beyond fails with ENOMEM. Default: no limit */
    int64_t max_cpu GUST_ZERO;     /* processor time of one job, in all its threads; a worker that used more
                                      is killed within some 0.1 s: "signal", SIGXCPU. Default: no limit */
    unsigned max_tasks GUST_ZERO;  /* a worker is replaced after so many jobs; default: no limit */
    const char *name GUST_ZERO;    /* of its processes, copied; default "gust" */
} gust_processes_options;

/* [any] A pool, whose zygote is forked later (see above). NULL: EINVAL, ENOMEM, EPERM (the process has
 * threads already, or a running loop). */
GUST_API gust_processes *gust_processes_new_with(const gust_processes_options *options);
#define gust_processes_new(...) gust_processes_new_with(GUST_OPTIONS(gust_processes_options, ##__VA_ARGS__))

/* [any] Forks the pool's zygote now, if this process has none: for programs that start threads before their
 * first loop. 0; -1: EPERM (threads, a running loop), EAGAIN, ENOMEM, EMFILE. */
GUST_API int gust_processes_start(gust_processes *processes);

/* [blk] Runs job(in, length) in a worker and waits; gives the job's own result. result (may be NULL) receives
 * what it wrote, the caller's, on success; NULL on failure. Cut short by a deadline or cancel (-1, ETIMEDOUT,
 * ECANCELED), the call is withdrawn, and the worker that runs it is killed. in is copied; more than 1 MiB of
 * it on a thread. -1 also: the job's errors, ECHILD, and all of gust_processes_async. */
GUST_API int gust_processes_run(gust_processes *processes, gust_process_job *job, const void *in,
                                size_t length, gust_result **result);

/* [any, where a loop runs] The same as a future, of the current loop; gust_await_ptr gives its gust_result *.
 * in is copied before it returns. gust_cancel kills the worker that runs the job. NULL: EINVAL (job is a
 * function of an object that was loaded after the zygote was forked), EMSGSIZE, EAGAIN (queue full), ENOMEM,
 * EPERM (no zygote in this process), ESHUTDOWN (drained), EDEADLK (no loop). */
GUST_API gust_future *gust_processes_async(gust_processes *processes, gust_process_job *job, const void *in,
                                           size_t length);

/* [any] NULL allowed. */
GUST_API void gust_result_free(gust_result *result);

/* [blk] Accepts no calls from now on and waits, at most so long (0: without end), until those accepted have
 * ended. 0; -1: ETIMEDOUT (some still run: gust_processes_free kills their workers), ECANCELED, ENOMEM. */
GUST_API int gust_processes_drain(gust_processes *processes, int64_t at_most);

/* [any] Ends all its processes, at once: calls that still wait or run fail with ECANCELED. NULL is allowed.
 */
GUST_API void gust_processes_free(gust_processes *processes);

/* ---- in a job ---- */

/* [any, one thread at a time] Adds bytes to the result. 0; -1: ENOBUFS (beyond .max_result), ENOMEM; the
 * result is as it was. */
GUST_API int gust_output_write(gust_output *output, const void *data, size_t length);
GUST_API int gust_output_printf(gust_output *output, const char *format, ...) GUST_PRINTF(2, 3);

/* [any, one thread at a time] Adds length bytes and returns where they are, to be filled by the caller before
 * the next call here. Results over 32 KiB are made in shared memory, and never copied again. NULL: as above.
 */
GUST_API void *gust_output_room(gust_output *output, size_t length);

GUST_END_DECLARATIONS

#endif
