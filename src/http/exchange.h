/*
 * The exchange: one request and its answer, whichever version of HTTP carries them (design rule 6). The web
 * layer sees only this; HTTP/1 implements it (http/http1_connection.h), HTTP/2 must fit it unchanged.
 *
 * Life: the connection, a state machine on the loop, has parsed a head. It calls service->admit on the loop
 * with the head only, to learn the limits and whether the body is to be streamed. A buffered body is then
 * collected without stack or arena; when it is whole (or at once for a streamed one) the exchange gets its
 * arena, and service->serve runs in a coroutine of its own. When serve has returned, whatever it left undone
 * is settled: an answer never ended is cut off (or, not begun, answered 500), an unread body is drained
 * within limits or the connection closed. Then the arena ends.
 *
 * Slices of the head stay valid until the exchange ends.
 */
#ifndef GUST_HTTP_EXCHANGE_H
#define GUST_HTTP_EXCHANGE_H

#include "base/arena.h"
#include "http/http1_head.h"
#include "http/slice.h"
#include "loop/loop.h"

#include <gust/net.h>

#include <sys/uio.h>

struct gust__exchange;
struct gust__coroutine;

/* What the application says of a request whose head has come. Filled with the service's defaults before
 * admit. */
struct gust__admission {
    int64_t max_body; /* more is refused with 413 (as Content-Length before 100-continue, else as it comes) */
    int64_t body_timeout; /* nanoseconds for the whole body; 0: none; over it 408 */
    bool stream;          /* serve starts now and reads the body by read_body */
    void *route;          /* the web layer's: found again in exchange->route */
};

/* Who serves, and the limits of its connections. Borrowed for the server's life. */
struct gust__http_service {
    /* On the loop; must not park. exchange has head, peer and loop; no arena yet. */
    void (*admit)(struct gust__http_service *service, struct gust__exchange *exchange,
                  struct gust__admission *admission);
    /* In a coroutine, gust__current->request is the exchange's `request`. Returns when the handler is done.
     */
    void (*serve)(struct gust__exchange *exchange);
    /* Writes one access-log line; NULL: none. On the loop, once for each exchange, when it has ended: its
     * last byte was handed to the system, or goes out with the answers behind it before the loop waits again.
     * status is 0 when nothing was answered. Called for a request that admit saw and the server refused too;
     * of those `request` is still zero. */
    void (*log)(struct gust__exchange *exchange);
    /* Called once the server that was freed is gone and nothing refers to the service any more; NULL:
     * nothing. */
    void (*release)(struct gust__http_service *service);
    size_t max_head;
    unsigned max_headers;
    int64_t max_body;
    int64_t idle_timeout, header_timeout, body_timeout, write_timeout;
    size_t max_memory;       /* of an exchange's arena */
    size_t request_size;     /* bytes at exchange->request, zeroed: the web layer's own struct */
    unsigned max_requests;   /* on a connection; 0: no limit */
    const char *server_name; /* "" or NULL: no Server header */
    bool no_keep_alive;
};

struct gust__answer_header {
    struct gust__slice name, value;
};

#define GUST__PLAIN_TEXT "text/plain; charset=UTF-8"

/* The answer's head. Date, Server, Connection and the framing headers are the connection's to add. */
struct gust__answer {
    int status;
    struct gust__slice reason; /* empty: the standard one */
    const struct gust__answer_header *headers;
    size_t count;
    bool plain_text;        /* a Content-Type of GUST__PLAIN_TEXT behind them: that of most answers */
    int64_t content_length; /* -1: not known: chunked, or until the end of the connection for HTTP/1.0 */
};

struct gust__exchange_operations {
    /* [blk] As gust_read_body. Sends 100-continue when it was asked for and not yet sent. */
    ssize_t (*read_body)(struct gust__exchange *exchange, void *to, size_t size);
    /* Sends the head (answer not NULL, the first time) and/or body bytes; last ends the answer. The bytes may
     * be reused when it returns. Parks while the client reads slower than the high-water mark. A HEAD
     * request's body bytes are counted and dropped. 0; -1: EPIPE/ECONNRESET (client gone), ETIMEDOUT,
     * ECANCELED, EBUSY (another coroutine waits in it), EMSGSIZE (a head of more than 64 KiB: nothing was
     * sent), EINVAL (more or fewer bytes than content_length said: the connection is cut so that the client
     * can tell; when the first call says so already, nothing was sent and another answer may be). Headers and
     * reason are sent as they are: that they hold no CR, LF or NUL is the caller's to check. */
    int (*send)(struct gust__exchange *exchange, const struct gust__answer *answer, const struct iovec *parts,
                size_t count, bool last);
    /* [blk] Sends bytes of a regular file (fd is borrowed until it returns) behind a head that was sent, from
     * the page cache to the socket (sendfile). What the disk has to give first is waited for by the whole
     * loop: it goes by pieces of 256 KiB, others run in between. May be NULL. 0; -1 as send; EOPNOTSUPP: this
     * answer or this file cannot be sent so, nothing was: read it and send it; EIO: the file is shorter than
     * that, the answer is cut off. */
    int (*send_file)(struct gust__exchange *exchange, int fd, int64_t offset, int64_t size);
    /* Cuts the answer off: the client sees a broken answer (HTTP/1: the connection closes without its end).
     */
    void (*abort)(struct gust__exchange *exchange);
    /* The handler asked to know (GUST_GONE): from now on exchange->on_gone is called when the client leaves;
     * a half-close is looked into by an interim 100 answer, which a client that closed both ways refuses with
     * a reset. HTTP/1.0 has no interim answers: there a half-close means nothing, and the next send finds
     * out. Behind a sent head there is no place for one: a half-close is taken for leaving. on_gone may be
     * called while serve runs, never behind it. */
    void (*watch_gone)(struct gust__exchange *exchange);
};

struct gust__exchange {
    const struct gust__exchange_operations *operations;
    struct gust__http_service *service;
    gust_loop *loop;
    const struct gust__request_head *head;
    void *route;              /* admission.route */
    void *request;            /* service->request_size zeroed bytes */
    struct gust__arena arena; /* from serve's start until the exchange ends */
    struct gust__slice body;  /* the whole body, NUL behind, when it was buffered */
    const struct gust__header *trailers;
    size_t trailer_count;
    const char *peer;    /* "127.0.0.1"; "unix". Formatted at first use: gust__exchange_peer */
    int64_t started;     /* loop time when the head was complete */
    int64_t body_failed; /* 0, or the HTTP status that a failed body read stands for: 400, 408, 413 */
    uint64_t body_sent;  /* body bytes handed to send */
    int status;          /* of the head that was sent; 0: none yet */
    bool head_sent;
    bool ended;        /* send(last) or abort was called */
    bool gone;         /* the client is known to be gone */
    bool head_request; /* method HEAD */
    bool close_after;  /* the application wants the connection closed behind this answer */
    void (*on_gone)(struct gust__exchange *exchange); /* on the loop; may be NULL */
    struct gust__coroutine *coroutine;                /* that runs serve */
};

/* The peer's address as text, valid until the exchange ends. */
const char *gust__exchange_peer(struct gust__exchange *exchange);

/* ---- a server: connections of one listener, served by one service ---- */

struct gust__http_server;

/* Starts to accept on the listener (taken). NULL and errno. */
struct gust__http_server *gust__http_server_new(gust_loop *loop, struct gust_listener *listener,
                                                struct gust__http_service *service);
size_t gust__http_server_connections(const struct gust__http_server *server);
size_t gust__http_server_exchanges(const struct gust__http_server *server); /* being served now */

/* Drain: stops accepting once the listen queue is empty, lets running exchanges end, answers further requests
 * of idle connections that come within idle_grace (a first one: within two seconds at least) with Connection:
 * close, then closes them (lingering).
 * finished(argument) is called on the loop when no connection is left. */
void gust__http_server_drain(struct gust__http_server *server, int64_t idle_grace,
                             void (*finished)(void *argument), void *argument);

/* Cuts off whatever is left: exchanges' coroutines are cancelled; frees the server when the last has ended.
 */
void gust__http_server_free(struct gust__http_server *server);

#endif
