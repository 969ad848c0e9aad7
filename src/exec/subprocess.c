/*
 * Subprocesses from their start to their end.
 *
 * The program that was started stays a zombie, unreaped, until the subprocess is freed: only so long is its
 * number its own, and that of its group, which can be killed as a whole whenever we like. Freed, what is left
 * of it stays with the loop until its end is seen.
 */
#include "exec/subprocess.h"
#include "base/alloc.h"
#include "base/children.h"
#include "base/clock.h"
#include "base/error_int.h"
#include "base/options.h"
#include "base/sys.h"
#include "coro/future.h"
#include "exec/spawn.h"

#include <gust/coroutine.h>
#include <gust/log.h>
#include <gust/threads.h>

#include <stdio.h>

enum { grace = 5 }; /* seconds that a closing loop waits for killed processes to be gone */

struct gust_subprocess {
    gust_loop *loop; /* NULL: closed meanwhile */
    pid_t pid;
    int pidfd;
    bool watched; /* the pidfd, by the loop */
    bool overran; /* its time */
    bool late;    /* that was before its end */
    bool freed;   /* nobody has it any more */
    int status;   /* as gust_subprocess_status */
    gust_stream *streams[3];
    gust_timer timer;
    struct gust__list member;  /* of the loop's */
    struct gust__list sibling; /* of its coroutine's */
    struct gust__list waiters; /* struct waiter */
    char name[32];             /* of the program, for messages */
};

/* ---- Whose they are: the loop's all, most also a coroutine's ---- */

struct subprocesses {
    struct gust__loop_state state; /* first */
    gust_loop *loop;
    struct gust__list all;
};

static void release(struct gust__loop_state *state);

static struct subprocesses *subprocesses_of(gust_loop *loop)
{
    struct gust__loop_state *state = gust__loop_state(loop, GUST__LOOP_SUBPROCESSES);
    if (gust__loop_closing(loop)) {
        errno = ECANCELED;
        return NULL;
    }
    if (state)
        return (struct subprocesses *)(void *)state;
    struct subprocesses *subprocesses = gust__calloc(1, sizeof(*subprocesses));
    if (!subprocesses)
        return NULL;
    subprocesses->state.release = release;
    subprocesses->loop = loop;
    gust__list_init(&subprocesses->all);
    gust__loop_set_state(loop, GUST__LOOP_SUBPROCESSES, &subprocesses->state);
    return subprocesses;
}

static void free_owned(void *owned)
{
    struct gust__list *list = owned;
    while (!gust__list_empty(list))
        gust_subprocess_free(GUST__CONTAINER(list->next, struct gust_subprocess, sibling));
    gust__free(list);
}

static const gust_local owned_here = {.drop = free_owned, .name = "subprocesses"};

/* The list of the running coroutine's. NULL: ENOMEM. */
static struct gust__list *owner_here(void)
{
    struct gust__list *list = gust_local_get(&owned_here);
    if (list)
        return list;
    list = gust__malloc(sizeof(*list));
    if (!list)
        return NULL;
    gust__list_init(list);
    if (gust_local_set(&owned_here, list) == 0)
        return list;
    gust__free(list);
    return NULL;
}

/* ---- Waiting ---- */

struct waiter {
    struct gust__list member;
    gust_future *future;
};

static struct gust_error *error_of(int code, const char *domain, int detail, const char *text)
{
    return gust__error_new(domain, detail, code, GUST__ERROR_PLAIN, text);
}

static struct gust_error *killed(const struct gust_subprocess *process)
{
    char text[128];
    int number = -process->status;
    const char *meaning = sigdescr_np(number);
    snprintf(text, sizeof(text), "%s was ended by signal %d (%s)", process->name, number,
             meaning ? meaning : "unknown");
    return error_of(ECHILD, "signal", number, text);
}

static struct gust__made result_of(const struct gust_subprocess *process)
{
    struct gust__made made = {.result = -1};
    if (process->status == GUST_RUNNING)
        made.error = error_of(ECANCELED, NULL, 0, "the subprocess was freed");
    else if (process->late)
        made.error = error_of(ETIMEDOUT, NULL, 0, "the subprocess ran out of time and was killed");
    else if (process->status == GUST_UNKNOWN)
        made.error = error_of(ECHILD, NULL, 0, "the subprocess was reaped by others");
    else if (process->status < 0)
        made.error = killed(process);
    else
        made.result = process->status;
    return made;
}

static void settle(struct waiter *waiter, struct gust__made made)
{
    gust_future *future = waiter->future;
    gust__list_remove(&waiter->member);
    gust__free(waiter);
    gust__future_resolve(future, &made);
}

static void settle_all(struct gust_subprocess *process)
{
    while (!gust__list_empty(&process->waiters))
        settle(GUST__CONTAINER(process->waiters.next, struct waiter, member), result_of(process));
}

static int waiter_cancelled(void *argument)
{
    struct gust__made made = {.result = -1, .error = error_of(ECANCELED, NULL, 0, NULL)};
    settle(argument, made);
    return 0;
}

gust_future *gust_subprocess_wait_async(gust_subprocess *process)
{
    gust_future *future = gust_future_new(process->loop);
    struct waiter *waiter = future ? gust__malloc(sizeof(*waiter)) : NULL;
    if (!waiter) {
        gust_future_free(future);
        errno = ENOMEM;
        return NULL;
    }
    waiter->future = future;
    gust__list_append(&process->waiters, &waiter->member);
    if (process->status == GUST_RUNNING)
        gust_future_on_cancel(future, waiter_cancelled, waiter);
    else
        settle(waiter, result_of(process));
    return future;
}

int gust_subprocess_wait(gust_subprocess *process)
{
    if (gust__current)
        return gust_await(gust_subprocess_wait_async(process));
    errno = EDEADLK;
    return -1;
}

/* ---- The end ---- */

/* Its number is its own as long as it is not reaped, and only a pidfd knows whether somebody did. */
static int signal_group(const struct gust_subprocess *process, int number)
{
    if (process->pidfd < 0) {
        errno = ESRCH;
        return -1;
    }
    if (gust__sys_pidfd_send_signal(process->pidfd, 0, NULL, 0) < 0 && errno == ESRCH)
        return -1;
    return gust__sys_kill(-process->pid, number);
}

static int status_of(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED ? info->si_status : -info->si_status;
}

/* Stops watching; what is known of it stays. */
static void unwatch(struct gust_subprocess *process)
{
    if (process->watched)
        gust__loop_remove(process->loop, process->pidfd);
    process->watched = false;
}

/* Reaps it, once its end was seen. */
static void reap(struct gust_subprocess *process)
{
    siginfo_t info;
    if (process->pidfd < 0)
        return;
    gust__children_wait(process->pid, &info, WEXITED | WNOHANG);
    gust__children_remove(process->pid);
    gust__sys_close(process->pidfd);
    process->pidfd = -1;
}

static void bury(struct gust_subprocess *process)
{
    reap(process);
    gust__list_remove(&process->member);
    gust__free(process);
}

/* True once it has ended. WNOWAIT leaves it unreaped. */
static bool see_end(struct gust_subprocess *process)
{
    siginfo_t info;
    if (process->status != GUST_RUNNING)
        return true;
    int seen = gust__children_wait(process->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    if (seen == 0)
        return false;
    process->status = seen < 0 ? GUST_UNKNOWN : status_of(&info);
    process->late = process->overran;
    unwatch(process);
    settle_all(process);
    return true;
}

static void pidfd_ready(void *owner, uint32_t events)
{
    struct gust_subprocess *process = owner;
    (void)events;
    if (see_end(process) && process->freed)
        bury(process);
}

static int time_is_up(void *argument)
{
    struct gust_subprocess *process = argument;
    see_end(process);
    process->overran = true;
    signal_group(process, SIGKILL);
    return 0;
}

static void free_streams(struct gust_subprocess *process)
{
    for (size_t i = 0; i < GUST_LEN(process->streams); i++) {
        gust_stream_free(process->streams[i]);
        process->streams[i] = NULL;
    }
}

/* What is left then is the process alone. */
static void take_apart(struct gust_subprocess *process)
{
    gust_timer_stop(process->loop, &process->timer);
    signal_group(process, SIGKILL);
    free_streams(process);
    see_end(process);
    settle_all(process);
}

void gust_subprocess_free(gust_subprocess *process)
{
    if (!process)
        return;
    int saved = errno;
    gust__list_remove(&process->sibling);
    process->freed = true;
    if (process->loop)
        take_apart(process);
    if (!process->watched)
        bury(process);
    errno = saved;
}

/* ---- The loop's end ---- */

static void wait_until_gone(struct gust_subprocess *process, int64_t until)
{
    while (!see_end(process)) {
        int64_t left = until - gust__clock_now();
        if (left <= 0) {
            gust_log(GUST_WARNING, "%s (process %d) was killed and has not ended yet", process->name,
                     (int)process->pid);
            return;
        }
        struct timespec timeout = {.tv_sec = left / GUST_S(1), .tv_nsec = left % GUST_S(1)};
        struct pollfd wait = {.fd = process->pidfd, .events = POLLIN};
        gust__sys_ppoll(&wait, 1, &timeout, NULL);
    }
}

static void release(struct gust__loop_state *state)
{
    struct subprocesses *subprocesses = (struct subprocesses *)(void *)state;
    struct gust__list *all = &subprocesses->all;
    int64_t until = gust__clock_after(gust__clock_now(), GUST_S(grace));
    for (struct gust__list *node = all->next; node != all; node = node->next)
        take_apart(GUST__CONTAINER(node, struct gust_subprocess, member));
    while (!gust__list_empty(all)) {
        struct gust_subprocess *process = GUST__CONTAINER(all->next, struct gust_subprocess, member);
        wait_until_gone(process, until);
        unwatch(process);
        reap(process);
        process->loop = NULL;
        gust__list_remove(&process->member);
        if (process->freed)
            gust__free(process);
    }
    gust__free(subprocesses);
}

/* ---- The start ---- */

/* Above the standard ones, which the child has its own idea of. Takes fd; -1: it failed. */
static int move_up(int fd)
{
    if (fd < 0 || fd > 2)
        return fd;
    int moved = gust__sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int code = errno;
    gust__sys_close(fd);
    errno = code;
    return moved;
}

/* A pipe: our end a stream, the child's in *theirs. 0, or -1. */
static int open_pipe(struct gust_subprocess *process, int number, const gust_stream_options *options,
                     int *theirs)
{
    int ends[2];
    if (gust__sys_pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    bool input = number == 0;
    *theirs = move_up(ends[!input]);
    process->streams[number] = gust_stream_new_with(ends[input], options);
    return *theirs >= 0 && process->streams[number] ? 0 : -1;
}

/* A copy that is ours to close: so it is above 2, and checked. */
static int borrow(int fd, int *theirs)
{
    *theirs = gust__sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return *theirs < 0 ? -1 : 0;
}

static int open_descriptor(struct gust_subprocess *process, int number, int wanted,
                           const gust_stream_options *options, int *theirs)
{
    if (wanted == 0)
        wanted = number == 0 ? GUST_NOTHING : GUST_INHERIT;
    if (wanted == GUST_PIPE)
        return open_pipe(process, number, options, theirs);
    if (wanted > 0)
        return borrow(wanted, theirs);
    *theirs = wanted;
    if (wanted == GUST_NOTHING || wanted == GUST_INHERIT || (wanted == GUST_AS_OUT && number == 2))
        return 0;
    errno = EINVAL;
    return -1;
}

static int open_descriptors(struct gust_subprocess *process, const gust_subprocess_options *options, int *fds)
{
    const int wanted[] = {options->in, options->out, options->err};
    gust_stream_options stream = options->stream;
    stream.size = sizeof(stream);
    for (int number = 0; number < 3; number++) {
        if (open_descriptor(process, number, wanted[number], &stream, &fds[number]) < 0)
            return -1;
    }
    return 0;
}

static void close_descriptors(const int *fds)
{
    int saved = errno;
    for (int number = 0; number < 3; number++) {
        if (fds[number] > 2)
            gust__sys_close(fds[number]);
    }
    errno = saved;
}

static int spawn_on_thread(void *spawn)
{
    return gust__spawn(spawn);
}

/* The child is the caller's on 0. */
static int run_program(struct gust_subprocess *process, struct gust__spawn *spawn)
{
    int result = gust__current ? gust_threads_run(NULL, spawn_on_thread, spawn) : gust__spawn(spawn);
    if (result < 0) {
        int code = errno;
        return gust_error_set(code, "cannot run %s: %s", spawn->arguments[0], strerrordesc_np(code));
    }
    process->pid = spawn->pid;
    process->pidfd = spawn->pidfd;
    process->status = GUST_RUNNING;
    return 0;
}

static int watch_it(struct gust_subprocess *process, int64_t timeout)
{
    if (gust__loop_add(process->loop, process->pidfd, EPOLLIN | EPOLLET, pidfd_ready, process) < 0)
        return -1;
    process->watched = true;
    process->timer.function = time_is_up;
    process->timer.argument = process;
    if (timeout <= 0)
        return 0;
    return gust_timer_start(process->loop, &process->timer, gust__clock_after(gust__clock_now(), timeout));
}

/* Killed at once, a process ends soon enough to be waited for. */
static void kill_and_reap(struct gust_subprocess *process)
{
    siginfo_t info;
    int saved = errno;
    signal_group(process, SIGKILL);
    while (gust__children_wait(process->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
    unwatch(process);
    reap(process);
    errno = saved;
}

static void put_name(struct gust_subprocess *process, const char *program)
{
    const char *slash = strrchr(program, '/');
    snprintf(process->name, sizeof(process->name), "%s", slash ? slash + 1 : program);
}

static struct gust_subprocess *new_process(gust_loop *loop, const char *program)
{
    struct gust_subprocess *process = gust__calloc(1, sizeof(*process));
    if (!process)
        return NULL;
    process->loop = loop;
    process->pidfd = -1;
    gust__list_init(&process->member);
    gust__list_init(&process->sibling);
    gust__list_init(&process->waiters);
    put_name(process, program);
    return process;
}

static struct gust_subprocess *start(struct subprocesses *subprocesses, struct gust__list *owner,
                                     const char *const *arguments, const gust_subprocess_options *options)
{
    struct gust__spawn spawn = {.arguments = arguments,
                                .environment = options->environment,
                                .directory = options->directory,
                                .fds = {-1, -1, -1}};
    struct gust_subprocess *process = new_process(subprocesses->loop, arguments[0]);
    if (!process)
        return NULL;
    if (open_descriptors(process, options, spawn.fds) < 0 || run_program(process, &spawn) < 0)
        goto fail;
    if (watch_it(process, options->timeout) < 0)
        goto fail_running;
    close_descriptors(spawn.fds);
    gust__list_append(&subprocesses->all, &process->member);
    if (owner)
        gust__list_append(owner, &process->sibling);
    return process;
fail_running:
    kill_and_reap(process);
fail:
    close_descriptors(spawn.fds);
    int code = errno;
    free_streams(process);
    gust__free(process);
    errno = code;
    return NULL;
}

gust_subprocess *gust_subprocess_new_with(const char *const *arguments, const gust_subprocess_options *given)
{
    gust_subprocess_options options;
    gust_loop *loop = gust_loop_current();
    gust__options_read(&options, sizeof(options), given);
    if (!loop || !arguments || !arguments[0]) {
        errno = loop ? EINVAL : EDEADLK;
        return NULL;
    }
    struct subprocesses *subprocesses = subprocesses_of(loop);
    if (!subprocesses)
        return NULL;
    bool owned = gust__current && !options.detached;
    struct gust__list *owner = owned ? owner_here() : NULL;
    if (owned && !owner)
        return NULL;
    return start(subprocesses, owner, arguments, &options);
}

/* ---- Looking ---- */

gust_stream *gust_subprocess_in(const gust_subprocess *process)
{
    return process->streams[0];
}

gust_stream *gust_subprocess_out(const gust_subprocess *process)
{
    return process->streams[1];
}

gust_stream *gust_subprocess_err(const gust_subprocess *process)
{
    return process->streams[2];
}

int gust_subprocess_status(const gust_subprocess *process)
{
    return process->status;
}

pid_t gust_subprocess_id(const gust_subprocess *process)
{
    return process->pid;
}

int gust_subprocess_signal(gust_subprocess *process, int signal_number)
{
    return signal_group(process, signal_number);
}

bool gust__subprocess_overran(const gust_subprocess *process)
{
    return process->overran;
}
