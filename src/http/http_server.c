/* A server: its listener, its connections, their drain and their end. */
#include "http/http_server.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/sys.h"
#include "coro/coroutine.h"
#include "http/date.h"
#include "http/http1_connection.h"
#include "net/listener.h"

#define SECOND INT64_C(1000000000)

/* ---- what every answer says ---- */

void gust__http_server_renew(struct gust__http_server *server)
{
    char *to = stpcpy(server->beginning, "HTTP/1.1 200 OK\r\n");
    const char *name = server->service->server_name;
    int64_t wall = gust__clock_wall();
    if (name && *name)
        to = stpcpy(stpcpy(stpcpy(to, "Server: "), name), "\r\n");
    to = stpcpy(to, "Date: ");
    gust__date_format(to, wall / SECOND);
    to = stpcpy(to + GUST__DATE_SIZE, "\r\n");
    server->beginning_size = (uint32_t)(to - server->beginning);
    server->common_until = gust__loop_time(server->loop) + (SECOND - wall % SECOND);
}

/* ---- its end ---- */

static void free_server(struct gust__http_server *server)
{
    gust__list_remove(&server->member);
    if (server->loop) {
        gust__loop_unready(server->loop, &server->task);
        gust__loop_unready(server->loop, &server->late_task);
    }
    gust_listener_free(server->listener);
    while (server->spare) {
        struct gust__http1_exchange *exchange = server->spare;
        server->spare = exchange->next;
        gust__http1_exchange_free(server, exchange);
    }
    struct gust__http_service *service = server->service;
    gust__free(server);
    if (service->release)
        service->release(service);
}

/* Its task: on the loop's own stack, with nobody above who works with the server. */
static void look(struct gust__task *task)
{
    struct gust__http_server *server = GUST__CONTAINER(task, struct gust__http_server, task);
    void (*finished)(void *) = server->finished;
    if (server->connection_count > 0)
        return;
    if (server->given_up) {
        free_server(server);
    } else if (server->draining && !server->listening && finished) {
        server->finished = NULL;
        finished(server->finished_argument);
    }
}

void gust__http_server_look(struct gust__http_server *server)
{
    if (server->connection_count == 0 && (server->given_up || server->draining))
        gust__loop_ready(server->loop, &server->task);
}

void gust__http_server_closed(struct gust__http_server *server)
{
    if (server->listener)
        gust__listener_released(server->listener);
}

/* ---- its beginning ---- */

static void accepted(void *owner, int fd, const struct sockaddr *peer, socklen_t length)
{
    struct gust__http_server *server = owner;
    (void)length;
    if (gust__http1_connection_open(server, fd, peer) < 0)
        gust__http_server_closed(server);
}

static bool is_good_name(const char *name)
{
    if (!name)
        return true;
    for (const char *c = name; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    }
    return strlen(name) <= GUST__HTTP_SERVER_NAME;
}

struct gust__http_server *gust__http_server_new(gust_loop *loop, struct gust_listener *listener,
                                                struct gust__http_service *service)
{
    struct gust__http_server *server = NULL;
    struct gust__http_loop *http = gust__http_loop(loop);
    if (!is_good_name(service->server_name))
        errno = EINVAL;
    else if (http)
        server = gust__calloc(1, sizeof(*server));
    if (!server)
        goto failed;
    server->loop = loop;
    server->http = http;
    server->service = service;
    server->task.run = look;
    server->late_task.run = gust__http1_write_late;
    gust__http1_exchange_measure(server);
    gust__list_init(&server->connections);
    if (listener && gust__listener_start(listener, loop, accepted, server) < 0)
        goto failed;
    server->listener = listener;
    server->listening = listener != NULL;
    gust__list_append(&http->servers, &server->member);
    return server;

failed:;
    int code = errno;
    gust__free(server);
    gust_listener_free(listener);
    errno = code;
    return NULL;
}

int gust__http_server_adopt(struct gust__http_server *server, int fd, const struct sockaddr *peer)
{
    return gust__http1_connection_open(server, fd, peer);
}

size_t gust__http_server_connections(const struct gust__http_server *server)
{
    return server->connection_count;
}

size_t gust__http_server_exchanges(const struct gust__http_server *server)
{
    return server->exchange_count;
}

/* ---- drain ---- */

static void listener_drained(void *owner)
{
    struct gust__http_server *server = owner;
    server->listening = false;
    gust__http_server_look(server);
}

void gust__http_server_drain(struct gust__http_server *server, int64_t idle_grace,
                             void (*finished)(void *argument), void *argument)
{
    server->finished = finished;
    server->finished_argument = argument;
    server->idle_grace = idle_grace > 0 ? idle_grace : 1;
    if (server->draining)
        return;
    server->draining = true;
    struct gust__list *node = server->connections.next;
    while (node != &server->connections) {
        struct gust__list *next = node->next;
        gust__http1_drain(GUST__CONTAINER(node, struct gust__http1_connection, member), server->idle_grace);
        node = next;
    }
    if (server->listening)
        gust__listener_drain(server->listener, listener_drained);
    else
        gust__http_server_look(server);
}

/* ---- cutting off ---- */

void gust__http_server_cut(struct gust__http_server *server)
{
    if (server->listening)
        gust_listener_stop(server->listener);
    server->listening = false;
    struct gust__list *node = server->connections.next;
    while (node != &server->connections) {
        struct gust__list *next = node->next;
        struct gust__http1_connection *connection =
            GUST__CONTAINER(node, struct gust__http1_connection, member);
        struct gust__http1_exchange *exchange = connection->current;
        struct gust__coroutine *coroutine = exchange ? exchange->exchange.coroutine : NULL;
        gust__http1_close(connection);
        if (coroutine)
            gust__coroutine_cancel(coroutine);
        gust__http1_advance(connection);
        node = next;
    }
}

void gust__http_server_free(struct gust__http_server *server)
{
    if (!server)
        return;
    server->given_up = true;
    server->finished = NULL;
    if (!server->loop) {
        free_server(server);
        return;
    }
    gust__http_server_cut(server);
    gust__http_server_look(server);
}

/* What is left when no coroutine can run any more: handlers that ended without the loop seeing it. */
void gust__http_server_release(struct gust__http_server *server)
{
    struct gust__list *node;
    while ((node = server->connections.next) != &server->connections) {
        struct gust__http1_connection *connection =
            GUST__CONTAINER(node, struct gust__http1_connection, member);
        gust__http1_close(connection);
        if (connection->current)
            gust__http1_exchange_release(connection->current);
        connection->busy = false;
        gust__http1_settle(connection);
    }
    gust__loop_unready(server->loop, &server->task);
    gust__loop_unready(server->loop, &server->late_task);
    gust_listener_free(server->listener);
    server->listener = NULL;
    server->loop = NULL;
    if (server->given_up)
        free_server(server);
}
