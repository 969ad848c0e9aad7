/*
 * A process that is to take this one's place: the same program, or a new file under its name, started with
 * the listening sockets of this one, so that no connection is refused between the two. It says over a pipe
 * when it serves; until then this process goes on as if nothing had happened, and if the other ends before,
 * or takes too long, it does so for good.
 *
 *     gust__successor_start(&successor, &image, &listening, loop, decided, argument);
 *
 *     static void decided(void *argument, bool serves)
 *     {
 *         if (serves)
 *             ... stop accepting, finish what runs, end
 *         else
 *             gust_log(GUST_ERROR, "%s", successor->reason);
 *     }
 *
 * The child has this process's arguments and directory, the signal mask and SIGPIPE's disposition with which
 * this one was started, and of its descriptors only 0 to 2, the listening sockets and the pipe.
 */
#ifndef GUST_EXEC_SUCCESSOR_H
#define GUST_EXEC_SUCCESSOR_H

#include "exec/listening.h"
#include "exec/notify.h"

#include <limits.h>
#include <signal.h>

#include <gust/loop.h>

/* What comes over the pipe: 0 once it serves, or why the file could not be run. */
struct gust__successor_report {
    int code;
};

/* How this program was started, to start it so again. */
struct gust__image {
    char file[PATH_MAX]; /* absolute; "": not known */
    char **argv;         /* borrowed */
    sigset_t mask;
    struct sigaction pipe;
};

/* Before the process changes its signals, and before its file is replaced. argv is borrowed. */
void gust__image_take(struct gust__image *image, char **argv);

struct gust__successor {
    gust_loop *loop;
    pid_t pid;  /* 0: there is none, or it has been decided */
    pid_t heir; /* once it serves */
    int process;
    int pipe;
    gust_watch *ended;
    gust_watch *said;
    gust_timer timer;
    void (*decided)(void *argument, bool serves);
    void *argument;
    char reason[256]; /* why it does not serve */
};

struct gust__succession {
    const struct gust__image *image;
    const struct gust__listening *listening; /* handed on */
    const struct gust__notify *notify;       /* handed on */
    bool new_file;   /* false: the very file that runs here, though another may have its name by now */
    int64_t at_most; /* until it serves */
    void (*decided)(void *argument, bool serves);
    void *argument;
};

/* Starts it; decided is called once, on the loop. {0} is one that was not started. 0; -1: EBUSY (there is one
 * already), EAGAIN, EMFILE, ENOMEM: decided is not called. */
int gust__successor_start(struct gust__successor *successor, gust_loop *loop,
                          const struct gust__succession *how);

/* Ends one that was started and does not serve yet; decided is not called. Harmless when there is none. */
void gust__successor_cancel(struct gust__successor *successor);

/* In a forked child: it is the parent's; its descriptors are closed here. */
void gust__successor_abandon(struct gust__successor *successor);

#endif
