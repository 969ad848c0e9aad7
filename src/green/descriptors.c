/*
 * Which descriptors are registered with this thread's loop, and who waits for them.
 *
 * A descriptor is registered when a coroutine first waits for it, edge-triggered for everything, and stays so
 * until it is closed: a wait costs no system call. Descriptors are the process's and loops are the threads',
 * so closing one is told to all: a table for the whole process has, for each number, whether any loop has it
 * registered and a generation that closing moves on.
 */
#include "base/alloc.h"
#include "base/lock.h"
#include "green/green_int.h"

#include <stdatomic.h>
#include <stdlib.h>

#define ALL_EVENTS (GUST__EDGE | EPOLLPRI)

/* What a loop has. */
struct green_loop {
    struct gust__loop_state state; /* first */
    gust_loop *loop;
    struct gust__green_descriptor **descriptors;
    size_t count;
    struct gust__list member; /* of all green loops, under their lock */
    gust_post post;
    _Atomic bool posted;
};

static struct gust__lock lock; /* for loops */
static struct gust__list loops = {&loops, &loops};

/* ---- The process's table ---- */

enum { CHUNK = 4096, CHUNKS = 4096, REGISTERED = 1 };

/* generation << 1 | REGISTERED. Chunks are made when first needed, and stay. */
static _Atomic(_Atomic uint32_t *) table[CHUNKS];

static _Atomic uint32_t *entry_of(int fd)
{
    if (fd < 0 || fd >= CHUNK * CHUNKS)
        return NULL;
    _Atomic uint32_t *chunk = atomic_load_explicit(&table[fd / CHUNK], memory_order_acquire);
    return chunk ? &chunk[fd % CHUNK] : NULL;
}

static _Atomic uint32_t *make_entry(int fd)
{
    if (fd < 0 || fd >= CHUNK * CHUNKS) {
        errno = EBADF;
        return NULL;
    }
    _Atomic(_Atomic uint32_t *) *place = &table[fd / CHUNK];
    if (!atomic_load_explicit(place, memory_order_acquire)) {
        _Atomic uint32_t *none = NULL, *chunk = gust__calloc(CHUNK, sizeof(*chunk));
        if (!chunk)
            return NULL;
        if (!atomic_compare_exchange_strong(place, &none, chunk))
            gust__free((void *)chunk);
    }
    return entry_of(fd);
}

bool gust__green_registered(int fd)
{
    _Atomic uint32_t *entry = entry_of(fd);
    return entry && atomic_load_explicit(entry, memory_order_relaxed) & REGISTERED;
}

/* ---- A loop's descriptors ---- */

static struct green_loop *here(void)
{
    gust_loop *loop = gust__current->loop;
    return (struct green_loop *)(void *)gust__loop_state(loop, GUST__LOOP_GREEN);
}

static void wake_all(struct gust__list *waiters, uint32_t ready)
{
    for (struct gust__list *node = waiters->next; node != waiters; node = node->next) {
        struct gust__green_waiter *waiter = GUST__CONTAINER(node, struct gust__green_waiter, node);
        if (ready & (waiter->events | EPOLLERR | EPOLLHUP | GUST__GREEN_CLOSED)) {
            waiter->ready |= ready;
            gust__wake(waiter->coroutine);
        }
    }
}

/* On the loop. All who wait for it try again, in the order in which they came. events 0: another part of the
 * program wants the registration for itself. */
static void became_ready(void *owner, uint32_t events)
{
    struct gust__green_descriptor *descriptor = owner;
    if (events == 0) {
        descriptor->generation = 0;
        events = ALL_EVENTS;
    }
    gust__green_heard(descriptor, events);
    wake_all(&descriptor->readers, events);
    wake_all(&descriptor->writers, events);
}

static void release(struct gust__loop_state *state)
{
    struct green_loop *green = (struct green_loop *)(void *)state;
    for (size_t i = 0; i < green->count; i++)
        gust__free(green->descriptors[i]);
    gust__free(green->descriptors);
    gust__free(green);
}

/* Coroutines still end after this; new waits of theirs register again, and the loop's end drops it all. */
static void close_loop(gust_loop *loop, struct gust__loop_state *state)
{
    struct green_loop *green = (struct green_loop *)(void *)state;
    gust__lock_take(&lock);
    gust__list_remove(&green->member);
    gust__lock_drop(&lock);
    while (atomic_load(&green->posted)) /* its memory goes with the loop */
        gust__loop_iterate(loop, 0);
}

static struct green_loop *begin(void)
{
    struct green_loop *green = gust__calloc(1, sizeof(*green));
    if (!green)
        return NULL;
    green->state = (struct gust__loop_state){close_loop, release};
    green->loop = gust__current->loop;
    gust__lock_take(&lock);
    gust__list_append(&loops, &green->member);
    gust__lock_drop(&lock);
    gust__loop_set_state(green->loop, GUST__LOOP_GREEN, &green->state);
    return green;
}

static int grow(struct green_loop *green, int fd)
{
    size_t count = green->count ? green->count : 64;
    while (count <= (size_t)fd)
        count *= 2;
    struct gust__green_descriptor **descriptors =
        gust__realloc(green->descriptors, count * sizeof(struct gust__green_descriptor *));
    if (!descriptors)
        return -1;
    memset(descriptors + green->count, 0, (count - green->count) * sizeof(*descriptors));
    green->descriptors = descriptors;
    green->count = count;
    return 0;
}

static struct gust__green_descriptor *descriptor_of(struct green_loop *green, int fd)
{
    if ((size_t)fd >= green->count && grow(green, fd) < 0)
        return NULL;
    struct gust__green_descriptor *descriptor = green->descriptors[fd];
    if (descriptor)
        return descriptor;
    descriptor = gust__calloc(1, sizeof(*descriptor));
    if (!descriptor)
        return NULL;
    gust__list_init(&descriptor->readers);
    gust__list_init(&descriptor->writers);
    return green->descriptors[fd] = descriptor;
}

/* The file that had this number is gone. */
static void close_here(struct green_loop *green, int fd)
{
    struct gust__green_descriptor *descriptor = (size_t)fd < green->count ? green->descriptors[fd] : NULL;
    if (!descriptor || !descriptor->generation)
        return;
    gust__loop_remove(green->loop, fd);
    descriptor->generation = 0;
    wake_all(&descriptor->readers, GUST__GREEN_CLOSED);
    wake_all(&descriptor->writers, GUST__GREEN_CLOSED);
}

/* Sees to it that fd is registered. */
static int enroll(struct green_loop *green, struct gust__green_descriptor *descriptor, int fd)
{
    _Atomic uint32_t *entry = make_entry(fd);
    if (!entry)
        return -1;
    uint32_t generation = atomic_fetch_or(entry, REGISTERED) | REGISTERED;
    if (descriptor->generation == generation)
        return 0;
    if (descriptor->generation) /* of an earlier file of this number, closed by another thread */
        close_here(green, fd);
    if (gust__loop_add(green->loop, fd, ALL_EVENTS, became_ready, descriptor) < 0)
        return -1;
    gust__loop_lend(green->loop, fd);
    descriptor->generation = generation;
    gust__green_learn(descriptor, fd);
    return 0;
}

struct gust__green_descriptor *gust__green_descriptor(int fd)
{
    const struct green_loop *green = here();
    if (!green || fd < 0 || (size_t)fd >= green->count || !green->descriptors[fd])
        return NULL;
    struct gust__green_descriptor *descriptor = green->descriptors[fd];
    return descriptor->generation && descriptor->generation == *entry_of(fd) ? descriptor : NULL;
}

/* ---- Forking ---- */

static pid_t process;

/* The child has none of its parent's loops, and whoever held the lock is not there. */
static void after_fork(void)
{
    lock = (struct gust__lock){0};
    gust__list_init(&loops);
    process = gust__sys_getpid();
}

static __attribute__((constructor)) void note_process(void)
{
    process = gust__sys_getpid();
    pthread_atfork(NULL, NULL, after_fork);
}

/* ---- Waiting ---- */

static int watch_on(struct green_loop *green, struct gust__green_waiter *waiter, int fd)
{
    struct gust__green_descriptor *descriptor = descriptor_of(green, fd);
    if (!descriptor || enroll(green, descriptor, fd) < 0)
        return -1;
    bool writes = waiter->events == EPOLLOUT;
    gust__list_append(writes ? &descriptor->writers : &descriptor->readers, &waiter->node);
    return 0;
}

/* A stream or a watch has registered this descriptor for itself: it goes on having it, and we wait for a
 * duplicate, which is the same open file. */
static int watch_copy(struct green_loop *green, struct gust__green_waiter *waiter, int fd)
{
    waiter->copy = gust__sys_fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (waiter->copy < 0)
        return -1;
    gust__green_forget(waiter->copy);
    if (watch_on(green, waiter, waiter->copy) == 0)
        return 0;
    int saved = errno;
    gust__sys_close(waiter->copy);
    errno = saved;
    return -1;
}

int gust__green_watch(struct gust__green_waiter *waiter, int fd, uint32_t events)
{
    struct green_loop *green = here();
    *waiter = (struct gust__green_waiter){.coroutine = gust__current, .events = events, .copy = -1};
    if (fd < 0) {
        errno = EBADF;
        return -1;
    }
    if (!green && !(green = begin()))
        return -1;
    int result = watch_on(green, waiter, fd);
    return result < 0 && errno == EEXIST ? watch_copy(green, waiter, fd) : result;
}

void gust__green_unwatch(struct gust__green_waiter *waiter)
{
    int saved = errno;
    gust__list_remove(&waiter->node);
    if (waiter->copy >= 0) {
        gust__green_forget(waiter->copy);
        gust__sys_close(waiter->copy);
    }
    errno = saved;
}

/* ---- Closing ---- */

/* Posted to a loop when another thread has closed descriptors: looks which. */
static int closed_elsewhere(void *argument)
{
    struct green_loop *green = argument;
    atomic_store(&green->posted, false);
    for (size_t fd = 0; fd < green->count; fd++) {
        struct gust__green_descriptor *descriptor = green->descriptors[fd];
        if (descriptor && descriptor->generation && descriptor->generation != *entry_of((int)fd))
            close_here(green, (int)fd);
    }
    return 0;
}

static void tell_the_others(const struct green_loop *own)
{
    gust__lock_take(&lock);
    for (struct gust__list *node = loops.next; node != &loops; node = node->next) {
        struct green_loop *green = GUST__CONTAINER(node, struct green_loop, member);
        if (green != own && !atomic_exchange(&green->posted, true))
            gust_loop_post(green->loop, &green->post, closed_elsewhere, green);
    }
    gust__lock_drop(&lock);
}

static struct green_loop *own_loop(void)
{
    gust_loop *loop = gust_loop_current();
    return loop ? (struct green_loop *)(void *)gust__loop_state(loop, GUST__LOOP_GREEN) : NULL;
}

bool gust__green_known(int fd)
{
    _Atomic uint32_t *entry = entry_of(fd);
    return entry && atomic_load_explicit(entry, memory_order_relaxed) & REGISTERED;
}

void gust__green_forget(int fd)
{
    _Atomic uint32_t *entry = entry_of(fd);
    if (!gust__green_known(fd) || gust__sys_getpid() != process)
        return; /* a child of vfork closes its own descriptors, in its parent's memory */
    int saved = errno;
    uint32_t before = atomic_load(entry);
    while (!atomic_compare_exchange_weak(entry, &before, (before | REGISTERED) + 1))
        ;
    struct green_loop *own = own_loop();
    if (own)
        close_here(own, fd);
    tell_the_others(own);
    errno = saved;
}

void gust__green_forget_range(unsigned first, unsigned last)
{
    for (unsigned chunk = first / CHUNK; chunk <= last / CHUNK && chunk < CHUNKS; chunk++) {
        if (!atomic_load(&table[chunk]))
            continue;
        for (unsigned i = 0; i < CHUNK; i++) {
            unsigned fd = chunk * CHUNK + i;
            if (fd >= first && fd <= last)
                gust__green_forget((int)fd);
        }
    }
}
