/* gust_serve: a coroutine for each connection. */
#include "net/serve.h"
#include "base/alloc.h"
#include "base/error_int.h"
#include "base/log_int.h"
#include "base/sys.h"
#include "base/throw.h"
#include "net/listener.h"
#include "net/stream.h"

#include <gust/error.h>

#include <errno.h>
#include <stdio.h>

struct gust__serving {
    gust_listener *listener; /* NULL: it was freed */
    gust_loop *loop;
    int (*function)(gust_stream *stream, void *argument);
    void *argument;
    struct gust__list connections;
};

struct connection {
    struct gust__list node;
    struct gust__serving *serving;
    gust_stream *stream;
    struct gust__coroutine *coroutine; /* NULL: did not start yet */
};

/* ---- one connection, in its coroutine ---- */

static void log_failure(const struct connection *connection, int code)
{
    if (!connection->serving->listener && code == ECANCELED) /* which is how we end them */
        return;
    char what[GUST__ADDRESS_TEXT + 32];
    struct gust_error *error = gust__error_take_for(code);
    snprintf(what, sizeof(what), "the connection of %s failed", gust_stream_peer(connection->stream));
    gust__log_error(GUST_WARNING, error, what);
    gust__error_free(error);
}

static int call(void *argument)
{
    const struct connection *connection = argument;
    return connection->serving->function(connection->stream, connection->serving->argument);
}

static void end_connection(struct connection *connection)
{
    struct gust__serving *serving = connection->serving;
    gust_stream_free(connection->stream);
    gust__list_remove(&connection->node);
    gust__free(connection);
    if (serving->listener)
        gust__listener_released(serving->listener);
    else if (gust__list_empty(&serving->connections))
        gust__free(serving);
}

static int run_connection(void *argument)
{
    struct connection *connection = argument;
    connection->coroutine = gust__current;
    errno = 0;
    if (gust__catch(call, connection) < 0)
        log_failure(connection, errno ? errno : EIO);
    if (!gust_stream_closed(connection->stream))
        gust_stream_close(connection->stream);
    end_connection(connection);
    return 0;
}

/* ---- the listener's side ---- */

/* NULL: no memory; fd was closed. */
static struct connection *new_connection(struct gust__serving *serving, int fd,
                                         const struct gust__address *peer)
{
    struct connection *connection = gust__calloc(1, sizeof(*connection));
    if (!connection) {
        gust__sys_close(fd);
        errno = ENOMEM;
        return NULL;
    }
    connection->serving = serving;
    connection->stream = gust__stream_adopt(serving->loop, fd, NULL, peer, false, 0);
    if (connection->stream) {
        gust__list_append(&serving->connections, &connection->node);
        return connection;
    }
    int code = errno;
    gust__free(connection);
    errno = code;
    return NULL;
}

static void accepted(void *owner, int fd, const struct sockaddr *from, socklen_t length)
{
    struct gust__serving *serving = owner;
    struct gust__address peer;
    gust__address_set(&peer, from, length);
    struct connection *connection = new_connection(serving, fd, &peer);
    if (connection && gust__coroutine_start_now(serving->loop, NULL, run_connection, connection) == 0)
        return;
    gust_log(GUST_ERROR, "%s: a connection had to be closed: %m", gust_listener_address(serving->listener));
    if (connection)
        end_connection(connection);
    else
        gust__listener_released(serving->listener);
}

int gust_serve(gust_listener *listener, int (*function)(gust_stream *stream, void *argument), void *argument)
{
    gust_loop *loop = gust_loop_current();
    if (!loop) {
        errno = EDEADLK;
        return -1;
    }
    struct gust__serving *serving = gust__calloc(1, sizeof(*serving));
    if (!serving)
        return -1;
    *serving = (struct gust__serving){listener, loop, function, argument, {0}};
    gust__list_init(&serving->connections);
    if (gust__listener_start(listener, loop, accepted, serving) < 0) {
        int code = errno;
        gust__free(serving);
        errno = code;
        return -1;
    }
    gust__listener_set_serving(listener, serving);
    return 0;
}

void gust__serving_end(struct gust__serving *serving)
{
    if (!serving)
        return;
    serving->listener = NULL;
    for (struct gust__list *node = serving->connections.next; node != &serving->connections;
         node = node->next) {
        struct connection *connection = GUST__CONTAINER(node, struct connection, node);
        if (connection->coroutine)
            gust__coroutine_cancel(connection->coroutine);
    }
    if (gust__list_empty(&serving->connections))
        gust__free(serving);
}
