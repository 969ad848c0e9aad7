#include "http/cookie.h"

#include "http/characters.h"
#include "http/date.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

bool gust__cookies_next(struct gust__slice *rest, struct gust__slice *name, struct gust__slice *value)
{
    while (rest->size) {
        const char *end = memchr(rest->data, ';', rest->size);
        size_t size = end ? (size_t)(end - rest->data) : rest->size;
        struct gust__slice pair = gust__slice(rest->data, size);
        *rest = gust__slice_from(*rest, end ? size + 1 : size);
        const char *equals = pair.size ? memchr(pair.data, '=', pair.size) : NULL;
        if (!equals)
            continue;
        *name = gust__slice_trim(gust__slice_between(pair.data, equals));
        *value = gust__slice_trim(gust__slice_from(pair, (size_t)(equals + 1 - pair.data)));
        if (name->size)
            return true;
    }
    return false;
}

/* The byte of \ooo at text's start; 0: there is none (or it is NUL). */
static char octal(struct gust__slice text)
{
    if (text.size < 4 || text.data[1] < '0' || text.data[1] > '3')
        return 0;
    int byte = text.data[1] - '0';
    for (int i = 2; i < 4; i++) {
        if (text.data[i] < '0' || text.data[i] > '7')
            return 0;
        byte = byte << 3 | (text.data[i] - '0');
    }
    return (char)byte;
}

size_t gust__cookie_unquote(char *out, struct gust__slice value)
{
    if (value.size < 2 || value.data[0] != '"' || value.data[value.size - 1] != '"') {
        memmove(out, value.size ? value.data : "", value.size);
        return value.size;
    }
    size_t size = 0, end = value.size - 1;
    for (size_t at = 1; at < end; at++) {
        char byte = value.data[at];
        if (byte == '\\') {
            char escaped = octal(gust__slice(value.data + at, end - at));
            at += escaped ? 3 : at + 1 < end;
            byte = escaped ? escaped : value.data[at];
        }
        out[size++] = byte;
    }
    return size;
}

/* Bytes to come; size goes on counting when they do not fit. */
struct output {
    char *data;
    size_t room;
    size_t size;
};

static void put(struct output *output, const char *data, size_t size)
{
    if (size && output->size <= output->room && size <= output->room - output->size)
        memcpy(output->data + output->size, data, size);
    output->size += size;
}

static void put_text(struct output *output, const char *text)
{
    put(output, text, strlen(text));
}

static void put_quoted(struct output *output, struct gust__slice value)
{
    put_text(output, "\"");
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        char escape[4] = {'\\', (char)('0' + (byte >> 6)), (char)('0' + (byte >> 3 & 7)),
                          (char)('0' + (byte & 7))};
        if (byte >= 0x80 || byte == ',')
            put(output, escape, 4);
        else if (byte == '"' || byte == '\\')
            put(output, (char[]){'\\', (char)byte}, 2);
        else
            put(output, &value.data[i], 1);
    }
    put_text(output, "\"");
}

static void put_attribute(struct output *output, const char *name, struct gust__slice value)
{
    if (value.size == 0)
        return;
    put_text(output, name);
    put(output, value.data, value.size);
}

static bool is_plain(struct gust__slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!gust__is(text.data[i], GUST__IS_VALUE) || text.data[i] == '\t' || text.data[i] == ';')
            return false;
    }
    return true;
}

static bool is_same_site(struct gust__slice text)
{
    return text.size == 0 || gust__slice_equals_ignoring_case(text, GUST__SLICE("Strict")) ||
           gust__slice_equals_ignoring_case(text, GUST__SLICE("Lax")) ||
           gust__slice_equals_ignoring_case(text, GUST__SLICE("None"));
}

static bool is_good(const struct gust__set_cookie *cookie)
{
    return cookie->name.size && gust__slice_consists_of(cookie->name, GUST__IS_TOKEN) &&
           is_plain(cookie->value) && is_plain(cookie->domain) && is_plain(cookie->path) &&
           is_same_site(cookie->same_site);
}

static void put_times(struct output *output, const struct gust__set_cookie *cookie)
{
    char text[GUST__DATE_SIZE + 1];
    if (cookie->expires) {
        gust__date_format(text, *cookie->expires);
        put_attribute(output, "; Expires=", gust__slice(text, GUST__DATE_SIZE));
    }
    if (cookie->max_age) {
        int size = snprintf(text, sizeof(text), "%" PRId64, *cookie->max_age);
        put_attribute(output, "; Max-Age=", gust__slice(text, (size_t)size));
    }
}

ssize_t gust__set_cookie_format(char *out, size_t size, const struct gust__set_cookie *cookie)
{
    struct output output = {.data = out, .room = size};
    if (!is_good(cookie)) {
        errno = EINVAL;
        return -1;
    }
    put(&output, cookie->name.data, cookie->name.size);
    put_text(&output, "=");
    if (gust__slice_consists_of(cookie->value, GUST__IS_COOKIE))
        put(&output, cookie->value.data, cookie->value.size);
    else
        put_quoted(&output, cookie->value);
    put_attribute(&output, "; Domain=", cookie->domain);
    put_attribute(&output, "; Path=", cookie->path);
    put_times(&output, cookie);
    put_attribute(&output, "; SameSite=", cookie->same_site);
    put_text(&output, cookie->secure ? "; Secure" : "");
    put_text(&output, cookie->http_only ? "; HttpOnly" : "");
    put_text(&output, cookie->partitioned ? "; Partitioned" : "");
    if (output.size <= size)
        return (ssize_t)output.size;
    errno = ENOBUFS;
    return -1;
}
