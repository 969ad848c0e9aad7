#include "digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct digest {
    EVP_MD_CTX *context;
};

struct digest *digest_new(void)
{
    struct digest *digest = malloc(sizeof(*digest));
    if (!digest)
        return NULL;
    digest->context = EVP_MD_CTX_new();
    if (digest->context && EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL))
        return digest;
    digest_free(digest);
    return NULL;
}

void digest_add(struct digest *digest, const void *data, size_t size)
{
    EVP_DigestUpdate(digest->context, data, size);
}

static void print_digits(const unsigned char *bytes, unsigned count, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < count; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = '\0';
}

void digest_end(struct digest *digest, char text[DIGEST_TEXT])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(digest->context, bytes, &size);
    print_digits(bytes, size, text);
}

void digest_free(struct digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

void digest_of(const void *data, size_t size, char text[DIGEST_TEXT])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_Digest(data ? data : "", size, bytes, &length, EVP_sha256(), NULL);
    print_digits(bytes, length, text);
}

json_t *base64(const void *data, size_t size)
{
    unsigned char *text = malloc((size + 2) / 3 * 4 + 1);
    if (!text)
        return NULL;
    int length = size ? EVP_EncodeBlock(text, data, (int)size) : 0;
    json_t *value = json_stringn((const char *)text, (size_t)length);
    free(text);
    return value;
}
