/*
 * A connection of an HTTP/1.1 server inside: a state machine on the loop (http/exchange.h is the contract
 * that it serves; RFC 9112 rules).
 *
 *     ready, timer or task -> gust__http1_advance: steps until the connection must wait
 *         HEAD      read and parse a head; admit; refuse, or begin an exchange
 *         BODY      collect a buffered body
 *         SERVING   the handler's coroutine runs; input stays where it is
 *         DISCARD   the handler left some of the body unread: read over it
 *         ENDING    send what is left to send
 *         LINGERING our side is shut; read and drop until the client closes too
 *         CLOSED    the descriptor is gone; a handler may still run
 *
 * How it stays cheap. A plain request costs one read and one write: the bytes are read into a chunk lent by
 * the loop, the head is parsed where it lies, the handler runs at once on a warm stack
 * (gust__coroutine_start_now), and what it sends is collected in a second chunk, which is written when no
 * whole request is left in the first, together with those of the connections that are ready too. Both chunks
 * go back before the connection waits, unless they hold bytes that are needed: a head that a parked handler
 * looks at, or an answer that the client does not take. A partial head is moved to a small chunk of its own.
 * The descriptor is registered once, edge-triggered: `readable` and `writable` remember the edges. The timer
 * is moved only when a deadline comes before it; a later deadline is only a store.
 *
 * Who owns what, and who frees it.
 * - The connection is owned by its server's list. It is freed at one place, gust__http1_settle, which every
 * entry from the loop ends with: when it is CLOSED, has no exchange, and nobody further up the stack works on
 * it (`busy`).
 * - Closing (gust__http1_close) is something else, and may happen at any moment, also inside a handler's own
 *   send: the descriptor is closed, the timer stopped, unsent output dropped. If an exchange runs it is
 * marked `gone`, whoever waits in its read_body or send is woken, and on_gone is called from the loop; the
 * connection and the exchange remain, so that whatever the handler calls then finds them, and fails with
 * EPIPE or ECONNRESET.
 * - The exchange is owned by the connection from the parsed head on. It ends at one place too, finish in
 *   http1_exchange.c, on the loop's own stack, after serve has returned: seen at once if serve never parked,
 *   else by the connection's task, which the coroutine queues as its last act. The input chunk that its head
 *   lies in stays with it.
 * - So whichever comes first, the client's end, the handler's, a drain (which only changes what is answered),
 * the server's end (gust__http_server_free: closes all, cancels the coroutines) or the loop's (the same, and
 * then gust__http_server_release frees what coroutines that never ran on left behind): each thing is freed
 * once.
 *
 * The loop's thread only.
 */
#ifndef GUST_HTTP_HTTP1_CONNECTION_H
#define GUST_HTTP_HTTP1_CONNECTION_H

#include "base/buffer.h"
#include "base/clock.h"
#include "http/chunked.h"
#include "http/exchange.h"
#include "http/http_server.h"

#include <gust/coroutine.h>
#include <gust/scope.h>

#include <netinet/in.h>

enum gust__http1_state {
    GUST__HTTP1_HEAD,
    GUST__HTTP1_BODY,
    GUST__HTTP1_SERVING,
    GUST__HTTP1_DISCARD,
    GUST__HTTP1_ENDING,
    GUST__HTTP1_LINGERING,
    GUST__HTTP1_CLOSED
};

enum gust__http1_step { GUST__HTTP1_WAIT, GUST__HTTP1_MORE };

enum {
    GUST__HTTP1_LINE = 16 << 10,    /* bytes of a request line at most (or max_head, if that is less) */
    GUST__HTTP1_SLOW_HEAD = 512,    /* first size of a chunk for a partial head */
    GUST__HTTP1_MIN_ROOM = 4 << 10, /* a chunk with less room than this is not read into any more */
    GUST__HTTP1_COPY =
        16 << 10, /* bodies up to this size are collected, larger ones sent from where they lie */
    GUST__HTTP1_FILE = 256 << 10,        /* bytes of a file that one system call sends */
    GUST__HTTP1_DISCARD_MAX = 256 << 10, /* bytes of an unread body that are read over */
    GUST__HTTP1_LINGER_MAX = 256 << 10,  /* bytes dropped before the connection closes regardless */
    GUST__HTTP1_SHARE = 1 << 20, /* bytes that a handler reads or sends before others have their turn */
    GUST__HTTP1_FIRST_GRACE = 2, /* seconds at a drain for the first request, at least */
    GUST__HTTP1_TURN = 64,       /* requests before others have their turn */
    GUST__HTTP1_ARENA = 4 << 10, /* the first block of an exchange's arena */
    GUST__HTTP1_TRAILERS = 16,   /* of a chunked body; more: 431 */
    GUST__HTTP1_TRAILER_SIZE = 2 << 10, /* bytes of all of them; more: 431 */
};
#define GUST__HTTP1_LINGER INT64_C(1000000000) /* nanoseconds that a client has to close its side */

struct gust__http1_connection {
    struct gust__list member; /* of the server's connections */
    struct gust__http_server *server;
    struct gust__http1_exchange *current; /* NULL: none */
    struct gust__http_chunk *in;          /* NULL: no input is held */
    struct gust__http_chunk *out;         /* NULL: no output is held */
    uint32_t in_at, in_end;               /* the input not yet taken */
    uint32_t out_at, out_end;             /* the output not yet sent */
    struct gust__task task;
    gust_timer timer;
    int64_t deadline;       /* of what the state waits for; GUST__FOREVER: none */
    int64_t write_deadline; /* of the next byte that the client takes */
    struct gust__http1_scan scan;
    int fd; /* -1: closed */
    uint32_t requests;
    uint32_t dropped; /* bytes read only to be dropped: bounded */
    uint8_t state;
    bool readable;   /* a read is worth a try */
    bool writable;   /* so is a write */
    bool ending;     /* the client's FIN was seen: read on to its end, whatever a short read says */
    bool ended;      /* the end of its input was read */
    bool busy;       /* further up the stack somebody works on it */
    bool head_begun; /* part of a head is there: the deadline is the head's */
    bool tell_gone;  /* on_gone is to be called */
    bool probed;     /* its half-close was looked into */
    bool reset;      /* close so that the client sees a broken answer */
    bool late;       /* among those whose output the server writes together */
    uint8_t family;  /* of the peer */
    uint8_t peer[16];
};

/* Before it lies the service's request, behind it the arena's first block: a block of memory. The request and
 * the beginning, up to admission, are zeroed at once; what follows is written before it is read. */
struct gust__http1_exchange {
    struct gust__exchange exchange; /* first: what the service sees */
    struct gust__http1_connection *connection;
    struct gust__http1_exchange *next; /* among the spare ones */
    struct gust__http_chunk *kept;     /* holds the head, when the connection's input does not any more */

    /* the request's body */
    int64_t body_left;             /* of a Content-Length: not yet taken from the input */
    int64_t body_taken;            /* payload bytes so far */
    int64_t body_deadline;         /* GUST__FOREVER: none */
    struct gust__slice payload;    /* decoded, in the input chunk, not yet taken */
    struct gust__buffer collected; /* a buffered body that was not whole at once */
    size_t body_read;              /* of a buffered body, by read_body */
    char *body_nul;                /* where the NUL behind a body in place hides a byte of the next request */
    char body_nul_saved;
    bool body_done;
    bool continued;   /* 100 (Continue) was sent, or nobody waits for it */
    uint32_t head_at; /* where the head begins in the input chunk */
    uint32_t floor;   /* where it ends: what comes before is not touched */

    /* the answer */
    int64_t answer_left; /* of its content_length; -1: not known */
    bool answer_chunked;
    bool answer_bodiless; /* HEAD, 204, 304: bytes are counted and dropped */
    bool answer_to_end;   /* HTTP/1.0: it ends with the connection */
    bool keep_alive;      /* as the head said */
    bool broken;          /* the rest of the answer is lost: cut */

    /* who runs and waits */
    bool starting;                  /* inside gust__coroutine_start_now */
    bool running;                   /* serve was called and has not returned */
    bool served;                    /* serve has returned, or was never called: to be finished */
    bool watched;                   /* watch_gone was asked for */
    struct gust__coroutine *reader; /* parked in read_body */
    struct gust__coroutine *writer; /* parked in send */
    size_t share;                   /* bytes moved since others had their turn */

    struct gust__admission admission;
    struct gust__scope scope; /* open while serve runs: a throw ends it */
    struct gust__request_head head;
    struct gust__chunked chunked;
    char peer[INET6_ADDRSTRLEN];
    struct gust__header trailers[GUST__HTTP1_TRAILERS];
    char trailer_bytes[GUST__HTTP1_TRAILER_SIZE];
    struct gust__header headers[]; /* service->max_headers */
};

/* ---- http1_connection.c: the state machine ---- */

/* Begins a connection on an accepted descriptor (taken). 0; -1: ENOMEM and what epoll says, and the server
 * was not told that it closed. */
int gust__http1_connection_open(struct gust__http_server *server, int fd, const struct sockaddr *peer);
/* Steps until it must wait. The connection may be freed when it returns. */
void gust__http1_advance(struct gust__http1_connection *connection);
/* Closes the descriptor; see above. */
void gust__http1_close(struct gust__http1_connection *connection);
/* Frees it if nothing holds it any more. */
void gust__http1_settle(struct gust__http1_connection *connection);
/* The client ended its side, and the handler asked to know whether it has left. */
void gust__http1_probe(struct gust__http1_connection *connection);
/* No further request: flushes, lingers, closes. */
void gust__http1_end(struct gust__http1_connection *connection);
/* The loop's time in so many nanoseconds; 0: never. */
int64_t gust__http1_after(const struct gust__http1_connection *connection, int64_t duration);
/* Has the timer fire at the earlier of the two deadlines at the latest. */
void gust__http1_arm(struct gust__http1_connection *connection);
/* For a drain: an idle one has so long for one more request. */
void gust__http1_drain(struct gust__http1_connection *connection, int64_t grace);

/* ---- http1_input.c: bytes in ---- */

/* Reads once into the input chunk, of which the bytes before floor are not touched. > 0; 0: the client's end
 * (ended is set); -1: EAGAIN, ENOMEM, or the connection is broken. */
ssize_t gust__http1_fill(struct gust__http1_connection *connection, uint32_t floor);
/* One read to a place of the caller's, with the same results. */
ssize_t gust__http1_receive(struct gust__http1_connection *connection, void *to, size_t size);
/* Before a wait without exchange: gives the chunk back, a partial head is moved to a small one. 0; -1:
 * ENOMEM. */
int gust__http1_stash(struct gust__http1_connection *connection);
/* Gives the input chunk back. */
void gust__http1_drop_input(struct gust__http1_connection *connection);

/* ---- http1_output.c: bytes out ---- */

/* Room for size bytes behind the output; commit by moving out_end. NULL: ENOBUFS (the client does not take
 * what is there), ENOMEM, EPIPE, EMSGSIZE (more than a chunk). Writes what is there first if that makes the
 * room. */
char *gust__http1_room(struct gust__http1_connection *connection, size_t size);
/* The same when it is there without ado; else NULL, and nothing was tried. */
static inline char *gust__http1_room_now(const struct gust__http1_connection *connection, size_t size)
{
    struct gust__http_chunk *out = connection->out;
    return out && out->capacity - connection->out_end >= size ? out->data + connection->out_end : NULL;
}
/* [blk] The same, but waits for the room: -1 errors of gust__http1_wait_writable too. */
char *gust__http1_wait_room(struct gust__http1_exchange *exchange, size_t size);
/* Collects parts of size bytes together if there is room for them without ado. */
static inline bool gust__http1_collect_now(struct gust__http1_connection *connection,
                                           const struct iovec *parts, size_t count, size_t size)
{
    char *to = gust__http1_room_now(connection, size);
    if (!to)
        return false;
    connection->out_end += (uint32_t)size;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].iov_len)
            to = (char *)memcpy(to, parts[i].iov_base, parts[i].iov_len) + parts[i].iov_len;
    }
    return true;
}
/* Writes as much as the client takes now. 0; -1: the connection broke, and is closed. */
int gust__http1_flush(struct gust__http1_connection *connection);
bool gust__http1_unsent(const struct gust__http1_connection *connection);
/* Writes it, or has it written behind the loop's slice of ready descriptors, with that of other connections.
 */
void gust__http1_flush_soon(struct gust__http1_connection *connection);
/* Writes now what was put off, if it was. The connection may be closed then. */
void gust__http1_flush_late(struct gust__http1_connection *connection);
/* The server's late_task. */
void gust__http1_write_late(struct gust__task *task);
/* [blk] Before a handler moves size bytes: now and then lets others run, however fast the client is. 0; -1:
 * ETIMEDOUT, ECANCELED, and nothing was moved. */
static inline int gust__http1_share(struct gust__http1_exchange *exchange, size_t size)
{
    exchange->share += size;
    if (__builtin_expect(exchange->share < GUST__HTTP1_SHARE, 1))
        return 0;
    exchange->share = 0;
    return gust_yield();
}
/* [blk] Sends parts and a trailer behind the output: collected if they are small, else from where they lie.
 * 0; -1. */
int gust__http1_send_parts(struct gust__http1_exchange *exchange, const struct iovec *parts, size_t count,
                           size_t total, struct gust__slice trailer);
/* [blk] Sends bytes of a file behind the output. 0; -1: EOPNOTSUPP (sendfile cannot, nothing was sent), EIO
 * (the file is shorter). */
int gust__http1_send_from(struct gust__http1_exchange *exchange, int fd, int64_t offset, int64_t size);

/* ---- http1_answer.c: what an answer looks like ---- */

/* The operation `send` of an exchange. */
int gust__http1_send(struct gust__exchange *exchange, const struct gust__answer *answer,
                     const struct iovec *parts, size_t count, bool last);
/* The operation `send_file`. */
int gust__http1_send_file(struct gust__exchange *exchange, int fd, int64_t offset, int64_t size);
/* Answers a request, for which no head was sent, with a short text, and ends the connection. */
void gust__http1_refuse_request(struct gust__http1_connection *connection, int status);
/* An interim 100 (Continue). 0; -1: ENOBUFS, ENOMEM, EPIPE. */
int gust__http1_continue(struct gust__http1_connection *connection);

/* ---- http1_body.c: the request's body ---- */

/* Looks at the framing of a request that may have a body. -> 0, or the status to refuse it with. */
int gust__http1_body_announced(struct gust__http1_exchange *exchange);
/* The same of any. */
static inline int gust__http1_body_begin(struct gust__http1_exchange *exchange)
{
    const struct gust__fields *fields = &exchange->head.fields;
    if (fields->content_length > 0 || fields->chunked || gust__fields_has(fields, GUST__HEADER_EXPECT))
        return gust__http1_body_announced(exchange);
    exchange->body_done = true;
    exchange->body_deadline = GUST__FOREVER;
    exchange->continued = true;
    return 0;
}
/* Some of the body: to NULL drops it. > 0; 0: its end; -1: EAGAIN (more must come), else body_failed or gone
 * is set. */
ssize_t gust__http1_body_take(struct gust__http1_exchange *exchange, void *to, size_t size);
/* The step of BODY: -> more when it is whole or refused. */
enum gust__http1_step gust__http1_body_collect(struct gust__http1_exchange *exchange);
/* The step of DISCARD. */
enum gust__http1_step gust__http1_body_discard(struct gust__http1_exchange *exchange);
/* Gives back what the body held. */
void gust__http1_body_end(struct gust__http1_exchange *exchange);
/* The operation `read_body`. */
ssize_t gust__http1_read_body(struct gust__exchange *exchange, void *to, size_t size);

/* ---- http1_exchange.c: from head to end ---- */

/* Sets what a server's exchanges have in common: where what lies in one. */
void gust__http1_exchange_measure(struct gust__http_server *server);
/* The step of HEAD once input is there: -> more when it was acted on, wait when a whole head is not there. */
enum gust__http1_step gust__http1_exchange_begin(struct gust__http1_connection *connection);
/* Starts the handler: the head, and a buffered body, are there. */
void gust__http1_exchange_serve(struct gust__http1_exchange *exchange);
/* Its handler is done: settles what it left undone. */
void gust__http1_exchange_finish(struct gust__http1_exchange *exchange);
/* Frees one that is in no use. */
void gust__http1_exchange_free(struct gust__http_server *server, struct gust__http1_exchange *exchange);
/* Gives it back. */
void gust__http1_exchange_release(struct gust__http1_exchange *exchange);

#endif
