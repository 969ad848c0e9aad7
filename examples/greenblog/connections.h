/* The database connections: opened as they are needed, shared by all requests, never by two at a time. */
#ifndef CONNECTIONS_H
#define CONNECTIONS_H

#include "database.h"

#include <gust/gust.h>

struct connections {
    gust_pool *pool; /* NULL: not open yet */
};

/* url is borrowed. wait: how long a request waits for a free one, in nanoseconds. 0; -1: out of memory. */
int connections_open(struct connections *connections, const char *url, unsigned max, int64_t wait);
void connections_close(struct connections *connections);

/* For handlers: a connection, to be given back by the same block however that ends:
 *
 *     struct database *db = connection_take(req);
 *     GUST_DEFER(connection_give, req, db);
 *
 * When there is none the request ends here, with 503. The route's .data are the struct
 * connections. */
struct database *connection_take(gust_request *req);
void connection_give(gust_request *req, struct database *db);

/* Ends a request whose query failed: 502, and the database's words into the log. */
void database_failed(struct database *db) __attribute__((noreturn));

#endif
