/* XSRF tokens as text. */
#include "web/xsrf_token.h"

#include "base/hexadecimal.h"
#include "http/characters.h"

#include <inttypes.h>
#include <stdio.h>

enum { TIME_DIGITS_MAX = 15 };

static char *write_bytes(char *text, const unsigned char *bytes, size_t size)
{
    text = gust__hexadecimal(text, bytes, size);
    *text++ = '|';
    return text;
}

static void apply_mask(unsigned char *bytes, size_t size, const unsigned char *mask)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] ^= mask[i % GUST__XSRF_MASK_SIZE];
}

void gust__xsrf_token_write(char *text, const struct gust__xsrf_token *token,
                            const unsigned char mask[GUST__XSRF_MASK_SIZE])
{
    struct gust__xsrf_token masked = *token;
    apply_mask(masked.bytes, masked.size, mask);
    *text++ = '2';
    *text++ = '|';
    text = write_bytes(text, mask, GUST__XSRF_MASK_SIZE);
    text = write_bytes(text, masked.bytes, masked.size);
    snprintf(text, 20, "%" PRId64, token->time);
}

/* Bytes in hexadecimal up to a bar, which is taken too. false: something else, or none, or more than max. */
static bool take_bytes(struct gust__slice *rest, unsigned char *bytes, size_t max, size_t *size)
{
    for (*size = 0; rest->size >= 2 && *rest->data != '|'; *size += 1) {
        int high = gust__hex_digit(rest->data[0]), low = gust__hex_digit(rest->data[1]);
        if (high < 0 || low < 0 || *size == max)
            return false;
        bytes[*size] = (unsigned char)(high << 4 | low);
        *rest = gust__slice_from(*rest, 2);
    }
    if (!rest->size || *rest->data != '|')
        return false;
    *rest = gust__slice_from(*rest, 1);
    return true;
}

static int64_t number_of(struct gust__slice digits)
{
    int64_t number = 0;
    for (size_t i = 0; i < digits.size; i++)
        number = number * 10 + (digits.data[i] - '0');
    return number;
}

bool gust__xsrf_token_read(struct gust__slice text, struct gust__xsrf_token *token)
{
    unsigned char mask[GUST__XSRF_MASK_SIZE];
    size_t mask_size;
    if (!gust__slice_starts_with(text, GUST__SLICE("2|")))
        return false;
    text = gust__slice_from(text, 2);
    if (!take_bytes(&text, mask, sizeof(mask), &mask_size) || mask_size != sizeof(mask) ||
        !take_bytes(&text, token->bytes, sizeof(token->bytes), &token->size) ||
        token->size < GUST__XSRF_TOKEN_SIZE)
        return false;
    if (text.size == 0 || text.size > TIME_DIGITS_MAX || !gust__slice_consists_of(text, GUST__IS_DIGIT))
        return false;
    apply_mask(token->bytes, token->size, mask);
    token->time = number_of(text);
    return true;
}
