/*
 * For tests and fuzz targets of the web layer: whole requests through the public interface, without a
 * network.
 *
 *     gust_app *app = gust_app_new();
 *     gust_route(app, "GET /x", handler);
 *     struct gust__test_answer *answer = gust__test_request(app, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
 *     assert_int_equal(answer->status, 200);
 *
 * An exchange is played: what stands behind the head is the body, and the answer is recorded. The service is
 * the real one, in a coroutine of gust_run. The answer lasts until the next request.
 */
#ifndef GUST_WEB_TESTING_H
#define GUST_WEB_TESTING_H

#include "coro/coroutine.h"
#include "web/request.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gust/error.h>
#include <gust/log.h>

struct gust__test_answer {
    int status; /* of the head; 0: none was sent */
    char reason[64];
    char headers[16 << 10]; /* "Name: value\n" each */
    int64_t content_length; /* as the head said; -1: not known */
    char *body;             /* NUL behind */
    size_t size;
    unsigned sends;
    unsigned files_sent;
    bool ended, aborted;
    bool wrong_length; /* more or fewer bytes than content_length said */
    bool close_after;
    int64_t body_failed;
    int64_t max_body; /* as admitted */
    bool stream;
    unsigned log_lines; /* while it was served, errors and warnings */
    char log[1024];     /* the last of them */
};

/* How the exchange behaves; zeroed behind each request. */
struct gust__test_exchange {
    struct gust__exchange exchange;
    struct gust__test_answer *answer;
    const char *body; /* what is left of it */
    size_t body_left;
};

static struct gust__test_options {
    size_t piece;        /* bytes that read_body gives at most; 0: all */
    int body_error;      /* errno of read_body behind the body, ... */
    int64_t body_status; /* ... which sets body_failed */
    int send_error;      /* errno of send; the client is gone then */
    bool no_send_file;   /* it answers EOPNOTSUPP */
    bool parks;          /* reading and sending wait for the loop */
    void (*on_watch)(struct gust__exchange *exchange);
    size_t max_memory; /* of the arena instead of the application's */
} gust__test_options;

static struct gust__test_answer gust__test_last;

static inline void gust__test_log(void *argument, const gust_log_line *line)
{
    (void)argument;
    gust__test_last.log_lines += line->level >= GUST_WARNING;
    if (line->level >= GUST_WARNING)
        snprintf(gust__test_last.log, sizeof(gust__test_last.log), "%s", line->text);
}

const char *gust__exchange_peer(struct gust__exchange *exchange)
{
    return exchange->peer;
}

static inline struct gust__test_exchange *gust__test_of(struct gust__exchange *exchange)
{
    return (struct gust__test_exchange *)(void *)exchange;
}

static inline ssize_t gust__test_read_body(struct gust__exchange *exchange, void *to, size_t size)
{
    struct gust__test_exchange *test = gust__test_of(exchange);
    size_t most = gust__test_options.piece ? gust__test_options.piece : size;
    if (gust__test_options.parks && gust_yield() < 0)
        return -1;
    size = size < most ? size : most;
    size = size < test->body_left ? size : test->body_left;
    if (size == 0 && gust__test_options.body_error) {
        exchange->body_failed = gust__test_options.body_status;
        errno = gust__test_options.body_error;
        return -1;
    }
    if (size)
        memcpy(to, test->body, size);
    test->body += size;
    test->body_left -= size;
    return (ssize_t)size;
}

static inline void gust__test_record_head(struct gust__exchange *exchange, const struct gust__answer *head)
{
    struct gust__test_answer *answer = gust__test_of(exchange)->answer;
    size_t length = 0;
    assert(!exchange->head_sent);
    exchange->head_sent = true;
    exchange->status = answer->status = head->status;
    answer->content_length = head->content_length;
    snprintf(answer->reason, sizeof(answer->reason), "%.*s", (int)head->reason.size, head->reason.data);
    for (size_t i = 0; i < head->count; i++) {
        const struct gust__answer_header *header = &head->headers[i];
        length += (size_t)snprintf(answer->headers + length, sizeof(answer->headers) - length, "%.*s: %.*s\n",
                                   (int)header->name.size, header->name.data, (int)header->value.size,
                                   header->value.data);
        assert(length < sizeof(answer->headers));
    }
    if (head->plain_text)
        snprintf(answer->headers + length, sizeof(answer->headers) - length,
                 "Content-Type: " GUST__PLAIN_TEXT "\n");
}

static inline void gust__test_record_body(struct gust__exchange *exchange, const struct iovec *part)
{
    struct gust__test_answer *answer = gust__test_of(exchange)->answer;
    exchange->body_sent += part->iov_len;
    if (exchange->head_request)
        return;
    char *body = realloc(answer->body, answer->size + part->iov_len + 1);
    assert(body);
    if (part->iov_len)
        memcpy(body + answer->size, part->iov_base, part->iov_len);
    answer->body = body;
    answer->size += part->iov_len;
    body[answer->size] = 0;
}

static inline int gust__test_send(struct gust__exchange *exchange, const struct gust__answer *head,
                                  const struct iovec *parts, size_t count, bool last)
{
    struct gust__test_answer *answer = gust__test_of(exchange)->answer;
    assert(!exchange->ended && (head != NULL) == !exchange->head_sent);
    if (gust__test_options.send_error) {
        exchange->gone = true;
        exchange->head_sent = true;
        exchange->ended |= last;
        errno = gust__test_options.send_error;
        return -1;
    }
    if (head)
        gust__test_record_head(exchange, head);
    for (size_t i = 0; i < count; i++)
        gust__test_record_body(exchange, &parts[i]);
    answer->sends++;
    exchange->ended = last;
    bool known = answer->content_length >= 0 && !exchange->head_request;
    if (known && (exchange->body_sent > (uint64_t)answer->content_length ||
                  (last && exchange->body_sent < (uint64_t)answer->content_length))) {
        answer->wrong_length = true;
        errno = EINVAL;
        return -1;
    }
    return gust__test_options.parks ? gust_yield() : 0;
}

/* As sendfile, but what options.no_send_file refuses. */
static inline int gust__test_send_file(struct gust__exchange *exchange, int fd, int64_t offset, int64_t size)
{
    char piece[4096];
    assert(exchange->head_sent && !exchange->ended);
    if (gust__test_options.no_send_file) {
        errno = EOPNOTSUPP;
        return -1;
    }
    while (size > 0) {
        size_t most = size < (int64_t)sizeof(piece) ? (size_t)size : sizeof(piece);
        struct iovec part = {piece, 0};
        ssize_t got = pread(fd, piece, most, offset);
        if (got <= 0) {
            errno = EIO;
            return -1;
        }
        part.iov_len = (size_t)got;
        gust__test_record_body(exchange, &part);
        offset += got;
        size -= got;
    }
    gust__test_last.files_sent++;
    return 0;
}

static inline void gust__test_abort(struct gust__exchange *exchange)
{
    gust__test_of(exchange)->answer->aborted = true;
    exchange->ended = true;
}

static inline void gust__test_watch_gone(struct gust__exchange *exchange)
{
    if (gust__test_options.on_watch)
        gust__test_options.on_watch(exchange);
}

static const struct gust__exchange_operations gust__test_operations = {
    gust__test_read_body, gust__test_send, gust__test_send_file, gust__test_abort, gust__test_watch_gone};

struct gust__test_call {
    gust_app *app;
    const char *data;
    size_t size;
};

static inline void gust__test_serve(struct gust__test_exchange *test, struct gust__web_service *service,
                                    const struct gust__test_call *call, size_t head_size)
{
    struct gust__admission admission = {.max_body = service->service.max_body};
    struct gust__exchange *exchange = &test->exchange;
    size_t body_size = call->size - head_size;
    char *body = malloc(body_size + 1);
    assert(body);
    memcpy(body, call->data + head_size, body_size);
    body[body_size] = 0;
    service->service.admit(&service->service, exchange, &admission);
    exchange->route = admission.route;
    test->answer->max_body = admission.max_body;
    test->answer->stream = admission.stream;
    test->body = body;
    test->body_left = body_size;
    if (!admission.stream && body_size)
        exchange->body = gust__slice(body, body_size);
    gust__arena_init(&exchange->arena, NULL, 0,
                     gust__test_options.max_memory ? gust__test_options.max_memory
                                                   : service->service.max_memory);
    exchange->coroutine = gust__current;
    gust__current->request = exchange->request;
    service->service.serve(exchange);
    gust__current->request = NULL;
    exchange->coroutine = NULL;
    gust__arena_fini(&exchange->arena);
    free(body);
}

static inline int gust__test_run(void *argument)
{
    const struct gust__test_call *call = argument;
    struct gust__http1_limits limits = GUST__HTTP1_DEFAULT_LIMITS;
    struct gust__http1_scan scan = {0};
    struct gust__header headers[100];
    struct gust__request_head head;
    struct gust__web_service service;
    gust__web_service_init(&service, call->app);
    ssize_t head_size = gust__http1_read_request(&scan, &limits, &head, headers, call->data, call->size);
    if (head_size <= 0)
        return -1;
    struct gust__test_exchange test = {
        .exchange =
            {
                .operations = &gust__test_operations,
                .service = &service.service,
                .loop = gust_loop_current(),
                .head = &head,
                .request = calloc(1, service.service.request_size),
                .peer = "192.0.2.1",
                .started = gust_loop_time(gust_loop_current()),
                .head_request = head.method == GUST__METHOD_HEAD,
            },
        .answer = &gust__test_last,
    };
    assert(test.exchange.request);
    gust__test_serve(&test, &service, call, (size_t)head_size);
    gust__test_last.ended = test.exchange.ended;
    gust__test_last.close_after = test.exchange.close_after;
    gust__test_last.body_failed = test.exchange.body_failed;
    free(test.exchange.request);
    return 0;
}

/* Serves one request, head and body as they come from a client. NULL: the head is malformed. */
static inline struct gust__test_answer *gust__test_bytes(gust_app *app, const char *data, size_t size)
{
    struct gust__test_call call = {app, data, size};
    free(gust__test_last.body);
    gust__test_last = (struct gust__test_answer){.body = calloc(1, 1), .content_length = -1};
    if (gust__app_freeze(app) < 0) {
        fprintf(stderr, "a set-up mistake: %s\n", gust_app_mistake(app));
        abort();
    }
    gust_log_sink(gust__test_log, NULL);
    int result = gust_run(gust__test_run, &call, 0);
    gust_log_sink(NULL, NULL);
    gust__test_options = (struct gust__test_options){0};
    return result < 0 ? NULL : &gust__test_last;
}

static inline struct gust__test_answer *gust__test_request(gust_app *app, const char *text)
{
    return gust__test_bytes(app, text, strlen(text));
}

/* "GET /path" and so on, with a Host. */
static inline struct gust__test_answer *gust__test_fetch(gust_app *app, const char *method_and_target)
{
    char text[32 << 10];
    snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: example.org\r\n\r\n", method_and_target);
    return gust__test_request(app, text);
}

/* The same with a body. */
static inline struct gust__test_answer *gust__test_send_body(gust_app *app, const char *method_and_target,
                                                             const char *type, const char *body)
{
    size_t size = strlen(body) + strlen(method_and_target) + strlen(type) + 200;
    char *text = malloc(size);
    assert(text);
    int length = snprintf(
        text, size, "%s HTTP/1.1\r\nHost: example.org\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
        method_and_target, type, strlen(body), body);
    struct gust__test_answer *answer = gust__test_bytes(app, text, (size_t)length);
    free(text);
    return answer;
}

#endif
