/*
 * Answers coded as they go (RFC 9110 8.4): gzip, br or zstd for clients that take it.
 *
 * Encoding is computing on the loop. It goes by pieces of 16 KiB that came out, with a chance for others
 * behind each (gust_checkpoint), in the encoders' cheap levels; a thread would cost two switches for each
 * piece of an answer that is mostly small.
 */
#include "web/coded.h"

#include "http/status.h"

#include <string.h>

#include <gust/error.h>

/* zstd first: at these levels it is three times as fast as brotli and as small. */
static const enum gust__coding order[] = {GUST__CODING_ZSTD, GUST__CODING_BROTLI, GUST__CODING_GZIP};

enum { PIECE = 16 << 10 };

static const char default_types[] = "text/*, *+json, *+xml, application/json, application/javascript, "
                                    "application/x-javascript, application/xml, application/wasm, font/ttf, "
                                    "font/otf";

/* ---- which answers ---- */

/* A star at the end stands for any end, one in front for any beginning. */
static bool type_matches(struct gust__slice type, struct gust__slice pattern)
{
    size_t size = pattern.size;
    if (pattern.data[size - 1] == '*')
        return type.size >= size - 1 && gust__slice_equals_ignoring_case(gust__slice(type.data, size - 1),
                                                                         gust__slice(pattern.data, size - 1));
    if (pattern.data[0] == '*')
        return type.size >= size - 1 &&
               gust__slice_equals_ignoring_case(gust__slice_from(type, type.size - (size - 1)),
                                                gust__slice_from(pattern, 1));
    return gust__slice_equals_ignoring_case(type, pattern);
}

static bool worth_coding(const gust_request *request)
{
    const char *types = request->app->compress->compress_types;
    struct gust__slice rest = gust__slice_of(types ? types : default_types), pattern;
    struct gust__slice type = gust__answer_header_set(request, GUST__SLICE("Content-Type"));
    if (!type.data)
        type = GUST__SLICE(GUST__PLAIN_TEXT);
    type = gust__slice_trim(gust__slice(type.data, gust__slice_size_before(type, ";")));
    while (gust__slice_next_member(&rest, &pattern)) {
        if (type_matches(type, pattern))
            return true;
    }
    return false;
}

/* Answers that are what they are: without a body, a piece of one, or coded by the handler. */
static bool is_fixed(const gust_request *request)
{
    int status = gust_status((gust_request *)(uintptr_t)request);
    return gust__status_is_bodiless(status) || status == 206 ||
           gust__answer_header_set(request, GUST__SLICE("Content-Encoding")).data;
}

void gust__answer_vary(gust_request *request)
{
    for (unsigned i = 0; i < request->header_count; i++) {
        struct gust__slice rest = request->headers[i].value, name;
        if (!gust__slice_equals_ignoring_case(request->headers[i].name, GUST__SLICE("Vary")))
            continue;
        while (gust__slice_next_member(&rest, &name)) {
            if (gust__slice_equals(name, GUST__SLICE("*")) ||
                gust__slice_equals_ignoring_case(name, GUST__SLICE("Accept-Encoding")))
                return;
        }
    }
    gust__answer_add(request, GUST__SLICE("Vary"), GUST__SLICE("Accept-Encoding"));
}

/* A strong tag is of one sequence of bytes (RFC 9110 8.8.3.3). A weak one still finds its page: If-None-Match
 * does not look at the difference. */
static void weaken_etag(gust_request *request)
{
    for (unsigned i = 0; i < request->header_count; i++) {
        struct gust__answer_header *header = &request->headers[i];
        if (gust__slice_equals_ignoring_case(header->name, GUST__SLICE("Etag")) && header->value.size &&
            header->value.data[0] == '"')
            header->value =
                gust__slice_of(gust_sprintf(request, "W/%.*s", (int)header->value.size, header->value.data));
    }
}

void gust__coding_plan(gust_request *request, int64_t size)
{
    if (request->coding_planned)
        return;
    request->coding_planned = true;
    if (is_fixed(request) || !worth_coding(request))
        return;
    gust__answer_vary(request);
    if (size >= 0 && (uint64_t)size < request->app->compress->compress_min)
        return;
    request->coding = gust__coding_choose(&request->exchange->head->fields, order, GUST_LEN(order));
    if (request->coding)
        weaken_etag(request);
}

/* ---- encoding ---- */

bool gust__coding_begin(gust_request *request, bool whole)
{
    int64_t size = whole ? (int64_t)request->output_size : -1;
    if (request->exchange->head_sent)
        return request->encoder != NULL;
    gust__coding_plan(request, size);
    if (!request->coding || request->encoder)
        return request->encoder != NULL;
    if (!is_fixed(request)) /* whoever was asked before the head may have changed that */
        request->encoder = gust__encoder_new(request->coding, size > 0 ? (size_t)size : 0);
    if (!request->encoder) {
        request->coding = GUST__CODING_IDENTITY;
        return false;
    }
    gust__answer_add(request, GUST__SLICE("Content-Encoding"), gust__coding_name(request->coding));
    request->content_length = 0;
    return true;
}

void gust__coding_reset(gust_request *request)
{
    gust__encoder_free(request->encoder);
    request->encoder = NULL;
    request->coding = GUST__CODING_IDENTITY;
    request->coding_planned = false;
}

/* What has been encoded cannot be taken back: the client has to see that the rest is missing. */
static int give_up(gust_request *request, int code)
{
    request->exchange->operations->abort(request->exchange);
    request->finished = true;
    return gust_error_set(code, "encoding an answer");
}

/* Encodes a piece of text and sends what comes out. */
static int send_encoded(gust_request *request, struct gust__slice text, enum gust__encode what, char *room,
                        size_t size)
{
    for (bool done = false; !done;) {
        ssize_t made = gust__encode(request->encoder, &text, what, room, size, &done);
        if (made < 0)
            return give_up(request, errno);
        struct iovec part = {room, (size_t)made};
        bool last = done && what == GUST__ENCODE_END;
        if ((made || last || !request->exchange->head_sent) &&
            gust__answer_send(request, &part, made ? 1 : 0, last) < 0)
            return -1;
        if (!done && gust_checkpoint() < 0)
            return give_up(request, errno);
    }
    return 0;
}

int gust__coding_send(gust_request *request, struct gust__slice text, struct gust__slice more,
                      enum gust__encode what)
{
    bool whole = what == GUST__ENCODE_END && !request->exchange->head_sent && more.size == 0;
    size_t size = whole ? text.size + text.size / 64 + 1024 : PIECE; /* whole: it fits, and has a length */
    if (!request->encoded || whole)
        request->encoded = gust_alloc(request, size);
    if (more.size && text.size && send_encoded(request, text, GUST__ENCODE_ON, request->encoded, size) < 0)
        return -1;
    return send_encoded(request, more.size ? more : text, what, request->encoded, size);
}
