#include "http/fetch_answer.h"
#include "http/chunked.h"
#include "http/response.h"
#include "http/status.h"

#include <errno.h>

enum { HEADERS = 100 };

static const struct gust__http1_limits limits = {.head = 64 << 10, .line = 16 << 10, .headers = HEADERS};

struct reading {
    struct gust__fetched *answer;
    struct gust__connection *connection;
    const struct gust__fetch_request *request;
};

static int not_http(const struct reading *reading, const char *why)
{
    return gust_error_set(EBADMSG, "the answer of %s is not HTTP: %s", reading->connection->address, why);
}

static int ended_early(const struct reading *reading, const char *where)
{
    return gust_error_set(ECONNRESET, "%s closed the connection %s", reading->connection->address, where);
}

static int read_failed(const struct reading *reading)
{
    const char *address = reading->connection->address;
    if (errno == ETIMEDOUT)
        return gust_error_set(ETIMEDOUT, "the answer of %s did not come in time", address);
    if (errno == ECONNRESET)
        return gust_error_set(ECONNRESET, "%s reset the connection", address);
    return -1;
}

static struct gust__slice held(const struct reading *reading)
{
    const struct gust__buffer *in = &reading->connection->in;
    return gust__slice(gust__buffer_bytes(in), gust__buffer_length(in));
}

/* > 0; 0: the end; -1 */
static ssize_t fill(const struct reading *reading)
{
    ssize_t got = gust__connection_fill(reading->connection);
    if (got > 0)
        reading->answer->begun = true;
    return got < 0 ? read_failed(reading) : got;
}

/* ---- heads ---- */

static int refuse_head(const struct reading *reading, const struct gust__http1_fault *fault)
{
    if (errno != EMSGSIZE)
        return not_http(reading, fault->reason);
    return gust_error_set(EMSGSIZE, "the answer's head of %s: %s", reading->connection->address,
                          fault->reason);
}

/* What speaks another protocol may never send the end of a head. */
static bool begins_as_http(struct gust__slice bytes)
{
    static const char start[] = "HTTP/1.";
    size_t size = bytes.size < sizeof(start) - 1 ? bytes.size : sizeof(start) - 1;
    return size == 0 || memcmp(bytes.data, start, size) == 0;
}

/* Reads until a whole head is held. -> its length; -1 */
static ssize_t await_head(const struct reading *reading)
{
    struct gust__http1_scan scan = {0};
    struct gust__http1_fault fault;
    for (;;) {
        struct gust__slice bytes = held(reading);
        if (!begins_as_http(bytes))
            return not_http(reading, "it does not begin with HTTP/1");
        ssize_t length =
            bytes.size ? gust__http1_find_head_end(&scan, &limits, bytes.data, bytes.size, &fault) : 0;
        if (length != 0)
            return length > 0 ? length : refuse_head(reading, &fault);
        ssize_t got = fill(reading);
        if (got == 0)
            return ended_early(reading,
                               reading->answer->begun ? "in the answer's head" : "without an answer");
        if (got < 0)
            return -1;
    }
}

/* 1: the final head; 0: one of 1xx, consumed; -1 */
static int read_head(const struct reading *reading, struct gust__response_head *head,
                     struct gust__header *headers, size_t *length)
{
    ssize_t size = await_head(reading);
    if (size < 0)
        return -1;
    char *data = gust__buffer_bytes(&reading->connection->in);
    if (gust__http1_parse_response(head, headers, limits.headers, data, (size_t)size) < 0)
        return refuse_head(reading, &head->fault);
    *length = (size_t)size;
    if (head->status >= 200)
        return 1;
    if (head->status == 101)
        return not_http(reading, "it switches protocols unasked");
    gust__buffer_consume(&reading->connection->in, (size_t)size);
    return 0;
}

static int read_final_head(const struct reading *reading, struct gust__response_head *head,
                           struct gust__header *headers, size_t *length)
{
    for (int i = 0; i <= GUST__FETCH_MAX_INTERIM; i++) {
        int final = read_head(reading, head, headers, length);
        if (final != 0)
            return final < 0 ? -1 : 0;
    }
    return not_http(reading, "too many interim answers");
}

/* ---- bodies ---- */

static int too_large(const struct reading *reading)
{
    return gust_error_set(EMSGSIZE, "the answer of %s has more than %zu bytes", reading->connection->address,
                          reading->request->options.max_body);
}

static int give(const struct reading *reading, struct gust__slice piece)
{
    const gust_fetch_options *options = &reading->request->options;
    errno = 0;
    if (options->on_body(piece.data, piece.size, options->argument) >= 0)
        return 0;
    int code = errno ? errno : ECANCELED;
    if (gust_error_code(gust_error_last()) == code) {
        errno = code;
        return -1;
    }
    return gust_error_set(code, "on_body ended the fetch");
}

static int take(const struct reading *reading, struct gust__slice piece)
{
    if (piece.size == 0)
        return 0;
    if (reading->request->options.on_body)
        return give(reading, piece);
    if (gust__response_add(reading->answer->response, piece.data, piece.size) == 0)
        return 0;
    return errno == EMSGSIZE ? too_large(reading) : -1;
}

/* Takes at most size of the bytes that are held. -> how many; -1 */
static ssize_t take_held(const struct reading *reading, uint64_t size)
{
    struct gust__slice piece = held(reading);
    if (piece.size > size)
        piece.size = (size_t)size;
    if (take(reading, piece) < 0)
        return -1;
    if (piece.size)
        gust__buffer_consume(&reading->connection->in, piece.size);
    return (ssize_t)piece.size;
}

static int read_length(const struct reading *reading, uint64_t left)
{
    const gust_fetch_options *options = &reading->request->options;
    if (!options->on_body && left > options->max_body)
        return too_large(reading);
    for (;;) {
        ssize_t taken = take_held(reading, left);
        if (taken < 0)
            return -1;
        left -= (uint64_t)taken;
        if (left == 0)
            return 0;
        ssize_t got = fill(reading);
        if (got <= 0)
            return got < 0 ? -1 : ended_early(reading, "in the answer's body");
    }
}

static int read_to_end(const struct reading *reading)
{
    ssize_t got;
    do {
        if (take_held(reading, UINT64_MAX) < 0)
            return -1;
        got = fill(reading);
    } while (got > 0);
    return (int)got;
}

/* Decodes what is held, up to the end of the body at most. */
static int take_chunks(const struct reading *reading, struct gust__chunked *chunked)
{
    while (held(reading).size > 0 && !gust__chunked_done(chunked)) {
        struct gust__slice bytes = held(reading), payload;
        ssize_t consumed = gust__chunked_read(chunked, bytes.data, bytes.size, &payload);
        if (consumed < 0)
            return not_http(reading, chunked->fault.reason);
        if (take(reading, payload) < 0)
            return -1;
        gust__buffer_consume(&reading->connection->in, (size_t)consumed);
    }
    return 0;
}

static int read_chunked(const struct reading *reading)
{
    struct gust__chunked chunked;
    gust__chunked_init(&chunked, NULL, 0);
    for (;;) {
        if (take_chunks(reading, &chunked) < 0)
            return -1;
        if (gust__chunked_done(&chunked))
            return 0;
        ssize_t got = fill(reading);
        if (got <= 0)
            return got < 0 ? -1 : ended_early(reading, "in the answer's body");
    }
}

enum framing { NO_BODY, CHUNKED, OF_LENGTH, TO_END };

/* RFC 9112 6.3; the parser has refused what contradicts itself. */
static enum framing framing_of(const struct gust__response_head *head,
                               const struct gust__fetch_request *request)
{
    if (request->answer_is_head || gust__status_is_bodiless(head->status))
        return NO_BODY;
    if (head->fields.chunked)
        return CHUNKED;
    return head->fields.content_length >= 0 ? OF_LENGTH : TO_END;
}

static int read_body(const struct reading *reading, enum framing framing, int64_t length)
{
    switch (framing) {
    case NO_BODY:
        return 0;
    case CHUNKED:
        return read_chunked(reading);
    case OF_LENGTH:
        return read_length(reading, (uint64_t)length);
    case TO_END:
        return read_to_end(reading);
    }
    return -1;
}

int gust__answer_read(struct gust__fetched *answer, struct gust__connection *connection,
                      const struct gust__fetch_request *request)
{
    struct reading reading = {answer, connection, request};
    struct gust__response_head head = {0};
    struct gust__header headers[HEADERS];
    size_t length = 0;
    if (read_final_head(&reading, &head, headers, &length) < 0)
        return -1;
    answer->response = gust__response_new(&head, request->options.max_body);
    if (!answer->response)
        return -1;
    gust__buffer_consume(&connection->in, length);
    enum framing framing = framing_of(&head, request);
    if (read_body(&reading, framing, head.fields.content_length) < 0)
        return -1;
    /* Bytes behind the answer are a mistake or an attack: nobody shall read them as the next one. */
    answer->may_keep = head.keep_alive && framing != TO_END && gust__buffer_length(&connection->in) == 0;
    return gust__response_end(answer->response);
}
