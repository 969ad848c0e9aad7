/*
 * The children that gust itself has started: subprocesses, workers of a process pool, serving processes. Who
 * waits for any child, as the hook of waitpid(-1) does for a program, must not take these (design rule 12).
 *
 *     if (gust__children_begin() < 0)
 *         return -1;
 *     pid_t pid = make_a_child();
 *     gust__children_end(pid);                        // or -1: there is none
 *     ...
 *     gust__children_wait(pid, &info, WEXITED);       // reaps it
 *     gust__children_remove(pid);
 *
 * Between begin and end all others wait who ask for a child: one that ends at once is known before anybody
 * can find it. A forked child begins with an empty table: it has no children.
 *
 * All are for any thread. GUST_API here: libgust-green, a library of its own, asks too.
 */
#ifndef GUST_BASE_CHILDREN_H
#define GUST_BASE_CHILDREN_H

#include <gust/base.h>

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* Before a child is made: holds the table, with room for one more. 0: gust__children_end must follow, soon
 * and on the same thread; -1: ENOMEM. */
GUST_API int gust__children_begin(void);

/* The child that was made, or -1: there is none. errno is kept. */
GUST_API void gust__children_end(pid_t pid);

/* Both, for a child that nobody can have found yet. 0; -1: ENOMEM. */
GUST_API int gust__children_add(pid_t pid);

/* Whether it is one of gust's. */
GUST_API bool gust__children_owns(pid_t pid);

/* Who waits for any child has found this one changed: if it is gust's it is taken out of the way, reaped when
 * it has ended, and gust__children_wait tells its owner how. False: it is none of gust's, and is left alone.
 */
GUST_API bool gust__children_take(pid_t pid);

/* waitid(P_PID, pid, info, options), and what was told by gust__children_reaped where the system does not
 * know the child any more. 1: info holds a change; 0: none yet (WNOHANG); -1: ECHILD (the system has dropped
 * it, as it does under an ignored SIGCHLD, or a stranger has reaped it), EINTR. */
GUST_API int gust__children_wait(pid_t pid, siginfo_t *info, int options);

/* Forgets a child, once it was reaped. Harmless when it is not known. */
GUST_API void gust__children_remove(pid_t pid);

/* How many there are: for tests. */
GUST_API size_t gust__children_count(void);

/* For a child made past libc's fork, which runs no pthread_atfork handlers: empties the table. */
GUST_API void gust__children_forget(void);

#endif
