/* Answers that the client has already: Etag and If-None-Match (RFC 9110 13.1.2). */
#include "web/life.h"

#include "http/etag.h"

static struct gust__slice header_set(const gust_request *request, struct gust__slice name)
{
    for (unsigned i = 0; i < request->header_count; i++) {
        if (gust__slice_equals_ignoring_case(request->headers[i].name, name))
            return request->headers[i].value;
    }
    return gust__slice(NULL, 0);
}

static struct gust__slice etag_of_output(gust_request *request)
{
    struct gust__etag_hash hash = {0};
    char *etag = gust_alloc(request, GUST__ETAG_ROOM);
    gust__etag_hash_add(&hash, request->output, request->output_size);
    gust__etag_hash_write(&hash, etag);
    struct gust__slice value = gust__slice(etag, GUST__ETAG_ROOM - 1);
    gust__answer_add(request, GUST__SLICE("Etag"), value);
    return value;
}

static bool client_has(const gust_request *request, struct gust__slice etag)
{
    const struct gust__fields *fields = &request->exchange->head->fields;
    const struct gust__header *header = gust__fields_first(fields, GUST__HEADER_IF_NONE_MATCH);
    for (; header; header = gust__fields_next(fields, header)) {
        if (gust__etag_listed(header->value, etag, GUST__ETAG_WEAK))
            return true;
    }
    return false;
}

/* Without a body there is nothing that these could be said of (a 304 would repeat what the client has). */
static void drop_entity_headers(gust_request *request)
{
    static const char *const dropped[] = {"Content-Type",     "Content-Length", "Content-Encoding",
                                          "Content-Language", "Content-Range",  "Last-Modified"};
    for (size_t i = 0; i < GUST_LEN(dropped); i++)
        gust_clear_header(request, dropped[i]);
}

void gust__answer_conditionally(gust_request *request)
{
    enum gust__method method = request->exchange->head->method;
    int status = gust_status(request);
    if (status == 204 || status == 304)
        drop_entity_headers(request);
    if (status != 200 || (method != GUST__METHOD_GET && method != GUST__METHOD_HEAD))
        return;
    struct gust__slice etag = header_set(request, GUST__SLICE("Etag"));
    if (!etag.data && request->app->etags)
        etag = etag_of_output(request);
    if (!etag.data || !client_has(request, etag))
        return;
    drop_entity_headers(request);
    request->output_size = 0;
    request->status = 304;
}
