/*
 * gust/queue.h - bounded queues between the coroutines of one loop
 *
 *     gust_queue *work = gust_queue_new(100, free);
 *     gust_queue_put(work, strdup("job"));        // waits while it is full
 *     char *job = gust_queue_get(work);           // waits while it is empty
 *     free(job);
 *     gust_queue_done(work);
 *     gust_queue_join(work);                      // until every item put was done
 *     gust_queue_free(work);
 */
#ifndef GUST_QUEUE_H
#define GUST_QUEUE_H

#include <gust/base.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_queue gust_queue;

enum gust_queue_order { GUST_FIFO, GUST_LIFO, GUST_PRIORITY };

typedef struct gust_queue_options {
    size_t size;
    enum gust_queue_order order GUST_ZERO;
    int (*compare)(const void *a, const void *b) GUST_ZERO; /* GUST_PRIORITY: < 0 when a comes out before b */
} gust_queue_options;

/* [any] A queue of at most max items (>= 1). drop (may be NULL) is called for items left in it at its end.
 * Equal priorities come out in the order they were put. NULL: EINVAL, ENOMEM. */
GUST_API gust_queue *gust_queue_new_with(size_t max, void (*drop)(void *item),
                                         const gust_queue_options *options);
#define gust_queue_new(max, drop, ...) \
    gust_queue_new_with(max, drop, GUST_OPTIONS(gust_queue_options, ##__VA_ARGS__))

/* [blk] Puts an item, waiting for room. 0: the queue owns it; -1, and the item is still yours: ETIMEDOUT,
 * ECANCELED, EPIPE (closed). */
GUST_API int gust_queue_put(gust_queue *queue, void *item);
/* [loop] At once or not: EAGAIN when full. */
GUST_API int gust_queue_try_put(gust_queue *queue, void *item);

/* [blk] The next item, yours. NULL: ETIMEDOUT, ECANCELED, EPIPE (closed and empty). */
GUST_API void *gust_queue_get(gust_queue *queue);
/* [loop] At once or not: EAGAIN when empty. */
GUST_API void *gust_queue_try_get(gust_queue *queue);

/* [loop] Says that an item got before is dealt with. 0; -1: EINVAL when called too often. */
GUST_API int gust_queue_done(gust_queue *queue);
/* [blk] Waits until every item put was done. */
GUST_API int gust_queue_join(gust_queue *queue);

/* [loop] No more puts; gets go on until it is empty. */
GUST_API void gust_queue_close(gust_queue *queue);
GUST_API size_t gust_queue_length(const gust_queue *queue); /* [loop] */

/* [loop] Drops what is in it and frees it; nobody may be waiting. NULL is allowed. */
GUST_API void gust_queue_free(gust_queue *queue);

GUST_END_DECLARATIONS

#endif
