/*
 * A process pool, inside. Calls are accepted on any thread (processes.c) and posted to the pool's keeper: a
 * thread with a loop of its own that has the workers, their sockets and the queue (keeper.c). So big results
 * and limits cost the serving loops nothing, and several loops share a pool.
 */
#ifndef GUST_EXEC_PROCESSES_INT_H
#define GUST_EXEC_PROCESSES_INT_H

#include "base/list.h"
#include "base/lock.h"
#include "exec/images.h"
#include "exec/wire.h"
#include "loop/loop.h"

#include <stdatomic.h>

enum gust__worker_state {
    GUST__WORKER_ABSENT,
    GUST__WORKER_WANTED, /* its order waits for the zygote's socket */
    GUST__WORKER_STARTING,
    GUST__WORKER_RESTS,
    GUST__WORKER_BUSY,
    GUST__WORKER_ENDING,
};

/* A place for a worker process; the keeper's. */
struct gust__worker {
    struct gust__list resting; /* among those that rest */
    gust_processes *processes;
    struct gust__worker_name name;
    enum gust__worker_state state;
    pid_t pid;
    int fd;                          /* -1: none */
    bool kill;                       /* an order to kill it is to be sent */
    bool dismissed;                  /* we had it end */
    bool out_of_time;                /* its job used up its processor time */
    unsigned tasks;                  /* that it has had */
    struct gust__process_task *task; /* that it runs; NULL also when that was cancelled */
    struct gust_error *crash;        /* what it said as it died */
    gust_timer timer;                /* looks at its processor time */
    int64_t cpu_begin;               /* of its task */
};

/* A call. From its post on it is the keeper's. */
struct gust__process_task {
    struct gust__list node; /* of the queue */
    gust_post post;
    gust_processes *processes;
    gust_future *future; /* the maker's end */
    struct gust__worker_task order;
    int shared; /* the argument's memfd; -1: bytes */
    char bytes[];
};

struct gust_processes {
    struct gust__list member; /* of all pools */
    uint64_t number;          /* of the pool: the upper part of its tasks' */
    gust_processes_options options;
    char name[12];

    /* Of the process that started the zygote. */
    unsigned generation;        /* gust__fork_generation there; 0: not started */
    struct gust_error *failure; /* why it could not be started; NULL: it was not tried, or could */
    pid_t zygote;
    int zygote_fd; /* its pidfd */
    int control;   /* to the zygote */
    struct gust__images images;

    struct gust__lock lock;     /* for what the keeper's start changes */
    gust_loop *loop;            /* the keeper's; NULL: it was not started */
    struct gust__thread thread; /* the keeper */
    _Atomic uint64_t count;     /* tasks there were */
    _Atomic size_t open;        /* accepted and not ended */
    _Atomic bool drained;       /* accepts no more */

    /* The keeper's. */
    struct gust__worker *workers;
    struct gust__list queue;
    struct gust__list resting;
    size_t running; /* workers that have a task */
    size_t queued;
    unsigned absent; /* workers that could not be forked */
    int fork_code;   /* errno of the last that could not */
    int64_t delay;   /* before that is tried again */
    gust_timer again;
    struct gust_error *broken; /* the zygote has gone */
    struct gust__list drains;
    gust_post begin, stop;
    char *room; /* as large as a message */
};

/* ---- keeper.c ---- */

/* Starts the keeper. With the pool's lock held. 0, or -1 and errno. */
int gust__keeper_start(gust_processes *processes);

/* Ends all calls, and the keeper. */
void gust__keeper_stop(gust_processes *processes);

/* On the keeper's loop: a new call; a call that is to be cancelled; who waits for the last to end. */
int gust__keeper_take(void *task);

struct gust__process_cancel {
    gust_post post;
    gust_processes *processes;
    uint64_t number;
};
int gust__keeper_cancel(void *cancel); /* takes it */

struct gust__process_drain {
    struct gust__list node;
    gust_post post;
    gust_processes *processes;
    gust_future *future; /* the maker's end */
};
int gust__keeper_drain(void *drain); /* takes it */

void gust__process_task_free(struct gust__process_task *task);

/* ---- process_errors.c: the caller's, never NULL ---- */

/* One without a backtrace. text NULL: strerror's. */
struct gust_error *gust__process_error(int code, const char *text);

/* What a worker has sent. */
struct gust_error *gust__process_error_read(const void *bytes, size_t length);

/* How a worker ended, with the backtrace that it sent as it died. */
struct gust_error *gust__worker_death(const struct gust__worker *worker,
                                      const struct gust__zygote_report *report);

/* How the zygote ended; it is reaped when the pool is freed. */
struct gust_error *gust__zygote_death(const gust_processes *processes);

/* ---- worker.c ---- */

/* The life of a worker, in its process: fd is its socket, parent the zygote. */
_Noreturn void gust__worker_run(const gust_processes *processes, int fd, pid_t parent);

/* ---- result.c ---- */

/* The result of an answer: a copy of bytes, or, of a memfd, shared memory (shared >= 0, borrowed). NULL:
 * ENOMEM, EPROTO. */
gust_result *gust__result_new(const void *bytes, size_t length, int shared);

#endif
