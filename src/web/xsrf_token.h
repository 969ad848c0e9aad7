/*
 * The text of an XSRF token, in Tornado's second format:
 *
 *     2|5f3a91c0|…|1700000000     version, mask, the token's bytes XORed with the mask over and over, time
 *
 * Any thread.
 */
#ifndef GUST_WEB_XSRF_TOKEN_H
#define GUST_WEB_XSRF_TOKEN_H

#include "http/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GUST__XSRF_TOKEN_SIZE = 16, /* of those we make */
    GUST__XSRF_TOKEN_MAX = 64,
    GUST__XSRF_MASK_SIZE = 4,
    GUST__XSRF_TEXT_ROOM = 2 + 2 * GUST__XSRF_MASK_SIZE + 1 + 2 * GUST__XSRF_TOKEN_MAX + 1 + 20 + 1
};

struct gust__xsrf_token {
    unsigned char bytes[GUST__XSRF_TOKEN_MAX];
    size_t size; /* 16 to 64 */
    int64_t time;
};

/* Writes the text, with a NUL, into GUST__XSRF_TEXT_ROOM bytes. */
void gust__xsrf_token_write(char *text, const struct gust__xsrf_token *token,
                            const unsigned char mask[GUST__XSRF_MASK_SIZE]);

/* false: it is none, or shorter than 16 bytes, which could be guessed. */
bool gust__xsrf_token_read(struct gust__slice text, struct gust__xsrf_token *token);

#endif
