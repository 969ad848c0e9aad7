/* An exchange from its parsed head to its end. */
#include "http/http1_connection.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "coro/coroutine.h"

#include <arpa/inet.h>

/* ---- memory ---- */

void gust__http1_exchange_measure(struct gust__http_server *server)
{
    const struct gust__http_service *service = server->service;
    size_t headers = service->max_headers * sizeof(struct gust__header);
    server->request_room = (service->request_size + 15) & ~(size_t)15;
    server->exchange_zeroed = server->request_room + offsetof(struct gust__http1_exchange, admission);
    server->arena_at = (sizeof(struct gust__http1_exchange) + headers + 15) & ~(size_t)15;
}

static struct gust__http1_exchange *take_exchange(struct gust__http_server *server)
{
    struct gust__http1_exchange *exchange = server->spare;
    if (!exchange) {
        char *block = gust__malloc(server->request_room + server->arena_at + GUST__HTTP1_ARENA);
        return block ? (struct gust__http1_exchange *)(void *)(block + server->request_room) : NULL;
    }
    server->spare = exchange->next;
    server->spare_count--;
    return exchange;
}

void gust__http1_exchange_free(struct gust__http_server *server, struct gust__http1_exchange *exchange)
{
    gust__free((char *)exchange - server->request_room);
}

static void give_exchange(struct gust__http_server *server, struct gust__http1_exchange *exchange)
{
    if (server->spare_count >= GUST__HTTP_SPARE_EXCHANGES) {
        gust__http1_exchange_free(server, exchange);
        return;
    }
    exchange->next = server->spare;
    server->spare = exchange;
    server->spare_count++;
}

static inline void release(struct gust__http1_exchange *exchange)
{
    struct gust__http1_connection *connection = exchange->connection;
    struct gust__http_server *server = connection->server;
    if (exchange->body_nul || exchange->collected.data) /* asked here, because most have none of the three */
        gust__http1_body_end(exchange);
    if (exchange->exchange.arena.blocks)
        gust__arena_fini(&exchange->exchange.arena);
    if (exchange->kept)
        gust__http_chunk_give(server->http, exchange->kept);
    connection->current = NULL;
    server->exchange_count--;
    give_exchange(server, exchange);
}

void gust__http1_exchange_release(struct gust__http1_exchange *exchange)
{
    release(exchange);
}

/* ---- the operations that are not about bytes ---- */

static void abort_answer(struct gust__exchange *shown)
{
    struct gust__http1_exchange *exchange = (struct gust__http1_exchange *)(void *)shown;
    shown->ended = true;
    exchange->broken = true;
}

static void watch_gone(struct gust__exchange *shown)
{
    struct gust__http1_exchange *exchange = (struct gust__http1_exchange *)(void *)shown;
    struct gust__http1_connection *connection = exchange->connection;
    exchange->watched = true;
    connection->tell_gone = shown->gone;
    /* At once, while there is a place for the probe: the handler's next act may be the head. */
    if (connection->ending && !connection->probed && connection->state != GUST__HTTP1_CLOSED)
        gust__http1_probe(connection);
    if (shown->gone || connection->ending)
        gust__loop_ready(shown->loop, &connection->task);
}

static const struct gust__exchange_operations operations = {
    .read_body = gust__http1_read_body,
    .send = gust__http1_send,
    .send_file = gust__http1_send_file,
    .abort = abort_answer,
    .watch_gone = watch_gone,
};

const char *gust__exchange_peer(struct gust__exchange *shown)
{
    struct gust__http1_exchange *exchange = (struct gust__http1_exchange *)(void *)shown;
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    const struct gust__http1_connection *connection = exchange->connection;
    const uint8_t *address = connection->peer;
    if (shown->peer)
        return shown->peer;
    shown->peer = "unix";
    if (connection->family == AF_INET6 && memcmp(address, mapped, sizeof(mapped)) == 0)
        shown->peer = inet_ntop(AF_INET, address + sizeof(mapped), exchange->peer, sizeof(exchange->peer));
    else if (connection->family == AF_INET || connection->family == AF_INET6)
        shown->peer = inet_ntop(connection->family, address, exchange->peer, sizeof(exchange->peer));
    return shown->peer;
}

/* ---- the handler ---- */

static void note_served(struct gust__http1_exchange *exchange)
{
    exchange->running = false;
    exchange->served = true;
    exchange->exchange.coroutine = NULL;
    if (!exchange->starting)
        gust__loop_ready(exchange->exchange.loop, &exchange->connection->task);
}

static void note_thrown(struct gust__scope *scope)
{
    note_served(GUST__CONTAINER(scope, struct gust__http1_exchange, scope));
}

/* However serve ends, the loop learns it: of a throw, which the coroutine's own end reports, by a scope. That
 * is opened and shut by hand because the usual end guards against clean-ups that throw, and this is every
 * request's way. */
static int run_handler(void *argument)
{
    struct gust__http1_exchange *exchange = argument;
    struct gust__context *context = gust__context();
    exchange->exchange.coroutine = gust__current;
    exchange->scope = (struct gust__scope){.next = context->scopes, .end = note_thrown};
    context->scopes = &exchange->scope;
    exchange->exchange.service->serve(&exchange->exchange);
    context->scopes = exchange->scope.next;
    note_served(exchange);
    return 0;
}

static void refuse_exchange(struct gust__http1_exchange *exchange, int status)
{
    exchange->running = false;
    exchange->served = true;
    gust__http1_refuse_request(exchange->connection, status);
    gust__http1_end(exchange->connection);
}

static inline void serve(struct gust__http1_exchange *exchange)
{
    struct gust__http1_connection *connection = exchange->connection;
    struct gust__exchange *shown = &exchange->exchange;
    char *first = (char *)exchange + connection->server->arena_at;
    connection->state = GUST__HTTP1_SERVING;
    connection->deadline = GUST__FOREVER;
    gust__arena_init_zeroed(&shown->arena, first, GUST__HTTP1_ARENA, shown->service->max_memory);
    exchange->starting = true;
    exchange->running = true;
    int result = gust__coroutine_start_now(shown->loop, shown->request, run_handler, exchange);
    exchange->starting = false;
    if (result < 0)
        refuse_exchange(exchange, 503);
}

void gust__http1_exchange_serve(struct gust__http1_exchange *exchange)
{
    serve(exchange);
}

/* ---- the beginning ---- */

static void init_exchange(struct gust__http1_exchange *exchange, struct gust__http1_connection *connection)
{
    struct gust__http_server *server = connection->server;
    struct gust__http_service *service = server->service;
    struct gust__exchange *shown = &exchange->exchange;
    char *request = (char *)exchange - server->request_room;
    memset(request, 0, server->exchange_zeroed);
    exchange->connection = connection;
    shown->operations = &operations;
    shown->service = service;
    shown->loop = server->loop;
    shown->head = &exchange->head;
    shown->request = request;
    shown->started = gust__loop_time(server->loop);
    shown->head_request = exchange->head.method == GUST__METHOD_HEAD;
    exchange->admission =
        (struct gust__admission){.max_body = service->max_body, .body_timeout = service->body_timeout};
    connection->current = exchange;
    connection->requests++;
    connection->head_begun = false;
    server->exchange_count++;
}

/* What the service says of the head. -> 0, or the status to refuse it with. */
static int admit(struct gust__http1_exchange *exchange)
{
    struct gust__http_service *service = exchange->exchange.service;
    if (exchange->head.method == GUST__METHOD_CONNECT)
        return 501; /* a tunnel: no handler could make one */
    service->admit(service, &exchange->exchange, &exchange->admission);
    exchange->exchange.route = exchange->admission.route;
    if (exchange->admission.max_body < 0)
        exchange->admission.max_body = INT64_MAX - 1;
    return gust__http1_body_begin(exchange);
}

static ssize_t parse(struct gust__http1_connection *connection, struct gust__http1_exchange *exchange)
{
    const struct gust__http_service *service = connection->server->service;
    struct gust__http1_limits limits = {
        .head = service->max_head,
        .line = service->max_head < GUST__HTTP1_LINE ? service->max_head : GUST__HTTP1_LINE,
        .headers = service->max_headers,
    };
    return gust__http1_read_request(&connection->scan, &limits, &exchange->head, exchange->headers,
                                    connection->in->data + connection->in_at,
                                    connection->in_end - connection->in_at);
}

enum gust__http1_step gust__http1_exchange_begin(struct gust__http1_connection *connection)
{
    struct gust__http_server *server = connection->server;
    struct gust__http1_exchange *exchange = take_exchange(server);
    ssize_t size = exchange ? parse(connection, exchange) : -1;
    if (size <= 0) {
        int status = exchange ? exchange->head.fault.status : 503;
        if (exchange)
            give_exchange(server, exchange);
        if (size == 0)
            return GUST__HTTP1_WAIT;
        gust__http1_refuse_request(connection, status);
        gust__http1_end(connection);
        return GUST__HTTP1_MORE;
    }
    connection->scan = (struct gust__http1_scan){0};
    init_exchange(exchange, connection);
    exchange->head_at = connection->in_at;
    connection->in_at += (uint32_t)size;
    exchange->floor = connection->in_at;
    int status = admit(exchange);
    if (status)
        refuse_exchange(exchange, status);
    else if (exchange->admission.stream || exchange->body_done)
        serve(exchange);
    else
        connection->state = GUST__HTTP1_BODY;
    return GUST__HTTP1_MORE;
}

/* ---- the end ---- */

/* An answer that the handler did not give, or not end. */
static void settle_answer(struct gust__http1_exchange *exchange)
{
    struct gust__exchange *shown = &exchange->exchange;
    if (shown->ended || exchange->connection->state == GUST__HTTP1_CLOSED)
        return;
    if (shown->head_sent)
        abort_answer(shown);
    else
        gust__http1_refuse_request(exchange->connection, shown->body_failed ? (int)shown->body_failed : 500);
}

static bool can_go_on(const struct gust__http1_exchange *exchange)
{
    return exchange->keep_alive && !exchange->broken && !exchange->exchange.close_after &&
           !exchange->exchange.body_failed && exchange->body_left <= GUST__HTTP1_DISCARD_MAX;
}

void gust__http1_exchange_finish(struct gust__http1_exchange *exchange)
{
    struct gust__http1_connection *connection = exchange->connection;
    struct gust__http_service *service = exchange->exchange.service;
    settle_answer(exchange);
    exchange->exchange.on_gone = NULL;
    if (service->log)
        service->log(&exchange->exchange);
    exchange->served = false;
    if (connection->state == GUST__HTTP1_CLOSED || connection->state == GUST__HTTP1_ENDING ||
        !can_go_on(exchange)) {
        connection->reset = exchange->broken && exchange->answer_to_end;
        gust__http1_exchange_release(exchange);
        gust__http1_end(connection);
        return;
    }
    if (exchange->body_done && exchange->payload.size == 0) {
        release(exchange);
        connection->state = GUST__HTTP1_HEAD;
        return;
    }
    gust__arena_reset(&exchange->exchange.arena);
    connection->state = GUST__HTTP1_DISCARD;
    connection->dropped = 0;
    connection->deadline = gust__http1_after(connection, service->header_timeout);
}
