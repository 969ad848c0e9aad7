/* Sessions in Redis: hiredis reads and writes the protocol, gust's streams carry it, so that only the request
 * waits. */
#include "web/session_store.h"

#include <gust/error.h>

#ifdef GUST_HAVE_HIREDIS

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include <gust/net.h>
#include <gust/pool.h>
#include <gust/scope.h>

enum { CONNECT_SECONDS = 5, ANSWER_SECONDS = 5, MOST_CONNECTIONS = 16 };

struct redis {
    struct gust__session_store store;
    gust_pool *pool;
    char address[256]; /* as gust_connect takes it */
    char password[128];
    char database[16];
};

struct connection {
    gust_stream *stream;
    redisReader *reader;
};

/* ---- one command ---- */

static redisReply *read_reply(struct connection *connection)
{
    char room[4096];
    void *reply = NULL;
    while (!reply) {
        if (redisReaderGetReply(connection->reader, &reply) != REDIS_OK) {
            gust_error_set(EPROTO, "Redis: %s", connection->reader->errstr);
            return NULL;
        }
        if (reply)
            break;
        ssize_t got = gust_stream_read(connection->stream, room, sizeof(room));
        if (got <= 0) {
            gust_error_set(got < 0 ? errno : ECONNRESET, "Redis at %s: %s",
                           gust_stream_peer(connection->stream),
                           got < 0 ? strerror(errno) : "it closed the connection");
            return NULL;
        }
        redisReaderFeed(connection->reader, room, (size_t)got);
    }
    return reply;
}

/* The reply, the caller's; NULL: the connection is broken, or Redis refused. */
static redisReply *command(struct connection *connection, int count, const char **words)
{
    char *text;
    long long size = redisFormatCommandArgv(&text, count, words, NULL);
    if (size < 0) {
        gust_error_set(ENOMEM, NULL);
        return NULL;
    }
    int sent = gust_stream_write(connection->stream, text, (size_t)size);
    redisFreeCommand(text);
    redisReply *reply = sent < 0 ? NULL : read_reply(connection);
    if (reply && reply->type == REDIS_REPLY_ERROR) {
        gust_error_set(EIO, "Redis: %s", reply->str);
        freeReplyObject(reply);
        return NULL;
    }
    return reply;
}

static int run(struct connection *connection, int count, const char **words)
{
    redisReply *reply = command(connection, count, words);
    if (!reply)
        return -1;
    freeReplyObject(reply);
    return 0;
}

/* ---- connections ---- */

static void close_connection(void *client)
{
    struct connection *connection = client;
    gust_stream_free(connection->stream);
    redisReaderFree(connection->reader);
    gust__free(connection);
}

static int log_in(const struct redis *redis, struct connection *connection)
{
    const char *authenticate[] = {"AUTH", redis->password}, *choose[] = {"SELECT", redis->database};
    if (redis->password[0] && run(connection, 2, authenticate) < 0)
        return -1;
    return redis->database[0] ? run(connection, 2, choose) : 0;
}

static void *open_connection(void *argument)
{
    const struct redis *redis = argument;
    struct connection *connection = gust__calloc(1, sizeof(*connection));
    if (!connection)
        return NULL;
    connection->reader = redisReaderCreate();
    connection->stream = gust_connect(redis->address, .timeout = GUST_S(CONNECT_SECONDS));
    if (connection->reader && connection->stream && log_in(redis, connection) == 0)
        return connection;
    int code = errno;
    close_connection(connection);
    errno = code;
    return NULL;
}

static int ping(void *client, void *argument)
{
    const char *words[] = {"PING"};
    (void)argument;
    return run(client, 1, words);
}

/* ---- the store ---- */

static struct redis *redis_of(struct gust__session_store *store)
{
    return GUST__CONTAINER(store, struct redis, store);
}

/* A command on some connection: one that Redis has closed meanwhile is tried again on a new one. */
static redisReply *ask(struct redis *redis, int count, const char **words)
{
    GUST_DEADLINE(GUST_S(ANSWER_SECONDS));
    redisReply *reply = NULL;
    for (int attempt = 0; attempt < 2 && !reply; attempt++) {
        struct connection *connection = gust_pool_take(redis->pool);
        if (!connection)
            return NULL;
        reply = command(connection, count, words);
        bool refused = !reply && errno == EIO;
        if (reply || refused)
            gust_pool_give(redis->pool, connection);
        else
            gust_pool_drop(redis->pool, connection);
        if (refused || (!reply && gust_deadline_left() <= 0))
            return NULL;
    }
    return reply;
}

static void make_name(char name[GUST__SESSION_KEY + 16], const char *key)
{
    snprintf(name, GUST__SESSION_KEY + 16, "gust:session:%s", key);
}

static int load(struct gust__session_store *store, const char *key, char **record)
{
    char name[GUST__SESSION_KEY + 16];
    const char *words[] = {"GET", name};
    int result = 0;
    make_name(name, key);
    redisReply *reply = ask(redis_of(store), 2, words);
    if (!reply)
        return -1;
    if (reply->type == REDIS_REPLY_STRING) {
        *record = gust__strdup(reply->str);
        result = *record ? 1 : gust_error_set(ENOMEM, NULL);
    }
    freeReplyObject(reply);
    return result;
}

static int finish(redisReply *reply)
{
    if (!reply)
        return -1;
    freeReplyObject(reply);
    return 0;
}

static int save(struct gust__session_store *store, const char *key, const char *record, int64_t expires)
{
    char name[GUST__SESSION_KEY + 16], seconds[24];
    const char *words[] = {"SET", name, record, "EX", seconds};
    int64_t left = expires - gust__clock_wall() / 1000000000;
    make_name(name, key);
    snprintf(seconds, sizeof(seconds), "%" PRId64, left > 1 ? left : 1);
    return finish(ask(redis_of(store), 5, words));
}

static int forget(struct gust__session_store *store, const char *key)
{
    char name[GUST__SESSION_KEY + 16];
    const char *words[] = {"DEL", name};
    make_name(name, key);
    return finish(ask(redis_of(store), 2, words));
}

static void free_redis(struct gust__session_store *store)
{
    struct redis *redis = redis_of(store);
    gust_pool_free(redis->pool);
    gust__free(redis);
}

/* "redis://[:PASSWORD@]HOST[:PORT][/DB]", "redis+unix:FILE"; false: it is none. */
static bool read_url(struct redis *redis, const char *url)
{
    char host[192];
    if (strncmp(url, "redis+unix:", 11) == 0)
        return url[11] && (size_t)snprintf(redis->address, sizeof(redis->address), "unix:%s", url + 11) <
                              sizeof(redis->address);
    if (strncmp(url, "redis://", 8) != 0)
        return false;
    const char *at = url + 8, *sign = strrchr(at, '@');
    if (sign) {
        if (*at != ':' || (size_t)(sign - at) > sizeof(redis->password))
            return false;
        memcpy(redis->password, at + 1, (size_t)(sign - at) - 1);
        at = sign + 1;
    }
    size_t size = strcspn(at, "/");
    if (size == 0 || size >= sizeof(host))
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)size, at);
    snprintf(redis->database, sizeof(redis->database), "%s", at[size] ? at + size + 1 : "");
    const char *colon = strrchr(host, ':'), *bracket = strrchr(host, ']');
    bool has_port = colon && (!bracket || colon > bracket);
    snprintf(redis->address, sizeof(redis->address), "%s%s", host, has_port ? "" : ":6379");
    return strspn(redis->database, "0123456789") == strlen(redis->database);
}

struct gust__session_store *gust__session_redis_new(const char *url)
{
    struct redis *redis = gust__calloc(1, sizeof(*redis));
    if (!redis)
        return NULL;
    if (!read_url(redis, url)) {
        gust_error_set(EINVAL,
                       "sessions in \"%s\": expected redis://[:PASSWORD@]HOST[:PORT][/DB] or redis+unix:FILE",
                       url);
        goto fail;
    }
    redis->store = (struct gust__session_store){load, save, forget, free_redis};
    redis->pool = gust_pool_new(.open = open_connection, .close = close_connection, .ping = ping,
                                .argument = redis, .max = MOST_CONNECTIONS);
    if (redis->pool)
        return &redis->store;
fail:
    gust__free(redis);
    return NULL;
}

#else

struct gust__session_store *gust__session_redis_new(const char *url)
{
    gust_error_set(ENOTSUP, "sessions in %s: this gust was built without hiredis (libhiredis-dev)", url);
    return NULL;
}

#endif
