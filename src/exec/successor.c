#include "exec/successor.h"
#include "base/alloc.h"
#include "base/children.h"
#include "base/clock.h"
#include "base/sys.h"
#include "exec/inherited.h"

#include <gust/error.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum {
    CLOSE_ON_EXEC = 4, /* CLOSE_RANGE_CLOEXEC */
    CANNOT_RUN = 127,  /* the shell's status for it */
};

static const char running_file[] = "/proc/self/exe";

/* ---- how this program was started ---- */

void gust__image_take(struct gust__image *image, char **argv)
{
    static const char gone[] = " (deleted)"; /* what the kernel says of a file that was replaced since */
    ssize_t size = gust__sys_readlinkat(AT_FDCWD, running_file, image->file, sizeof(image->file) - 1);
    image->file[size > 0 ? size : 0] = 0;
    size_t length = strlen(image->file);
    if (length >= sizeof(gone) && strcmp(image->file + length - (sizeof(gone) - 1), gone) == 0)
        image->file[length - (sizeof(gone) - 1)] = 0;
    image->argv = argv;
    gust__sys_rt_sigprocmask(SIG_BLOCK, NULL, &image->mask);
    sigaction(SIGPIPE, NULL, &image->pipe);
}

/* By its name if that still is the file that runs: a process is shown under the name that it was run by. */
static const char *file_of(const struct gust__image *image, bool new_file)
{
    struct stat named, running;
    if (new_file)
        return image->file;
    bool same = gust__sys_fstatat(AT_FDCWD, image->file, &named, 0) == 0 &&
                gust__sys_fstatat(AT_FDCWD, running_file, &running, 0) == 0 &&
                named.st_dev == running.st_dev && named.st_ino == running.st_ino;
    return same ? image->file : running_file;
}

/* ---- the environment ---- */

/* Ours are written anew; the manager's are about this process. */
static bool left_out(const char *entry)
{
    static const char *const names[] = {GUST__LISTENERS_VARIABLE "=",
                                        GUST__READY_VARIABLE "=",
                                        "LISTEN_PID=",
                                        "LISTEN_FDS=",
                                        "LISTEN_FDNAMES=",
                                        "NOTIFY_SOCKET=",
                                        "WATCHDOG_PID=",
                                        "WATCHDOG_USEC="};
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        if (strncmp(entry, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

enum { OUR_ENTRIES = 4 };

/* The child's environment: the list, and our entries, which are freed with it. */
struct environment {
    char **list;
    char *ours[OUR_ENTRIES];
    size_t count;
};

static void free_environment(struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        gust__free(environment->ours[i]);
    gust__free(environment->list);
}

static int add_entry(struct environment *environment, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 2;
    char *entry = gust__malloc(size);
    if (!entry)
        return -1;
    snprintf(entry, size, "%s=%s", name, value);
    environment->ours[environment->count++] = entry;
    return 0;
}

static int add_number(struct environment *environment, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    return add_entry(environment, name, text);
}

static int add_ours(struct environment *environment, const struct gust__succession *how, int pipe)
{
    char *listeners = gust__listening_text(how->listening);
    int result = listeners ? add_entry(environment, GUST__LISTENERS_VARIABLE, listeners) : -1;
    gust__free(listeners);
    if (result == 0)
        result = add_number(environment, GUST__READY_VARIABLE, pipe);
    if (result == 0 && how->notify->address[0])
        result = add_entry(environment, "NOTIFY_SOCKET", how->notify->address);
    if (result == 0 && how->notify->watchdog)
        result = add_number(environment, "WATCHDOG_USEC", how->notify->watchdog / 1000);
    return result;
}

static int make_environment(struct environment *environment, const struct gust__succession *how, int pipe)
{
    size_t inherited = 0, count = 0;
    *environment = (struct environment){0};
    while (environ && environ[inherited])
        inherited++;
    environment->list = gust__calloc(inherited + OUR_ENTRIES + 1, sizeof(char *));
    if (!environment->list || add_ours(environment, how, pipe) < 0) {
        free_environment(environment);
        return -1;
    }
    for (size_t i = 0; i < inherited; i++) {
        if (!left_out(environ[i]))
            environment->list[count++] = environ[i];
    }
    for (size_t i = 0; i < environment->count; i++)
        environment->list[count++] = environment->ours[i];
    return 0;
}

/* ---- the child ---- */

struct child {
    const char *file;
    const struct gust__image *image;
    char **environment;
    int fds[GUST__LISTENING_FDS];
    size_t count;
    int pipe;
};

/* Between fork and exec, beside threads that are not there: only system calls. The process was forked past
 * libc, whose handlers are for children that live on. */
static _Noreturn void run_child(const struct child *child)
{
    struct gust__successor_report report;
    gust__sys_raw(SYS_close_range, STDERR_FILENO + 1, ~0u, CLOSE_ON_EXEC, 0, 0, 0);
    for (size_t i = 0; i < child->count; i++)
        gust__sys_fcntl(child->fds[i], F_SETFD, 0);
    gust__sys_fcntl(child->pipe, F_SETFD, 0);
    sigaction(SIGPIPE, &child->image->pipe, NULL);
    gust__sys_rt_sigprocmask(SIG_SETMASK, &child->image->mask, NULL);
    report.code = (int)-gust__sys_raw(SYS_execve, (long)child->file, (long)child->image->argv,
                                      (long)child->environment, 0, 0, 0);
    gust__sys_write(child->pipe, &report, sizeof(report));
    gust__sys_exit_group(CANNOT_RUN);
}

static pid_t fork_child(const struct child *child)
{
    if (gust__children_begin() < 0)
        return -1;
    pid_t pid = (pid_t)gust__sys_call("clone", SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
    if (pid == 0)
        run_child(child);
    gust__children_end(pid);
    return pid;
}

/* ---- waiting for its word ---- */

static void forget(struct gust__successor *successor)
{
    int saved = errno;
    gust_watch_free(successor->said);
    gust_watch_free(successor->ended);
    gust_timer_stop(successor->loop, &successor->timer);
    if (successor->pipe >= 0)
        gust__sys_close(successor->pipe);
    if (successor->process >= 0)
        gust__sys_close(successor->process);
    successor->said = successor->ended = NULL;
    successor->pipe = successor->process = -1;
    successor->pid = 0;
    errno = saved;
}

static void decide(struct gust__successor *successor, bool serves)
{
    successor->heir = serves ? successor->pid : 0;
    forget(successor);
    successor->decided(successor->argument, serves);
}

static void describe_end(struct gust__successor *successor, const siginfo_t *info)
{
    if (info->si_code == CLD_EXITED)
        snprintf(successor->reason, sizeof(successor->reason), "it ended with status %d before it served",
                 info->si_status);
    else
        snprintf(successor->reason, sizeof(successor->reason), "it ended by signal %d (%s) before it served",
                 info->si_status, strsignal(info->si_status));
}

/* Ended, or about to. */
static void reap(struct gust__successor *successor, siginfo_t *info)
{
    *info = (siginfo_t){.si_code = CLD_EXITED};
    while (gust__children_wait(successor->pid, info, WEXITED) < 0 && errno == EINTR)
        continue;
    gust__children_remove(successor->pid);
}

/* false: there is nothing in the pipe yet. */
static bool hear(struct gust__successor *successor)
{
    struct gust__successor_report report;
    if (gust__sys_read(successor->pipe, &report, sizeof(report)) != sizeof(report))
        return false;
    if (report.code == 0) {
        decide(successor, true);
        return true;
    }
    siginfo_t info;
    snprintf(successor->reason, sizeof(successor->reason), "it cannot be run: %s", strerror(report.code));
    reap(successor, &info);
    decide(successor, false);
    return true;
}

/* The pipe may end without a word where the process lives on: nobody is left to say anything. Then its end,
 * or the time, decides. */
static int said(int fd, unsigned events, void *argument)
{
    struct gust__successor *successor = argument;
    (void)fd, (void)events;
    if (!hear(successor))
        gust_watch_update(successor->said, 0);
    return 0;
}

static int ended(int fd, unsigned events, void *argument)
{
    struct gust__successor *successor = argument;
    siginfo_t info;
    (void)fd, (void)events;
    if (hear(successor)) /* its last word came before its end */
        return 0;
    reap(successor, &info);
    describe_end(successor, &info);
    decide(successor, false);
    return 0;
}

static void kill_it(struct gust__successor *successor)
{
    siginfo_t info;
    gust__sys_pidfd_send_signal(successor->process, SIGKILL, NULL, 0);
    reap(successor, &info);
}

static int too_late(void *argument)
{
    struct gust__successor *successor = argument;
    snprintf(successor->reason, sizeof(successor->reason), "it did not serve in time");
    kill_it(successor);
    decide(successor, false);
    return 0;
}

/* ---- starting ---- */

static int watch(struct gust__successor *successor, int64_t at_most)
{
    successor->timer = (gust_timer){.function = too_late, .argument = successor};
    successor->process = gust__sys_pidfd_open(successor->pid, 0);
    if (successor->process < 0)
        return -1;
    successor->ended = gust_watch_new(successor->loop, successor->process, GUST_READABLE, ended, successor);
    successor->said = gust_watch_new(successor->loop, successor->pipe, GUST_READABLE, said, successor);
    if (!successor->ended || !successor->said)
        return -1;
    return gust_timer_start(successor->loop, &successor->timer,
                            gust__clock_after(gust__clock_now(), at_most));
}

static int start(struct gust__successor *successor, const struct gust__succession *how, int pipe)
{
    struct environment environment;
    struct child child = {.file = file_of(how->image, how->new_file), .image = how->image, .pipe = pipe};
    child.count = gust__listening_fds(how->listening, child.fds, GUST_LEN(child.fds));
    if (make_environment(&environment, how, pipe) < 0)
        return -1;
    child.environment = environment.list;
    successor->pid = fork_child(&child);
    free_environment(&environment);
    return successor->pid < 0 ? -1 : 0;
}

int gust__successor_start(struct gust__successor *successor, gust_loop *loop,
                          const struct gust__succession *how)
{
    int pipe[2];
    if (successor->pid > 0) {
        errno = EBUSY;
        return -1;
    }
    *successor = (struct gust__successor){
        .loop = loop, .process = -1, .pipe = -1, .decided = how->decided, .argument = how->argument};
    if (gust__sys_pipe2(pipe, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    successor->pipe = pipe[0];
    int result = start(successor, how, pipe[1]);
    int code = errno;
    gust__sys_close(pipe[1]);
    errno = code;
    if (result == 0 && watch(successor, how->at_most) == 0)
        return 0;
    gust__successor_cancel(successor);
    return -1;
}

void gust__successor_cancel(struct gust__successor *successor)
{
    int saved = errno;
    siginfo_t info;
    if (successor->pid > 0) {
        gust__sys_kill(successor->pid, SIGKILL);
        reap(successor, &info);
    }
    if (successor->loop)
        forget(successor);
    errno = saved;
}

void gust__successor_abandon(struct gust__successor *successor)
{
    if (successor->loop)
        forget(successor);
}
