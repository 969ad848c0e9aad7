/*
 * gust/pool.h - a pool of connections of any blocking client
 *
 *     static void *open_db(void *arg)
 *     {
 *         PGconn *c = PQconnectdb(arg);
 *         if (PQstatus(c) == CONNECTION_OK)
 *             return c;
 *         gust_error_set(EIO, "%s", PQerrorMessage(c));
 *         PQfinish(c);
 *         return NULL;
 *     }
 *
 *     gust_pool *db = gust_pool_new(.open = open_db, .argument = "dbname=blog", .close =
 * GUST_DROP(PQfinish));
 *
 *     PGconn *c = gust_pool_take(db);             // waits if all are out
 *     if (!c)
 *         return -1;
 *     GUST_DEFER(gust_pool_give, db, c);
 *
 * One gust_pool serves a whole program: it keeps a set of clients for each loop (so for each process and
 * thread), opened when first needed. A client whose holder was interrupted by a deadline or cancel while it
 * held it is closed when given back: its connection is in the middle of an answer.
 */
#ifndef GUST_POOL_H
#define GUST_POOL_H

#include <gust/base.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_pool gust_pool;

typedef struct gust_pool_options {
    size_t size;
    void *(*open)(void *argument)GUST_ZERO; /* a client, or NULL and an error; required */
    void (*close)(void *client) GUST_ZERO;  /* required; GUST_DROP(PQfinish) */
    int (*ping)(void *client,
                void *argument) GUST_ZERO; /* is it still good? 0 or -1; default: taken for good */
    void *argument GUST_ZERO;              /* for open and ping; borrowed for the pool's life */
    unsigned max GUST_ZERO;                /* clients for each loop; default 8 */
    int64_t wait GUST_ZERO;                /* for a free one, then ETIMEDOUT; default 10 s, -1: no limit */
    unsigned max_waiting GUST_ZERO;        /* takers that wait; beyond it EAGAIN; default 1,000 */
    int64_t ping_after GUST_ZERO;          /* idle so long: pinged before it is handed out; default 30 s */
    int64_t idle GUST_ZERO;                /* idle so long: closed; default 5 min, -1: never */
} gust_pool_options;

/* [any] NULL: EINVAL (open or close missing), ENOMEM. */
GUST_API gust_pool *gust_pool_new_with(const gust_pool_options *options);
#define gust_pool_new(...) gust_pool_new_with(GUST_OPTIONS(gust_pool_options, ##__VA_ARGS__))

/* A function that takes its one pointer of whatever type, as a void (*)(void *). */
#define GUST_DROP(function) ((void (*)(void *))(void (*)(void))(function))

/* [blk] A client, to be given back; waits in turn. NULL: what open said, ETIMEDOUT, ECANCELED, EAGAIN. */
GUST_API void *gust_pool_take(gust_pool *pool);

/* [loop] Gives a client back: to the first that waits, or to rest. Another coroutine than the taker may do
 * it; it is kept then only while the taker still runs and neither of the two was ever cut short with it, else
 * closed. NULL is allowed. */
GUST_API void gust_pool_give(gust_pool *pool, void *client);

/* [loop] Gives a client back that is broken: it is closed. */
GUST_API void gust_pool_drop(gust_pool *pool, void *client);

/* [loop] Clients of this loop: open ones, and those out. */
GUST_API unsigned gust_pool_open_count(gust_pool *pool);
GUST_API unsigned gust_pool_taken_count(gust_pool *pool);

/* [any] Closes what rests and frees the pool, when no client is out on any loop. NULL is allowed. */
GUST_API void gust_pool_free(gust_pool *pool);

GUST_END_DECLARATIONS

#endif
