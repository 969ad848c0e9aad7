/* SHA-256 and base64 by OpenSSL, as the echo example needs them. */
#ifndef DIGEST_H
#define DIGEST_H

#include <jansson.h>
#include <stddef.h>

enum { DIGEST_TEXT = 65 }; /* 64 hexadecimal digits and a NUL */

struct digest;

struct digest *digest_new(void); /* NULL without memory */
void digest_add(struct digest *digest, const void *data, size_t size);
void digest_end(struct digest *digest, char text[DIGEST_TEXT]);
void digest_free(struct digest *digest);

/* All at once. */
void digest_of(const void *data, size_t size, char text[DIGEST_TEXT]);

/* A JSON string, the caller's; NULL without memory. */
json_t *base64(const void *data, size_t size);

#endif
