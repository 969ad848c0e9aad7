/*
 * A byte buffer that grows up to a maximum which it is always given (design rule 5: every buffer has one).
 * Bytes are appended at the end and consumed from the front. {.max = n} is an empty, ready buffer.
 */
#ifndef GUST_BASE_BUFFER_H
#define GUST_BASE_BUFFER_H

#include <stdarg.h>
#include <stddef.h>

struct gust__buffer {
    char *data;      /* the allocation; NULL while nothing was ever held */
    size_t start;    /* first byte not yet consumed */
    size_t end;      /* behind the last byte */
    size_t capacity; /* of the allocation; at most max + 1 */
    size_t max;      /* end - start never exceeds it */
};

static inline size_t gust__buffer_length(const struct gust__buffer *buffer)
{
    return buffer->end - buffer->start;
}

/* The first byte; NULL while nothing was ever held. */
static inline char *gust__buffer_bytes(const struct gust__buffer *buffer)
{
    return buffer->data ? buffer->data + buffer->start : NULL;
}

/* Frees the allocation; the buffer is empty and ready again, its maximum kept. */
void gust__buffer_fini(struct gust__buffer *buffer);

/* Makes room for size more bytes behind the end and returns where they go (uninitialised; commit with
 * gust__buffer_added). NULL: ENOBUFS over the maximum, ENOMEM without memory; the content is kept. */
char *gust__buffer_reserve(struct gust__buffer *buffer, size_t size);
void gust__buffer_added(struct gust__buffer *buffer, size_t size);

/* 0, or -1 and ENOBUFS or ENOMEM with the content as it was. */
int gust__buffer_append(struct gust__buffer *buffer, const void *data, size_t size);
int gust__buffer_vprintf(struct gust__buffer *buffer, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
int gust__buffer_printf(struct gust__buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Drops size bytes from the front. An emptied buffer keeps its allocation (fini gives it back). */
void gust__buffer_consume(struct gust__buffer *buffer, size_t size);

#endif
