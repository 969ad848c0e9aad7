#include "base/children.h"
#include "base/alloc.h"
#include "base/lock.h"
#include "base/sys.h"

#include <pthread.h>

struct child {
    pid_t pid;
    bool reaped; /* by gust__children_take */
    int code;    /* CLD_EXITED and so on */
    int status;
};

/* In no order: few programs have more than some dozens at once. */
static struct child *children;
static size_t count;
static size_t room;
static struct gust__lock lock;

void gust__children_forget(void)
{
    lock = (struct gust__lock){0};
    count = 0;
}

static __attribute__((constructor)) void begin(void)
{
    pthread_atfork(NULL, NULL, gust__children_forget);
}

static struct child *find(pid_t pid)
{
    for (size_t i = 0; i < count; i++) {
        if (children[i].pid == pid)
            return &children[i];
    }
    return NULL;
}

static int make_room(void)
{
    if (count < room)
        return 0;
    size_t wanted = room ? room * 2 : 16;
    struct child *moved = gust__realloc(children, wanted * sizeof(*moved));
    if (!moved)
        return -1;
    children = moved;
    room = wanted;
    return 0;
}

int gust__children_begin(void)
{
    gust__lock_take(&lock);
    if (make_room() == 0)
        return 0;
    gust__lock_drop(&lock);
    return -1;
}

void gust__children_end(pid_t pid)
{
    if (pid > 0)
        children[count++] = (struct child){.pid = pid};
    gust__lock_drop(&lock);
}

int gust__children_add(pid_t pid)
{
    if (gust__children_begin() < 0)
        return -1;
    gust__children_end(pid);
    return 0;
}

bool gust__children_owns(pid_t pid)
{
    gust__lock_take(&lock);
    bool owns = find(pid);
    gust__lock_drop(&lock);
    return owns;
}

/* With the lock held: so an owner for whom the system has no answer any more finds ours. */
static void reap(struct child *child)
{
    siginfo_t info = {0};
    const int changes = WEXITED | WSTOPPED | WCONTINUED | WNOHANG;
    if (gust__sys_waitid(P_PID, (id_t)child->pid, &info, changes) < 0 || info.si_pid != child->pid)
        return;
    if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)
        *child = (struct child){child->pid, true, info.si_code, info.si_status};
}

bool gust__children_take(pid_t pid)
{
    int saved = errno;
    gust__lock_take(&lock);
    struct child *child = find(pid);
    if (child && !child->reaped)
        reap(child);
    gust__lock_drop(&lock);
    errno = saved;
    return child;
}

static bool tell(pid_t pid, siginfo_t *info)
{
    gust__lock_take(&lock);
    const struct child *child = find(pid);
    bool known = child && child->reaped;
    if (known) {
        *info = (siginfo_t){.si_signo = SIGCHLD, .si_code = child->code};
        info->si_pid = pid;
        info->si_status = child->status;
    }
    gust__lock_drop(&lock);
    return known;
}

/* The number of one that is gone may be a stranger's by now: so the table first, and once more after ECHILD,
 * since it may have been taken in between. */
int gust__children_wait(pid_t pid, siginfo_t *info, int options)
{
    if (tell(pid, info))
        return 1;
    *info = (siginfo_t){0};
    if (gust__sys_waitid(P_PID, (id_t)pid, info, options) == 0)
        return info->si_pid == pid;
    int code = errno;
    if (code == ECHILD && tell(pid, info))
        return 1;
    errno = code;
    return -1;
}

void gust__children_remove(pid_t pid)
{
    gust__lock_take(&lock);
    struct child *child = find(pid);
    if (child)
        *child = children[--count];
    if (count == 0) {
        gust__free(children);
        children = NULL;
        room = 0;
    }
    gust__lock_drop(&lock);
}

size_t gust__children_count(void)
{
    gust__lock_take(&lock);
    size_t now = count;
    gust__lock_drop(&lock);
    return now;
}
