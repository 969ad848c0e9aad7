/* Coroutine-local values: a small array for each coroutine that has any, and for threads. */
#include "coro/local.h"
#include "base/alloc.h"
#include "coro/coroutine.h"

#include <pthread.h>

struct entry {
    const gust_local *local;
    void *value;
    bool own; /* set here, and not inherited */
};

struct gust__local_values {
    size_t count;
    size_t room;
    struct entry entries[];
};

enum { first_room = 4 };

/* ---- A thread's own ---- */

static _Thread_local struct gust__local_values *thread_values __attribute__((tls_model("initial-exec")));
static pthread_key_t key;
static bool have_key;

static void thread_ends(void *unused)
{
    (void)unused;
    gust__locals_end(&thread_values);
}

static __attribute__((constructor)) void begin(void)
{
    have_key = pthread_key_create(&key, thread_ends) == 0;
}

/* Without a key (the process has used up all 1024) a thread's values are not dropped. */
static void watch_thread(void)
{
    if (have_key)
        pthread_setspecific(key, &thread_values);
}

static struct gust__local_values **values_here(void)
{
    return gust__current ? &gust__current->locals : &thread_values;
}

/* ---- Values ---- */

static struct entry *find(struct gust__local_values *values, const gust_local *local)
{
    for (size_t i = 0; values && i < values->count; i++) {
        if (values->entries[i].local == local)
            return &values->entries[i];
    }
    return NULL;
}

static struct gust__local_values *resize(struct gust__local_values *values, size_t room)
{
    struct gust__local_values *resized = gust__realloc(values, sizeof(*values) + room * sizeof(struct entry));
    if (!resized)
        return NULL;
    if (!values)
        resized->count = 0;
    resized->room = room;
    return resized;
}

/* A new entry at the end; NULL: no memory. */
static struct entry *add(struct gust__local_values **values)
{
    if (!*values || (*values)->count == (*values)->room) {
        struct gust__local_values *resized = resize(*values, *values ? (*values)->room * 2 : first_room);
        if (!resized)
            return NULL;
        *values = resized;
    }
    return &(*values)->entries[(*values)->count++];
}

void *gust_local_get(const gust_local *local)
{
    const struct entry *entry = find(*values_here(), local);
    return entry ? entry->value : NULL;
}

int gust_local_set(const gust_local *local, void *value)
{
    struct gust__local_values **values = values_here();
    struct entry *entry = find(*values, local);
    if (!entry && !(entry = add(values)))
        return -1;
    *entry = (struct entry){.local = local, .value = value, .own = true};
    if (values == &thread_values)
        watch_thread();
    return 0;
}

/* ---- Start and end ---- */

int gust__locals_inherit(struct gust__local_values **child, const struct gust__local_values *parent)
{
    size_t count = 0;
    for (size_t i = 0; parent && i < parent->count; i++)
        count += parent->entries[i].local->inherit;
    *child = NULL;
    if (count == 0)
        return 0;
    struct gust__local_values *values = resize(NULL, count);
    if (!values)
        return -1;
    for (size_t i = 0; i < parent->count; i++) {
        if (parent->entries[i].local->inherit) {
            values->entries[values->count] = parent->entries[i];
            values->entries[values->count++].own = false;
        }
    }
    *child = values;
    return 0;
}

/* A drop may look at values, and even set some: the last set goes first, until none is left. */
void gust__locals_end(struct gust__local_values **values)
{
    while (*values && (*values)->count > 0) {
        struct entry entry = (*values)->entries[--(*values)->count];
        if (entry.own && entry.value && entry.local->drop)
            entry.local->drop(entry.value);
    }
    gust__free(*values);
    *values = NULL;
}
