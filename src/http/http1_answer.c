/* What an answer looks like: its head (RFC 9112 4, 9), its framing (6), and the answers of the server's own.
 */
#include "http/http1_connection.h"

#include "http/status.h"

#include <stdio.h>

enum {
    STATUS_LINE = 128, /* bytes at most, without a reason of the handler's own */
    PLAIN_TEXT = 48,   /* "Content-Type: " GUST__PLAIN_TEXT "\r\n" */
    FRAMING = 64,      /* "Transfer-Encoding: chunked\r\n", or "Content-Length: " and 19 digits */
    CONNECTION = 32,   /* "Connection: keep-alive\r\n", and the empty line */
};

/* Inline: with a literal it is a store or two. */
static inline __attribute__((always_inline)) char *put(char *to, struct gust__slice text)
{
    memcpy(to, text.data, text.size);
    return to + text.size;
}

#define PUT(to, literal) put(to, GUST__SLICE(literal))

static inline char *put_pair(char *to, uint64_t number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    memcpy(to, pairs + 2 * number, 2);
    return to + 2;
}

static __attribute__((noinline)) char *put_large_number(char *to, uint64_t number)
{
    enum { most = 20 }; /* digits of a number of 64 bits */
    size_t digits = 1;
    for (uint64_t limit = 10; number >= limit && digits < most; limit *= 10)
        digits++;
    size_t at = digits;
    for (; at >= 2; number /= 100)
        put_pair(to + (at -= 2), number % 100);
    if (at)
        to[0] = (char)('0' + number);
    return to + digits;
}

/* In place: copied from a buffer, the digits would be read wider than they were written, which stalls. */
static inline char *put_number(char *to, uint64_t number)
{
    return number >= 10 && number < 100 ? put_pair(to, number) : put_large_number(to, number);
}

/* How an answer 200 (OK) begins. It is mostly shorter than 96 bytes, which are a few loads and stores when
 * they are copied whatever its size: there is room for more than that (STATUS_LINE). */
static inline __attribute__((always_inline)) char *put_ok(char *to, struct gust__http_server *server)
{
    struct gust__slice ok = gust__http_server_ok(server);
    _Static_assert(sizeof(server->beginning) >= 96 && STATUS_LINE >= 96, "96 bytes can be read, and written");
    if (ok.size > 96)
        return put(to, ok);
    memcpy(to, ok.data, 96);
    return to + ok.size;
}

static __attribute__((noinline)) char *put_status_line(char *to, int status, struct gust__slice reason)
{
    struct gust__slice line = gust__status_line(status);
    if (reason.size == 0 && line.size > 0)
        return put(to, line);
    to = PUT(to, "HTTP/1.1 ");
    to = put_number(to, (uint64_t)status);
    to = PUT(to, " ");
    if (reason.size)
        to = put(to, reason);
    return PUT(to, "\r\n");
}

/* ---- the head of a handler's answer ---- */

/* Whether the connection can go on behind this answer, as far as is known when its head is made. */
static inline __attribute__((always_inline)) bool keeps_alive(const struct gust__http1_exchange *exchange)
{
    const struct gust__http1_connection *connection = exchange->connection;
    const struct gust__http_server *server = connection->server;
    const struct gust__http_service *service = server->service;
    if (!exchange->head.keep_alive || service->no_keep_alive || exchange->exchange.close_after)
        return false;
    if (server->draining || exchange->answer_to_end || exchange->exchange.body_failed)
        return false;
    if (service->max_requests && connection->requests >= service->max_requests)
        return false;
    /* Nobody asked the client for the body that it offered: whether it sends it now cannot be known (RFC
     * 9110 10.1.1). */
    return exchange->body_done || exchange->continued;
}

static void choose_framing(struct gust__http1_exchange *exchange, const struct gust__answer *answer,
                           int64_t content_length)
{
    bool bodiless = gust__status_is_bodiless(answer->status);
    exchange->answer_bodiless = exchange->exchange.head_request || bodiless;
    exchange->answer_left = bodiless ? -1 : content_length;
    exchange->answer_chunked = false;
    exchange->answer_to_end = false;
    if (content_length >= 0 || bodiless)
        return;
    exchange->answer_chunked = exchange->head.minor >= 1;
    exchange->answer_to_end = !exchange->answer_chunked && !exchange->exchange.head_request;
}

static __attribute__((noinline)) size_t headers_size(const struct gust__answer *answer)
{
    size_t size = 0;
    for (size_t i = 0; i < answer->count; i++)
        size += answer->headers[i].name.size + answer->headers[i].value.size + 4;
    return size;
}

static size_t head_size(const struct gust__answer *answer)
{
    return STATUS_LINE + GUST__HTTP_COMMON + PLAIN_TEXT + FRAMING + CONNECTION + answer->reason.size +
           (answer->count ? headers_size(answer) : 0);
}

static char *put_framing(char *to, const struct gust__http1_exchange *exchange, int status,
                         int64_t content_length)
{
    if (exchange->answer_chunked)
        return PUT(to, "Transfer-Encoding: chunked\r\n");
    /* 204 must not have a length; for 304 it would be the one that 200 had, which an absent body does not
     * tell. */
    if (content_length < 0 || status == 204 || (status == 304 && content_length == 0))
        return to;
    to = PUT(to, "Content-Length: ");
    to = put_number(to, (uint64_t)content_length);
    return PUT(to, "\r\n");
}

static char *put_connection(char *to, const struct gust__http1_exchange *exchange)
{
    if (!exchange->keep_alive)
        return PUT(to, "Connection: close\r\n\r\n");
    if (exchange->head.minor == 0)
        return PUT(to, "Connection: keep-alive\r\n\r\n");
    return PUT(to, "\r\n");
}

static __attribute__((noinline)) char *put_headers(char *to, const struct gust__answer *answer)
{
    for (size_t i = 0; i < answer->count; i++) {
        to = put(to, answer->headers[i].name);
        to = PUT(to, ": ");
        if (answer->headers[i].value.size)
            to = put(to, answer->headers[i].value);
        to = PUT(to, "\r\n");
    }
    return to;
}

static char *put_beginning(char *to, struct gust__http_server *server, const struct gust__answer *answer)
{
    if (__builtin_expect(answer->status == 200 && answer->reason.size == 0, 1))
        return put_ok(to, server);
    to = put_status_line(to, answer->status, answer->reason);
    return put(to, gust__http_server_common(server));
}

/* Collects the head. 0; -1: EMSGSIZE (longer than a chunk), and what waiting for room gives. */
static int send_head(struct gust__http1_exchange *exchange, const struct gust__answer *answer,
                     int64_t content_length)
{
    struct gust__http1_connection *connection = exchange->connection;
    choose_framing(exchange, answer, content_length);
    exchange->keep_alive = keeps_alive(exchange);
    size_t size = head_size(answer);
    char *to = gust__http1_room_now(connection, size);
    if (!to && !(to = gust__http1_wait_room(exchange, size)))
        return -1;
    char *end = put_beginning(to, connection->server, answer);
    if (answer->count)
        end = put_headers(end, answer);
    if (answer->plain_text)
        end = PUT(end, "Content-Type: " GUST__PLAIN_TEXT "\r\n");
    end = put_framing(end, exchange, answer->status, content_length);
    end = put_connection(end, exchange);
    connection->out_end += (uint32_t)(end - to);
    exchange->exchange.status = answer->status;
    exchange->exchange.head_sent = true;
    return 0;
}

/* ---- the body ---- */

/* 0; -1: EINVAL when a body of total bytes is not what was announced. */
static int check_length(const struct gust__http1_exchange *exchange, int64_t left, size_t total, bool last)
{
    if (left >= 0 && ((uint64_t)total > (uint64_t)left ||
                      (last && (uint64_t)total < (uint64_t)left && !exchange->exchange.head_request))) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

static __attribute__((noinline)) int send_chunk(struct gust__http1_exchange *exchange,
                                                const struct iovec *parts, size_t count, size_t total,
                                                bool last)
{
    struct gust__slice trailer = GUST__SLICE(GUST__CHUNK_END);
    if (total == 0)
        return last ? gust__http1_send_parts(exchange, NULL, 0, 0, GUST__SLICE(GUST__LAST_CHUNK)) : 0;
    char *to = gust__http1_wait_room(exchange, GUST__CHUNK_HEADER_SIZE);
    if (!to)
        return -1;
    exchange->connection->out_end += (uint32_t)gust__chunk_header(to, total);
    if (last)
        trailer = GUST__SLICE(GUST__CHUNK_END GUST__LAST_CHUNK);
    return gust__http1_send_parts(exchange, parts, count, total, trailer);
}

static int send_body(struct gust__http1_exchange *exchange, const struct iovec *parts, size_t count,
                     size_t total, bool last)
{
    exchange->exchange.body_sent += total;
    if (exchange->answer_left >= 0)
        exchange->answer_left -= (int64_t)total;
    if (exchange->answer_bodiless)
        return 0;
    if (exchange->answer_chunked)
        return send_chunk(exchange, parts, count, total, last);
    if (total <= GUST__HTTP1_COPY && gust__http1_collect_now(exchange->connection, parts, count, total))
        return 0; /* mostly, behind its head */
    return gust__http1_send_parts(exchange, parts, count, total, gust__slice(NULL, 0));
}

static inline size_t total_of(const struct iovec *parts, size_t count)
{
    size_t total = 0;
    if (count == 1)
        return parts->iov_len;
    for (size_t i = 0; i < count; i++)
        total += parts[i].iov_len;
    return total;
}

static __attribute__((cold)) int fail(int code)
{
    errno = code;
    return -1;
}

/* The head, if it has not been sent. Nothing of an answer whose length is wrong from the start is sent. */
static int begin_answer(struct gust__http1_exchange *exchange, const struct gust__answer *answer,
                        size_t total, bool last)
{
    if (!answer || answer->status < 200 || answer->status > 999 || answer->content_length < -1)
        return fail(EINVAL);
    int64_t content_length = answer->content_length;
    if (content_length < 0 && last && !exchange->exchange.head_request)
        content_length = (int64_t)total; /* all of it is here: no need for chunks */
    if (!gust__status_is_bodiless(answer->status) && check_length(exchange, content_length, total, last) < 0)
        return -1;
    return send_head(exchange, answer, content_length);
}

/* Sends what checks have let through. A failure in the middle leaves an answer that cannot be completed. */
static int send_checked(struct gust__http1_exchange *exchange, const struct iovec *parts, size_t count,
                        size_t total, bool last)
{
    if (send_body(exchange, parts, count, total, last) < 0) {
        exchange->broken = true;
        return -1;
    }
    exchange->exchange.ended = last;
    /* While the handler was not parked yet, the connection writes once it parks or ends, with what others
     * sent. */
    return exchange->starting ? 0 : gust__http1_flush(exchange->connection);
}

/* Most answers, in one piece: 200 (OK), all of it given at once, and room for it. False: nothing was done. */
static inline bool send_whole(struct gust__http1_exchange *exchange, const struct gust__answer *answer,
                              const struct iovec *parts, size_t count, size_t total)
{
    struct gust__http1_connection *connection = exchange->connection;
    if (answer->status != 200 || answer->reason.size || total > GUST__HTTP1_COPY ||
        exchange->exchange.head_request ||
        (answer->content_length != -1 && (uint64_t)answer->content_length != total))
        return false;
    size_t size = head_size(answer) + total;
    char *to = gust__http1_room_now(connection, size);
    if (!to && !(to = gust__http1_room(connection, size)))
        return false;
    exchange->keep_alive = keeps_alive(exchange);
    to = put_ok(to, connection->server);
    if (answer->count)
        to = put_headers(to, answer);
    if (answer->plain_text)
        to = PUT(to, "Content-Type: " GUST__PLAIN_TEXT "\r\n");
    to = PUT(to, "Content-Length: ");
    to = put_number(to, total);
    to = PUT(to, "\r\n");
    to = put_connection(to, exchange);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].iov_len)
            to = put(to, gust__slice(parts[i].iov_base, parts[i].iov_len));
    }
    connection->out_end = (uint32_t)(to - connection->out->data);
    exchange->exchange.status = 200;
    exchange->exchange.head_sent = true;
    exchange->exchange.body_sent = total;
    exchange->exchange.ended = true;
    return true;
}

int gust__http1_send(struct gust__exchange *shown, const struct gust__answer *answer,
                     const struct iovec *parts, size_t count, bool last)
{
    struct gust__http1_exchange *exchange = (struct gust__http1_exchange *)(void *)shown;
    size_t total = total_of(parts, count);
    if (shown->ended)
        return fail(EINVAL);
    if (shown->gone || exchange->broken)
        return fail(EPIPE);
    if (gust__http1_share(exchange, total) < 0)
        return -1;
    if (!shown->head_sent) {
        if (answer && last && send_whole(exchange, answer, parts, count, total))
            return exchange->starting ? 0 : gust__http1_flush(exchange->connection);
        if (begin_answer(exchange, answer, total, last) < 0)
            return -1;
    } else if (check_length(exchange, exchange->answer_left, total, last) < 0) {
        shown->operations->abort(shown);
        return fail(EINVAL);
    }
    return send_checked(exchange, parts, count, total, last);
}

int gust__http1_send_file(struct gust__exchange *shown, int fd, int64_t offset, int64_t size)
{
    struct gust__http1_exchange *exchange = (struct gust__http1_exchange *)(void *)shown;
    if (shown->ended || !shown->head_sent || offset < 0 || size < 0 || size > INT64_MAX - offset)
        return fail(EINVAL);
    if (shown->gone || exchange->broken)
        return fail(EPIPE);
    if (exchange->answer_chunked && !exchange->answer_bodiless)
        return fail(EOPNOTSUPP);
    if (check_length(exchange, exchange->answer_left, (size_t)size, false) < 0) {
        shown->operations->abort(shown);
        return fail(EINVAL);
    }
    if (!exchange->answer_bodiless && gust__http1_send_from(exchange, fd, offset, size) < 0) {
        exchange->broken |= errno != EOPNOTSUPP;
        return -1;
    }
    shown->body_sent += (uint64_t)size;
    if (exchange->answer_left >= 0)
        exchange->answer_left -= size;
    return 0;
}

/* ---- the server's own answers ---- */

void gust__http1_refuse_request(struct gust__http1_connection *connection, int status)
{
    struct gust__http1_exchange *exchange = connection->current;
    struct gust__slice common = gust__http_server_common(connection->server);
    const char *reason = gust__status_reason(status);
    bool bodiless = exchange && exchange->exchange.head_request;
    char *to = gust__http1_room(connection, 1024);
    if (!to) {
        gust__http1_close(connection);
        return;
    }
    struct gust__slice text = gust__slice_of(reason ? reason : "Error");
    char *end = put_status_line(to, status, gust__slice(NULL, 0));
    end = put(end, common);
    end = PUT(end, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: ");
    end = put_number(end, 3 + 1 + text.size + 1);
    end = PUT(end, "\r\nConnection: close\r\n\r\n");
    if (!bodiless) {
        end = put_number(end, (uint64_t)status);
        end = PUT(end, " ");
        end = put(end, text);
        end = PUT(end, "\n");
    }
    connection->out_end += (uint32_t)(end - to);
    if (exchange) {
        exchange->exchange.status = status;
        exchange->exchange.head_sent = true;
        exchange->exchange.ended = true;
        exchange->exchange.body_sent = bodiless ? 0 : text.size + 5;
        exchange->keep_alive = false;
    }
}

int gust__http1_continue(struct gust__http1_connection *connection)
{
    struct gust__slice interim = gust__status_line(100);
    char *to = gust__http1_room(connection, interim.size + 2);
    if (!to)
        return -1;
    PUT(put(to, interim), "\r\n");
    connection->out_end += (uint32_t)interim.size + 2;
    return gust__http1_flush(connection);
}
