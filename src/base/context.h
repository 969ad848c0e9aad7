/*
 * What belongs to whoever runs: a coroutine, or a thread outside any. Throwing, defers and the last error
 * work on it and so work everywhere. The running coroutine is gust__current, and that thread-local is the one
 * truth (design rule 1): NULL means "no coroutine", the thread's own context is used then.
 */
#ifndef GUST_BASE_CONTEXT_H
#define GUST_BASE_CONTEXT_H

#include <gust/base.h>

#include <stdbool.h>
#include <stdint.h>

struct gust_error;
struct gust__scope;     /* a node of the scope chain: gust/scope.h */
struct gust__coroutine; /* begins with a struct gust__context: coro/coroutine.h */
struct gust__catch;     /* where a throw lands: coro/throw.c */

struct gust__context {
    struct gust__scope *scopes; /* newest first */
    struct gust__scope *ending; /* those whose clean-up runs, newest first; they keep the last error */
    struct gust__catch *catcher;
    struct gust_error *error; /* the last one; NULL: none. Owned */
    int64_t deadline;         /* monotonic; 0: none. The earliest of all open scopes' */
    int64_t shield_until;     /* when the grace time is over; 0: no wait has asked yet (gust__shield_ends) */
    unsigned shield;          /* defers that run: their waits are not interrupted until shield_until */
    unsigned locks;           /* mutexes it owns; libgust-green counts them: gust__locks_lost */
    bool caught;              /* gust__caught */
};

/* libgust-green, a library of its own, reads it too. */
extern GUST_API _Thread_local struct gust__coroutine *gust__current
    __attribute__((tls_model("initial-exec")));
extern _Thread_local struct gust__context gust__thread_context __attribute__((tls_model("initial-exec")));

/* How often this process's line forked, counted from 1: whoever keeps state that a forked child must not
 * share (random numbers, locks held by threads that are not there) compares. Changes only in the child of a
 * fork, where gust__current is NULL too. */
extern GUST_API unsigned gust__fork_generation;

/* Set by libgust-green: a throw has left the frames that held a lock, and nobody will release it. Does not
 * return. */
extern GUST_API void (*gust__locks_lost)(void);

static inline struct gust__context *gust__context(void)
{
    return gust__current ? (struct gust__context *)(void *)gust__current : &gust__thread_context;
}

/* Has this thread's own context give back its error when the thread ends; called before one is put there. */
void gust__context_watch(void);

/* Gives back what this thread's own context owns. Threads of gust do so before they count as ended. */
void gust__context_end(void);

#endif
