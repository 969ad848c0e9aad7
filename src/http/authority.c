#include "http/authority.h"

#include "http/characters.h"

/* Behind the name or the digits of a percent-encoding; where that ends is where the host ends. */
static size_t name_size(struct gust__slice text)
{
    size_t at = 0;
    while (at < text.size) {
        if (gust__is(text.data[at], GUST__IS_NAME)) {
            at++;
        } else if (text.data[at] == '%' && text.size - at >= 3 && gust__is(text.data[at + 1], GUST__IS_HEX) &&
                   gust__is(text.data[at + 2], GUST__IS_HEX)) {
            at += 3;
        } else {
            break;
        }
    }
    return at;
}

/* The size of "[...]" at the start of text, 0 if it is no IP literal: IPv6 (with an IPv4 tail), or IPvFuture.
 */
static size_t literal_size(struct gust__slice text)
{
    const char *end = memchr(text.data, ']', text.size);
    if (!end || end - text.data < 3)
        return 0;
    size_t colons = 0;
    bool future = (text.data[1] | 0x20) == 'v';
    for (const char *at = text.data + 1; at < end; at++) {
        colons += *at == ':';
        if (!(future ? gust__is(*at, GUST__IS_NAME) || *at == ':'
                     : gust__is(*at, GUST__IS_HEX) || *at == ':' || *at == '.'))
            return 0;
    }
    if (!future && (colons < 2 || colons > 8))
        return 0;
    return (size_t)(end + 1 - text.data);
}

/* ":", or ":" and digits up to 65535; -1 for no digits. */
static bool parse_port(struct gust__slice text, int *port)
{
    *port = -1;
    if (text.size == 0)
        return true;
    if (*text.data != ':')
        return false;
    for (size_t i = 1; i < text.size; i++) {
        if (!gust__is(text.data[i], GUST__IS_DIGIT))
            return false;
        *port = (*port < 0 ? 0 : *port * 10) + (text.data[i] - '0');
        if (*port > 65535)
            return false;
    }
    return true;
}

bool gust__authority_split(struct gust__slice text, struct gust__authority *authority)
{
    authority->bracketed = text.size && *text.data == '[';
    size_t size = authority->bracketed ? literal_size(text) : name_size(text);
    if (authority->bracketed && size == 0)
        return false;
    authority->host =
        authority->bracketed ? gust__slice(text.data + 1, size - 2) : gust__slice(text.data, size);
    return parse_port(gust__slice_from(text, size), &authority->port);
}
