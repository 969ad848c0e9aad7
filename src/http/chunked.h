/*
 * The chunked transfer coding (RFC 9112 7.1): a decoder that is fed bytes as they come, and the little that
 * an encoder needs. No allocation, nothing copied but trailers that the caller asked for.
 *
 *     struct gust__chunked chunked;
 *     gust__chunked_init(&chunked, NULL, 0);
 *     while (size > 0 && !gust__chunked_done(&chunked)) {
 *         struct gust__slice payload;
 *         ssize_t consumed = gust__chunked_read(&chunked, data, size, &payload);
 *         if (consumed < 0)
 *             return refuse(chunked.fault.status);
 *         take(payload);                            (may be empty)
 *         data += consumed, size -= (size_t)consumed;
 *     }
 *
 * Strict, because what two servers of a chain read differently here is a smuggled request: digits are
 * hexadecimal digits and nothing else, lines end in CRLF, white space stands before ';' only (where 7.1.1
 * demands that it is taken). Sizes are counted to 63 bits, digits to 16. Extensions are ignored and bounded
 * over the whole message: 400 above GUST__CHUNKED_MAX_EXTENSIONS bytes. Trailers are checked as header lines
 * are, never merged into the header section, and bounded: 431.
 *
 * How long a body may be is the caller's to count. Any thread.
 */
#ifndef GUST_HTTP_CHUNKED_H
#define GUST_HTTP_CHUNKED_H

#include "http/http1_head.h"

enum {
    GUST__CHUNKED_MAX_EXTENSIONS = 16 << 10, /* bytes, of a whole message */
    GUST__CHUNKED_MAX_TRAILERS = 16 << 10,   /* bytes, when they are not kept */
    GUST__CHUNKED_MAX_DIGITS = 16            /* of one chunk's size, leading zeros included */
};

struct gust__chunked {
    struct gust__http1_fault fault;
    int state;
    int digits;
    uint64_t left; /* of the current chunk's payload */
    size_t extensions;
    size_t trailer_size;
    size_t trailer_max;
    char *trailer; /* NULL: not kept */
};

/* Readies a decoder. trailer (borrowed, until the decoder is done with) has room for size bytes of trailer
 * lines; more are refused with 431. NULL: they are checked and dropped. */
void gust__chunked_init(struct gust__chunked *chunked, char *trailer, size_t size);

/*
 * Reads from data[0, size) up to the end of one run of payload, which payload tells (a slice of data). -> the
 * bytes consumed: all of them, or up to the end of a payload that is not empty, or up to the end of the
 * message; -1: chunked->fault and errno are set.
 */
ssize_t gust__chunked_read(struct gust__chunked *chunked, const char *data, size_t size,
                           struct gust__slice *payload);

/* The last chunk and the trailers were read. */
bool gust__chunked_done(const struct gust__chunked *chunked);

/* The trailers kept by a decoder that is done, as slices of its trailer. -> how many; -1 and EMSGSIZE: more
 * than max. */
ssize_t gust__chunked_trailers(const struct gust__chunked *chunked, struct gust__header *headers, size_t max);

enum { GUST__CHUNK_HEADER_SIZE = 18 };
#define GUST__CHUNK_END  "\r\n"      /* behind a chunk's payload */
#define GUST__LAST_CHUNK "0\r\n\r\n" /* behind the last one's, without trailers */

/* Writes what stands before a chunk's payload of size bytes, size above 0. -> its length; no NUL is written
 */
size_t gust__chunk_header(char header[GUST__CHUNK_HEADER_SIZE], uint64_t size);

#endif
