/* Entity tags: compared, looked for, made. */
#include "http/etag.h"

#include <string.h>

/* ---- comparing ---- */

static bool is_weak(struct gust__slice etag)
{
    return gust__slice_starts_with(etag, GUST__SLICE("W/"));
}

/* The part in quotes, quotes included. */
static struct gust__slice opaque(struct gust__slice etag)
{
    return is_weak(etag) ? gust__slice_from(etag, 2) : etag;
}

bool gust__etag_valid(struct gust__slice etag)
{
    struct gust__slice text = opaque(etag);
    if (text.size < 2 || text.data[0] != '"' || text.data[text.size - 1] != '"')
        return false;
    for (size_t i = 1; i < text.size - 1; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte <= ' ' || byte == '"' || byte == 0x7f)
            return false;
    }
    return true;
}

bool gust__etag_equals(struct gust__slice one, struct gust__slice other, enum gust__etag_comparison how)
{
    if (how == GUST__ETAG_STRONG && (is_weak(one) || is_weak(other)))
        return false;
    return gust__slice_equals(opaque(one), opaque(other));
}

/* Takes the tag that the list begins with; false: there is none. A comma may be in its quotes. */
static bool take_etag(struct gust__slice *list, struct gust__slice *etag)
{
    size_t start = is_weak(*list) ? 2 : 0;
    if (list->size <= start || list->data[start] != '"')
        return false;
    const char *end = memchr(list->data + start + 1, '"', list->size - start - 1);
    if (!end)
        return false;
    *etag = gust__slice_between(list->data, end + 1);
    *list = gust__slice_trim(gust__slice_from(*list, etag->size));
    return gust__etag_valid(*etag) && (list->size == 0 || list->data[0] == ',');
}

bool gust__etag_listed(struct gust__slice list, struct gust__slice etag, enum gust__etag_comparison how)
{
    struct gust__slice member;
    list = gust__slice_trim(list);
    if (gust__slice_equals(list, GUST__SLICE("*")))
        return true;
    while (list.size) {
        if (list.data[0] == ',') {
            list = gust__slice_trim(gust__slice_from(list, 1));
            continue;
        }
        if (!take_etag(&list, &member))
            return false;
        if (gust__etag_equals(member, etag, how))
            return true;
    }
    return false;
}

/* ---- making ---- */

static uint64_t rotate(uint64_t value, unsigned by)
{
    return value << by | value >> (64 - by);
}

/* Two lanes that each take a half and then each other: every input bit reaches both. */
static void mix(struct gust__etag_hash *hash, const unsigned char block[16])
{
    uint64_t low, high;
    memcpy(&low, block, 8);
    memcpy(&high, block + 8, 8);
    hash->lanes[0] = rotate((hash->lanes[0] ^ low) * 0x9e3779b97f4a7c15u, 31) + hash->lanes[1];
    hash->lanes[1] = rotate((hash->lanes[1] ^ high) * 0xc2b2ae3d27d4eb4fu, 29) + hash->lanes[0];
}

void gust__etag_hash_add(struct gust__etag_hash *hash, const void *data, size_t size)
{
    const unsigned char *from = data;
    hash->size += size;
    while (size) {
        if (hash->rest_size == 0 && size >= sizeof(hash->rest)) {
            mix(hash, from);
            from += sizeof(hash->rest);
            size -= sizeof(hash->rest);
            continue;
        }
        size_t room = sizeof(hash->rest) - hash->rest_size, part = size < room ? size : room;
        memcpy(hash->rest + hash->rest_size, from, part);
        hash->rest_size += (unsigned)part;
        from += part;
        size -= part;
        if (hash->rest_size == sizeof(hash->rest)) {
            mix(hash, hash->rest);
            hash->rest_size = 0;
        }
    }
}

void gust__etag_hash_write(struct gust__etag_hash *hash, char etag[GUST__ETAG_ROOM])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char last[16] = {0};
    memset(hash->rest + hash->rest_size, 0, sizeof(hash->rest) - hash->rest_size);
    mix(hash, hash->rest);
    memcpy(last, &hash->size, sizeof(hash->size));
    for (int round = 0; round < 3; round++)
        mix(hash, last);
    char *to = etag;
    *to++ = '"';
    for (int lane = 0; lane < 2; lane++) {
        for (int shift = 60; shift >= 0; shift -= 4)
            *to++ = digits[hash->lanes[lane] >> shift & 15];
    }
    *to++ = '"';
    *to = 0;
}
