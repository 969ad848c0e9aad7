/* Sessions in memory: a hash table, and a list by use, whose oldest give way. */
#include "web/session_store.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/list.h"
#include "base/lock.h"
#include "http/characters.h"

#include <string.h>

#include <gust/error.h>
#include <gust/log.h>

enum { BUCKETS = 4096 };

struct entry {
    struct entry *next; /* of its bucket */
    struct gust__list by_use;
    int64_t expires;
    char key[GUST__SESSION_KEY + 1];
    char record[];
};

struct memory {
    struct gust__session_store store;
    struct gust__lock lock;
    struct gust__list by_use; /* the longest unused first */
    size_t count, max;
    unsigned fork_generation; /* of the process that made it */
    struct entry *buckets[BUCKETS];
};

static struct memory *memory_of(struct gust__session_store *store)
{
    return GUST__CONTAINER(store, struct memory, store);
}

/* A key is a digest: its first digits are as good as any hash of it. */
static struct entry **bucket_of(struct memory *memory, const char *key)
{
    unsigned hash = 0;
    for (int i = 0; i < 3; i++)
        hash = hash * 16 + (unsigned)gust__hex_digit(key[i]);
    return &memory->buckets[hash % BUCKETS];
}

static struct entry **find(struct memory *memory, const char *key)
{
    struct entry **at = bucket_of(memory, key);
    while (*at && strcmp((*at)->key, key) != 0)
        at = &(*at)->next;
    return at;
}

static void drop(struct memory *memory, struct entry **at)
{
    struct entry *entry = *at;
    if (!entry)
        return;
    *at = entry->next;
    gust__list_remove(&entry->by_use);
    memory->count--;
    gust__free(entry);
}

static struct entry *longest_unused(struct memory *memory)
{
    return GUST__CONTAINER(memory->by_use.next, struct entry, by_use);
}

/* Those that have expired, and as many more as there are too many. */
static void make_room(struct memory *memory)
{
    int64_t now = gust__clock_wall() / 1000000000;
    while (memory->count > 0 && (memory->count >= memory->max || longest_unused(memory)->expires <= now))
        drop(memory, find(memory, longest_unused(memory)->key));
}

static int load(struct gust__session_store *store, const char *key, char **record)
{
    struct memory *memory = memory_of(store);
    int result = 0;
    gust__lock_take(&memory->lock);
    struct entry *entry = *find(memory, key);
    if (entry) {
        *record = gust__strdup(entry->record);
        result = *record ? 1 : -1;
    }
    gust__lock_drop(&memory->lock);
    return result;
}

/* Made before the fork and used behind it: there are more processes with a store like this. Once a process.
 */
static void warn_if_forked(struct memory *memory)
{
    if (memory->fork_generation == gust__fork_generation)
        return;
    memory->fork_generation = gust__fork_generation;
    gust_log(GUST_WARNING, "sessions in memory are lost on requests that another process answers: "
                           "keep them in sqlite:FILE or redis://HOST, or serve with one process");
}

static int save(struct gust__session_store *store, const char *key, const char *record, int64_t expires)
{
    struct memory *memory = memory_of(store);
    struct entry *entry = gust__malloc(sizeof(*entry) + strlen(record) + 1);
    if (!entry)
        return -1;
    entry->expires = expires;
    memcpy(entry->key, key, GUST__SESSION_KEY + 1);
    memcpy(entry->record, record, strlen(record) + 1);
    gust__lock_take(&memory->lock);
    warn_if_forked(memory);
    drop(memory, find(memory, key));
    make_room(memory);
    struct entry **bucket = bucket_of(memory, key);
    entry->next = *bucket;
    *bucket = entry;
    gust__list_append(&memory->by_use, &entry->by_use);
    memory->count++;
    gust__lock_drop(&memory->lock);
    return 0;
}

static int forget(struct gust__session_store *store, const char *key)
{
    struct memory *memory = memory_of(store);
    gust__lock_take(&memory->lock);
    drop(memory, find(memory, key));
    gust__lock_drop(&memory->lock);
    return 0;
}

static void free_memory(struct gust__session_store *store)
{
    struct memory *memory = memory_of(store);
    while (memory->count > 0)
        drop(memory, find(memory, longest_unused(memory)->key));
    gust__free(memory);
}

size_t gust__session_memory_count(const struct gust__session_store *store)
{
    return memory_of((struct gust__session_store *)(uintptr_t)store)->count;
}

struct gust__session_store *gust__session_memory_new(size_t max)
{
    struct memory *memory = gust__calloc(1, sizeof(*memory));
    if (!memory)
        return NULL;
    memory->store = (struct gust__session_store){load, save, forget, free_memory};
    memory->max = max;
    memory->fork_generation = gust__fork_generation;
    gust__list_init(&memory->by_use);
    return &memory->store;
}
