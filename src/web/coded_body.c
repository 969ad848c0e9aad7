/* Requests' bodies that come coded: decoded within the limit that holds for what comes out. */
#include "web/coded.h"

#include "base/buffer.h"

#include <string.h>

#include <gust/error.h>

enum { PIECE = 16 << 10 };

struct gust__coded_body {
    struct gust__decoder *decoder;
    int64_t most; /* bytes that may come out */
    int64_t decoded;

    /* streamed */
    char *room;              /* coded bytes are read here */
    struct gust__slice data; /* of them, not yet decoded */

    /* buffered */
    bool buffered;
    struct gust__buffer whole;
    size_t read; /* by gust_read_body */
};

/* The one coding of the body. */
static enum gust__coding coding_of(const gust_request *request)
{
    const struct gust__fields *fields = &request->exchange->head->fields;
    const struct gust__header *header = gust__fields_first(fields, GUST__HEADER_CONTENT_ENCODING);
    enum gust__coding coding = GUST__CODING_IDENTITY;
    struct gust__slice name;
    for (; header; header = gust__fields_next(fields, header)) {
        struct gust__slice rest = header->value;
        while (gust__slice_next_member(&rest, &name))
            coding = coding == GUST__CODING_IDENTITY ? gust__coding_named(name) : GUST__CODING_UNKNOWN;
    }
    return coding;
}

static _Noreturn void refuse_coding(gust_request *request)
{
    gust_set_header(request, "Accept-Encoding", "gzip, br, zstd, deflate");
    gust_fail(415, "the body's Content-Encoding is none of gzip, br, zstd, deflate");
}

/* ---- a buffered body ---- */

static _Noreturn void refuse_body(void)
{
    if (errno == ENOMEM)
        gust__no_memory();
    gust_fail(400, "the body is not what its Content-Encoding says");
}

static void decode_whole(gust_request *request)
{
    struct gust__coded_body *body = request->coded_body;
    struct gust__slice data = request->exchange->body;
    ssize_t made;
    size_t room;
    body->buffered = true;
    body->whole.max = (size_t)body->most + 2; /* the NUL, and room to see that there is more */
    do {
        size_t left = (size_t)body->most + 1 - gust__buffer_length(&body->whole);
        room = left < PIECE ? left : PIECE;
        char *to = gust__buffer_reserve(&body->whole, room + 1);
        made = to ? gust__decode(body->decoder, &data, to, room) : -1;
        if (made < 0)
            refuse_body();
        gust__buffer_added(&body->whole, (size_t)made);
        if (gust__buffer_length(&body->whole) > (size_t)body->most)
            gust_fail(413, NULL);
        if (gust_checkpoint() < 0)
            gust_throw(errno, "decoding a body was not completed in time");
    } while ((size_t)made == room);
    errno = EBADMSG;
    if (!gust__decoder_whole(body->decoder))
        refuse_body();
    gust__buffer_bytes(&body->whole)[gust__buffer_length(&body->whole)] = 0;
    request->exchange->body =
        gust__slice(gust__buffer_bytes(&body->whole), gust__buffer_length(&body->whole));
}

static ssize_t read_whole(gust_request *request, void *to, size_t size)
{
    struct gust__coded_body *body = request->coded_body;
    struct gust__slice rest = gust__slice_from(request->exchange->body, body->read);
    size = size < rest.size ? size : rest.size;
    if (size)
        memcpy(to, rest.data, size);
    body->read += size;
    return (ssize_t)size;
}

void gust__body_decode(gust_request *request)
{
    enum gust__coding coding = coding_of(request);
    if (!request->route || coding == GUST__CODING_IDENTITY)
        return;
    if (coding == GUST__CODING_UNKNOWN)
        refuse_coding(request);
    struct gust__coded_body *body = gust_alloc(request, sizeof(*body));
    body->most = gust__body_limit(request);
    body->decoder = gust__decoder_new(coding);
    if (!body->decoder)
        gust__no_memory();
    request->coded_body = body;
    if (!request->route->options.stream_body && request->exchange->body.size)
        decode_whole(request);
}

/* ---- a streamed body ---- */

/* As the connection's own failures: the status is answered if the handler does not answer. */
static ssize_t fail(gust_request *request, int code)
{
    if (code != ENOMEM)
        request->exchange->body_failed = code == EMSGSIZE ? 413 : 400;
    return gust_error_set(code, code == EMSGSIZE ? "the decoded body is too large"
                                                 : "the body is not what its Content-Encoding says");
}

/* Reads more coded bytes. 1; 0: there are no more; -1. */
static int refill(gust_request *request)
{
    struct gust__coded_body *body = request->coded_body;
    if (!body->room)
        body->room = gust_alloc(request, PIECE);
    ssize_t got = request->exchange->operations->read_body(request->exchange, body->room, PIECE);
    if (got < 0)
        return -1;
    if (got == 0 && !gust__decoder_whole(body->decoder))
        return (int)fail(request, EBADMSG);
    body->data = gust__slice(body->room, (size_t)got);
    return got > 0;
}

ssize_t gust__coded_body_read(gust_request *request, void *to, size_t size)
{
    struct gust__coded_body *body = request->coded_body;
    if (body->buffered)
        return read_whole(request, to, size);
    if ((uint64_t)(body->most - body->decoded) + 1 < size)
        size = (size_t)(body->most - body->decoded) + 1;
    if (request->exchange->body_failed)
        return gust_error_set(EBADMSG, "the body has failed");
    while (size) {
        if (gust_checkpoint() < 0) /* a few bytes may stand for very many */
            return -1;
        ssize_t made = gust__decode(body->decoder, &body->data, to, size);
        if (made < 0)
            return fail(request, errno);
        body->decoded += made;
        if (body->decoded > body->most)
            return fail(request, EMSGSIZE);
        int more = made ? 1 : refill(request);
        if (made || more <= 0)
            return made ? made : more;
    }
    return 0;
}

void gust__coded_body_end(gust_request *request)
{
    gust__decoder_free(request->coded_body->decoder);
    gust__buffer_fini(&request->coded_body->whole);
}
