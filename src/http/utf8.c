#include "http/utf8.h"

/* The first byte of a character tells how many follow, and narrows the first that does (table 3-7 of
 * Unicode). */
static bool begin(struct gust__utf8 *utf8, unsigned char byte)
{
    if (byte < 0xC2 || byte > 0xF4)
        return false;
    utf8->missing = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    utf8->low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    utf8->high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    return true;
}

static bool follow(struct gust__utf8 *utf8, unsigned char byte)
{
    if (byte < utf8->low || byte > utf8->high)
        return false;
    utf8->missing--;
    utf8->low = 0x80;
    utf8->high = 0xBF;
    return true;
}

/* Whether the eight bytes at data are ASCII. */
static bool is_ascii(const char *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof(word));
    return (word & 0x8080808080808080) == 0;
}

bool gust__utf8_feed(struct gust__utf8 *utf8, struct gust__slice text)
{
    for (size_t i = 0; i < text.size;) {
        if (utf8->missing == 0 && text.size - i >= 8 && is_ascii(text.data + i)) {
            i += 8;
            continue;
        }
        unsigned char byte = (unsigned char)text.data[i++];
        if (utf8->missing ? !follow(utf8, byte) : byte >= 0x80 && !begin(utf8, byte))
            return false;
    }
    return true;
}

bool gust__utf8_valid(struct gust__slice text)
{
    struct gust__utf8 utf8 = {0};
    return gust__utf8_feed(&utf8, text) && gust__utf8_complete(&utf8);
}
