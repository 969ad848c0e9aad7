/*
 * A slice: bytes that somebody else owns. What the parsers hand out points into what they were given, and
 * lives as long as that does. No NUL stands behind a slice; an empty one may have any data pointer, NULL
 * included.
 *
 *     if (gust__slice_equals_ignoring_case(header->value, GUST__SLICE("websocket")))
 *         ...
 */
#ifndef GUST_HTTP_SLICE_H
#define GUST_HTTP_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct gust__slice {
    const char *data;
    size_t size;
};

/* A slice of a string literal. */
#define GUST__SLICE(literal) ((struct gust__slice){"" literal, sizeof(literal) - 1})

static inline struct gust__slice gust__slice(const char *data, size_t size)
{
    return (struct gust__slice){data, size};
}

static inline struct gust__slice gust__slice_between(const char *from, const char *to)
{
    return (struct gust__slice){from, (size_t)(to - from)};
}

/* The same slice, copied word by word: if it has just been written so, a read of both words at once would
 * wait until the writes are in the cache. */
static inline struct gust__slice gust__slice_fresh(struct gust__slice slice)
{
    __asm__("" : "+r"(slice.data));
    return slice;
}

/* A slice of NUL-terminated text. */
static inline struct gust__slice gust__slice_of(const char *text)
{
    return (struct gust__slice){text, strlen(text)};
}

static inline bool gust__slice_equals(struct gust__slice one, struct gust__slice other)
{
    return one.size == other.size && (one.size == 0 || memcmp(one.data, other.data, one.size) == 0);
}

/* ASCII only, whatever the locale: other bytes come back as they are. */
static inline unsigned char gust__lower(char byte)
{
    unsigned char c = (unsigned char)byte;
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

static inline bool gust__slice_equals_ignoring_case(struct gust__slice one, struct gust__slice other)
{
    if (one.size != other.size)
        return false;
    for (size_t i = 0; i < one.size; i++) {
        if (gust__lower(one.data[i]) != gust__lower(other.data[i]))
            return false;
    }
    return true;
}

/* The slice behind its first count bytes; count is at most its size. */
static inline struct gust__slice gust__slice_from(struct gust__slice slice, size_t count)
{
    return count ? gust__slice(slice.data + count, slice.size - count) : slice;
}

static inline bool gust__slice_starts_with(struct gust__slice slice, struct gust__slice prefix)
{
    return slice.size >= prefix.size && gust__slice_equals(gust__slice(slice.data, prefix.size), prefix);
}

/* How much of slice stands before the first of the bytes in stops; all of it if there is none. */
static inline size_t gust__slice_size_before(struct gust__slice slice, const char *stops)
{
    size_t size = 0;
    while (size < slice.size && !(slice.data[size] && strchr(stops, slice.data[size])))
        size++;
    return size;
}

/* Without the optional whitespace (SP, HTAB) at both ends: OWS of RFC 9110 5.6.3. */
static inline struct gust__slice gust__slice_trim(struct gust__slice slice)
{
    while (slice.size && (slice.data[slice.size - 1] == ' ' || slice.data[slice.size - 1] == '\t'))
        slice.size--;
    while (slice.size && (*slice.data == ' ' || *slice.data == '\t'))
        slice = gust__slice_from(slice, 1);
    return slice;
}

/*
 * The next member of a comma-separated list (RFC 9110 5.6.1), trimmed; empty members are skipped. The member
 * and its comma leave list. false: none is left. Quoted strings are not understood: for lists of tokens only.
 */
static inline bool gust__slice_next_member(struct gust__slice *list, struct gust__slice *member)
{
    while (list->size) {
        const char *comma = memchr(list->data, ',', list->size);
        size_t size = comma ? (size_t)(comma - list->data) : list->size;
        *member = gust__slice_trim(gust__slice(list->data, size));
        *list = gust__slice_from(*list, comma ? size + 1 : size);
        if (member->size)
            return true;
    }
    return false;
}

#endif
