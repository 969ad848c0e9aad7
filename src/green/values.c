/*
 * Thread-specific values. They stay the thread's, but for one: OpenSSL's error queue, which a library fills
 * in one call and reads in the next. A coroutine has a queue of its own; when it ends, the queue is emptied
 * and kept for the next that needs one.
 *
 * Which key it is under, OpenSSL does not tell: it is the one that ERR_peek_error asks for.
 *
 * At the end of a thread OpenSSL frees one queue for each that it made there; where it then finds none of the
 * thread's own, it gets the kept ones, one after the other.
 */
#include "base/alloc.h"
#include "green/green_int.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdatomic.h>

#define NO_KEY       UINT_MAX
#define INITIAL_EXEC __attribute__((tls_model("initial-exec")))

_Atomic bool gust__green_values_new;
static _Atomic unsigned queue_key = NO_KEY;
static unsigned long (*_Atomic peek)(void);
static void (*_Atomic clear)(void);

/* ---- Finding the key ---- */

static _Thread_local struct {
    bool on;
    unsigned count;
    pthread_key_t key;
} watch INITIAL_EXEC;

static void find_functions(void)
{
    if (atomic_load(&peek))
        return;
    void *peek_error = dlsym(RTLD_DEFAULT, "ERR_peek_error");
    void *clear_error = dlsym(RTLD_DEFAULT, "ERR_clear_error");
    if (!peek_error || !clear_error)
        return;
    unsigned long (*call_peek)(void);
    void (*call_clear)(void);
    memcpy(&call_peek, &peek_error, sizeof(call_peek));
    memcpy(&call_clear, &clear_error, sizeof(call_clear));
    atomic_store(&clear, call_clear);
    atomic_store(&peek, call_peek);
}

/* OpenSSL's, under the key, while it makes a queue. */
#define IN_THE_MAKING ((void *)-1)

static bool is_queue(const void *value)
{
    return value && value != IN_THE_MAKING;
}

/* What the running coroutine has put into the thread's queue so far is its own. A mark may be that of another
 * coroutine, which waits while it makes a queue: that one will set it. */
static void take_along(pthread_key_t key)
{
    if (!gust__current || gust__current->green.values)
        return;
    void *value = gust__green_next.pthread_getspecific(key);
    if (is_queue(value))
        gust__current->green.values = value;
    gust__green_next.pthread_setspecific(key, NULL);
}

bool gust__green_values_probe(void)
{
    int saved = errno;
    atomic_store(&gust__green_values_new, false);
    if (atomic_load(&queue_key) != NO_KEY)
        return false;
    find_functions();
    unsigned long (*ask)(void) = atomic_load(&peek);
    if (ask) {
        ask(); /* the first time it makes what it needs, under other keys too */
        watch.on = true;
        watch.count = 0;
        ask();
        watch.on = false;
        if (watch.count == 1) {
            take_along(watch.key);
            atomic_store(&queue_key, watch.key);
        }
    }
    errno = saved;
    return ask != NULL;
}

/* Another thread's probe found the key while OpenSSL made a queue here: its mark is the thread's, but the
 * queue is going to be the coroutine's. At the thread's end OpenSSL would take the mark for a queue. */
static void forget_mark(pthread_key_t key)
{
    if (gust__green_next.pthread_getspecific(key) == IN_THE_MAKING)
        gust__green_next.pthread_setspecific(key, NULL);
}

/* ---- Queues that are kept ---- */

enum { KEPT_FIRST = 16 };

static _Thread_local struct {
    size_t count, size; /* size: of more */
    void *first[KEPT_FIRST];
    void **more; /* the rest */
} kept INITIAL_EXEC;

static void keep(void *queue)
{
    if (kept.count < KEPT_FIRST) {
        kept.first[kept.count++] = queue;
        return;
    }
    size_t place = kept.count - KEPT_FIRST;
    if (place == kept.size) {
        size_t size = kept.size ? kept.size * 2 : 64;
        void **more = gust__realloc(kept.more, size * sizeof(*more));
        if (!more)
            return; /* lost, as all memory is */
        kept.more = more;
        kept.size = size;
    }
    kept.more[place] = queue;
    kept.count++;
}

static void *take_kept(void)
{
    if (kept.count == 0)
        return NULL;
    if (--kept.count < KEPT_FIRST)
        return kept.first[kept.count];
    void *queue = kept.more[kept.count - KEPT_FIRST];
    if (kept.count == KEPT_FIRST) {
        gust__free(kept.more);
        kept.more = NULL;
        kept.size = 0;
    }
    return queue;
}

void gust__green_values_end(struct gust__coroutine *coroutine)
{
    void (*empty)(void) = atomic_load(&clear);
    if (is_queue(coroutine->green.values) && atomic_load(&queue_key) != NO_KEY && empty) {
        empty(); /* the coroutine still runs: this is its own queue */
        keep(coroutine->green.values);
    }
    coroutine->green.values = NULL;
}

/* ---- The queue's key ---- */

static void *queue_here(pthread_key_t key)
{
    void *queue = gust__current ? gust__current->green.values : gust__green_next.pthread_getspecific(key);
    if (queue || kept.count == 0)
        return queue;
    queue = take_kept();
    if (gust__current)
        gust__current->green.values = queue;
    else
        gust__green_next.pthread_setspecific(key, queue);
    return queue;
}

GUST__EXPORT void *pthread_getspecific(pthread_key_t key)
{
    if (__builtin_expect(watch.on, 0)) {
        watch.count += watch.count == 0 || watch.key != key;
        watch.key = key;
    }
    if (__builtin_expect(key == atomic_load_explicit(&queue_key, memory_order_relaxed), 0))
        return queue_here(key);
    return gust__green_next.pthread_getspecific(key);
}

GUST__EXPORT int pthread_setspecific(pthread_key_t key, const void *value)
{
    void *mutable = (void *)(uintptr_t)value;
    if (gust__current && key == atomic_load_explicit(&queue_key, memory_order_relaxed)) {
        gust__current->green.values = mutable;
        forget_mark(key);
        return 0;
    }
    return gust__green_next.pthread_setspecific(key, mutable);
}

GUST__EXPORT int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    int code = gust__green_next.pthread_key_create(key, destructor);
    if (code == 0)
        atomic_store_explicit(&gust__green_values_new, true, memory_order_relaxed);
    return code;
}

GUST__EXPORT int pthread_key_delete(pthread_key_t key)
{
    if (key == atomic_load_explicit(&queue_key, memory_order_relaxed))
        atomic_store(&queue_key, NO_KEY);
    return gust__green_next.pthread_key_delete(key);
}
