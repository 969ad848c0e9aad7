/* Making a process that runs another program: the part that blocks, and knows nothing of loops. */
#ifndef GUST_EXEC_SPAWN_H
#define GUST_EXEC_SPAWN_H

#include <gust/subprocess.h>

struct gust__spawn {
    const char *const *arguments;
    const char *const *environment; /* NULL: ours */
    const char *directory;          /* NULL: ours */
    int fds[3];                     /* above 2, borrowed; or GUST_NOTHING, GUST_INHERIT, GUST_AS_OUT */
    pid_t pid;                      /* set on success: the leader of a group of its own, in the table of */
    int pidfd;                      /* base/children.h, and to be reaped by the caller */
};

/* Runs until the new program has begun, or cannot. 0, or -1 and errno: nothing is left of it. Any thread. */
int gust__spawn(struct gust__spawn *spawn);

#endif
