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
    struct gust__owned *slots; /* first, or allocated; NULL: not begun */
    size_t mask;
    size_t count;
    size_t limit;      /* of count, before it grows */
    int thread;        /* gettid, once begun */
    unsigned readings; /* of the entries, how many are shared */
    struct gust__owned first[GUST__OWNED_FIRST];
};

extern _Thread_local struct gust__owned_table gust__owned_here __attribute__((tls_model("initial-exec")));

/* ---- What a lock and an unlock do each time: some ten times in a query to SQLite ---- */

static inline size_t gust__owned_home(const void *lock)
{
    return (size_t)(((uintptr_t)lock >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

/* The exclusive entry, true or stale; NULL: none. */
static inline struct gust__owned *gust__owned_find(const void *lock)
{
    const struct gust__owned_table *table = &gust__owned_here;
    if (table->count == 0)
        return NULL;
    struct gust__owned *slots = table->slots;
    size_t mask = table->mask;
    for (size_t i = gust__owned_home(lock) & mask; slots[i].lock; i = (i + 1) & mask)
        if (slots[i].lock == lock && !slots[i].shared)
            return &slots[i];
    return NULL;
}

int gust__owned_grow(void);

/* Makes room for an entry. 0; -1: ENOMEM. */
static inline int gust__owned_reserve(void)
{
    return __builtin_expect(gust__owned_here.count < gust__owned_here.limit, 1) ? 0 : gust__owned_grow();
}

/* The running coroutine has taken it. After gust__owned_reserve it cannot fail. */
static inline void gust__owned_add(const void *lock, const void *caller, bool shared)
{
    struct gust__owned_table *table = &gust__owned_here;
    struct gust__owned *slots = table->slots;
    size_t mask = table->mask, i = gust__owned_home(lock) & mask;
    while (slots[i].lock)
        i = (i + 1) & mask;
    slots[i] = (struct gust__owned){lock, gust__current, caller, 1, shared};
    table->count++;
    table->readings += shared;
    gust__current->context.locks++;
}

void gust__owned_remove_slowly(struct gust__owned *entry);

/* Forgets an entry. Pointers to others are void afterwards. */
static inline void gust__owned_remove(struct gust__owned *entry)
{
    struct gust__owned_table *table = &gust__owned_here;
    size_t next = (size_t)(entry - table->slots + 1) & table->mask;
    if (entry->owner)
        entry->owner->context.locks--;
    table->readings -= entry->shared;
    table->count--;
    if (__builtin_expect(table->slots[next].lock || table->slots != table->first, 0))
        gust__owned_remove_slowly(entry);
    else
        entry->lock = NULL;
}

/* ---- The rest ---- */

int gust__owned_begin(void);

/* This thread, as locks name their owner. */
static inline int gust__owned_thread(void)
{
    int thread = gust__owned_here.thread;
    return __builtin_expect(thread != 0, 1) ? thread : gust__owned_begin();
}

/* The running coroutine's shared entry. */
struct gust__owned *gust__owned_find_reader(const void *lock);

/* Somebody's shared entry. */
struct gust__owned *gust__owned_find_any_reader(const void *lock);

#endif
