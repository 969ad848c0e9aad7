/* Bytes as hexadecimal digits, two each, in small letters. */
#ifndef GUST_BASE_HEXADECIMAL_H
#define GUST_BASE_HEXADECIMAL_H

#include <stddef.h>

/* Writes 2 * size digits, and no NUL; returns where they end. */
static inline char *gust__hexadecimal(char *to, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
    return to;
}

#endif
