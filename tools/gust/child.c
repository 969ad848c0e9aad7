#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 256 << 10, FIRST_SOCKET = 3, OUT_OF_THE_WAY = 200, CANNOT_RUN = 127 };

/* ---- in the child, between fork and exec ---- */

static void give_signals_back(void)
{
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* First all out of each other's way, then each to its place; what is not placed closes by exec. */
static void place_descriptors(const struct child_options *options, int output)
{
    int moved[16];
    int in = options->in ? options->in : open("/dev/null", O_RDONLY);
    for (size_t i = 0; i < options->socket_count; i++)
        moved[i] = fcntl(options->sockets[i], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
    dup2(in, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    for (size_t i = 0; i < options->socket_count; i++)
        dup2(moved[i], FIRST_SOCKET + (int)i);
}

static void name_sockets(size_t count)
{
    char text[32];
    unsetenv("NOTIFY_SOCKET"); /* a service manager's, of gust itself */
    if (count == 0)
        return;
    snprintf(text, sizeof(text), "%ld", (long)getpid());
    setenv("LISTEN_PID", text, 1);
    snprintf(text, sizeof(text), "%zu", count);
    setenv("LISTEN_FDS", text, 1);
}

_Noreturn static void run(const struct child_options *options, int output, pid_t parent)
{
    char *const *arguments = (char *const *)(uintptr_t)options->arguments;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* should gust be killed: it forks in its first thread */
    if (getppid() != parent)
        _exit(CANNOT_RUN);
    place_descriptors(options, output);
    name_sockets(options->socket_count);
    give_signals_back();
    execvp(arguments[0], arguments);
    fprintf(stderr, "gust: cannot run %s: %s\n", arguments[0], strerror(errno));
    fflush(stderr);
    _exit(CANNOT_RUN);
}

/* ---- its output ---- */

static void keep(struct child *child, const char *data, size_t size)
{
    size_t room = OUTPUT_MAX - child->output_size;
    if (size > room) {
        memmove(child->output, child->output + (size - room), child->output_size - (size - room));
        child->output_size -= size - room;
    }
    memcpy(child->output + child->output_size, data, size);
    child->output_size += size;
    child->output[child->output_size] = 0;
}

static int read_output(void *argument)
{
    struct child *child = argument;
    char data[4096];
    ssize_t size;
    while ((size = gust_stream_read(child->stream, data, sizeof(data))) > 0) {
        keep(child, data, (size_t)size);
        if (!child->silent) {
            fwrite(data, 1, (size_t)size, stdout);
            fflush(stdout);
        }
    }
    gust_event_set(&child->read_over);
    return 0;
}

/* ---- its life ---- */

static int on_end(int fd, unsigned events, void *argument)
{
    struct child *child = argument;
    (void)fd, (void)events;
    child->ended = true;
    gust_watch_update(child->watch, 0);
    gust_event_set(&child->over);
    if (child->event)
        gust_event_set(child->event);
    return 0;
}

static int watch(struct child *child, int output)
{
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    child->stream = gust_stream_new(output);
    if (child->pidfd < 0 || !child->stream)
        return -1;
    child->watch = gust_watch_new(gust_loop_current(), child->pidfd, GUST_READABLE, on_end, child);
    if (!child->watch)
        return -1;
    child->reading = gust_spawn(NULL, read_output, child);
    return child->reading ? 0 : -1;
}

struct child *child_start(const struct child_options *options)
{
    int ends[2];
    pid_t parent = getpid();
    struct child *child = calloc(1, sizeof(*child));
    if (!child)
        return NULL;
    *child = (struct child){.pidfd = -1, .silent = options->silent, .event = options->event};
    child->output = calloc(1, OUTPUT_MAX + 1);
    if (!child->output || pipe2(ends, O_CLOEXEC) < 0)
        goto free_child;
    child->pid = fork();
    if (child->pid == 0)
        run(options, ends[1], parent);
    close(ends[1]);
    if (child->pid < 0) {
        close(ends[0]);
        goto free_child;
    }
    setpgid(child->pid, child->pid); /* here too: whoever is first */
    if (watch(child, ends[0]) == 0)
        return child;
    kill(-child->pid, SIGKILL);
    waitpid(child->pid, &child->status, 0);

free_child:
    child_free(child);
    return NULL;
}

static void wait_for(gust_event *event, int64_t at_most)
{
    GUST_DEADLINE(at_most);
    gust_event_wait(event);
}

void child_join(struct child *child)
{
    gust_event_wait(&child->over);
    kill(-child->pid, SIGKILL); /* before it is reaped: its number is not another's yet */
    waitpid(child->pid, &child->status, 0);
    wait_for(&child->read_over, GUST_S(1));
    gust_stream_abort(child->stream, 0); /* a daemon that it started may hold its output open for ever */
    gust_await(child->reading);
    child->reading = NULL;
}

void child_stop(struct child *child)
{
    kill(child->pid, SIGTERM);
    wait_for(&child->over, GUST_S(5));
    child_kill(child);
}

void child_kill(struct child *child)
{
    if (!child->ended)
        kill(-child->pid, SIGKILL);
    child_join(child);
}

bool child_succeeded(const struct child *child)
{
    return WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0;
}

void child_describe(const struct child *child, char *text, size_t size)
{
    if (WIFSIGNALED(child->status))
        snprintf(text, size, "signal %d (%s)", WTERMSIG(child->status), strsignal(WTERMSIG(child->status)));
    else
        snprintf(text, size, "exit code %d", WEXITSTATUS(child->status));
}

void child_free(struct child *child)
{
    if (!child)
        return;
    gust_watch_free(child->watch);
    if (child->pidfd >= 0)
        close(child->pidfd);
    gust_stream_free(child->stream);
    free(child->output);
    free(child);
}
