/*
 * Which coroutine owns a lock. To libc the owner is the thread, so for the coroutines of a thread we keep a
 * table, the thread's own: nobody else reads it, and it needs no lock.
 *
 * What libc says comes first. An entry whose lock the thread no longer owns is stale (another thread
 * released it, or its memory was used anew) and is dropped by whoever comes upon it.
 */
#ifndef GUST_GREEN_OWNED_H
#define GUST_GREEN_OWNED_H

#include "green/green_int.h"

struct gust__owned {
    const void *lock; /* NULL: the slot is free */
    struct gust__coroutine *owner;
    const void *caller; /* of the hook that took it */
    unsigned depth;     /* how often it was taken */
    bool shared;        /* a reader's: one entry for each owner */
};

enum { GUST__OWNED_FIRST = 32 };

struct gust__owned_table {
    struct gust__owned *slots; /* NULL: first */
    size_t mask;
    size_t count;
    int thread;        /* gettid, or 0: not asked yet */
    unsigned readings; /* of the entries, how many are shared */
    struct gust__owned first[GUST__OWNED_FIRST];
};

extern _Thread_local struct gust__owned_table gust__owned_here __attribute__((tls_model("initial-exec")));

int gust__owned_ask_thread(void);

/* This thread, as locks name their owner. */
static inline int gust__owned_thread(void)
{
    int thread = gust__owned_here.thread;
    return __builtin_expect(thread != 0, 1) ? thread : gust__owned_ask_thread();
}

/* The exclusive entry; NULL: no coroutine of this thread took it. */
struct gust__owned *gust__owned_find(const void *lock);

/* The running coroutine's shared entry. */
struct gust__owned *gust__owned_find_reader(const void *lock);

/* Somebody's shared entry. */
struct gust__owned *gust__owned_find_any_reader(const void *lock);

/* Makes room for an entry. 0; -1: ENOMEM. */
int gust__owned_reserve(void);

/* The running coroutine has taken it. After gust__owned_reserve it cannot fail. */
void gust__owned_add(const void *lock, const void *caller, bool shared);

/* Forgets an entry. Pointers to others are void afterwards. */
void gust__owned_remove(struct gust__owned *entry);

#endif
