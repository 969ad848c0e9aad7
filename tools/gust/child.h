/*
 * A program that `gust dev` runs: the build, the server under development, the page that stands in for it.
 *
 * gust/subprocess.h does not fit here: the program inherits listening sockets, and is told its own process
 * number (LISTEN_PID), which nobody knows before the fork.
 */
#ifndef GUST_TOOL_CHILD_H
#define GUST_TOOL_CHILD_H

#include <gust/gust.h>

#include <sys/types.h>

struct child_options {
    const char *const *arguments; /* ended by NULL; looked for in PATH when there is no slash in the name */
    const int *sockets;           /* borrowed; the program has them from descriptor 3 on */
    size_t socket_count;
    int in;            /* borrowed; 0: /dev/null */
    bool silent;       /* what it writes is kept only, else it is shown as it comes, too */
    gust_event *event; /* borrowed: set when it has ended */
};

struct child {
    pid_t pid;
    bool ended;
    int status; /* of waitpid, once it was joined */
    int pidfd;
    bool silent;
    gust_event *event;
    gust_event over;      /* it has ended */
    gust_event read_over; /* nobody holds its output open */
    gust_watch *watch;
    gust_stream *stream;
    gust_future *reading;
    char *output; /* the last of what it wrote, with a NUL behind */
    size_t output_size;
};

/* [loop] In a process group of its own. NULL: EMFILE, EAGAIN, ENOMEM, ENOSYS (no pidfds). What keeps the
 * program itself from running is the first line of its output, with the exit code 127. */
struct child *child_start(const struct child_options *options);

/* [blk] Waits for its end, ends what it has left behind in its group, and reads what it had written. */
void child_join(struct child *child);

/* [blk] Ends it: asks by SIGTERM, and by SIGKILL when five seconds are over. Joins it. */
void child_stop(struct child *child);

/* [blk] Kills it with its group, and joins it. */
void child_kill(struct child *child);

/* "exit code 1", "signal 11 (Segmentation fault)": of one that was joined. */
void child_describe(const struct child *child, char *text, size_t size);
bool child_succeeded(const struct child *child);

/* [loop] Of one that was joined; NULL is allowed. */
void child_free(struct child *child);

#endif
