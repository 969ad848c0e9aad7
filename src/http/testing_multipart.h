/* For tests and fuzz targets of the multipart parser. */
#ifndef GUST_HTTP_TESTING_MULTIPART_H
#define GUST_HTTP_TESTING_MULTIPART_H

#include "http/multipart.h"
#include "http/testing.h"

#include <errno.h>

static inline int testing_begin_part(void *context, const struct gust__multipart_part *part)
{
    struct testing_text *text = context;
    testing_put(text, "name", part->name);
    if (part->has_filename)
        testing_put(text, "filename", part->filename);
    testing_put(text, "type", part->content_type);
    for (size_t i = 0; i < part->header_count; i++)
        testing_put(text, "header", part->headers[i].name);
    return 0;
}

static inline int testing_take_data(void *context, struct gust__slice data)
{
    struct testing_text *text = context;
    if (data.size == 0)
        abort();
    fwrite(data.data, 1, data.size, text->stream);
    return 0;
}

static inline int testing_end_part(void *context)
{
    struct testing_text *text = context;
    fputs("\nend\n", text->stream);
    return 0;
}

static const struct gust__multipart_callbacks testing_callbacks = {testing_begin_part, testing_take_data,
                                                                   testing_end_part};

/* The outcome for a body that comes as data[0, first) and then in pieces of step bytes. */
static inline struct testing_text *testing_read_multipart(struct gust__slice boundary, const char *data,
                                                          size_t size, size_t first, size_t step)
{
    struct testing_text *text = testing_text_new();
    struct gust__multipart multipart;
    char scratch[1000];
    if (gust__multipart_init(&multipart, boundary, &testing_callbacks, text) < 0)
        abort();
    multipart.scratch = scratch;
    multipart.scratch_size = sizeof(scratch);
    int result = 0;
    for (size_t at = 0, piece = first; at < size && result == 0; at += piece, piece = step) {
        piece = piece < size - at ? piece : size - at;
        char *copy = malloc(piece + 1); /* alone, so that a read outside is seen */
        memcpy(copy, data + at, piece);
        result = gust__multipart_feed(&multipart, copy, piece);
        free(copy);
    }
    if (result == 0)
        result = gust__multipart_finish(&multipart);
    int error = errno;
    fprintf(text->stream, "result=%d\n", result);
    if (result < 0)
        fprintf(text->stream, "refused=%d %s: %s\n", multipart.fault.status, strerror(error),
                multipart.fault.reason);
    return text;
}

/* Aborts unless all splits have one outcome. */
static inline void testing_check_multipart(struct gust__slice boundary, const char *data, size_t size)
{
    struct testing_text *whole = testing_read_multipart(boundary, data, size, size, size);
    for (size_t split = 1; split < size; split++)
        testing_compare(whole, testing_read_multipart(boundary, data, size, split, size), "split");
    testing_compare(whole, testing_read_multipart(boundary, data, size, 1, 1), "byte by byte");
    testing_text_free(whole);
}

#endif
