/* Signed values: Tornado's format, version 2. */
#include "web/signed_value.h"

#include "base/hexadecimal.h"
#include "http/characters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { DIGEST_SIZE = 32, SIGNATURE_SIZE = 2 * DIGEST_SIZE, NUMBERS_ROOM = 128 };

static size_t base64_size(size_t size)
{
    return (size + 2) / 3 * 4;
}

size_t gust__signed_value_room(size_t name_size, size_t value_size)
{
    return name_size + base64_size(value_size) + SIGNATURE_SIZE + NUMBERS_ROOM;
}

/* The signature of text in hexadecimal; 0, or -1. */
static int sign(char signature[SIGNATURE_SIZE + 1], struct gust__slice text, const char *secret)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text.data, text.size, digest,
              &size) ||
        size != DIGEST_SIZE) {
        errno = EIO;
        return -1;
    }
    *gust__hexadecimal(signature, digest, DIGEST_SIZE) = 0;
    return 0;
}

/* ---- writing ---- */

static size_t digits_of(uint64_t number)
{
    size_t count = 1;
    while (number /= 10)
        count++;
    return count;
}

ssize_t gust__signed_value_write(char *out, size_t size, const struct gust__signed_value *value,
                                 const char *secret)
{
    if (size < gust__signed_value_room(value->name.size, value->value.size) ||
        value->value.size > INT32_MAX) {
        errno = ENOBUFS;
        return -1;
    }
    size_t at =
        (size_t)snprintf(out, size, "2|%zu:%u|%zu:%" PRId64 "|%zu:%.*s|%zu:", digits_of(value->key_version),
                         value->key_version, digits_of((uint64_t)value->time), value->time, value->name.size,
                         (int)value->name.size, value->name.data, base64_size(value->value.size));
    at += (size_t)EVP_EncodeBlock((unsigned char *)out + at, (const unsigned char *)value->value.data,
                                  (int)value->value.size);
    out[at++] = '|';
    return sign(out + at, gust__slice(out, at), secret) < 0 ? -1 : (ssize_t)at + SIGNATURE_SIZE;
}

/* ---- reading ---- */

/* Decimal digits, at most max_digits, up to stop, which is taken too. */
static bool take_number(struct gust__slice *rest, char stop, size_t max_digits, int64_t *number)
{
    size_t count = 0;
    *number = 0;
    while (count < rest->size && count <= max_digits && gust__is(rest->data[count], GUST__IS_DIGIT))
        *number = *number * 10 + (rest->data[count++] - '0');
    if (count == 0 || count > max_digits || count >= rest->size || rest->data[count] != stop)
        return false;
    *rest = gust__slice_from(*rest, count + 1);
    return true;
}

/* "4:user|" */
static bool take_field(struct gust__slice *rest, struct gust__slice *field)
{
    int64_t size;
    if (!take_number(rest, ':', 9, &size) || (size_t)size >= rest->size || rest->data[size] != '|')
        return false;
    *field = gust__slice(rest->data, (size_t)size);
    *rest = gust__slice_from(*rest, (size_t)size + 1);
    return true;
}

/* A field that is a number of at most max_digits; it ends with the bar that take_field saw. */
static bool take_number_field(struct gust__slice *rest, size_t max_digits, int64_t *number)
{
    struct gust__slice field;
    if (!take_field(rest, &field))
        return false;
    field.size++;
    return take_number(&field, '|', max_digits, number) && field.size == 0;
}

bool gust__signed_value_read(struct gust__slice text, struct gust__signed_value *value)
{
    struct gust__slice rest = text;
    int64_t key_version;
    if (!gust__slice_starts_with(rest, GUST__SLICE("2|")))
        return false;
    rest = gust__slice_from(rest, 2);
    if (!take_number_field(&rest, 9, &key_version) || !take_number_field(&rest, 15, &value->time) ||
        !take_field(&rest, &value->name) || !take_field(&rest, &value->value))
        return false;
    value->key_version = (unsigned)key_version;
    value->signature = rest;
    return rest.size == SIGNATURE_SIZE;
}

bool gust__signed_value_genuine(struct gust__slice text, const struct gust__signed_value *value,
                                const char *secret)
{
    char expected[SIGNATURE_SIZE + 1];
    return value->signature.size == SIGNATURE_SIZE &&
           sign(expected, gust__slice(text.data, text.size - SIGNATURE_SIZE), secret) == 0 &&
           CRYPTO_memcmp(expected, value->signature.data, SIGNATURE_SIZE) == 0;
}

ssize_t gust__signed_value_decode(char *out, const struct gust__signed_value *value)
{
    struct gust__slice text = value->value;
    if (text.size % 4 != 0 || text.size > INT32_MAX)
        goto bad;
    if (text.size == 0)
        return 0;
    int size = EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)text.data, (int)text.size);
    if (size < 0)
        goto bad;
    size -= text.data[text.size - 1] == '=';
    size -= text.data[text.size - 2] == '=';
    return size;
bad:
    errno = EBADMSG;
    return -1;
}
