/*
 * The character classes of RFC 9110 and RFC 3986, one table lookup each. Bytes above 0x7F belong to
 * GUST__IS_VALUE alone (obs-text).
 */
#ifndef GUST_HTTP_CHARACTERS_H
#define GUST_HTTP_CHARACTERS_H

#include "http/slice.h"

#include <stdint.h>

enum gust__character_class {
    GUST__IS_TOKEN = 1,       /* tchar: header names, methods, cookie names */
    GUST__IS_VALUE = 2,       /* field content: visible, SP, HTAB, obs-text */
    GUST__IS_TARGET = 4,      /* visible ASCII: a request target, before its parts are looked at */
    GUST__IS_NAME = 8,        /* reg-name without pct-encoded: unreserved and sub-delims of RFC 3986 */
    GUST__IS_HEX = 16,        /* 0-9 a-f A-F */
    GUST__IS_DIGIT = 32,      /* 0-9 */
    GUST__IS_COOKIE = 64,     /* cookie-octet of RFC 6265 */
    GUST__IS_UNRESERVED = 128 /* unreserved of RFC 3986: never percent-encoded */
};

extern const uint8_t gust__characters[256];

static inline bool gust__is(char byte, enum gust__character_class character_class)
{
    return gust__characters[(unsigned char)byte] & character_class;
}

static inline bool gust__slice_consists_of(struct gust__slice slice,
                                           enum gust__character_class character_class)
{
    for (size_t i = 0; i < slice.size; i++) {
        if (!gust__is(slice.data[i], character_class))
            return false;
    }
    return true;
}

/* The value of a hexadecimal digit, -1 for any other byte. */
static inline int gust__hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    int letter = byte | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

#endif
