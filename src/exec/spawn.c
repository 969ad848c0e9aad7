/*
 * By posix_spawn: glibc makes the child with CLONE_VM and CLONE_VFORK, so it costs the same however much
 * memory this process has, and what keeps the program from running is known here by its errno.
 */
#include "exec/spawn.h"
#include "base/children.h"
#include "base/sys.h"

#include <spawn.h>

extern char **environ;

/* What is behind in this order: 1 before 2, since 2 may go where 1 goes. */
static int add_descriptor(posix_spawn_file_actions_t *actions, const struct gust__spawn *spawn, int number)
{
    int from = spawn->fds[number];
    if (from == GUST_INHERIT)
        return 0;
    if (from == GUST_AS_OUT)
        return posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, number);
    if (from == GUST_NOTHING)
        return posix_spawn_file_actions_addopen(actions, number, "/dev/null", O_RDWR, 0);
    return posix_spawn_file_actions_adddup2(actions, from, number);
}

static int add_actions(posix_spawn_file_actions_t *actions, const struct gust__spawn *spawn)
{
    int code = 0;
    for (int number = 0; number < 3 && code == 0; number++)
        code = add_descriptor(actions, spawn, number);
    if (code == 0)
        code = posix_spawn_file_actions_addclosefrom_np(actions, 3);
    if (code == 0 && spawn->directory)
        code = posix_spawn_file_actions_addchdir_np(actions, spawn->directory);
    return code;
}

/* No signal blocked, each as the system has it, a group of its own. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int code = posix_spawnattr_setsigmask(attributes, &none);
    if (code == 0)
        code = posix_spawnattr_setsigdefault(attributes, &all);
    if (code == 0)
        code = posix_spawnattr_setpgroup(attributes, 0);
    if (code == 0)
        code = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                        POSIX_SPAWN_SETPGROUP);
    return code;
}

/* From here on others must not reap it. Gives an errno value, as posix_spawn does. */
static int make(struct gust__spawn *spawn, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes)
{
    char *const *arguments = (char *const *)(uintptr_t)spawn->arguments;
    char *const *environment = spawn->environment ? (char *const *)(uintptr_t)spawn->environment : environ;
    pid_t pid = -1;
    if (gust__children_begin() < 0)
        return ENOMEM;
    int code = posix_spawnp(&pid, arguments[0], actions, attributes, arguments, environment);
    gust__children_end(code == 0 ? pid : -1);
    spawn->pid = pid;
    return code;
}

/* Without a pidfd its end would never be known: it is not to live. */
static int watch(struct gust__spawn *spawn)
{
    siginfo_t info;
    spawn->pidfd = gust__sys_pidfd_open(spawn->pid, 0); /* close-on-exec by itself */
    if (spawn->pidfd >= 0)
        return 0;
    int code = errno;
    gust__sys_kill(-spawn->pid, SIGKILL);
    while (gust__children_wait(spawn->pid, &info, WEXITED) < 0 && errno == EINTR)
        ;
    gust__children_remove(spawn->pid);
    return code;
}

int gust__spawn(struct gust__spawn *spawn)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code)
        goto out;
    code = posix_spawnattr_init(&attributes);
    if (code)
        goto out_actions;
    code = add_actions(&actions, spawn);
    if (code == 0)
        code = set_attributes(&attributes);
    if (code == 0)
        code = make(spawn, &actions, &attributes);
    if (code == 0)
        code = watch(spawn);
    posix_spawnattr_destroy(&attributes);
out_actions:
    posix_spawn_file_actions_destroy(&actions);
out:
    if (code == 0)
        return 0;
    errno = code;
    return -1;
}
