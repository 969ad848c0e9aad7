/* A thread's table of who owns which lock: open addressing, with room for a few before it allocates. */
#include "green/owned.h"

#include "base/log_int.h"
#include "base/alloc.h"

#include <gust/log.h>

#include <stdlib.h>

_Thread_local struct gust__owned_table gust__owned_here;

int gust__owned_begin(void)
{
    struct gust__owned_table *table = &gust__owned_here;
    table->slots = table->first;
    table->mask = GUST__OWNED_FIRST - 1;
    table->limit = GUST__OWNED_FIRST / 4 * 3;
    return table->thread = (int)gust__sys_call("gettid", SYS_gettid, 0, 0, 0, 0, 0, 0);
}

static struct gust__owned *find_reader(const void *lock, const struct gust__coroutine *owner)
{
    const struct gust__owned_table *table = &gust__owned_here;
    if (table->readings == 0)
        return NULL;
    struct gust__owned *slots = table->slots;
    for (size_t i = gust__owned_home(lock) & table->mask; slots[i].lock; i = (i + 1) & table->mask)
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

static void put(struct gust__owned *slots, size_t mask, const struct gust__owned *entry)
{
    size_t i = gust__owned_home(entry->lock) & mask;
    while (slots[i].lock)
        i = (i + 1) & mask;
    slots[i] = *entry;
}

int gust__owned_grow(void)
{
    struct gust__owned_table *table = &gust__owned_here;
    if (!table->slots) {
        gust__owned_begin();
        return 0;
    }
    size_t before = table->mask + 1, size = before * 2;
    struct gust__owned *from = table->slots, *to = gust__calloc(size, sizeof(*to));
    if (!to)
        return -1;
    for (size_t i = 0; i < before; i++)
        if (from[i].lock)
            put(to, size - 1, &from[i]);
    if (from == table->first)
        memset(table->first, 0, sizeof(table->first));
    else
        gust__free(from);
    table->slots = to;
    table->mask = size - 1;
    table->limit = size / 4 * 3;
    return 0;
}

/* Entries behind the gap that could not have their own place move up. An allocated table goes with its last
 * entry, so that a thread that ends leaves nothing. */
void gust__owned_remove_slowly(struct gust__owned *entry)
{
    struct gust__owned_table *table = &gust__owned_here;
    struct gust__owned *slots = table->slots;
    size_t mask = table->mask, gap = (size_t)(entry - slots);
    for (size_t i = (gap + 1) & mask; slots[i].lock; i = (i + 1) & mask) {
        size_t home = gust__owned_home(slots[i].lock) & mask;
        if (((i - home) & mask) < ((i - gap) & mask))
            continue;
        slots[gap] = slots[i];
        gap = i;
    }
    slots[gap].lock = NULL;
    if (table->count > 0 || slots == table->first)
        return;
    gust__free(slots);
    gust__owned_begin();
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
    for (size_t i = 0; table->slots && i <= table->mask; i++) {
        const struct gust__owned *entry = &table->slots[i];
        if (entry->lock && entry->owner == gust__current)
            log_kept(entry, "threw");
    }
    gust__coroutine_report(gust__current, gust_error_text(gust_error_last()));
    gust__log_drain();
    abort();
}

/* As with a thread that ends: the locks stay taken. The entries stay too, without an owner. */
static void ended(struct gust__coroutine *coroutine)
{
    struct gust__owned_table *table = &gust__owned_here;
    for (size_t i = 0; coroutine->context.locks && table->slots && i <= table->mask; i++) {
        struct gust__owned *entry = &table->slots[i];
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
    if (table->slots != table->first)
        gust__free(table->slots);
    memset(table, 0, sizeof(*table));
}

static __attribute__((constructor)) void begin(void)
{
    gust__locks_lost = thrown;
    gust__coroutine_green_ends = ends;
    pthread_atfork(NULL, NULL, begin_anew);
}
