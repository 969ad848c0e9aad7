/*
 * A value with its signature, in Tornado's second format, which both sides read:
 *
 *     2|1:0|10:1700000000|4:user|8:amFuZQ==|3a1b…    version, key version, time, name, value, HMAC-SHA256
 *
 * Each field says its length, so that no field can flow over into the next; the signature is in hexadecimal
 * and covers all before it. The value can be read by whoever has it: it is signed, not encrypted.
 *
 *     struct gust__signed_value made = {.key_version = 0, .time = 1700000000, .name = …, .value = …};
 *     ssize_t size = gust__signed_value_write(room, room_size, &made, secret);
 *
 * Any thread.
 */
#ifndef GUST_WEB_SIGNED_VALUE_H
#define GUST_WEB_SIGNED_VALUE_H

#include "http/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct gust__signed_value {
    unsigned key_version;
    int64_t time; /* seconds since 1970 */
    struct gust__slice name;
    struct gust__slice value;     /* as it was given; when read: still in base64 */
    struct gust__slice signature; /* when read */
};

/* Room enough for a value: its text never has more bytes. */
size_t gust__signed_value_room(size_t name_size, size_t value_size);

/* Writes the text and a NUL. Its size; -1: ENOBUFS, EIO (no digest). */
ssize_t gust__signed_value_write(char *out, size_t size, const struct gust__signed_value *value,
                                 const char *secret);

/* Takes a text apart, without a look at its signature. false: it is no signed value. */
bool gust__signed_value_read(struct gust__slice text, struct gust__signed_value *value);

/* Whether the signature of a text that was read is the secret's, in constant time. */
bool gust__signed_value_genuine(struct gust__slice text, const struct gust__signed_value *value,
                                const char *secret);

/* The value of a text that was read, as it was given; out has room for value->value.size bytes. Its size; -1:
 * EBADMSG. */
ssize_t gust__signed_value_decode(char *out, const struct gust__signed_value *value);

#endif
