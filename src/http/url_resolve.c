/* References relative to a URL: RFC 3986 5.2, for redirects. */
#include "http/characters.h"
#include "http/url.h"

#include <errno.h>

/* The five parts of appendix B, each with its delimiter, so that joining them gives the reference again. */
struct reference {
    struct gust__slice scheme;    /* "http:" */
    struct gust__slice authority; /* "//host" */
    struct gust__slice path;
    struct gust__slice query; /* "?a" */
};

struct output {
    char *data;
    size_t size;
    size_t room;
};

static bool put(struct output *output, struct gust__slice text)
{
    if (text.size > output->room - output->size)
        return false;
    if (text.size)
        memcpy(output->data + output->size, text.data, text.size);
    output->size += text.size;
    return true;
}

static struct gust__slice take(struct gust__slice *text, size_t size)
{
    struct gust__slice taken = gust__slice(text->data, size);
    *text = gust__slice_from(*text, size);
    return taken;
}

static struct reference split(struct gust__slice text)
{
    struct reference parts = {0};
    size_t size = gust__slice_size_before(text, ":/?#");
    if (size > 0 && size < text.size && text.data[size] == ':')
        parts.scheme = take(&text, size + 1);
    if (gust__slice_starts_with(text, GUST__SLICE("//")))
        parts.authority = take(&text, 2 + gust__slice_size_before(gust__slice_from(text, 2), "/?#"));
    parts.path = take(&text, gust__slice_size_before(text, "?#"));
    if (text.size && *text.data == '?')
        parts.query = take(&text, gust__slice_size_before(text, "#"));
    return parts;
}

/* Drops "." and ".." and what ".." takes back (5.2.4) from data[start, size). -> the new size */
static size_t remove_dot_segments(char *data, size_t start, size_t size)
{
    size_t to = start;
    for (size_t at = start; at < size;) {
        size_t end = at + 1; /* a segment is '/' and what follows it */
        while (end < size && data[end] != '/')
            end++;
        struct gust__slice segment = gust__slice(data + at, end - at);
        bool back = gust__slice_equals(segment, GUST__SLICE("/.."));
        if (back) {
            while (to > start && data[--to] != '/')
                ;
        }
        if (back || gust__slice_equals(segment, GUST__SLICE("/."))) {
            if (end == size)
                data[to++] = '/';
        } else {
            memmove(data + to, data + at, end - at);
            to += end - at;
        }
        at = end;
    }
    return to;
}

/* The base's path up to its last '/', then the reference's (5.2.3). */
static bool put_merged(struct output *output, struct gust__slice base, struct gust__slice path)
{
    while (base.size && base.data[base.size - 1] != '/')
        base.size--;
    return put(output, base.size ? base : GUST__SLICE("/")) && put(output, path);
}

/* A path behind an authority begins with '/'. */
static bool put_path(struct output *output, const struct reference *base, const struct reference *parts)
{
    size_t start = output->size;
    bool done;
    if (parts->path.size && (parts->authority.size || *parts->path.data == '/'))
        done = put(output, parts->path);
    else if (parts->path.size)
        done = put_merged(output, base->path, parts->path);
    else
        done = put(output, parts->authority.size ? parts->path : base->path);
    if (done && (output->size == start || output->data[start] != '/'))
        done = output->size == start && put(output, GUST__SLICE("/"));
    if (done)
        output->size = remove_dot_segments(output->data, start, output->size);
    return done;
}

ssize_t gust__url_resolve(char *out, size_t size, struct gust__slice base_text, struct gust__slice reference)
{
    struct output output = {.data = out, .room = size};
    struct reference base = split(base_text);
    struct reference parts = split(reference);
    if (!gust__slice_consists_of(reference, GUST__IS_TARGET) ||
        (parts.scheme.size && parts.authority.size == 0)) {
        errno = EINVAL;
        return -1;
    }
    bool same_document = parts.authority.size == 0 && parts.path.size == 0 && parts.query.size == 0;
    bool done = put(&output, parts.scheme.size ? parts.scheme : base.scheme) &&
                put(&output, parts.authority.size ? parts.authority : base.authority) &&
                put_path(&output, &base, &parts) && put(&output, same_document ? base.query : parts.query);
    if (done)
        return (ssize_t)output.size;
    errno = ENOBUFS;
    return -1;
}
