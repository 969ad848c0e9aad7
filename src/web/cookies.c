/* Cookies that came, and cookies to be set. */
#include "web/request.h"

#include "http/cookie.h"
#include "http/utf8.h"

#include <string.h>

#include <gust/error.h>

enum { NANOSECONDS = 1000000000, ATTRIBUTES = 160 };

struct cookie {
    const char *name, *value;
};

struct gust__cookies {
    size_t count;
    struct cookie at[];
};

/* ---- those that came ---- */

static size_t count_at_most(const struct gust__header *header, const struct gust__fields *fields)
{
    size_t count = 0;
    for (; header; header = gust__fields_next(fields, header)) {
        count++;
        for (size_t i = 0; i < header->value.size; i++)
            count += header->value.data[i] == ';';
    }
    return count;
}

/* Cookies of one field, made into text where a copy of it stands. One that is no text is not kept: it may
 * have been set for a whole domain by somebody else, and must not spoil the request. */
static void read_field(gust_request *request, struct gust__cookies *cookies, struct gust__slice field)
{
    struct gust__slice rest = gust__slice(gust__request_text(request, field), field.size), name, value;
    while (gust__cookies_next(&rest, &name, &value)) {
        char *name_text = (char *)(uintptr_t)name.data, *value_text = (char *)(uintptr_t)value.data;
        size_t size = gust__cookie_unquote(value_text, value);
        if (!gust__utf8_valid(gust__slice(value_text, size)) || !gust__utf8_valid(name) ||
            memchr(value_text, 0, size))
            continue;
        name_text[name.size] = 0;
        value_text[size] = 0;
        cookies->at[cookies->count++] = (struct cookie){name_text, value_text};
    }
}

static const struct gust__cookies *cookies_of(gust_request *request)
{
    const struct gust__fields *fields = &request->exchange->head->fields;
    const struct gust__header *header = gust__fields_first(fields, GUST__HEADER_COOKIE);
    if (request->cookies)
        return request->cookies;
    struct gust__cookies *cookies =
        gust_alloc(request, sizeof(*cookies) + count_at_most(header, fields) * sizeof(cookies->at[0]));
    for (; header; header = gust__fields_next(fields, header))
        read_field(request, cookies, header->value);
    return request->cookies = cookies;
}

bool gust_cookie_at(gust_request *request, size_t index, const char **name, const char **value)
{
    const struct gust__cookies *cookies = cookies_of(request);
    if (index >= cookies->count)
        return false;
    *name = cookies->at[index].name;
    *value = cookies->at[index].value;
    return true;
}

const char *gust_cookie(gust_request *request, const char *name)
{
    const struct gust__cookies *cookies = cookies_of(request);
    for (size_t i = 0; i < cookies->count; i++) {
        if (strcmp(cookies->at[i].name, name) == 0)
            return cookies->at[i].value;
    }
    return NULL;
}

/* ---- those to be set ---- */

static struct gust__slice slice_or(const char *text, struct gust__slice otherwise)
{
    return text ? gust__slice_of(text) : otherwise;
}

/* An answer sets a cookie once (RFC 6265 4.1.1): takes out an earlier field for the name. */
static void forget_earlier(gust_request *request, struct gust__slice name)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < request->header_count; i++) {
        struct gust__slice value = request->headers[i].value;
        if (gust__slice_equals_ignoring_case(request->headers[i].name, GUST__SLICE("Set-Cookie")) &&
            gust__slice_starts_with(value, name) && value.size > name.size && value.data[name.size] == '=')
            continue;
        request->headers[kept++] = request->headers[i];
    }
    request->header_count = kept;
}

static int add_cookie(gust_request *request, const struct gust__set_cookie *cookie)
{
    size_t room = cookie->name.size + 4 * cookie->value.size + cookie->domain.size + cookie->path.size +
                  cookie->same_site.size + ATTRIBUTES;
    char *text = gust_alloc(request, room + 1);
    ssize_t size = gust__set_cookie_format(text, room, cookie);
    if (size < 0)
        return gust_error_set(errno, "the cookie %.*s has characters that it cannot have",
                              (int)cookie->name.size, cookie->name.data);
    if (request->exchange->head_sent || request->finished)
        return gust_error_set(EALREADY, "the cookie %.*s came after the head was sent",
                              (int)cookie->name.size, cookie->name.data);
    forget_earlier(request, cookie->name);
    gust__answer_add(request, GUST__SLICE("Set-Cookie"), gust__slice(text, (size_t)size));
    return 0;
}

int gust_set_cookie_with(gust_request *request, const char *name, const char *value,
                         const gust_cookie_options *given)
{
    static const int64_t long_ago = 0;
    gust_cookie_options options = {0};
    memcpy(&options, given, given->size < sizeof(options) ? given->size : sizeof(options));
    int64_t seconds = options.max_age > 0 ? (options.max_age - 1) / NANOSECONDS + 1 : 0;
    struct gust__set_cookie cookie = {
        .name = gust__slice_of(name),
        .value = gust__slice_of(value),
        .domain = slice_or(options.domain, GUST__SLICE("")),
        .path = slice_or(options.path, GUST__SLICE("/")),
        .same_site = slice_or(options.same_site, GUST__SLICE("Lax")),
        .max_age = options.max_age ? &seconds : NULL,
        .expires = options.max_age < 0 ? &long_ago : NULL, /* for clients that know no Max-Age */
        .secure = options.secure,
        .http_only = options.http_only,
    };
    return add_cookie(request, &cookie);
}
