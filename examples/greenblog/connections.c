#include "connections.h"

#include <errno.h>

static void *open_connection(void *url)
{
    struct database *db = database_open(url);
    if (!db)
        return NULL;
    if (!*database_error(db))
        return db;
    gust_error_set(EIO, "the database: %s", database_error(db));
    database_close(db);
    return NULL;
}

/* A connection that has been idle for a while may have been dropped by its server. */
static int ping(void *db, void *url)
{
    struct result one;
    (void)url;
    if (database_query(db, "select 1", NULL, 0, &one) < 0)
        return -1;
    result_clear(&one);
    return 0;
}

int connections_open(struct connections *connections, const char *url, unsigned max, int64_t wait)
{
    connections->pool =
        gust_pool_new(.open = open_connection, .close = GUST_DROP(database_close), .ping = ping,
                      .argument = (void *)(uintptr_t)url, .max = max, .wait = wait);
    return connections->pool ? 0 : -1;
}

void connections_close(struct connections *connections)
{
    gust_pool_free(connections->pool);
    connections->pool = NULL;
}

struct database *connection_take(gust_request *req)
{
    struct connections *connections = gust_data(req);
    struct database *db = gust_pool_take(connections->pool);
    if (!db)
        gust_fail(503, "no connection: %s", gust_error_text(gust_error_last()));
    return db;
}

void connection_give(gust_request *req, struct database *db)
{
    struct connections *connections = gust_data(req);
    if (database_broken(db))
        gust_pool_drop(connections->pool, db);
    else
        gust_pool_give(connections->pool, db);
}

void database_failed(struct database *db)
{
    gust_fail(502, "the database: %s", database_error(db));
}
