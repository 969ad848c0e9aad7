/*
 * A supervisor and its serving processes: it forks them, starts those anew that end without being asked to,
 * and ends them all. It has one thread and runs nothing of the application.
 *
 *     prefork = (struct gust__prefork){.count = 4, .loop = loop, .balance = balance, ...};
 *     if (gust__prefork_begin(&prefork) < 0)
 *         return -1;
 *     int task = gust__prefork_run(&prefork);
 *     if (task >= 0)
 *         return serve(task);      // in a child: its loop, watches and pipes of the parent are gone
 *     ...                          // in the parent: all have ended
 *     gust__prefork_end(&prefork);
 *
 * A process that ends before all have once said that they serve ends the whole: a program that cannot start
 * shall not be tried a hundred times. Later, one that ends is started anew under the same task number: at
 * once the first time, then after 0.1 s, 0.2 s, ... 10 s; after max_restarts in a row it gives up and ends
 * the others. A row is over when a minute has passed without one.
 *
 * Children get SIGTERM when their supervisor dies. Each is watched by a pidfd; no signal handler is involved.
 */
#ifndef GUST_EXEC_PREFORK_H
#define GUST_EXEC_PREFORK_H

#include "net/balance.h"

#include <sys/types.h>

#include <gust/loop.h>

struct gust__prefork;

enum { GUST__PREFORK_ENDED = -1 };

struct gust__prefork_worker {
    struct gust__prefork *prefork;
    unsigned task;
    pid_t pid;   /* 0: none now */
    int process; /* its pidfd */
    int pipe;    /* it says there that it serves; in the child: its end */
    bool due;    /* to be started */
    bool serves;
    gust_watch *ended;
    gust_watch *said;
    gust_timer start;
};

struct gust__prefork {
    unsigned count;
    unsigned slots;                /* of the balance, for each process */
    struct gust__balance *balance; /* NULL: none */
    gust_loop *loop;
    unsigned max_restarts;
    int64_t grace;                   /* after gust__prefork_stop: then they are killed. 0: never */
    void (*serving)(void *argument); /* called once, when all serve */
    void *argument;

    /* inside */
    struct gust__prefork_worker *workers;
    pid_t pid; /* the supervisor's */
    unsigned living;
    unsigned serving_count;
    unsigned restarts; /* in a row */
    int64_t last_restart;
    gust_timer kill;
    bool announced;
    bool stopping;
    bool failed;
};

/* 0; -1: ENOMEM, EDEADLK (on a loop). Nothing is forked yet. */
int gust__prefork_begin(struct gust__prefork *prefork);

/* Forks the processes and looks after them, until all have ended. Returns in each child, with its task
 * number; in the parent GUST__PREFORK_ENDED. */
int gust__prefork_run(struct gust__prefork *prefork);

/* Asks all to end (SIGTERM), and starts none any more; gust__prefork_run returns when they have. */
void gust__prefork_stop(struct gust__prefork *prefork);

/* Ends them at once. */
void gust__prefork_kill(struct gust__prefork *prefork);

/* Sends all of them a signal. */
void gust__prefork_signal(struct gust__prefork *prefork, int signal);

/* In a child: says that it serves. */
void gust__prefork_serves(struct gust__prefork *prefork, int task);

/* Gives back what it has, in the parent and in a child. */
void gust__prefork_end(struct gust__prefork *prefork);

#endif
