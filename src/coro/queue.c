/*
 * Bounded queues. Whoever can be served at once is: an item goes straight to the first that waits for one,
 * and the room that a get makes to the first that waits for room. So there are waiting getters only while the
 * queue is empty, and waiting putters only while it is full.
 */
#include "base/alloc.h"
#include "coro/waiters.h"

#include <gust/queue.h>

#include <errno.h>
#include <string.h>

struct entry {
    void *item;
    uint64_t number; /* of its put: equal priorities come out in this order */
};

struct gust_queue {
    struct entry *entries; /* a ring; GUST_PRIORITY: a heap, first at 0 */
    size_t room;           /* of entries; grows up to max */
    size_t first;          /* in the ring */
    size_t count;
    size_t max;
    size_t unfinished; /* items put and not yet done */
    uint64_t puts;
    enum gust_queue_order order;
    int (*compare)(const void *a, const void *b);
    void (*drop)(void *item);
    bool closed;
    struct gust__waiters getters;
    struct gust__waiters putters;
    struct gust__waiters joiners;
};

static int fail(int code)
{
    errno = code;
    return -1;
}

/* ---- The ring ---- */

static struct entry *at(const gust_queue *queue, size_t index)
{
    size_t place = queue->first + index;
    return &queue->entries[place < queue->room ? place : place - queue->room];
}

static int grow(gust_queue *queue)
{
    if (queue->count < queue->room)
        return 0;
    size_t room = queue->room < queue->max / 2 ? queue->room * 2 : queue->max;
    if (queue->room == 0)
        room = queue->max < 16 ? queue->max : 16;
    struct entry *entries = gust__malloc(room * sizeof(*entries));
    if (!entries)
        return -1;
    for (size_t i = 0; i < queue->count; i++)
        entries[i] = *at(queue, i);
    gust__free(queue->entries);
    queue->entries = entries;
    queue->room = room;
    queue->first = 0;
    return 0;
}

static void *take_first(gust_queue *queue)
{
    void *item = at(queue, 0)->item;
    queue->first = queue->first + 1 < queue->room ? queue->first + 1 : 0;
    queue->count--;
    return item;
}

/* ---- The heap ---- */

static bool before(const gust_queue *queue, const struct entry *a, const struct entry *b)
{
    int order = queue->compare(a->item, b->item);
    return order < 0 || (order == 0 && a->number < b->number);
}

static void rise(gust_queue *queue, struct entry entry)
{
    size_t place = queue->count++;
    while (place > 0 && before(queue, &entry, &queue->entries[(place - 1) / 2])) {
        queue->entries[place] = queue->entries[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    queue->entries[place] = entry;
}

static void *take_top(gust_queue *queue)
{
    struct entry *entries = queue->entries;
    void *item = entries[0].item;
    struct entry last = entries[--queue->count];
    size_t place = 0;
    for (size_t child; (child = 2 * place + 1) < queue->count; place = child) {
        if (child + 1 < queue->count && before(queue, &entries[child + 1], &entries[child]))
            child++;
        if (!before(queue, &entries[child], &last))
            break;
        entries[place] = entries[child];
    }
    entries[place] = last;
    return item;
}

/* ---- In and out ---- */

static void push(gust_queue *queue, void *item)
{
    struct entry entry = {item, queue->puts++};
    if (queue->order == GUST_PRIORITY)
        rise(queue, entry);
    else
        *at(queue, queue->count++) = entry;
}

static void *pop(gust_queue *queue)
{
    if (queue->order == GUST_PRIORITY)
        return take_top(queue);
    return queue->order == GUST_LIFO ? at(queue, --queue->count)->item : take_first(queue);
}

int gust_queue_try_put(gust_queue *queue, void *item)
{
    if (!item || queue->closed)
        return fail(item ? EPIPE : EINVAL);
    if (queue->count == queue->max)
        return fail(EAGAIN);
    if (!queue->getters.first && grow(queue) < 0)
        return -1;
    struct gust__waiter *getter = gust__waiters_serve(&queue->getters);
    queue->unfinished++;
    if (getter)
        getter->item = item;
    else
        push(queue, item);
    return 0;
}

int gust_queue_put(gust_queue *queue, void *item)
{
    if (!item || queue->closed || queue->count < queue->max)
        return gust_queue_try_put(queue, item);
    struct gust__waiter waiter = {.item = item};
    if (gust__waiters_wait(&queue->putters, &waiter, "room in a queue") < 0)
        return -1;
    return waiter.item ? fail(EPIPE) : 0; /* whoever takes it in takes it out of the waiter */
}

static void let_putter_in(gust_queue *queue)
{
    struct gust__waiter *putter = gust__waiters_serve(&queue->putters);
    if (!putter)
        return;
    push(queue, putter->item);
    putter->item = NULL;
    queue->unfinished++;
}

void *gust_queue_try_get(gust_queue *queue)
{
    if (queue->count == 0) {
        errno = queue->closed ? EPIPE : EAGAIN;
        return NULL;
    }
    void *item = pop(queue);
    let_putter_in(queue);
    return item;
}

void *gust_queue_get(gust_queue *queue)
{
    if (queue->count > 0 || queue->closed)
        return gust_queue_try_get(queue);
    struct gust__waiter waiter = {.item = NULL};
    if (gust__waiters_wait(&queue->getters, &waiter, "a queue's next item") < 0)
        return NULL;
    if (!waiter.item)
        errno = EPIPE;
    return waiter.item;
}

/* ---- Done, join, close ---- */

int gust_queue_done(gust_queue *queue)
{
    if (queue->unfinished == 0)
        return fail(EINVAL);
    if (--queue->unfinished == 0) {
        while (gust__waiters_serve(&queue->joiners))
            ;
    }
    return 0;
}

int gust_queue_join(gust_queue *queue)
{
    struct gust__waiter waiter;
    return queue->unfinished == 0
               ? 0
               : gust__waiters_wait(&queue->joiners, &waiter, "a queue's items to be done");
}

void gust_queue_close(gust_queue *queue)
{
    queue->closed = true;
    while (gust__waiters_serve(&queue->getters) || gust__waiters_serve(&queue->putters))
        ;
}

size_t gust_queue_length(const gust_queue *queue)
{
    return queue->count;
}

/* ---- Beginning and end ---- */

gust_queue *gust_queue_new_with(size_t max, void (*drop)(void *item), const gust_queue_options *options)
{
    gust_queue_options given = {0};
    memcpy(&given, options, options->size < sizeof(given) ? options->size : sizeof(given));
    if (max == 0 || given.order > GUST_PRIORITY ||
        (given.order == GUST_PRIORITY) != (given.compare != NULL)) {
        errno = EINVAL;
        return NULL;
    }
    if (max > SIZE_MAX / sizeof(struct entry) / 2)
        max = SIZE_MAX / sizeof(struct entry) / 2;
    gust_queue *queue = gust__malloc(sizeof(*queue));
    if (!queue)
        return NULL;
    *queue = (gust_queue){.max = max, .order = given.order, .compare = given.compare, .drop = drop};
    return queue;
}

void gust_queue_free(gust_queue *queue)
{
    if (!queue)
        return;
    while (queue->count > 0) {
        void *item = pop(queue);
        if (queue->drop)
            queue->drop(item);
    }
    gust__free(queue->entries);
    gust__free(queue);
}
