/*
 * The client's connections: each is used by one fetch, and kept for the next one to the same address. Those
 * that are idle belong to their loop: at most GUST__FETCH_IDLE_PER_HOST to an address and GUST__FETCH_IDLE in
 * all (the oldest give way), for GUST__FETCH_IDLE_TIME.
 *
 *     struct gust__connection *connection = gust__connection_take("127.0.0.1:8888");
 *     if (!connection)
 *         connection = gust__connection_open("127.0.0.1:8888", GUST_S(20));
 *     ...
 *     gust__connection_keep(connection);        after an answer that was read whole; else _close
 *
 * A server may speak unasked, or go, while a connection is idle. What it said then would be read as the
 * answer to the next request: such a connection is closed at once.
 */
#ifndef GUST_HTTP_FETCH_CONNECTIONS_H
#define GUST_HTTP_FETCH_CONNECTIONS_H

#include "base/buffer.h"
#include "base/list.h"
#include "http/fetch_request.h"

#include <gust/net.h>

enum {
    GUST__FETCH_IDLE = 100,
    GUST__FETCH_IDLE_PER_HOST = 10,
    GUST__FETCH_IDLE_SECONDS = 30,
    GUST__FETCH_READ = 16 << 10, /* bytes to read at once: a stream does not read ahead of so large a read */
};

struct gust__connection {
    struct gust__list member; /* of the idle ones, oldest first */
    gust_stream *stream;
    struct gust__buffer in; /* read, and not yet used */
    int64_t idle_until;
    bool used; /* by an earlier fetch */
    char address[GUST__FETCH_ADDRESS];
};

/* [loop] The idle connection to address that was used last, if its peer is still there and has said nothing.
 * NULL: none. */
struct gust__connection *gust__connection_take(const char *address);

/* [blk] A new one. timeout as in gust_connect_options. NULL: what gust_connect says. */
struct gust__connection *gust__connection_open(const char *address, int64_t timeout);

/* [loop] Takes a connection whose last answer was read whole: keeps it, or closes it when that cannot be. */
void gust__connection_keep(struct gust__connection *connection);

/* [loop] Closes and frees it; nobody waits on it. NULL is allowed. */
void gust__connection_close(struct gust__connection *connection);

/* [blk] Reads more into connection->in. > 0; 0: the peer ended; -1: as gust_stream_read. */
ssize_t gust__connection_fill(struct gust__connection *connection);

/* [loop] Closes those whose time is up by now (monotonic); a timer does so, and tests. */
void gust__connections_expire(gust_loop *loop, int64_t now);

/* [loop] Idle ones of this loop. */
size_t gust__connections_idle(const gust_loop *loop);

#endif
