/* The request's body (RFC 9112 6): in place when it is there at once, collected, read by the handler, or
 * dropped. */
#include "http/http1_connection.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "coro/coroutine.h"

enum {
    FIRST_BLOCK = 4 << 10, /* of a collected body whose length is not known */
    MAX_FIRST = 64 << 10,  /* a Content-Length alone does not make us allocate more than this */
    READS_AT_ONCE = 16,    /* of 64 KiB: then others have their turn */
};

/* What a body that is refused stands for, as errno. */
static int fail_body(struct gust__http1_exchange *exchange, int status)
{
    exchange->exchange.body_failed = status;
    errno = status == 413 ? EMSGSIZE : status == 408 ? ETIMEDOUT : EBADMSG;
    return -1;
}

static bool wants_other(const struct gust__http1_exchange *exchange)
{
    return exchange->head.minor >= 1 && !exchange->head.expect_continue &&
           gust__fields_first(&exchange->head.fields, GUST__HEADER_EXPECT);
}

int gust__http1_body_announced(struct gust__http1_exchange *exchange)
{
    const struct gust__fields *fields = &exchange->head.fields;
    exchange->body_left = fields->content_length > 0 ? fields->content_length : 0;
    exchange->body_done = exchange->body_left == 0 && !fields->chunked;
    exchange->body_deadline = GUST__FOREVER;
    exchange->continued = exchange->body_done || !exchange->head.expect_continue;
    if (wants_other(exchange))
        return 417;
    if (exchange->body_done)
        return 0;
    if (exchange->body_left > exchange->admission.max_body)
        return 413;
    if (fields->chunked)
        gust__chunked_init(&exchange->chunked, exchange->trailer_bytes, sizeof(exchange->trailer_bytes));
    if (exchange->admission.body_timeout > 0)
        exchange->body_deadline =
            gust__clock_after(exchange->exchange.started, exchange->admission.body_timeout);
    return 0;
}

/* ---- taking what is there ---- */

/* The input ended, or broke, before the body did. */
static int cut_short(struct gust__http1_exchange *exchange, ssize_t got)
{
    if (got < 0)
        return -1;
    fail_body(exchange, 400);
    errno = ECONNRESET;
    return -1;
}

/* Reads once to where the caller wants it, or without a caller into a chunk. */
static ssize_t receive_direct(struct gust__http1_exchange *exchange, void *to, size_t size)
{
    struct gust__http1_connection *connection = exchange->connection;
    if (to) {
        ssize_t got = gust__http1_receive(connection, to, size);
        return got > 0 ? got : cut_short(exchange, got);
    }
    ssize_t got = gust__http1_fill(connection, exchange->floor);
    if (got <= 0)
        return cut_short(exchange, got);
    size = (size_t)got < size ? (size_t)got : size;
    connection->in_at += (uint32_t)size;
    return (ssize_t)size;
}

static ssize_t take_counted(struct gust__http1_exchange *exchange, void *to, size_t size)
{
    struct gust__http1_connection *connection = exchange->connection;
    size_t there = connection->in_end - connection->in_at;
    if ((uint64_t)exchange->body_left < size)
        size = (size_t)exchange->body_left;
    ssize_t got;
    if (there) {
        size = there < size ? there : size;
        if (to)
            memcpy(to, connection->in->data + connection->in_at, size);
        connection->in_at += (uint32_t)size;
        got = (ssize_t)size;
    } else {
        got = receive_direct(exchange, to, size);
        if (got < 0)
            return -1;
    }
    exchange->body_left -= got;
    exchange->body_taken += got;
    exchange->body_done = exchange->body_left == 0;
    return got;
}

static int end_chunked(struct gust__http1_exchange *exchange)
{
    ssize_t count = gust__chunked_trailers(&exchange->chunked, exchange->trailers, GUST__HTTP1_TRAILERS);
    if (count < 0)
        return fail_body(exchange, 431);
    exchange->exchange.trailers = exchange->trailers;
    exchange->exchange.trailer_count = (size_t)count;
    exchange->body_done = true;
    return 0;
}

/* Decodes until there is payload, or the end. 0; -1: EAGAIN, or it failed. */
static int decode(struct gust__http1_exchange *exchange)
{
    struct gust__http1_connection *connection = exchange->connection;
    while (exchange->payload.size == 0 && !exchange->body_done) {
        if (connection->in_at == connection->in_end) {
            ssize_t got = gust__http1_fill(connection, exchange->floor);
            if (got <= 0)
                return cut_short(exchange, got);
        }
        ssize_t consumed = gust__chunked_read(&exchange->chunked, connection->in->data + connection->in_at,
                                              connection->in_end - connection->in_at, &exchange->payload);
        if (consumed < 0)
            return fail_body(exchange, exchange->chunked.fault.status);
        connection->in_at += (uint32_t)consumed;
        exchange->body_taken += (int64_t)exchange->payload.size;
        if (exchange->body_taken > exchange->admission.max_body)
            return fail_body(exchange, 413);
        if (gust__chunked_done(&exchange->chunked) && end_chunked(exchange) < 0)
            return -1;
    }
    return 0;
}

static ssize_t take_chunked(struct gust__http1_exchange *exchange, void *to, size_t size)
{
    if (decode(exchange) < 0)
        return -1;
    if (exchange->payload.size < size)
        size = exchange->payload.size;
    if (to && size)
        memmove(to, exchange->payload.data, size);
    exchange->payload = gust__slice_from(exchange->payload, size);
    return (ssize_t)size;
}

ssize_t gust__http1_body_take(struct gust__http1_exchange *exchange, void *to, size_t size)
{
    if (exchange->head.fields.chunked)
        return take_chunked(exchange, to, size);
    return exchange->body_done ? 0 : take_counted(exchange, to, size);
}

/* ---- a buffered body ---- */

/* A body that lies whole behind its head is served from there; the NUL behind it hides the next request's
 * first byte. */
static void use_in_place(struct gust__http1_exchange *exchange, char *data, size_t size)
{
    exchange->exchange.body = gust__slice(data, size);
    exchange->body_nul = data + size;
    exchange->body_nul_saved = data[size];
    data[size] = '\0';
}

static bool take_in_place(struct gust__http1_exchange *exchange)
{
    struct gust__http1_connection *connection = exchange->connection;
    size_t size = (size_t)exchange->body_left;
    if (exchange->head.fields.chunked || connection->in_end - connection->in_at < size)
        return false;
    use_in_place(exchange, connection->in->data + connection->in_at, size);
    connection->in_at += (uint32_t)size;
    exchange->body_taken = exchange->body_left;
    exchange->body_left = 0;
    exchange->body_done = true;
    return true;
}

/* The head moves to a chunk of its size, so that a slow body does not hold the loop's. */
static int keep_head(struct gust__http1_exchange *exchange)
{
    struct gust__http1_connection *connection = exchange->connection;
    struct gust__http_chunk *in = connection->in;
    const char *from = in->data + exchange->head_at;
    size_t size = exchange->floor - exchange->head_at;
    struct gust__http_chunk *kept = gust__http_chunk_new(size);
    if (!kept)
        return -1;
    memcpy(kept->data, from, size);
    gust__http1_rebase_request(&exchange->head, from, size, kept->data);
    exchange->kept = kept;
    exchange->floor = 0;
    return 0;
}

static int begin_collecting(struct gust__http1_exchange *exchange)
{
    struct gust__buffer *collected = &exchange->collected;
    size_t first = FIRST_BLOCK;
    if (!exchange->head.fields.chunked)
        first = exchange->body_left < MAX_FIRST ? (size_t)exchange->body_left : MAX_FIRST;
    collected->max = (size_t)exchange->admission.max_body + 2; /* the NUL, and room to see that more comes */
    if (first + 1 > collected->max)
        first = collected->max - 1;
    if (keep_head(exchange) < 0 || !gust__buffer_reserve(collected, first + 1))
        return -1;
    if (exchange->head.expect_continue && !exchange->continued) {
        exchange->continued = true;
        return gust__http1_continue(exchange->connection);
    }
    return 0;
}

/* How much more is worth asking for: what is left in the allocation, else half as much again or double, but
 * never more than the body may still need. Two at least: one is the NUL's. */
static size_t next_room(const struct gust__http1_exchange *exchange)
{
    const struct gust__buffer *collected = &exchange->collected;
    size_t left = collected->max - gust__buffer_length(collected);
    size_t room = collected->capacity - collected->end;
    if (room < 2)
        room = collected->capacity < MAX_FIRST ? collected->capacity : collected->capacity / 2;
    if (!exchange->head.fields.chunked && (uint64_t)exchange->body_left < left)
        left = (size_t)exchange->body_left + 1;
    room = room < left ? room : left;
    return room < 2 ? 2 : room;
}

static char *room_for_more(struct gust__http1_exchange *exchange, size_t *size)
{
    size_t room = next_room(exchange);
    *size = room - 1;
    return gust__buffer_reserve(&exchange->collected, room);
}

static enum gust__http1_step refuse_body(struct gust__http1_exchange *exchange, int status)
{
    gust__http1_refuse_request(exchange->connection, status);
    exchange->served = true;
    gust__http1_end(exchange->connection);
    return GUST__HTTP1_MORE;
}

static enum gust__http1_step end_collecting(struct gust__http1_exchange *exchange)
{
    struct gust__buffer *collected = &exchange->collected;
    collected->data[collected->end] = '\0';
    exchange->exchange.body = gust__slice(gust__buffer_bytes(collected), gust__buffer_length(collected));
    gust__http1_exchange_serve(exchange);
    return GUST__HTTP1_MORE;
}

/* Waits for more of the body: what input is left over is not worth a lent chunk. */
static enum gust__http1_step wait_for_body(struct gust__http1_exchange *exchange)
{
    struct gust__http1_connection *connection = exchange->connection;
    if (connection->state == GUST__HTTP1_CLOSED || exchange->exchange.body_failed)
        return exchange->exchange.body_failed ? refuse_body(exchange, (int)exchange->exchange.body_failed)
                                              : GUST__HTTP1_MORE;
    if (errno == ENOMEM)
        return refuse_body(exchange, 503);
    gust__http1_drop_input(connection);
    connection->deadline = exchange->body_deadline;
    return GUST__HTTP1_WAIT;
}

enum gust__http1_step gust__http1_body_collect(struct gust__http1_exchange *exchange)
{
    struct gust__http1_connection *connection = exchange->connection;
    if (!exchange->kept) {
        if (exchange->body_done || take_in_place(exchange)) {
            gust__http1_exchange_serve(exchange);
            return GUST__HTTP1_MORE;
        }
        if (begin_collecting(exchange) < 0)
            return connection->state == GUST__HTTP1_CLOSED ? GUST__HTTP1_MORE : refuse_body(exchange, 503);
    }
    for (int i = 0; i < READS_AT_ONCE; i++) {
        if (exchange->body_done && exchange->payload.size == 0)
            return end_collecting(exchange);
        bool buffered = connection->in_at < connection->in_end || exchange->payload.size;
        if (!buffered && !connection->readable && !connection->ended) {
            errno = EAGAIN;
            return wait_for_body(exchange);
        }
        size_t size;
        char *to = room_for_more(exchange, &size);
        if (!to)
            return refuse_body(exchange, 503);
        ssize_t got = gust__http1_body_take(exchange, to, size);
        if (got < 0)
            return wait_for_body(exchange);
        gust__buffer_added(&exchange->collected, (size_t)got);
    }
    gust__loop_ready(connection->server->loop, &connection->task);
    return GUST__HTTP1_WAIT;
}

/* ---- a body that nobody wants ---- */

enum gust__http1_step gust__http1_body_discard(struct gust__http1_exchange *exchange)
{
    struct gust__http1_connection *connection = exchange->connection;
    while (!exchange->body_done || exchange->payload.size) {
        if (connection->in_at == connection->in_end && !connection->readable && !connection->ended) {
            gust__http1_drop_input(connection);
            return GUST__HTTP1_WAIT;
        }
        ssize_t got = gust__http1_body_take(exchange, NULL, GUST__HTTP_CHUNK);
        if (got < 0 && errno == EAGAIN && connection->state != GUST__HTTP1_CLOSED &&
            !exchange->exchange.body_failed)
            continue;
        connection->dropped += got > 0 ? (uint32_t)got : 0;
        if (got < 0 || connection->dropped > GUST__HTTP1_DISCARD_MAX) {
            gust__http1_exchange_release(exchange);
            gust__http1_end(connection);
            return GUST__HTTP1_MORE;
        }
    }
    gust__http1_exchange_release(exchange);
    connection->state = GUST__HTTP1_HEAD;
    return GUST__HTTP1_MORE;
}

void gust__http1_body_end(struct gust__http1_exchange *exchange)
{
    if (exchange->body_nul) {
        *exchange->body_nul = exchange->body_nul_saved;
        exchange->body_nul = NULL;
    }
    gust__buffer_fini(&exchange->collected);
}

/* ---- a streamed body ---- */

static ssize_t read_collected(struct gust__http1_exchange *exchange, void *to, size_t size)
{
    struct gust__slice rest = gust__slice_from(exchange->exchange.body, exchange->body_read);
    if (rest.size < size)
        size = rest.size;
    if (size)
        memcpy(to, rest.data, size);
    exchange->body_read += size;
    return (ssize_t)size;
}

/* [blk] Until there is something to read. 0; -1: ECONNRESET, EBUSY, ETIMEDOUT (408 too), ECANCELED. */
static int wait_readable(struct gust__http1_exchange *exchange)
{
    struct gust__http1_connection *connection = exchange->connection;
    if (exchange->reader) {
        errno = EBUSY;
        return -1;
    }
    while (!connection->readable && !connection->ended && connection->state != GUST__HTTP1_CLOSED) {
        exchange->reader = gust__current;
        int result = gust__park_until(GUST__INTERRUPTIBLE, "read_body", exchange->body_deadline);
        exchange->reader = NULL;
        if (result < 0)
            return -1;
        if (result > 0)
            return fail_body(exchange, 408);
    }
    if (connection->state != GUST__HTTP1_CLOSED)
        return 0;
    errno = ECONNRESET;
    return -1;
}

static int want_body(struct gust__http1_exchange *exchange)
{
    if (exchange->continued)
        return 0;
    exchange->continued = true;
    if (exchange->exchange.head_sent) { /* too late to ask for it: this answer was the answer */
        errno = ECONNRESET;
        return -1;
    }
    return gust__http1_continue(exchange->connection);
}

ssize_t gust__http1_read_body(struct gust__exchange *shown, void *to, size_t size)
{
    struct gust__http1_exchange *exchange = (struct gust__http1_exchange *)(void *)shown;
    struct gust__http1_connection *connection = exchange->connection;
    if (!exchange->admission.stream)
        return read_collected(exchange, to, size);
    if (shown->body_failed)
        return fail_body(exchange, (int)shown->body_failed);
    if ((exchange->body_done && exchange->payload.size == 0) || size == 0)
        return 0;
    if (gust__http1_share(exchange, 0) < 0 || want_body(exchange) < 0)
        return -1;
    for (;;) {
        if (connection->in_at < connection->in_end || exchange->payload.size || connection->readable ||
            connection->ended) {
            ssize_t got = gust__http1_body_take(exchange, to, size);
            if (got > 0)
                exchange->share += (size_t)got;
            if (got >= 0 || shown->body_failed || errno != EAGAIN)
                return got;
        }
        if (wait_readable(exchange) < 0)
            return -1;
    }
}
