/* What a request tells of itself, and memory that lasts as long as it does. */
#include "web/coded.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- memory ---- */

void *gust_alloc(gust_request *request, size_t size)
{
    void *memory = gust__arena_alloc(&request->exchange->arena, size ? size : 1);
    if (!memory)
        gust__no_memory();
    return memset(memory, 0, size);
}

char *gust_sprintf(gust_request *request, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = gust__arena_vprintf(&request->exchange->arena, format, arguments);
    va_end(arguments);
    if (!text)
        gust__no_memory();
    return text;
}

char *gust__request_text(gust_request *request, struct gust__slice slice)
{
    char *text = gust__arena_memdup(&request->exchange->arena, slice.size ? slice.data : "", slice.size);
    if (!text)
        gust__no_memory();
    return text;
}

char *gust_strdup(gust_request *request, const char *text)
{
    return gust__request_text(request, gust__slice_of(text));
}

void gust_after(gust_request *request, void (*function)(void *argument), void *argument)
{
    struct gust__call *call = gust_alloc(request, sizeof(*call));
    *call = (struct gust__call){.next = request->after, .plain = function, .argument = argument};
    request->after = call;
}

/* ---- the route ---- */

void *gust_data(gust_request *request)
{
    return request->data;
}

void *gust_state(gust_request *request)
{
    size_t size = request->route ? request->route->options.state_size : 0;
    if (!request->state && size)
        request->state = gust_alloc(request, size);
    return request->state;
}

/* ---- the request line ---- */

/* Text of a slice, made once. */
static const char *text_once(gust_request *request, char **kept, struct gust__slice slice)
{
    if (!*kept)
        *kept = gust__request_text(request, slice);
    return *kept;
}

const char *gust_method(gust_request *request)
{
    return text_once(request, &request->method_text, request->exchange->head->method_name);
}

const char *gust_uri(gust_request *request)
{
    return text_once(request, &request->uri_text, request->exchange->head->target);
}

const char *gust_path(gust_request *request)
{
    return text_once(request, &request->path_text, request->path);
}

const char *gust_query(gust_request *request)
{
    return text_once(request, &request->query_text, request->exchange->head->query);
}

const char *gust_host(gust_request *request)
{
    return text_once(request, &request->host_text, request->exchange->head->host);
}

const char *gust_http_version(gust_request *request)
{
    return request->exchange->head->minor ? "HTTP/1.1" : "HTTP/1.0";
}

const char *gust_remote_ip(gust_request *request)
{
    return gust__exchange_peer(request->exchange);
}

const char *gust_scheme(gust_request *request)
{
    (void)request;
    return "http";
}

int64_t gust_elapsed(gust_request *request)
{
    return gust__clock_now() - request->exchange->started;
}

/* ---- headers ---- */

static const char *header_text(gust_request *request, size_t index)
{
    const struct gust__fields *fields = &request->exchange->head->fields;
    if (!request->header_texts)
        request->header_texts = gust_alloc(request, 2 * fields->count * sizeof(*request->header_texts));
    const char **text = &request->header_texts[2 * index];
    if (!*text)
        *text = gust__request_text(request, fields->headers[index].value);
    return *text;
}

const char *gust_header(gust_request *request, const char *name)
{
    const struct gust__fields *fields = &request->exchange->head->fields;
    const struct gust__header *header = gust__fields_find(fields, gust__slice_of(name));
    return header ? header_text(request, (size_t)(header - fields->headers)) : NULL;
}

size_t gust_header_count(gust_request *request)
{
    return request->exchange->head->fields.count;
}

bool gust_header_at(gust_request *request, size_t index, const char **name, const char **value)
{
    const struct gust__fields *fields = &request->exchange->head->fields;
    if (index >= fields->count)
        return false;
    *value = header_text(request, index);
    const char **text = &request->header_texts[2 * index + 1];
    if (!*text)
        *text = gust__request_text(request, fields->headers[index].name);
    *name = *text;
    return true;
}

const char *gust_trailer(gust_request *request, const char *name)
{
    struct gust__slice wanted = gust__slice_of(name);
    for (size_t i = 0; i < request->exchange->trailer_count; i++) {
        const struct gust__header *trailer = &request->exchange->trailers[i];
        if (gust__slice_equals_ignoring_case(trailer->name, wanted))
            return gust__request_text(request, trailer->value);
    }
    return NULL;
}

/* ---- the body ---- */

gust_bytes gust_body(gust_request *request)
{
    return (gust_bytes){request->exchange->body.data, request->exchange->body.size};
}

ssize_t gust_read_body(gust_request *request, void *to, size_t size)
{
    if (request->coded_body)
        return gust__coded_body_read(request, to, size);
    return request->exchange->operations->read_body(request->exchange, to, size);
}
