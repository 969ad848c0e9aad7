/*
 * Content codings (RFC 9110 8.4): gzip, br, zstd, and deflate of those that only read it.
 *
 *     enum gust__coding coding = gust__coding_choose(&head->fields, order, GUST_LEN(order));
 *     struct gust__encoder *encoder = gust__encoder_new(coding, 0);
 *     for (bool done = false; !done;) {
 *         ssize_t made = gust__encode(encoder, &text, GUST__ENCODE_END, room, sizeof(room), &done);
 *         ...
 *     }
 *     gust__encoder_free(encoder);
 *
 * Both directions work piece by piece in memory of a fixed size, chosen for answers that are made while the
 * client waits, on the loop: gzip's level 5 and 256 KiB, brotli's quality 4 and zstd's level 3 with windows
 * of 256 KiB. A decoder's window is at most gzip's 32 KiB, brotli's 16 MiB, zstd's 8 MiB (RFC 9659), taken as
 * the data uses it. An encoder or decoder belongs to one thread.
 */
#ifndef GUST_HTTP_CODING_H
#define GUST_HTTP_CODING_H

#include "http/http1_head.h"
#include "http/slice.h"

#include <stdbool.h>
#include <sys/types.h>

enum gust__coding {
    GUST__CODING_IDENTITY,
    GUST__CODING_GZIP,
    GUST__CODING_BROTLI,
    GUST__CODING_ZSTD,
    GUST__CODING_DEFLATE, /* read only: what it means has been disputed for too long to write it */
    GUST__CODING_UNKNOWN
};

/* "gzip"; "identity". */
struct gust__slice gust__coding_name(enum gust__coding coding);

/* Of a name as it comes; x-gzip is gzip. */
enum gust__coding gust__coding_named(struct gust__slice name);

/* Which of the codings in order the request wants most, by Accept-Encoding: of equal ones the first.
 * GUST__CODING_IDENTITY: none, or it did not say. */
enum gust__coding gust__coding_choose(const struct gust__fields *fields, const enum gust__coding *order,
                                      size_t count);

/* ---- encoder.c ---- */

struct gust__encoder;

enum gust__encode {
    GUST__ENCODE_ON,    /* more comes: it may keep what it was given */
    GUST__ENCODE_FLUSH, /* what came so far can be decoded from what it gives */
    GUST__ENCODE_END
};

/* expected: bytes that will come, which spares memory; 0: not known. NULL: ENOMEM; EINVAL for a coding that
 * is not written. */
struct gust__encoder *gust__encoder_new(enum gust__coding coding, size_t expected);
void gust__encoder_free(struct gust__encoder *encoder); /* NULL is allowed */

enum { GUST__ENCODE_ROOM = 16 }; /* zlib flushes for ever into less */

/* Takes from the front of *text, writes at most room bytes, which are GUST__ENCODE_ROOM or more. *done: all
 * of it was taken, and what `what` asks for is complete; else call again with the same `what`. -> bytes; -1
 * and ENOMEM */
ssize_t gust__encode(struct gust__encoder *encoder, struct gust__slice *text, enum gust__encode what,
                     char *to, size_t room, bool *done);

/* ---- decoder.c ---- */

struct gust__decoder;

/* NULL: ENOMEM; EINVAL for what is no coding. */
struct gust__decoder *gust__decoder_new(enum gust__coding coding);
void gust__decoder_free(struct gust__decoder *decoder); /* NULL is allowed */

/* Takes from the front of *data, writes at most room bytes, room > 0. -> bytes; fewer than room: more data is
 * needed, all of it was taken. -1: EBADMSG (malformed, or data behind its end), ENOMEM. How much may come is
 * the caller's to limit: a thousandfold is possible. */
ssize_t gust__decode(struct gust__decoder *decoder, struct gust__slice *data, char *to, size_t room);

/* Whether what came so far is whole. Nothing at all is. */
bool gust__decoder_whole(const struct gust__decoder *decoder);

#endif
