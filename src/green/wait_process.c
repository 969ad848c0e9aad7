/*
 * Waiting for children. The end of one child is waited for by its pidfd. For any child, a group, or a stop
 * there is no descriptor: a thread waits then, with WNOWAIT, which leaves the child for us to reap; left
 * behind, it takes nothing with it, and the next who waits for the same joins it.
 */
#include "base/alloc.h"
#include "base/children.h"
#include "green/errand.h"

#include <sys/resource.h>

/* ---- Any change of any child ---- */

struct watch {
    struct gust__green_errand errand;
    idtype_t type;
    id_t id;
    int options;
};

static void watch_run(struct gust__green_errand *errand)
{
    const struct watch *watch = (const struct watch *)(const void *)errand;
    siginfo_t info;
    while (gust__sys_waitid(watch->type, watch->id, &info, watch->options | WNOWAIT) < 0 && errno == EINTR)
        ;
}

static void watch_release(struct gust__green_errand *errand)
{
    gust__free(errand);
}

static bool watch_same(const struct gust__green_errand *running, const struct gust__green_errand *wanted)
{
    const struct watch *one = (const struct watch *)(const void *)running;
    const struct watch *other = (const struct watch *)(const void *)wanted;
    return one->type == other->type && one->id == other->id && one->options == other->options;
}

static const struct gust__green_errand_kind watch_kind = {"waitid", watch_run, watch_release, watch_same};

static int wait_by_thread(struct gust__green_call *call, idtype_t type, id_t id, int options)
{
    struct watch *watch = gust__calloc(1, sizeof(*watch));
    if (!watch)
        return -1;
    *watch = (struct watch){.errand.kind = &watch_kind, .type = type, .id = id, .options = options};
    struct gust__green_errand *ran = gust__green_errand_run(call, &watch->errand);
    if (!ran)
        return -1;
    gust__green_errand_drop(ran);
    return 0;
}

/* ---- The end of one child ---- */

static int wait_by_pidfd(struct gust__green_call *call, int pidfd)
{
    call->fd = pidfd;
    int result = gust__green_wait(call, EPOLLIN, GUST__FOREVER);
    int saved = errno;
    gust__green_forget(pidfd);
    gust__sys_close(pidfd);
    call->fd = -1;
    errno = saved;
    return result;
}

/* Until there may be something to reap. 0; -1: by the scope, ENOMEM, EAGAIN. */
static int wait_for_change(struct gust__green_call *call, idtype_t type, id_t id, int options)
{
    const int changes = WEXITED | WSTOPPED | WCONTINUED;
    const int whose = (int)(__WCLONE | __WALL); /* without __WNOTHREAD: the thread has no children */
    int saved = errno;
    call->handlers = GUST__GREEN_UNLESS_RESTARTED;
    if (type == P_PID && (options & changes) == WEXITED) {
        int pidfd = gust__sys_pidfd_open((pid_t)id, 0);
        if (pidfd >= 0)
            gust__green_forget(pidfd);
        if (pidfd >= 0)
            return wait_by_pidfd(call, pidfd);
    }
    errno = saved;
    return wait_by_thread(call, type, id, options & (changes | whose));
}

/* ---- waitpid and its kin ---- */

static pid_t wait4_now(pid_t pid, int *status, int options, struct rusage *usage)
{
    return (pid_t)gust__sys_call("wait4", SYS_wait4, pid, (long)status, options | WNOHANG, (long)usage, 0, 0);
}

/* The first child that has changed and is not one of gust's own (design rule 12), which go out of the way. 0:
 * none; -1: ECHILD. */
static pid_t find_other(int options)
{
    for (;;) {
        siginfo_t info = {0};
        if (gust__sys_waitid(P_ALL, 0, &info, options | WNOWAIT | WNOHANG) < 0)
            return -1;
        if (info.si_pid == 0 || !gust__children_take(info.si_pid))
            return info.si_pid;
    }
}

/* Where no coroutine parks the thread waits, as it would in libc's. */
static pid_t wait_for_other(int options)
{
    siginfo_t info;
    pid_t found = find_other(options);
    while (found == 0 && !(options & WNOHANG)) {
        if (gust__sys_waitid(P_ALL, 0, &info, options | WNOWAIT) < 0)
            return -1;
        found = find_other(options);
    }
    return found;
}

/* Any child's end in libc's way, but for gust's own. */
static pid_t wait_for_any(int *status, int options, struct rusage *usage)
{
    int saved = errno;
    for (;;) {
        pid_t found = wait_for_other(options | WEXITED);
        if (found > 0)
            found = wait4_now(found, status, options, usage);
        if (found > 0)
            errno = saved;
        bool lost =
            found < 0 && errno == ECHILD && find_other(options | WEXITED) >= 0; /* to another thread */
        if (!lost && (found != 0 || (options & WNOHANG)))
            return found;
    }
}

/* What wait4's pid means to waitid. */
static idtype_t type_of(pid_t pid, id_t *id)
{
    *id = pid > 0 ? (id_t)pid : pid == -1 ? 0 : pid == 0 ? (id_t)getpgrp() : (id_t)-pid;
    return pid > 0 ? P_PID : pid == -1 ? P_ALL : P_PGID;
}

static pid_t wait_or_reap(struct gust__green_call *call, pid_t pid, int *status, int options,
                          struct rusage *usage)
{
    int saved = errno;
    for (;;) {
        pid_t reaped = pid == -1 ? wait_for_any(status, options | WNOHANG, usage)
                                 : wait4_now(pid, status, options, usage);
        if (reaped != 0) {
            if (reaped > 0)
                errno = saved;
            return reaped;
        }
        id_t id;
        idtype_t type = type_of(pid, &id);
        if (wait_for_change(call, type, id, options | WEXITED) < 0)
            return -1;
    }
}

/* wait4 refuses what it does not know, and never waits then. */
static bool waits(int options)
{
    return gust__green_here() && !(options & WNOHANG);
}

/* Options that it does not know wait4 refuses. */
static bool filters(pid_t pid, int options)
{
    const int known = (int)(WNOHANG | WUNTRACED | WCONTINUED | __WCLONE | __WALL | __WNOTHREAD);
    return pid == -1 && !(options & ~known) && gust__children_count() > 0;
}

GUST__EXPORT pid_t waitpid(pid_t pid, int *status, int options)
{
    if (!waits(options))
        return filters(pid, options) ? wait_for_any(status, options, NULL)
                                     : gust__green_next.waitpid(pid, status, options);
    struct gust__green_call call = GUST__GREEN_CALL("waitpid", -1);
    return wait_or_reap(&call, pid, status, options, NULL);
}

GUST__EXPORT pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    if (!waits(options))
        return filters(pid, options) ? wait_for_any(status, options, usage)
                                     : gust__green_next.wait4(pid, status, options, usage);
    struct gust__green_call call = GUST__GREEN_CALL("wait4", -1);
    return wait_or_reap(&call, pid, status, options, usage);
}

GUST__EXPORT pid_t wait3(int *status, int options, struct rusage *usage)
{
    if (!waits(options))
        return filters(-1, options) ? wait_for_any(status, options, usage)
                                    : gust__green_next.wait3(status, options, usage);
    struct gust__green_call call = GUST__GREEN_CALL("wait3", -1);
    return wait_or_reap(&call, -1, status, options, usage);
}

GUST__EXPORT pid_t wait(int *status)
{
    if (!waits(0))
        return filters(-1, 0) ? wait_for_any(status, 0, NULL) : gust__green_next.wait(status);
    struct gust__green_call call = GUST__GREEN_CALL("wait", -1);
    return wait_or_reap(&call, -1, status, 0, NULL);
}

/* libc's own names for two of them. */
pid_t __wait(int *status);
pid_t __waitpid(pid_t pid, int *status, int options);
GUST__EXPORT pid_t __wait(int *status) __attribute__((alias("wait")));
GUST__EXPORT pid_t __waitpid(pid_t pid, int *status, int options) __attribute__((alias("waitpid")));

/* True when a child was found, or it failed; false: none has changed yet. */
static bool waitid_now(idtype_t type, id_t id, siginfo_t *info, int options, int *result)
{
    bool any = type == P_ALL && gust__children_count() > 0;
    info->si_pid = 0;
    if (any) {
        pid_t other = find_other(options);
        *result = other < 0 ? -1 : 0;
        if (other <= 0)
            return other < 0;
        type = P_PID;
        id = (id_t)other;
    }
    *result = gust__sys_waitid(type, id, info, options | WNOHANG);
    if (any && *result < 0 && errno == ECHILD)
        return false; /* another thread was first */
    return *result < 0 || info->si_pid != 0;
}

/* Where no coroutine parks. */
static int waitid_for_any(siginfo_t *info, int options)
{
    int result;
    siginfo_t change;
    while (!waitid_now(P_ALL, 0, info, options, &result)) {
        if (options & WNOHANG)
            return 0;
        if (gust__sys_waitid(P_ALL, 0, &change, options | WNOWAIT) < 0)
            return -1;
    }
    return result;
}

static int waitid_or_wait(struct gust__green_call *call, idtype_t type, id_t id, siginfo_t *info, int options)
{
    int result;
    while (!waitid_now(type, id, info, options, &result)) {
        bool by_pidfd = type == P_PIDFD; /* whose readiness is the child's end, and no other change's */
        if (by_pidfd && (options & (WEXITED | WSTOPPED | WCONTINUED)) == WEXITED) {
            call->fd = (int)id;
            call->handlers = GUST__GREEN_UNLESS_RESTARTED;
            if (gust__green_wait(call, EPOLLIN, GUST__FOREVER) < 0)
                return -1;
        } else if (wait_for_change(call, type, id, options) < 0) {
            return -1;
        }
    }
    return result;
}

GUST__EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    siginfo_t own; /* the caller may want none, but we look at it */
    if (!waits(options) && type == P_ALL && gust__children_count() > 0)
        return waitid_for_any(info ? info : &own, options);
    if (!waits(options))
        return gust__green_next.waitid(type, id, info, options);
    struct gust__green_call call = GUST__GREEN_CALL("waitid", -1);
    return waitid_or_wait(&call, type, id, info ? info : &own, options);
}
