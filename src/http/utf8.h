/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. Any thread. */
#ifndef GUST_HTTP_UTF8_H
#define GUST_HTTP_UTF8_H

#include "http/slice.h"

#include <stdint.h>

bool gust__utf8_valid(struct gust__slice text);

/* Text that comes in pieces, as in the fragments of a WebSocket message. {0} before the first. */
struct gust__utf8 {
    uint8_t missing;   /* continuation bytes of the character begun */
    uint8_t low, high; /* what the next of them may be */
};

/* Goes on with text. -> false: it is not UTF-8, seen at the first byte that cannot be; end with false again
 */
bool gust__utf8_feed(struct gust__utf8 *utf8, struct gust__slice text);

/* Whether the text may end here: no character is cut. */
static inline bool gust__utf8_complete(const struct gust__utf8 *utf8)
{
    return utf8->missing == 0;
}

#endif
