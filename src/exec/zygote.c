/*
 * Starting and ending a zygote, and its own life.
 *
 * It is forked by libc's fork, and forks by it: glibc's own locks, the handlers of pthread_atfork (those of
 * gust's rooms and of libraries such as OpenSSL's) and sanitizers must see it. A bare clone would leave each
 * of them in the parent's state.
 */
#include "exec/zygote.h"
#include "base/alloc.h"
#include "base/children.h"
#include "base/clock.h"
#include "base/context.h"
#include "coro/sanitizer.h"
#include "exec/processes_int.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>

bool gust__zygote_inside;

/* ---- in the serving process ---- */

static bool sees_threads(void)
{
#ifdef GUST__TSAN
    enum { usual = 2 }; /* ThreadSanitizer's own */
#else
    enum { usual = 1 };
#endif
    struct stat status;
    if (gust__sys_fstatat(AT_FDCWD, "/proc/self/task", &status, 0) < 0)
        return !__libc_single_threaded;
    return status.st_nlink > usual + 2; /* ".", ".." and one a thread */
}

/* A thread that was joined may be on its way out of the kernel yet. */
static bool has_threads(void)
{
    enum { tries = 100 };
    for (int i = 0; i < tries; i++) {
        if (!sees_threads())
            return false;
        gust__sys_nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return true;
}

int gust__zygote_check(void)
{
    if (gust__zygote_inside)
        return gust_error_set(EPERM, "a worker has no process pools");
    if (!has_threads() && !gust__current && !gust_loop_current())
        return 0;
    return gust_error_set(EPERM, "a process pool is forked before the process has threads or a running loop: "
                                 "call gust_processes_new, or gust_processes_start, earlier in main");
}

static _Noreturn void run_zygote(const gust_processes *processes, int control, pid_t parent);

/* The child has the mask of now, all blocked, until it has put back what it must. */
static pid_t fork_zygote(const gust_processes *processes, const int *pair)
{
    sigset_t all, before;
    sigfillset(&all);
    pid_t parent = gust__sys_getpid();
    if (gust__children_begin() < 0)
        return -1;
    fflush(NULL); /* or each worker would write it once more */
    gust__sys_rt_sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        gust__sys_close(pair[0]);
        run_zygote(processes, pair[1], parent);
    }
    gust__children_end(pid);
    int code = errno;
    gust__sys_rt_sigprocmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return pid;
}

static void wait_for_zygote(pid_t pid)
{
    siginfo_t info;
    while (gust__children_wait(pid, &info, WEXITED) < 0 && errno == EINTR)
        ;
    gust__children_remove(pid);
}

static int start(gust_processes *processes)
{
    int pair[2] = {-1, -1};
    pid_t pid = -1;
    if (gust__images_init(&processes->images) < 0 ||
        gust__sys_socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        goto fail;
    if (gust__sys_fcntl(pair[0], F_SETFL, O_RDWR | O_NONBLOCK) < 0)
        goto fail;
    pid = fork_zygote(processes, pair);
    if (pid < 0)
        goto fail;
    processes->zygote_fd = gust__sys_pidfd_open(pid, 0);
    if (processes->zygote_fd < 0)
        goto fail;
    gust__sys_close(pair[1]);
    processes->zygote = pid;
    processes->control = pair[0];
    processes->generation = gust__fork_generation;
    return 0;
fail:;
    int code = errno;
    if (pair[0] >= 0)
        gust__sys_close(pair[0]);
    if (pair[1] >= 0)
        gust__sys_close(pair[1]);
    if (pid > 0)
        wait_for_zygote(pid); /* its socket is closed: it ends */
    gust__images_fini(&processes->images);
    return gust_error_set(code, "the process pool's zygote: %s", strerrordesc_np(code));
}

int gust__zygote_start(gust_processes *processes)
{
    return gust__zygote_check() < 0 ? -1 : start(processes);
}

static bool ends_within(int pidfd, int64_t time)
{
    struct timespec timeout = {time / GUST_S(1), time % GUST_S(1)};
    struct pollfd polled = {.fd = pidfd, .events = POLLIN};
    int result;
    do {
        result = gust__sys_ppoll(&polled, 1, &timeout, NULL);
    } while (result < 0 && errno == EINTR);
    return result > 0;
}

void gust__zygote_stop(gust_processes *processes)
{
    gust__sys_close(processes->control);
    if (!ends_within(processes->zygote_fd, GUST_S(2))) /* stopped, or a worker does not die */
        gust__sys_pidfd_send_signal(processes->zygote_fd, SIGKILL, NULL, 0);
    wait_for_zygote(processes->zygote);
    gust__sys_close(processes->zygote_fd);
    gust__images_fini(&processes->images);
    processes->generation = 0;
}

/* ---- in the zygote: what it must not have ---- */

static void do_nothing(int signal)
{
    (void)signal;
}

/* A handler, unlike SIG_IGN, is not passed on to programs that a job starts. */
static void set_signals(void)
{
    static const int for_the_server[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    struct sigaction usual = {.sa_handler = SIG_DFL},
                     nothing = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
    sigset_t none;
    for (int i = 1; i <= SIGRTMAX; i++)
        sigaction(i, &usual, NULL); /* libc refuses those that are not ours to set */
    for (size_t i = 0; i < GUST_LEN(for_the_server); i++)
        sigaction(for_the_server[i], &nothing, NULL);
    sigemptyset(&none);
    gust__sys_rt_sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Files, directories and devices may be of use to jobs. The rest is the serving process's: who has a copy of
 * a listener keeps its port, of a socket its peer. */
static bool may_keep(int fd)
{
    struct stat status;
    if (gust__sys_fstat(fd, &status) < 0)
        return false;
    return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISCHR(status.st_mode) ||
           S_ISBLK(status.st_mode);
}

/* Not just closed: a library that still knows the number must not write into what gets it next. */
static void let_go(int control)
{
    int null = gust__sys_openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        int fd = atoi(entry->d_name);
        if (fd <= STDERR_FILENO || fd == control || fd == null || fd == dirfd(folder) || may_keep(fd))
            continue;
        if (null < 0 || gust__sys_dup3(null, fd, O_CLOEXEC) < 0)
            gust__sys_close(fd);
    }
    closedir(folder);
    if (null >= 0)
        gust__sys_close(null);
}

/* ---- in the zygote: its work ---- */

struct offspring {
    struct gust__worker_name name;
    pid_t pid;
    int pidfd;
};

struct zygote {
    const gust_processes *processes;
    int control;
    pid_t pid;
    unsigned max, count;
    struct offspring *workers;
    struct pollfd *polled; /* the control socket's, then the workers' */
};

static void report(const struct zygote *zygote, const struct gust__zygote_report *report)
{
    struct iovec vector = {(void *)(uintptr_t)report, sizeof(*report)};
    if (gust__wire_send(zygote->control, &vector, 1, -1, 0) < 0)
        gust__sys_exit_group(1); /* nobody is there any more; the workers die with us */
}

static _Noreturn void become_worker(const struct zygote *zygote, int fd)
{
    gust__sys_close(zygote->control);
    for (unsigned i = 0; i < zygote->count; i++)
        gust__sys_close(zygote->workers[i].pidfd);
    gust__worker_run(zygote->processes, fd, zygote->pid);
}

static void wait_for_worker(pid_t pid, siginfo_t *info)
{
    while (gust__sys_waitid(P_PID, (id_t)pid, info, WEXITED) < 0 && errno == EINTR)
        ;
}

/* fd is borrowed. 0, or errno. */
static int start_worker(struct zygote *zygote, struct gust__worker_name name, int fd)
{
    if (fd < 0 || zygote->count == zygote->max)
        return fd < 0 ? EMFILE : EAGAIN;
    pid_t pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0)
        become_worker(zygote, fd);
    int pidfd = gust__sys_pidfd_open(pid, 0);
    if (pidfd < 0) {
        int code = errno;
        siginfo_t info;
        gust__sys_kill(pid, SIGKILL);
        wait_for_worker(pid, &info);
        return code;
    }
    zygote->workers[zygote->count++] = (struct offspring){name, pid, pidfd};
    report(zygote, &(struct gust__zygote_report){GUST__REPORT_STARTED, name, pid, 0, 0});
    return 0;
}

static void kill_worker(const struct zygote *zygote, struct gust__worker_name name)
{
    for (unsigned i = 0; i < zygote->count; i++) {
        if (memcmp(&zygote->workers[i].name, &name, sizeof(name)) == 0)
            gust__sys_kill(zygote->workers[i].pid, SIGKILL); /* not reaped: the number is still its */
    }
}

/* False: the serving process has gone, or wants us to go. */
static bool obey(struct zygote *zygote)
{
    struct gust__zygote_order order;
    struct iovec vector = {&order, sizeof(order)};
    int fd;
    ssize_t got = gust__wire_receive(zygote->control, &vector, 1, &fd, 0);
    if (got != sizeof(order))
        return false;
    int code = 0;
    if (order.kind == GUST__ORDER_START)
        code = start_worker(zygote, order.worker, fd);
    else
        kill_worker(zygote, order.worker);
    if (fd >= 0)
        gust__sys_close(fd);
    if (code)
        report(zygote, &(struct gust__zygote_report){GUST__REPORT_FAILED, order.worker, 0, 0, code});
    return true;
}

static void reap(struct zygote *zygote, unsigned place)
{
    struct offspring *one = &zygote->workers[place];
    siginfo_t info;
    wait_for_worker(one->pid, &info);
    struct gust__zygote_report ended = {GUST__REPORT_ENDED, one->name, one->pid, info.si_code,
                                        info.si_status};
    gust__sys_close(one->pidfd);
    *one = zygote->workers[--zygote->count];
    report(zygote, &ended);
}

static void reap_all(struct zygote *zygote)
{
    siginfo_t info;
    for (unsigned i = 0; i < zygote->count; i++)
        gust__sys_kill(zygote->workers[i].pid, SIGKILL);
    for (unsigned i = 0; i < zygote->count; i++)
        wait_for_worker(zygote->workers[i].pid, &info);
}

static void wait_for_something(struct zygote *zygote)
{
    zygote->polled[0] = (struct pollfd){.fd = zygote->control, .events = POLLIN};
    for (unsigned i = 0; i < zygote->count; i++)
        zygote->polled[i + 1] = (struct pollfd){.fd = zygote->workers[i].pidfd, .events = POLLIN};
    while (gust__sys_ppoll(zygote->polled, zygote->count + 1, NULL, NULL) < 0 && errno == EINTR)
        ;
}

static void live(struct zygote *zygote)
{
    bool wanted = true;
    while (wanted) {
        wait_for_something(zygote);
        for (unsigned i = zygote->count; i-- > 0;) { /* from the end: the last takes a place that gets free */
            if (zygote->polled[i + 1].revents)
                reap(zygote, i);
        }
        if (zygote->polled[0].revents)
            wanted = obey(zygote);
    }
    reap_all(zygote);
}

static _Noreturn void run_zygote(const gust_processes *processes, int control, pid_t parent)
{
    struct zygote zygote = {.processes = processes,
                            .control = control,
                            .pid = gust__sys_getpid(),
                            .max = processes->options.workers};
    gust__zygote_inside = true;
    gust__sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (gust__sys_getppid() != parent)
        gust__sys_exit_group(1); /* it died before that */
    char name[16];
    snprintf(name, sizeof(name), "%.10s-fork", processes->name);
    gust__sys_prctl(PR_SET_NAME, (long)name, 0, 0, 0);
    set_signals();
    let_go(control);
    gust__thread_context = (struct gust__context){0}; /* main's scopes and deadlines are not ours to end */
    zygote.workers = gust__calloc(zygote.max, sizeof(*zygote.workers));
    zygote.polled = gust__calloc(zygote.max + 1, sizeof(*zygote.polled));
    if (zygote.workers && zygote.polled)
        live(&zygote);
    gust__sys_exit_group(0);
}
