/*
 * Inside libgust-green: what every family of hooks stands on.
 *
 * A family is one file. Its hooks are libc's functions by libc's names, exported (GUST__EXPORT) and listed in
 * symbols.h. Each begins alike:
 *
 *     GUST__EXPORT ssize_t recv(int fd, void *data, size_t size, int flags)
 *     {
 *         if (!gust__green_here() || never_blocks(flags))
 *             return gust__green_next.recv(fd, data, size, flags);      // passes through, allocates nothing
 *         struct gust__green_call call = GUST__GREEN_CALL("recv", fd);
 *         return receive(&call, ...);                                   // tries, waits, tries again
 *     }
 *
 * and goes on with raw system calls (base/sys.h), never with hooked functions. A try that says EAGAIN is
 * followed by gust__green_wait (a descriptor), gust__green_park (anything else: who ends the wait calls
 * gust__wake, or posts gust__wake_posted from another thread) or gust__green_offload (a thread of the pool).
 * errno is the caller's: a hook that succeeds leaves it as it was.
 */
#ifndef GUST_GREEN_GREEN_INT_H
#define GUST_GREEN_GREEN_INT_H

#include "base/clock.h"
#include "base/sys.h"
#include "coro/coroutine.h"

#include <gust/green.h>

#include <aio.h>
#include <grp.h>
#include <mqueue.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <resolv.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <threads.h>

#define GUST__EXPORT __attribute__((visibility("default")))

/* ---- next.c: the definitions behind ours ---- */

/* Callable from the first moment: until a function was looked up, its pointer leads to a look-up. */
struct gust__green_next {
#define GUST__HOOK(result, name, parameters, arguments, early) result(*name) parameters;
#include "green/symbols.h"
};
extern struct gust__green_next gust__green_next;

/* Looks all of them up; the constructor does. */
void gust__green_resolve(void);

/* ---- who calls ---- */

/* The coroutine that the calling code runs in, if its calls are to park it; NULL: pass through. */
static inline struct gust__coroutine *gust__green_here(void)
{
    struct gust__coroutine *coroutine = gust__current;
    return __builtin_expect(coroutine != NULL, 0) && !coroutine->green.off ? coroutine : NULL;
}

/* Which handlers end its wait with EINTR, if it is the main coroutine's: handlers.c. */
enum gust__green_handlers {
    GUST__GREEN_NO_HANDLER,
    GUST__GREEN_UNLESS_RESTARTED, /* those without SA_RESTART */
    GUST__GREEN_ANY_HANDLER,      /* as poll and sleep */
};

/* A hooked call in progress. The macro stands in the hook itself, so that the caller is the hook's. */
struct gust__green_call {
    const char *name; /* for dumps and the trace */
    const void *caller;
    int fd;           /* -1: none */
    int64_t began;    /* when it first waited; 0: it has not */
    uint32_t ready;   /* what the last wait for its descriptor brought: EPOLLIN, EPOLLERR, ... */
    bool interrupted; /* by the scope's deadline or a cancel */
    bool handled;     /* a handler has ended the wait */
    enum gust__green_handlers handlers;
};
#define GUST__GREEN_CALL(what, descriptor)                                        \
    {                                                                             \
        .name = (what), .caller = __builtin_return_address(0), .fd = (descriptor) \
    }

/* ---- wait.c: waiting ---- */

/* Waits until call->fd is ready for one of events (EPOLLIN, EPOLLOUT, EPOLLPRI bits; an error or hang-up
 * always counts), or was so an instant ago: try again, and come back if it says EAGAIN. Interruptible. 0;
 * 1: until (monotonic; GUST__FOREVER) came first; -1: ETIMEDOUT or ECANCELED by the scope (a connected stream
 * socket has been shut down, unless the scope keeps it), EINTR (by a handler, where call->handlers lets it),
 * EBADF (closed meanwhile, or not open), EPERM
 * (the descriptor's kind is always ready: a file, a directory), ENOMEM. errno is kept on 0 and 1. */
int gust__green_wait(struct gust__green_call *call, uint32_t events, int64_t until);

/* Any other wait: gust__park_until, with a line for the trace. flags: GUST__INTERRUPTIBLE or 0. Returns as
 * gust__park_until, or -1 with EINTR as gust__green_wait; a return of 0 may be a stray wake, so look at what
 * you waited for. */
int gust__green_park(struct gust__green_call *call, int flags, int64_t until);

/* handlers.c: the same for the main coroutine. */
int gust__green_park_exposed(struct gust__green_call *call, int flags, int64_t until);

/* For a call that SA_RESTART lets go on, unless it has a time limit of its own. */
static inline enum gust__green_handlers gust__green_handlers_for(int64_t until)
{
    return until == GUST__FOREVER ? GUST__GREEN_UNLESS_RESTARTED : GUST__GREEN_ANY_HANDLER;
}

/* Calls function(argument) on a thread of the pool and waits, uninterrupted, until it has ended: argument may
 * lie on the stack. The function sees no coroutine and runs libc's own functions; its errno, where it set
 * one, is handed over. Returns what it returned. Without a thread (the queue is full) it runs here, and the
 * loop waits. */
long gust__green_offload(struct gust__green_call *call, long (*function)(void *argument), void *argument);

/* The same on a thread of its own, for what may wait without end: enough of it would fill the pool. */
long gust__green_offload_alone(struct gust__green_call *call, long (*function)(void *argument),
                               void *argument);

/* ---- descriptors.c: one registration a descriptor and loop ---- */

struct gust__green_descriptor {
    struct gust__list readers; /* waiters for EPOLLIN, EPOLLPRI or only for errors */
    struct gust__list writers; /* waiters for EPOLLOUT alone */
    uint32_t generation;       /* that it was registered in; 0: it is not */
    uint32_t unlimited[2];     /* known.c has these: for reading, for writing */
    bool tcp;
    bool drained;
    bool not_only_data;
};

/* What the running coroutine's loop has of fd; NULL: it has not registered it. */
struct gust__green_descriptor *gust__green_descriptor(int fd);

/* A coroutine's wait for one descriptor, on its stack; several of a poll belong to one coroutine. */
struct gust__green_waiter {
    struct gust__list node;
    struct gust__coroutine *coroutine;
    uint32_t events; /* asked for */
    uint32_t ready;  /* what came; GUST__GREEN_CLOSED: the descriptor was closed */
    int copy;        /* a private duplicate that is registered in its stead, or -1 */
};
#define GUST__GREEN_CLOSED (1u << 27)

/* Queues the waiter for fd and events on the running coroutine's loop; the next event wakes its coroutine.
 * 0; -1: EBADF, EPERM, ENOMEM, ENOSPC, EMFILE. Unwatch it in any case but failure. */
int gust__green_watch(struct gust__green_waiter *waiter, int fd, uint32_t events);
void gust__green_unwatch(struct gust__green_waiter *waiter);

/* True when some loop has fd registered: epoll takes it, so it is no file. */
bool gust__green_registered(int fd);

/* fd is about to be closed, or replaced by dup2: its registrations end, who waits for it is woken with
 * GUST__GREEN_CLOSED, on other threads' loops too. Cheap for a descriptor that nobody ever waited for. For a
 * descriptor that has just come into being it forgets what an unseen close left. errno is kept. */
void gust__green_forget(int fd);

/* True when a loop has, or had, this descriptor registered for waits of libc's calls. */
bool gust__green_known(int fd);

/* The same for all of a range. */
void gust__green_forget_range(unsigned first, unsigned last);

/* ---- known.c: what the loop knows of a registered descriptor without asking the kernel ---- */

/* It was registered a moment ago: looks what it is. errno is kept. */
void gust__green_learn(struct gust__green_descriptor *descriptor, int fd);

/* The loop heard of these events. */
void gust__green_heard(struct gust__green_descriptor *descriptor, uint32_t events);

/* The rest is asked of gust__green_descriptor's answer, which may be NULL: nothing is known. It is right
 * until the coroutine waits. */

/* True for a TCP socket. */
static inline bool gust__green_tcp(const struct gust__green_descriptor *descriptor)
{
    return descriptor && descriptor->tcp;
}

/* True when there is nothing to read now, no end and no error, and an event will tell of the next; a wait has
 * to come to it, so it is false too when the scope would interrupt that at once. */
bool gust__green_drained(const struct gust__green_descriptor *descriptor);

/* What a read of so many bytes brought, that takes what it reads; -1: errno has why. errno is kept. */
void gust__green_note_read(struct gust__green_descriptor *descriptor, size_t asked, ssize_t done);

/* True when a wait to read, or to write, is known to have no end of its own: the descriptor is blocking,
 * without SO_RCVTIMEO or SO_SNDTIMEO. False: ask; since is then for gust__green_note_unlimited. */
bool gust__green_unlimited(const struct gust__green_descriptor *descriptor, bool writes, uint32_t *since);

/* The kernel said so, after gust__green_unlimited did not. */
void gust__green_note_unlimited(struct gust__green_descriptor *descriptor, bool writes, uint32_t since);

/* This process changes what gust__green_unlimited is about, of some descriptor. */
void gust__green_settings_change(void);

/* The same if such a system call does, made raw. */
void gust__green_raw_call(long number, long second, long third);

/* ---- interrupt.c ---- */

/* An interruptible wait for fd has failed: shuts a connected (or connecting) stream socket down, unless the
 * scope keeps it. errno is kept. */
void gust__green_interrupted(int fd);

/* The same for one of count descriptors that were waited for together. Beside others a socketpair is left
 * alone: it is how a library wakes itself, no connection. */
void gust__green_interrupted_among(int fd, size_t count);

/* ---- files.c: the hook point for regular files ---- */

/* read, write and their kin on a descriptor that epoll refuses (a file, a directory, a block device), when
 * RWF_NOWAIT said EAGAIN or EOPNOTSUPP: what blocks and where is that file's business. */
ssize_t gust__green_file_read(struct gust__green_call *call, const struct iovec *vector, int count,
                              off_t offset, int flags);
ssize_t gust__green_file_write(struct gust__green_call *call, const struct iovec *vector, int count,
                               off_t offset, int flags);

/* ---- on.c, trace.c ---- */

struct gust__green_settings {
    bool trace;          /* GUST_GREEN_TRACE=1 */
    bool offload_writes; /* gust_green_on(.offload_writes = true) */
};
extern struct gust__green_settings gust__green_settings;

/* A line on standard error: who waits, in which call, on whose behalf. */
void gust__green_trace(const struct gust__green_call *call);

/* Writes "PQexec (libpq.so.5)", as much of it as is known; as snprintf. */
int gust__green_describe(char *to, size_t size, const void *address);

/* ---- layout.c ---- */

/* The type of lock that is laid out otherwise than we think; NULL: none. */
const char *gust__green_unknown_lock(void);

/* ---- values.c: thread-specific values ---- */

/* A coroutine with values of its own ends. */
void gust__green_values_end(struct gust__coroutine *coroutine);

/* Finds out which key OpenSSL's error queue has, if OpenSSL is there. True: it had to ask OpenSSL, in whose
 * initialisation the coroutine may have waited. errno is kept. */
bool gust__green_values_probe(void);

/* A key was made since the last probe, so it is worth another. */
extern _Atomic bool gust__green_values_new;

#endif
