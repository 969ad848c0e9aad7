/*
 * A program under gust_main, while it runs: what its files in this folder share.
 *
 *     main.c           the order of a start
 *     settings.c       the command line
 *     logs.c           what the log is written to, and how
 *     open.c           the listening sockets: inherited or opened, announced, closed
 *     serve.c          one process that serves: its loops, their start, drain and end
 *     supervise.c      many of them
 *     replace.c        SIGHUP and SIGUSR2: another process takes this one's place
 */
#ifndef GUST_OPS_PROGRAM_H
#define GUST_OPS_PROGRAM_H

#include "exec/inherited.h"
#include "exec/listening.h"
#include "exec/notify.h"
#include "exec/prefork.h"
#include "exec/successor.h"

#include <gust/gust.h>

enum {
    GUST__WRONG_OPTION = 2,
    GUST__MOST_PROCESSES = 1024,
    GUST__MOST_THREADS = 256,
    GUST__MOST_POOL_THREADS = 10000,
};

struct gust__program {
    gust_app *app;
    const char *name;

    /* settings.c */
    unsigned port;
    const char *address;
    const char *unix_path;
    const char *access_log;
    const char *log_level;
    const char *log_file, *log_format, *log_rotate;
    int64_t log_max_size;
    unsigned log_keep;
    bool trust_request_id;
    int64_t max_body, max_header, idle_timeout, header_timeout, body_timeout, write_timeout, timeout, drain;
    int64_t takeover_timeout;
    unsigned max_headers, max_connections, backlog;
    int64_t watchdog;
    const char *dump_file;
    unsigned processes, threads, pool_threads, max_restarts;
    bool reuse_port;

    /* what it was started with */
    struct gust__image image;
    struct gust__inherited inherited;
    struct gust__notify notify;

    struct gust__listening listening;
    struct gust__balance *balance; /* NULL: one loop accepts */
    struct gust__prefork *prefork; /* in a process that a supervisor has forked, and there; else NULL */
    int task;

    /* replace.c */
    struct gust__successor successor;
    void (*replaced)(struct gust__program *program);
    struct gust__process *process; /* serve.c's */
    bool leaving;                  /* another serves, or a signal said to end */
};

/* ---- settings.c ---- */

void gust__program_defaults(struct gust__program *program);

/* 0: run; else what main returns, plus one. */
int gust__program_read_options(struct gust__program *program, int argc, char **argv);

/* Prints one line. -> GUST__WRONG_OPTION */
int gust__program_wrong_option(const struct gust__program *program, const char *complaint);

/* Into the application's settings. */
void gust__program_apply_options(const struct gust__program *program);

/* ---- logs.c ---- */

/* Levels, format, files. 0, or what main returns. */
int gust__program_open_logs(struct gust__program *program);

/* Lines go to standard error again. */
void gust__program_close_logs(void);

/* ---- open.c ---- */

/* Takes what was inherited, and opens the rest. 0; -1 with a text. */
int gust__program_open(struct gust__program *program);

/* Says that it serves: to people, to a service manager, and to the process that it replaces. */
void gust__program_announce(struct gust__program *program);

/* ---- serve.c ---- */

/* Serves in this process until it is told to end. -> the exit status */
int gust__program_serve(struct gust__program *program);

/* ---- supervise.c ---- */

/* Serves in processes of its own. -> the exit status: in each of them, and in this one once all have ended */
int gust__program_supervise(struct gust__program *program);

/* Forked children say that they serve to their supervisor, a process alone to everybody. */
void gust__program_serves(struct gust__program *program);

/* ---- replace.c ---- */

/* For SIGHUP and SIGUSR2. On the loop; program->replaced is called once another process serves. */
int gust__program_replace(int number, unsigned zero, void *program);

/* A signal said to end: nothing is to take its place. */
void gust__program_leave(struct gust__program *program);

/* The service manager's watchdog is fed from now on, on the current loop; NULL: it has none. */
gust_periodic *gust__program_feed_watchdog(struct gust__program *program, gust_loop *loop);

#endif
