#include "exec/prefork.h"
#include "base/alloc.h"
#include "base/children.h"
#include "base/clock.h"
#include "base/sys.h"

#include <gust/log.h>
#include <gust/main.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define FIRST_PAUSE GUST_MS(100)
#define LONG_PAUSE  GUST_S(10)
#define ROW         GUST_S(60)

static int task_id; /* of this process */

int gust_task_id(void)
{
    return task_id;
}

/* ---- one process ---- */

/* Its descriptors, watches and timer; it may be in any state, and this process the parent or a child. */
static void forget(struct gust__prefork_worker *worker)
{
    gust_watch_free(worker->ended);
    gust_watch_free(worker->said);
    worker->ended = worker->said = NULL;
    if (worker->process >= 0)
        gust__sys_close(worker->process);
    if (worker->pipe >= 0)
        gust__sys_close(worker->pipe);
    worker->process = worker->pipe = -1;
    worker->pid = 0;
}

static void stop_loop(struct gust__prefork *prefork)
{
    gust_loop_stop(prefork->loop);
}

static int start_now(void *argument)
{
    struct gust__prefork_worker *worker = argument;
    worker->due = true;
    stop_loop(worker->prefork);
    return 0;
}

/* How long it waits before it is started anew. */
static int64_t pause_before(unsigned restarts)
{
    if (restarts < 2)
        return 0;
    return restarts > 8 ? LONG_PAUSE : FIRST_PAUSE << (restarts - 2);
}

static void give_up(struct gust__prefork *prefork)
{
    prefork->failed = true;
    gust__prefork_stop(prefork);
}

static void restart(struct gust__prefork_worker *worker)
{
    struct gust__prefork *prefork = worker->prefork;
    int64_t now = gust__clock_now();
    if (prefork->restarts > 0 && now - prefork->last_restart > ROW)
        prefork->restarts = 0;
    if (prefork->restarts >= prefork->max_restarts) {
        gust_log(GUST_ERROR, "gave up after %u restarts in a row: the program does not stay up",
                 prefork->restarts);
        give_up(prefork);
        return;
    }
    prefork->restarts++;
    prefork->last_restart = now;
    int64_t pause = pause_before(prefork->restarts);
    if (pause == 0 || gust_timer_start(prefork->loop, &worker->start, gust__clock_after(now, pause)) < 0)
        start_now(worker);
}

static void describe(const siginfo_t *info, char *text, size_t size)
{
    if (info->si_code == CLD_EXITED)
        snprintf(text, size, "ended with status %d", info->si_status);
    else
        snprintf(text, size, "was ended by signal %d (%s)", info->si_status, strsignal(info->si_status));
}

static bool ended_well(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED && info->si_status == 0;
}

static void tell_end(struct gust__prefork_worker *worker, pid_t pid, const siginfo_t *info)
{
    struct gust__prefork *prefork = worker->prefork;
    char how[128];
    describe(info, how, sizeof(how));
    if (prefork->stopping) {
        if (!ended_well(info))
            gust_log(GUST_WARNING, "process %d (task %u) %s", (int)pid, worker->task, how);
        return;
    }
    if (!prefork->announced) {
        gust_log(GUST_ERROR, "process %d (task %u) %s before it served", (int)pid, worker->task, how);
        give_up(prefork);
        return;
    }
    gust_log(ended_well(info) ? GUST_WARNING : GUST_ERROR, "process %d (task %u) %s; starting it anew",
             (int)pid, worker->task, how);
    restart(worker);
}

static void reap(pid_t pid, siginfo_t *info)
{
    *info = (siginfo_t){.si_code = CLD_EXITED};
    while (gust__children_wait(pid, info, WEXITED) < 0 && errno == EINTR)
        continue;
    gust__children_remove(pid);
}

static int ended(int fd, unsigned events, void *argument)
{
    struct gust__prefork_worker *worker = argument;
    struct gust__prefork *prefork = worker->prefork;
    pid_t pid = worker->pid;
    siginfo_t info;
    (void)fd, (void)events;
    reap(pid, &info);
    forget(worker);
    prefork->living--;
    if (worker->serves)
        prefork->serving_count--;
    worker->serves = false;
    if (prefork->balance)
        gust__balance_clear(prefork->balance, worker->task * prefork->slots, prefork->slots);
    tell_end(worker, pid, &info);
    if (prefork->stopping && prefork->living == 0)
        stop_loop(prefork);
    return 0;
}

static int said(int fd, unsigned events, void *argument)
{
    struct gust__prefork_worker *worker = argument;
    struct gust__prefork *prefork = worker->prefork;
    char byte;
    (void)fd, (void)events;
    ssize_t got = gust__sys_read(worker->pipe, &byte, 1);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    gust_watch_free(worker->said);
    worker->said = NULL;
    if (got != 1)
        return 0; /* it ends: its pidfd tells how */
    worker->serves = true;
    prefork->serving_count++;
    if (prefork->serving_count == prefork->count && !prefork->announced && !prefork->stopping) {
        prefork->announced = true;
        prefork->serving(prefork->argument);
    }
    return 0;
}

/* ---- forking ---- */

/* In the child: nothing of the parent's is left but this end of its pipe. */
static void become_worker(struct gust__prefork *prefork, struct gust__prefork_worker *self, int pipe)
{
    for (unsigned i = 0; i < prefork->count; i++)
        forget(&prefork->workers[i]);
    self->pipe = pipe;
    task_id = (int)self->task;
    gust__sys_prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (gust__sys_getppid() != prefork->pid)
        gust__sys_kill(gust__sys_getpid(), SIGTERM); /* it died before we asked to be told */
}

static int watch(struct gust__prefork_worker *worker)
{
    gust_loop *loop = worker->prefork->loop;
    worker->process = gust__sys_pidfd_open(worker->pid, 0);
    if (worker->process < 0)
        return -1;
    worker->ended = gust_watch_new(loop, worker->process, GUST_READABLE, ended, worker);
    worker->said = gust_watch_new(loop, worker->pipe, GUST_READABLE, said, worker);
    return worker->ended && worker->said ? 0 : -1;
}

/* A process that we could not watch is one that we do not have. */
static int watch_or_kill(struct gust__prefork_worker *worker)
{
    siginfo_t info;
    if (watch(worker) == 0)
        return 0;
    int code = errno;
    gust__sys_kill(worker->pid, SIGKILL);
    reap(worker->pid, &info);
    forget(worker);
    errno = code;
    return -1;
}

/* libc's fork, for what is to happen in every child: other modules' handlers, random numbers. 1: this is the
 * child; 0; -1: EAGAIN, EMFILE... */
static int fork_worker(struct gust__prefork_worker *worker)
{
    struct gust__prefork *prefork = worker->prefork;
    int pipe[2];
    if (gust__sys_pipe2(pipe, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    fflush(stdout); /* else each child writes once more what is in it */
    pid_t pid = -1;
    bool known = gust__children_begin() == 0;
    if (known)
        pid = fork();
    if (pid == 0) {
        gust__sys_close(pipe[0]);
        become_worker(prefork, worker, pipe[1]);
        return 1;
    }
    if (known)
        gust__children_end(pid);
    int code = errno;
    gust__sys_close(pipe[1]);
    errno = code;
    worker->pipe = pipe[0];
    if (pid > 0) {
        worker->pid = pid;
        if (watch_or_kill(worker) < 0)
            return -1;
        prefork->living++;
        return 0;
    }
    forget(worker);
    errno = code;
    return -1;
}

/* The task number of the child that this is; -1: the parent. */
static int fork_due(struct gust__prefork *prefork)
{
    for (unsigned i = 0; i < prefork->count && !prefork->stopping; i++) {
        struct gust__prefork_worker *worker = &prefork->workers[i];
        if (!worker->due)
            continue;
        worker->due = false;
        int result = fork_worker(worker);
        if (result > 0)
            return (int)worker->task;
        if (result == 0)
            continue;
        gust_log(GUST_ERROR, "cannot start a process (task %u): %m", worker->task);
        if (prefork->announced)
            restart(worker);
        else
            give_up(prefork);
    }
    return -1;
}

/* ---- all of them ---- */

int gust__prefork_begin(struct gust__prefork *prefork)
{
    if (gust_loop_current()) {
        errno = EDEADLK;
        return -1;
    }
    prefork->workers = gust__calloc(prefork->count, sizeof(*prefork->workers));
    if (!prefork->workers)
        return -1;
    prefork->pid = gust__sys_getpid();
    for (unsigned i = 0; i < prefork->count; i++) {
        struct gust__prefork_worker *worker = &prefork->workers[i];
        *worker = (struct gust__prefork_worker){
            .prefork = prefork, .task = i, .process = -1, .pipe = -1, .due = true};
        worker->start.function = start_now;
        worker->start.argument = worker;
    }
    return 0;
}

int gust__prefork_run(struct gust__prefork *prefork)
{
    for (;;) {
        int task = fork_due(prefork);
        if (task >= 0)
            return task;
        if (prefork->stopping && prefork->living == 0)
            return GUST__PREFORK_ENDED;
        if (gust_loop_run(prefork->loop) < 0)
            return GUST__PREFORK_ENDED;
    }
}

void gust__prefork_signal(struct gust__prefork *prefork, int signal)
{
    for (unsigned i = 0; i < prefork->count; i++) {
        if (prefork->workers[i].process >= 0)
            gust__sys_pidfd_send_signal(prefork->workers[i].process, signal, NULL, 0);
    }
}

void gust__prefork_kill(struct gust__prefork *prefork)
{
    gust__prefork_signal(prefork, SIGKILL);
}

static int time_is_up(void *argument)
{
    gust_log(GUST_WARNING, "processes that did not end in time are killed");
    gust__prefork_kill(argument);
    return 0;
}

void gust__prefork_stop(struct gust__prefork *prefork)
{
    if (prefork->stopping)
        return;
    prefork->stopping = true;
    for (unsigned i = 0; i < prefork->count; i++)
        gust_timer_stop(prefork->loop, &prefork->workers[i].start);
    gust__prefork_signal(prefork, SIGTERM);
    prefork->kill = (gust_timer){.function = time_is_up, .argument = prefork};
    if (prefork->grace > 0)
        gust_timer_start(prefork->loop, &prefork->kill, gust__clock_after(gust__clock_now(), prefork->grace));
    stop_loop(prefork);
}

void gust__prefork_serves(struct gust__prefork *prefork, int task)
{
    struct gust__prefork_worker *self = &prefork->workers[task];
    if (self->pipe < 0)
        return;
    gust__sys_write(self->pipe, "", 1); /* SIGPIPE is ignored; a supervisor that is gone need not know */
    gust__sys_close(self->pipe);
    self->pipe = -1;
}

void gust__prefork_end(struct gust__prefork *prefork)
{
    for (unsigned i = 0; prefork->workers && i < prefork->count; i++)
        forget(&prefork->workers[i]);
    gust__free(prefork->workers);
    prefork->workers = NULL;
}
