/*
 * Cookies (RFC 6265): reading the Cookie field as browsers and Tornado write it, and writing Set-Cookie.
 *
 *     struct gust__slice rest = header->value;
 *     struct gust__slice name, value;
 *     while (gust__cookies_next(&rest, &name, &value))
 *         ...                                           gust__cookie_unquote makes the value what was set
 *
 * Any thread.
 */
#ifndef GUST_HTTP_COOKIE_H
#define GUST_HTTP_COOKIE_H

#include "http/slice.h"

#include <stdint.h>
#include <sys/types.h>

/* The next pair of a Cookie field, trimmed. What has no name or no '=' is skipped: nothing there is an error.
 * Of two cookies with one name, the first is from the more specific path (5.4). -> false: the end */
bool gust__cookies_next(struct gust__slice *rest, struct gust__slice *name, struct gust__slice *value);

/* A value as it was set: where it stands in double quotes, without them, and with \" and \ooo (octal, not
 * NUL) undone. out has room for value.size bytes and may be the value itself. Linear. -> the size */
size_t gust__cookie_unquote(char *out, struct gust__slice value);

/* What Set-Cookie says. Empty slices: not said. */
struct gust__set_cookie {
    struct gust__slice name;
    struct gust__slice value;
    struct gust__slice domain;
    struct gust__slice path;
    struct gust__slice same_site; /* Strict, Lax or None, in any case */
    const int64_t *expires;       /* seconds since 1970; NULL: not said */
    const int64_t *max_age;       /* seconds; 0 or less: at once; NULL: not said */
    bool secure;
    bool http_only;
    bool partitioned;
};

/*
 * Writes the value of a Set-Cookie field, without a NUL, into out[0, size). A value that is not made of
 * cookie octets alone (it has a space, a comma, quotes, non-ASCII …) is written in quotes, as
 * gust__cookie_unquote reads it. -> the size; -1: EINVAL, the name is no token, or a control character, 0x7F
 * or ';' is in the value, domain, path or same_site, or same_site is none of the three; ENOBUFS, it has more
 * than size bytes
 */
ssize_t gust__set_cookie_format(char *out, size_t size, const struct gust__set_cookie *cookie);

#endif
