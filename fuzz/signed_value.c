/* Signed values and XSRF tokens: what can be read can be written again, and nothing reads as genuine that was
 * not signed. */
#include "web/signed_value.h"
#include "web/xsrf_token.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char secret[] = "a secret that nobody knows";

static void read_signed(struct gust__slice text)
{
    struct gust__signed_value value;
    if (!gust__signed_value_read(text, &value))
        return;
    if (gust__signed_value_genuine(text, &value, secret))
        abort();
    char *plain = malloc(value.value.size + 1);
    ssize_t size = gust__signed_value_decode(plain, &value);
    if (size > (ssize_t)value.value.size)
        abort();
    free(plain);
}

/* What is signed must read as itself. */
static void sign_again(struct gust__slice bytes)
{
    struct gust__signed_value made = {7, 1700000000, GUST__SLICE("name"), bytes, GUST__SLICE("")}, back;
    size_t room = gust__signed_value_room(made.name.size, bytes.size);
    char *text = malloc(room), *plain = malloc(room);
    ssize_t size = gust__signed_value_write(text, room, &made, secret);
    struct gust__slice whole = gust__slice(text, (size_t)size);
    if (size < 0 || !gust__signed_value_read(whole, &back) ||
        !gust__signed_value_genuine(whole, &back, secret) || back.key_version != 7)
        abort();
    ssize_t plain_size = gust__signed_value_decode(plain, &back);
    if (plain_size < 0 || !gust__slice_equals(gust__slice(plain, (size_t)plain_size), bytes))
        abort();
    free(text);
    free(plain);
}

static void read_token(struct gust__slice text)
{
    static const unsigned char mask[GUST__XSRF_MASK_SIZE] = {1, 2, 3, 4};
    struct gust__xsrf_token token, again;
    char room[GUST__XSRF_TEXT_ROOM];
    if (!gust__xsrf_token_read(text, &token))
        return;
    gust__xsrf_token_write(room, &token, mask);
    if (!gust__xsrf_token_read(gust__slice_of(room), &again) || again.size != token.size ||
        memcmp(again.bytes, token.bytes, token.size) != 0 || again.time != token.time)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gust__slice text = gust__slice((const char *)data, size);
    read_signed(text);
    sign_again(text);
    read_token(text);
    return 0;
}
