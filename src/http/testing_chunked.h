/* For tests and fuzz targets of the chunked decoder. */
#ifndef GUST_HTTP_TESTING_CHUNKED_H
#define GUST_HTTP_TESTING_CHUNKED_H

#include "http/chunked.h"
#include "http/testing.h"

/* Feeds data[0, size). -> bytes consumed */
static inline size_t testing_feed(struct gust__chunked *chunked, struct testing_text *body, const char *data,
                                  size_t size, bool *refused)
{
    size_t at = 0;
    while (at < size && !*refused && !gust__chunked_done(chunked)) {
        struct gust__slice payload;
        ssize_t consumed = gust__chunked_read(chunked, data + at, size - at, &payload);
        if (consumed == 0 || consumed > (ssize_t)(size - at))
            abort();
        *refused = consumed < 0;
        if (consumed > 0) {
            fwrite(payload.data, 1, payload.size, body->stream);
            at += (size_t)consumed;
        }
    }
    return at;
}

/* The outcome for data that comes in pieces of at most step bytes. */
static inline struct testing_text *testing_decode_steps(const char *data, size_t size, size_t first,
                                                        size_t step)
{
    struct testing_text *text = testing_text_new();
    struct gust__chunked chunked;
    struct gust__header headers[1024];
    char trailer[4096];
    bool refused = false;
    size_t at = 0;
    gust__chunked_init(&chunked, trailer, sizeof(trailer));
    for (size_t piece = first; at < size && !refused && !gust__chunked_done(&chunked); piece = step) {
        piece = piece < size - at ? piece : size - at;
        char *copy = malloc(piece + 1); /* alone, so that a read outside is seen */
        memcpy(copy, data + at, piece);
        size_t consumed = testing_feed(&chunked, text, copy, piece, &refused);
        at += consumed;
        free(copy);
    }
    fprintf(text->stream, "\ndone=%d\n", gust__chunked_done(&chunked));
    if (refused)
        fprintf(text->stream, "refused=%d %s\n", chunked.fault.status, chunked.fault.reason);
    if (gust__chunked_done(&chunked)) {
        ssize_t count = gust__chunked_trailers(&chunked, headers, 1024);
        fprintf(text->stream, "consumed=%zu trailers=%zd\n", at, count);
        for (ssize_t i = 0; i < count; i++) {
            testing_put(text, "name", headers[i].name);
            testing_put(text, "value", headers[i].value);
        }
    }
    return text;
}

/* The outcome for data split in two. */
static inline struct testing_text *testing_decode(const char *data, size_t size, size_t split)
{
    return testing_decode_steps(data, size, split, size);
}

/* Aborts unless all splits have one outcome. */
static inline void testing_check_chunked(const char *data, size_t size)
{
    struct testing_text *whole = testing_decode(data, size, size);
    for (size_t split = 1; split < size; split++)
        testing_compare(whole, testing_decode(data, size, split), "split");
    testing_compare(whole, testing_decode_steps(data, size, 1, 1), "byte by byte");
    testing_text_free(whole);
}

#endif
