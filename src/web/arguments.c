/* Arguments: of the query, parsed once; of the body when it is a form, parsed once. */
#include "web/arguments.h"

#include "http/parameters.h"
#include "http/url.h"
#include "http/utf8.h"
#include "web/form.h"

#include <string.h>

static struct gust__arguments *arguments_of(gust_request *request)
{
    if (!request->arguments)
        request->arguments = gust_alloc(request, sizeof(*request->arguments));
    return request->arguments;
}

void gust__argument_add(gust_request *request, struct gust__argument_list *list, const char *name,
                        const char *value)
{
    if (list->count >= request->app->settings.max_arguments)
        gust_fail(400, "more than %u arguments", request->app->settings.max_arguments);
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 8;
        struct gust__argument *larger = gust_alloc(request, capacity * sizeof(*larger));
        if (list->count)
            memcpy(larger, list->at, list->count * sizeof(*larger));
        list->at = larger;
        list->capacity = capacity;
    }
    list->at[list->count++] = (struct gust__argument){.name = name, .value = value};
}

/* ---- urlencoded ---- */

/* Decodes a name or value where it stands: what follows it has been read, so that a NUL may go there. */
static const char *decode(struct gust__slice raw)
{
    char *text = (char *)(uintptr_t)raw.data;
    if (raw.size == 0)
        return "";
    ssize_t size = gust__url_decode(text, raw, GUST__URL_FORM);
    if (size < 0 || !gust__utf8_valid(gust__slice(text, (size_t)size)))
        gust_fail(400, "an argument is not UTF-8 text, percent-encoded");
    text[size] = 0;
    return text;
}

static void parse_urlencoded(gust_request *request, struct gust__argument_list *list,
                             struct gust__slice encoded)
{
    struct gust__form form = {.max = request->app->settings.max_arguments};
    struct gust__slice name, value;
    int more;
    if (encoded.size > request->app->settings.max_memory)
        gust_fail(413, "a form of %zu bytes", encoded.size);
    form.rest = gust__slice(gust__request_text(request, encoded), encoded.size);
    while ((more = gust__form_next(&form, &name, &value)) > 0) {
        const char *name_text = decode(name);
        gust__argument_add(request, list, name_text, decode(value));
    }
    if (more < 0)
        gust_fail(400, "more than %u arguments", request->app->settings.max_arguments);
}

/* ---- the lists ---- */

static struct gust__argument_list *query_arguments(gust_request *request)
{
    struct gust__argument_list *list = &arguments_of(request)->query;
    if (!list->known) {
        *list = (struct gust__argument_list){0}; /* what an attempt that failed may have left */
        parse_urlencoded(request, list, request->exchange->head->query);
        list->known = true;
    }
    return list;
}

struct gust__slice gust__body_type(gust_request *request)
{
    const struct gust__header *header =
        gust__fields_first(&request->exchange->head->fields, GUST__HEADER_CONTENT_TYPE);
    struct gust__slice rest = header ? header->value : GUST__SLICE("");
    return gust__parameters_begin(&rest);
}

struct gust__argument_list *gust__body_arguments(gust_request *request)
{
    struct gust__argument_list *list = &arguments_of(request)->body;
    struct gust__slice body = request->exchange->body, type;
    if (list->known)
        return list;
    *list = (struct gust__argument_list){0};
    type = body.size ? gust__body_type(request) : GUST__SLICE("");
    if (gust__slice_equals_ignoring_case(type, GUST__SLICE("application/x-www-form-urlencoded")))
        parse_urlencoded(request, list, body);
    else if (gust__slice_equals_ignoring_case(type, GUST__SLICE("multipart/form-data")))
        gust__form_parse(request, list);
    list->known = true;
    return list;
}

/* ---- asking ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What Tornado takes for a space in an argument's middle: controls, but for tabs, newlines and the like. */
static bool is_control(char c)
{
    return (c > 0 && c < '\t') || (c > '\r' && c < ' ');
}

static bool has_control(const char *text)
{
    while (*text && !is_control(*text))
        text++;
    return *text;
}

static const char *strip(gust_request *request, struct gust__argument *argument)
{
    if (argument->stripped)
        return argument->stripped;
    const char *start = argument->value;
    if (has_control(start)) {
        char *clean = gust_strdup(request, start);
        start = clean;
        for (; *clean; clean++)
            *clean = is_control(*clean) ? ' ' : *clean;
    }
    while (is_space(*start))
        start++;
    size_t size = strlen(start);
    if (size && is_space(start[size - 1])) {
        while (is_space(start[size - 1]))
            size--;
        start = gust__request_text(request, gust__slice(start, size));
    }
    return argument->stripped = start;
}

static const char *last_of(gust_request *request, const struct gust__argument_list *list, const char *name)
{
    for (size_t i = list->count; i-- > 0;) {
        if (strcmp(list->at[i].name, name) == 0)
            return strip(request, &list->at[i]);
    }
    return NULL;
}

const char *gust_query_arg(gust_request *request, const char *name)
{
    return last_of(request, query_arguments(request), name);
}

const char *gust_body_arg(gust_request *request, const char *name)
{
    return last_of(request, gust__body_arguments(request), name);
}

const char *gust_arg(gust_request *request, const char *name)
{
    const char *value = gust_body_arg(request, name);
    return value ? value : gust_query_arg(request, name);
}

const char *gust_need_arg(gust_request *request, const char *name)
{
    const char *value = gust_arg(request, name);
    if (!value)
        gust_fail(400, "the argument \"%s\" is missing", name);
    return value;
}

/* The index-th of a list with the name (NULL: any); index loses how many others there were. */
static const struct gust__argument *find_at(const struct gust__argument_list *list, const char *name,
                                            size_t *index)
{
    if (!name) {
        if (*index < list->count)
            return &list->at[*index];
        *index -= list->count;
        return NULL;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->at[i].name, name) == 0 && (*index)-- == 0)
            return &list->at[i];
    }
    return NULL;
}

bool gust_arg_at(gust_request *request, const char *name, size_t index, const char **name_at,
                 const char **value)
{
    const struct gust__argument *argument = find_at(query_arguments(request), name, &index);
    if (!argument)
        argument = find_at(gust__body_arguments(request), name, &index);
    if (!argument)
        return false;
    if (name_at)
        *name_at = argument->name;
    *value = argument->value;
    return true;
}
