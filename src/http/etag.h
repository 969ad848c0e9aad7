/*
 * Entity tags (RFC 9110 8.8.3) and the conditions that ask for them (13.1).
 *
 *     if (gust__etag_listed(header->value, GUST__SLICE("\"33a64\""), GUST__ETAG_WEAK))
 *         ... 304
 *
 * Any thread.
 */
#ifndef GUST_HTTP_ETAG_H
#define GUST_HTTP_ETAG_H

#include "http/slice.h"

#include <stdint.h>

enum gust__etag_comparison {
    GUST__ETAG_WEAK,  /* If-None-Match: W/"x" and "x" are the same */
    GUST__ETAG_STRONG /* If-Match, If-Range: weak ones match nothing */
};

/* Whether it is an entity tag: "…" or W/"…". */
bool gust__etag_valid(struct gust__slice etag);

/* Whether one entity tag is another. */
bool gust__etag_equals(struct gust__slice one, struct gust__slice other, enum gust__etag_comparison how);

/* Whether etag is in a list as If-None-Match and If-Match have it; "*" has every one in it. What is no entity
 * tag in the list ends the look: it is not listed. Linear. */
bool gust__etag_listed(struct gust__slice list, struct gust__slice etag, enum gust__etag_comparison how);

enum { GUST__ETAG_ROOM = 2 + 32 + 1 };

/* The entity tag of a body: a fast hash of 128 bits in quotes, and a NUL. It tells versions of a page apart;
 * against somebody who seeks two bodies with one tag it does nothing, and need not. Of a body in pieces: add
 * them in turn to a hash that begins as {0}. */
struct gust__etag_hash {
    uint64_t lanes[2];
    uint64_t size;
    unsigned char rest[16];
    unsigned rest_size;
};
void gust__etag_hash_add(struct gust__etag_hash *hash, const void *data, size_t size);
void gust__etag_hash_write(struct gust__etag_hash *hash, char etag[GUST__ETAG_ROOM]);

#endif
