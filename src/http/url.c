#include "http/url.h"

#include "http/authority.h"
#include "http/characters.h"

#include <errno.h>

static int invalid(void)
{
    errno = EINVAL;
    return -1;
}

ssize_t gust__url_decode(char *out, struct gust__slice text, enum gust__url_part part)
{
    size_t size = 0;
    for (size_t at = 0; at < text.size; at++) {
        char byte = text.data[at];
        if (byte == '%') {
            int high = text.size - at >= 3 ? gust__hex_digit(text.data[at + 1]) : -1;
            int low = high >= 0 ? gust__hex_digit(text.data[at + 2]) : -1;
            if (low < 0)
                return invalid();
            byte = (char)(high << 4 | low);
            at += 2;
        } else if (byte == '+' && part == GUST__URL_FORM) {
            byte = ' ';
        }
        if (byte == '\0')
            return invalid();
        out[size++] = byte;
    }
    return (ssize_t)size;
}

static bool is_kept(char byte, enum gust__url_part part)
{
    if (part == GUST__URL_PATH)
        return gust__is(byte, GUST__IS_NAME) || byte == '/' || byte == ':' || byte == '@';
    return gust__is(byte, GUST__IS_UNRESERVED);
}

size_t gust__url_encode(char *out, struct gust__slice text, enum gust__url_part part)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t size = 0;
    for (size_t at = 0; at < text.size; at++) {
        unsigned char byte = (unsigned char)text.data[at];
        if (is_kept((char)byte, part)) {
            out[size++] = (char)byte;
        } else if (byte == ' ' && part == GUST__URL_FORM) {
            out[size++] = '+';
        } else {
            out[size++] = '%';
            out[size++] = digits[byte >> 4];
            out[size++] = digits[byte & 15];
        }
    }
    return size;
}

/* What stands before the first delimiter, or all of text; found tells which. rest is what stands behind it.
 */
static struct gust__slice cut(struct gust__slice text, char delimiter, struct gust__slice *rest, bool *found)
{
    const char *place = text.size ? memchr(text.data, delimiter, text.size) : NULL;
    size_t size = place ? (size_t)(place - text.data) : text.size;
    *found = place != NULL;
    *rest = gust__slice_from(text, place ? size + 1 : size);
    return gust__slice(text.data, size);
}

int gust__form_next(struct gust__form *form, struct gust__slice *name, struct gust__slice *value)
{
    while (form->rest.size) {
        bool found;
        struct gust__slice pair = cut(form->rest, '&', &form->rest, &found);
        if (pair.size == 0)
            continue;
        if (form->count == form->max) {
            errno = EMSGSIZE;
            return -1;
        }
        form->count++;
        *name = cut(pair, '=', value, &found);
        return 1;
    }
    return 0;
}

/* "user@host:port" */
static bool split_authority(struct gust__slice text, struct gust__url *url)
{
    struct gust__slice rest;
    struct gust__authority authority;
    url->user = cut(text, '@', &rest, &url->has_user);
    if (!gust__authority_split(url->has_user ? rest : text, &authority) || authority.host.size == 0)
        return false;
    if (!url->has_user)
        url->user = GUST__SLICE("");
    url->host = authority.host;
    url->bracketed = authority.bracketed;
    url->port = authority.port >= 0 ? authority.port : url->secure ? 443 : 80;
    return true;
}

int gust__url_split(struct gust__slice text, struct gust__url *url)
{
    bool found;
    struct gust__slice rest;
    *url = (struct gust__url){0};
    if (!gust__slice_consists_of(text, GUST__IS_TARGET))
        return invalid();
    url->scheme = cut(text, ':', &rest, &found);
    url->secure = gust__slice_equals_ignoring_case(url->scheme, GUST__SLICE("https"));
    if (!url->secure && !gust__slice_equals_ignoring_case(url->scheme, GUST__SLICE("http")))
        return invalid();
    if (!gust__slice_starts_with(rest, GUST__SLICE("//")))
        return invalid();
    rest = cut(gust__slice_from(rest, 2), '#', &text, &found);
    size_t authority = gust__slice_size_before(rest, "/?");
    if (!split_authority(gust__slice(rest.data, authority), url))
        return invalid();
    url->path = cut(gust__slice_from(rest, authority), '?', &url->query, &url->has_query);
    if (url->path.size == 0)
        url->path = GUST__SLICE("/");
    return 0;
}

bool gust__path_has_dot_segment(struct gust__slice path)
{
    bool more = true;
    while (more) {
        struct gust__slice segment = cut(path, '/', &path, &more);
        if (gust__slice_equals(segment, GUST__SLICE(".")) || gust__slice_equals(segment, GUST__SLICE("..")))
            return true;
    }
    return false;
}

bool gust__path_has_empty_segment(struct gust__slice path)
{
    for (size_t i = 1; i < path.size; i++) {
        if (path.data[i] == '/' && path.data[i - 1] == '/')
            return true;
    }
    return false;
}
