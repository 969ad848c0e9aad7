/*
 * A server inside: what its connections share. The contract is in http/exchange.h.
 */
#ifndef GUST_HTTP_HTTP_SERVER_H
#define GUST_HTTP_HTTP_SERVER_H

#include "http/exchange.h"
#include "http/http_loop.h"

#include <sys/socket.h>

struct gust__http1_connection;
struct gust__http1_exchange;

enum {
    GUST__HTTP_SERVER_NAME = 128, /* bytes of a Server header's value at most */
    GUST__HTTP_COMMON = GUST__HTTP_SERVER_NAME + 64,
    GUST__HTTP_OK = 17,   /* bytes of "HTTP/1.1 200 OK\r\n" */
    GUST__HTTP_LATE = 16, /* connections whose answers are written together */
};

struct gust__http_server {
    gust_loop *loop; /* NULL once the loop has ended */
    struct gust__http_loop *http;
    struct gust_listener *listener;
    struct gust__http_service *service;
    struct gust__list member;      /* of the loop's servers */
    struct gust__list connections; /* all, those too that are cut and wait for their handler */
    size_t connection_count;
    size_t exchange_count;
    struct gust__http1_exchange *spare; /* last in, first out */
    unsigned spare_count;
    size_t request_room;    /* bytes of the service's request, before an exchange */
    size_t exchange_zeroed; /* from there on; a variable, for gcc makes of a constant a "rep stos", which is
                               slow to start */
    size_t arena_at;        /* where the arena's first block lies in an exchange */
    struct gust__task task; /* looks whether it has finished */
    struct gust__task late_task;
    struct gust__http1_connection *late[GUST__HTTP_LATE]; /* whose output late_task writes */
    unsigned late_count;
    void (*finished)(void *argument);
    void *finished_argument;
    int64_t idle_grace;
    int64_t common_until; /* loop time at which the date in common is over */
    uint32_t beginning_size;
    bool draining;
    bool listening; /* the listener still has its sockets */
    bool given_up;  /* gust__http_server_free was called */
    /* "HTTP/1.1 200 OK\r\nServer: gust\r\nDate: ...\r\n": how most answers begin */
    char beginning[GUST__HTTP_OK + GUST__HTTP_COMMON];
};

/* For the next second. */
void gust__http_server_renew(struct gust__http_server *server);

/* How an answer 200 (OK) begins, made anew when the second is over. */
static inline struct gust__slice gust__http_server_ok(struct gust__http_server *server)
{
    if (__builtin_expect(gust__loop_time(server->loop) >= server->common_until, 0))
        gust__http_server_renew(server);
    return gust__slice(server->beginning, server->beginning_size);
}

/* The lines that every answer has, whatever its status. */
static inline struct gust__slice gust__http_server_common(struct gust__http_server *server)
{
    return gust__slice_from(gust__http_server_ok(server), GUST__HTTP_OK);
}

/* Serves a connected stream socket (taken; non-blocking) that no listener accepted. 0; -1: ENOMEM..., it is
 * closed. */
int gust__http_server_adopt(struct gust__http_server *server, int fd, const struct sockaddr *peer);

/* A connection's descriptor was closed: the listener has room for another. */
void gust__http_server_closed(struct gust__http_server *server);

/* A connection is gone from the list: looks, soon, whether a drain has finished. */
void gust__http_server_look(struct gust__http_server *server);

/* Stops accepting, cuts every connection and cancels what runs; the server stays. */
void gust__http_server_cut(struct gust__http_server *server);

/* The loop ends: frees everything that hangs on it, and the server when it was given up. */
void gust__http_server_release(struct gust__http_server *server);

#endif
