/* Answers that the client has already: Etag and If-None-Match (RFC 9110 13.1.2). */
#include "web/coded.h"
#include "web/life.h"

#include "http/etag.h"

static struct gust__slice etag_of_output(gust_request *request)
{
    struct gust__etag_hash hash = {0};
    char *etag = gust_alloc(request, GUST__ETAG_ROOM);
    gust__etag_hash_add(&hash, request->output, request->output_size);
    gust__etag_hash_write(&hash, etag);
    struct gust__slice value = gust__slice(etag, GUST__ETAG_ROOM - 1);
    if (request->coding) /* the tag is of what is encoded: a weak one (RFC 9110 8.8.3.3) */
        value = gust__slice_of(gust_sprintf(request, "W/%s", etag));
    gust__answer_add(request, GUST__SLICE("Etag"), value);
    return value;
}

bool gust__client_has(const gust_request *request, struct gust__slice etag)
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

void gust__answer_not_modified(gust_request *request)
{
    drop_entity_headers(request);
    request->output_size = 0;
    request->status = 304;
}

void gust__answer_conditionally(gust_request *request)
{
    enum gust__method method = request->exchange->head->method;
    int status = gust_status(request);
    if (status == 204 || status == 304)
        drop_entity_headers(request);
    if (status != 200 || (method != GUST__METHOD_GET && method != GUST__METHOD_HEAD))
        return;
    if (request->app->compress)
        gust__coding_plan(request, (int64_t)request->output_size);
    struct gust__slice etag = gust__answer_header_set(request, GUST__SLICE("Etag"));
    if (!etag.data && request->app->etags)
        etag = etag_of_output(request);
    if (etag.data && gust__client_has(request, etag))
        gust__answer_not_modified(request);
}
