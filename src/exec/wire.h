/*
 * What the three parties of a process pool say to each other, over socket pairs that keep messages apart
 * (SOCK_SEQPACKET). All are processes of one program: structs go as they lie in memory.
 *
 *     serving process -> zygote    struct gust__zygote_order, with the worker's socket for a start
 *     zygote -> serving process    struct gust__zygote_report
 *     serving process -> worker    struct gust__worker_task, then the argument, or a memfd with it
 *     worker -> serving process    struct gust__worker_answer, then the result, a memfd with it, or an error
 */
#ifndef GUST_EXEC_WIRE_H
#define GUST_EXEC_WIRE_H

#include "base/error_int.h"
#include "base/sys.h"

#include <gust/processes.h>

enum { GUST__WIRE_INLINE = 32 * 1024 }; /* bytes that go in a message; more go in shared memory */

/* A place in the pool, and which of the processes that had it: a report may come late. */
struct gust__worker_name {
    uint32_t slot;
    uint32_t life;
};

enum gust__order_kind { GUST__ORDER_START, GUST__ORDER_KILL };

struct gust__zygote_order {
    enum gust__order_kind kind;
    struct gust__worker_name worker;
};

enum gust__report_kind {
    GUST__REPORT_STARTED, /* pid */
    GUST__REPORT_FAILED,  /* status: errno */
    GUST__REPORT_ENDED,   /* code and status as waitid has them */
};

struct gust__zygote_report {
    enum gust__report_kind kind;
    struct gust__worker_name worker;
    pid_t pid;
    int code;
    int status;
};

struct gust__worker_task {
    uint64_t number;
    gust_process_job *job;
    uint64_t length;
    uint64_t shared; /* not 0: the argument is in a memfd */
};

enum gust__answer_kind { GUST__ANSWER_RESULT, GUST__ANSWER_FAILED, GUST__ANSWER_CRASHED };

struct gust__worker_answer {
    uint64_t number; /* of the task */
    uint64_t length;
    enum gust__answer_kind kind;
    int result;
};

struct gust__worker_error {
    int code;
    int detail;
    char domain[GUST__ERROR_DOMAIN + 1];
    uint32_t frame_count;
    void *frames[GUST__ERROR_FRAMES];
    char text[GUST__ERROR_TEXT + 1];
};

/* Sends one message; passed: a descriptor that goes along (borrowed), or -1. flags as for sendmsg. 0, or -1
 * and errno. Async-signal-safe. */
int gust__wire_send(int fd, const struct iovec *vector, size_t count, int passed, int flags);

/* Receives one message. passed: the descriptor that came along, the caller's, or -1. Its length; 0: the peer
 * has gone; -1: errno, EPROTO for a message that does not fit. */
ssize_t gust__wire_receive(int fd, const struct iovec *vector, size_t count, int *passed, int flags);

/* ---- shared memory: a memfd, which nobody can change once it was sealed ---- */

int gust__shared_new(void);

/* Seals length bytes and a NUL behind. Nothing may map it for writing any more. 0, or -1 and errno. */
int gust__shared_seal(int fd, size_t length);

/* Maps length bytes and the NUL behind for reading; unmap length + 1. NULL: EPROTO (not sealed, or shorter),
 * ENOMEM. */
void *gust__shared_map(int fd, size_t length);

#endif
