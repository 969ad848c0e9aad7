/* BLPOP of a list that nobody fills, through hiredis. */
#include "load.h"

#include <stdio.h>

#include <hiredis/hiredis.h>

static void *open_connection(const struct load *load)
{
    char host[256];
    int port;
    if (sscanf(load->url, "redis://%255[^:]:%d", host, &port) != 2) {
        fprintf(stderr, "not redis://host:port: %s\n", load->url);
        return NULL;
    }
    redisContext *connection = redisConnect(host, port);
    if (connection && !connection->err)
        return connection;
    fprintf(stderr, "%s\n", connection ? connection->errstr : "out of memory");
    redisFree(connection);
    return NULL;
}

/* The time that a server is told to wait is in seconds, since Redis 6 also in parts of them. */
static int call(void *connection, const struct load *load)
{
    redisContext *redis = connection;
    redisReply *reply = redisCommand(redis, "BLPOP green_load:%u %f", load->index, load->seconds);
    int status = reply && reply->type == REDIS_REPLY_NIL ? 0 : -1;
    if (status < 0)
        fprintf(stderr, "%s\n", reply ? reply->str : redis->errstr);
    freeReplyObject(reply);
    return status;
}

static void close_connection(void *connection)
{
    redisFree(connection);
}

const struct load_kind load_redis = {"redis", "redisCommand(\"BLPOP ...\")", open_connection, call,
                                     close_connection};
