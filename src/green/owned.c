/* A thread's table of who owns which lock: open addressing, with room for a few before it allocates. */
#include "green/owned.h"

#include "base/alloc.h"

#include <gust/log.h>

#include <stdlib.h>

_Thread_local struct gust__owned_table gust__owned_here;

int gust__owned_ask_thread(void)
{
    return gust__owned_here.thread = (int)gust__sys_call("gettid", SYS_gettid, 0, 0, 0, 0, 0, 0);
}

/* ---- The table ---- */

static struct gust__owned *slots_of(struct gust__owned_table *table)
{
    return table->slots ? table->slots : table->first;
}

static size_t mask_of(const struct gust__owned_table *table)
{
    return table->slots ? table->mask : GUST__OWNED_FIRST - 1;
}

static size_t home_of(const void *lock)
{
    return (size_t)(((uintptr_t)lock >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 40);
}

struct gust__owned *gust__owned_find(const void *lock)
{
    struct gust__owned *slots = slots_of(&gust__owned_here);
    size_t mask = mask_of(&gust__owned_here);
    for (size_t i = home_of(lock) & mask; slots[i].lock; i = (i + 1) & mask)
        if (slots[i].lock == lock && !slots[i].shared)
            return &slots[i];
    return NULL;
}

static struct gust__owned *find_reader(const void *lock, const struct gust__coroutine *owner)
{
    struct gust__owned *slots = slots_of(&gust__owned_here);
    size_t mask = mask_of(&gust__owned_here);
    for (size_t i = home_of(lock) & mask; slots[i].lock; i = (i + 1) & mask)
        if (slots[i].lock == lock && slots[i].shared && (!owner || slots[i].owner == owner))
            return &slots[i];
    return NULL;
}

struct gust__owned *gust__owned_find_reader(const void *lock)
{
    return find_reader(lock, gust__current);
}

struct gust__owned *gust__owned_find_any_reader(const void *lock)
{
    return find_reader(lock, NULL);
}

static struct gust__owned *put(struct gust__owned *slots, size_t mask, const struct gust__owned *entry)
{
    size_t i = home_of(entry->lock) & mask;
    while (slots[i].lock)
        i = (i + 1) & mask;
    slots[i] = *entry;
    return &slots[i];
}

static int grow(struct gust__owned_table *table)
{
    size_t before = mask_of(table) + 1, size = before * 2;
    struct gust__owned *from = slots_of(table), *to = gust__calloc(size, sizeof(*to));
    if (!to)
        return -1;
    for (size_t i = 0; i < before; i++)
        if (from[i].lock)
            put(to, size - 1, &from[i]);
    gust__free(table->slots);
    memset(table->first, 0, sizeof(table->first));
    table->slots = to;
    table->mask = size - 1;
    return 0;
}

int gust__owned_reserve(void)
{
    struct gust__owned_table *table = &gust__owned_here;
    return table->count < (mask_of(table) + 1) / 4 * 3 ? 0 : grow(table);
}

void gust__owned_add(const void *lock, const void *caller, bool shared)
{
    struct gust__owned_table *table = &gust__owned_here;
    struct gust__owned entry = {lock, gust__current, caller, 1, shared};
    put(slots_of(table), mask_of(table), &entry);
    table->count++;
    table->readings += shared;
    entry.owner->context.locks++;
}

/* Entries behind the gap that could not have their own place move up. */
static void close_gap(struct gust__owned *slots, size_t mask, size_t gap)
{
    for (size_t i = (gap + 1) & mask; slots[i].lock; i = (i + 1) & mask) {
        size_t home = home_of(slots[i].lock) & mask;
        if (((i - home) & mask) < ((i - gap) & mask))
            continue;
        slots[gap] = slots[i];
        gap = i;
    }
    slots[gap] = (struct gust__owned){0};
}

void gust__owned_remove(struct gust__owned *entry)
{
    struct gust__owned_table *table = &gust__owned_here;
    struct gust__owned *slots = slots_of(table);
    if (entry->owner)
        entry->owner->context.locks--;
    table->readings -= entry->shared;
    close_gap(slots, mask_of(table), (size_t)(entry - slots));
    if (--table->count > 0 || !table->slots)
        return;
    gust__free(table->slots); /* so that a thread that ends leaves nothing */
    table->slots = NULL;
}

/* ---- Locks that nobody will release ---- */

static void log_kept(const struct gust__owned *entry, const char *how)
{
    char caller[200];
    gust__green_describe(caller, sizeof(caller), entry->caller);
    gust_log(GUST_ERROR, "%s %s while it owned the lock at %p, which it took in %s",
             gust__coroutine_name(entry->owner), how, entry->lock, caller);
}

/* A throw has left the frames that would have released them. To go on would be to work on what the lock
 * guarded, half changed. */
static _Noreturn void thrown(void)
{
    struct gust__owned_table *table = &gust__owned_here;
    for (size_t i = 0; i <= mask_of(table); i++) {
        const struct gust__owned *entry = &slots_of(table)[i];
        if (entry->lock && entry->owner == gust__current)
            log_kept(entry, "threw");
    }
    gust__coroutine_report(gust__current, gust_error_text(gust_error_last()));
    abort();
}

/* As with a thread that ends: the locks stay taken. The entries stay too, without an owner. */
static void ended(struct gust__coroutine *coroutine)
{
    struct gust__owned_table *table = &gust__owned_here;
    for (size_t i = 0; coroutine->context.locks && i <= mask_of(table); i++) {
        struct gust__owned *entry = &slots_of(table)[i];
        if (!entry->lock || entry->owner != coroutine)
            continue;
        log_kept(entry, "ended");
        entry->owner = NULL;
        coroutine->context.locks--;
    }
}

static void ends(struct gust__coroutine *coroutine)
{
    ended(coroutine);
    if (coroutine->green.values)
        gust__green_values_end(coroutine);
}

/* In a forked child: this thread has another number, and no coroutines. */
static void begin_anew(void)
{
    struct gust__owned_table *table = &gust__owned_here;
    gust__free(table->slots);
    memset(table, 0, sizeof(*table));
}

static __attribute__((constructor)) void begin(void)
{
    gust__locks_lost = thrown;
    gust__coroutine_green_ends = ends;
    pthread_atfork(NULL, NULL, begin_anew);
}
