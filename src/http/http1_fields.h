/*
 * Inside the head parser: the header section, common to requests, responses and trailers. See http1_head.h
 * for what is accepted.
 */
#ifndef GUST_HTTP_HTTP1_FIELDS_H
#define GUST_HTTP_HTTP1_FIELDS_H

#include "http/http1_head.h"
#include "http/scan.h"

/* The bytes that a parser may read. */
struct gust__http1_input {
    const char *start;
    const char *end;
};

/* Sets the fault and errno. -> -1 */
int gust__http1_set_fault(struct gust__http1_fault *fault, int status, const char *reason)
    __attribute__((cold));

/* The fault of a line that begins with white space. */
extern const char gust__http1_folded[];

/*
 * Parses header lines from at on, up to and with the empty line, into fields, whose headers must be set and
 * have room for max. -> behind the empty line; NULL: refused, or, with fault->status as it was, the input
 * ends before.
 */
const char *gust__http1_fields_fast(struct gust__fields *fields, size_t max,
                                    const struct gust__http1_input *input, const char *at,
                                    struct gust__http1_fault *fault);
const char *gust__http1_fields_scalar(struct gust__fields *fields, size_t max,
                                      const struct gust__http1_input *input, const char *at,
                                      struct gust__http1_fault *fault);

/*
 * Parses data[0, size), header lines each with its CRLF and no empty line behind them, without a look at what
 * they mean: trailers, and the headers of a part. -> how many; -1: fault and errno are set
 */
ssize_t gust__http1_parse_lines(struct gust__header *headers, size_t max, const char *data, size_t size,
                                struct gust__http1_fault *fault);

/* Whether the connection may go on after a message of HTTP/1.minor (RFC 9112 9.3). */
static inline bool gust__http1_keeps_alive(const struct gust__fields *fields, int minor)
{
    return !fields->close && (minor >= 1 || fields->keep_alive_option);
}

/* The rules for a section with a coding. -> 0, or -1 */
int gust__http1_check_chunked(const struct gust__fields *fields, int minor, struct gust__http1_fault *fault);

/* The rules that need the whole section: a length beside a coding, a coding in HTTP/1.0. -> 0, or -1 */
static inline int gust__http1_check_framing(const struct gust__fields *fields, int minor,
                                            struct gust__http1_fault *fault)
{
    return fields->chunked ? gust__http1_check_chunked(fields, minor, fault) : 0;
}

/* The first Upgrade field, if the Connection field names it and the version has upgrades; else empty. */
static inline struct gust__slice gust__http1_upgrade(const struct gust__fields *fields, int minor)
{
    const struct gust__header *header =
        fields->upgrade_option && minor >= 1 ? gust__fields_first(fields, GUST__HEADER_UPGRADE) : NULL;
    return header ? header->value : GUST__SLICE("");
}

void gust__fields_rebase(struct gust__fields *fields, const char *from, size_t size, const char *to);

/* Points slice into to's bytes, if it pointed into from's. */
static inline void gust__slice_rebase(struct gust__slice *slice, const char *from, size_t size,
                                      const char *to)
{
    uintptr_t offset = (uintptr_t)slice->data - (uintptr_t)from;
    if (slice->data && offset <= size)
        slice->data = to + offset;
}

#endif
