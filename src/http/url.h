/*
 * URLs and their encodings (RFC 3986, RFC 9110 4.2, and application/x-www-form-urlencoded of the URL
 * standard).
 *
 *     struct gust__form form = {.rest = head.query, .max = 1000};
 *     struct gust__slice name, value;
 *     int more;
 *     while ((more = gust__form_next(&form, &name, &value)) > 0)
 *         ...                                            still encoded: gust__url_decode decodes each
 *
 * Decoding is strict: '%' must be followed by two hexadecimal digits, and must not hide a NUL. Whether the
 * result is UTF-8 is for whoever needs text. Any thread.
 */
#ifndef GUST_HTTP_URL_H
#define GUST_HTTP_URL_H

#include "http/slice.h"

#include <sys/types.h>

enum gust__url_part {
    GUST__URL_PATH, /* '+' is itself */
    GUST__URL_FORM  /* '+' is a space: query strings and urlencoded bodies */
};

/* Decodes text into out, which has room for text.size bytes and may be text.data itself. -> the decoded size;
 * -1 and EINVAL: a bad escape, or NUL (escaped or not) */
ssize_t gust__url_decode(char *out, struct gust__slice text, enum gust__url_part part);

/* Encodes text into out, which has room for 3 * text.size bytes, apart from text. Unreserved characters are
 * kept; in a path also '/' and what may stand in a segment; in a form a space becomes '+'. -> the encoded
 * size */
size_t gust__url_encode(char *out, struct gust__slice text, enum gust__url_part part);

/* Goes through "a=b&c=d". */
struct gust__form {
    struct gust__slice rest; /* what is still to be read */
    size_t max;              /* pairs; above: EMSGSIZE */
    size_t count;
};

/* The next pair, not decoded; empty members are skipped, a name without '=' has an empty value. -> 1; 0: the
 * end; -1 and EMSGSIZE: more than max */
int gust__form_next(struct gust__form *form, struct gust__slice *name, struct gust__slice *value);

/* An http or https URL, as a client uses it. */
struct gust__url {
    struct gust__slice scheme;
    struct gust__slice
        user; /* "user" or "user:password", not decoded; never part of what is sent as a target */
    struct gust__slice host; /* without brackets */
    struct gust__slice path; /* "/" if the URL has none */
    struct gust__slice query;
    bool secure; /* https */
    bool has_user;
    bool has_query;
    bool bracketed; /* the host is an IPv6 literal */
    int port;       /* given, or 80 or 443 */
};

/* Splits text; the fragment is dropped. The slices point into text but for path's "/". -> 0; -1 and EINVAL:
 * no http(s) URL, or one with characters that must be encoded */
int gust__url_split(struct gust__slice text, struct gust__url *url);

/*
 * What reference means in a document at base (RFC 3986 5.2): an absolute URL without fragment, dot segments
 * removed, as a Location field needs it. base is absolute and without control characters. -> its size in out;
 * -1: ENOBUFS, it has more than size bytes; EINVAL, reference has characters that no URL has
 */
ssize_t gust__url_resolve(char *out, size_t size, struct gust__slice base, struct gust__slice reference);

/* Whether a segment of a decoded path is "." or "..". */
bool gust__path_has_dot_segment(struct gust__slice path);

/* Whether a decoded path has an empty segment before its last: "//" somewhere. */
bool gust__path_has_empty_segment(struct gust__slice path);

#endif
