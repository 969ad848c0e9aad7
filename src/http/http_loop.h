/*
 * What the HTTP code keeps for a loop: the chunks that connections read into and collect answers in, and the
 * servers whose connections end with the loop.
 *
 * A chunk is 64 KiB, and only the pages that were used are there. It is lent for a moment: while a connection
 * has bytes in it that it needs. The free ones are taken last in, first out, so that a loop whose handlers do
 * not park uses the same two again and again, warm in the cache, and an idle connection holds none.
 *
 *     struct gust__http_loop *http = gust__http_loop(loop);
 *     struct gust__http_chunk *chunk = gust__http_chunk_take(http);
 *     ...
 *     gust__http_chunk_give(http, chunk);
 *
 * The loop's thread only.
 */
#ifndef GUST_HTTP_HTTP_LOOP_H
#define GUST_HTTP_HTTP_LOOP_H

#include "base/list.h"
#include "loop/loop.h"

enum {
    GUST__HTTP_CHUNK = 64 << 10,     /* bytes of a lent chunk */
    GUST__HTTP_SPARE_CHUNKS = 32,    /* more free ones than this go back to the heap */
    GUST__HTTP_SPARE_EXCHANGES = 64, /* the same for a server's exchanges */
};

struct gust__http_chunk {
    struct gust__http_chunk *next; /* among the free ones */
    uint32_t capacity;             /* of data; one byte more is there, for a NUL */
    bool lent;                     /* one of the loop's; else of the heap, of a size of its own */
    _Alignas(16) char data[];      /* the system copies to and from here */
};

struct gust__http_loop {
    struct gust__loop_state state;
    gust_loop *loop;
    struct gust__list servers;
    struct gust__http_chunk *spare;
    unsigned spare_count;
};

/* The loop's, made at the first call. NULL: ENOMEM. */
struct gust__http_loop *gust__http_loop(gust_loop *loop);

/* A chunk of GUST__HTTP_CHUNK bytes, lent until it is given back. NULL: ENOMEM. */
struct gust__http_chunk *gust__http_chunk_take(struct gust__http_loop *http);

/* One of the caller's own, of any size. NULL: ENOMEM. */
struct gust__http_chunk *gust__http_chunk_new(size_t capacity);

/* Gives either kind back. NULL is allowed. */
void gust__http_chunk_give(struct gust__http_loop *http, struct gust__http_chunk *chunk);

#endif
