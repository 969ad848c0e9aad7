/* Bytes in: one read at a time, into a lent chunk, or a small one while a head drips in. */
#include "http/http1_connection.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <assert.h>

ssize_t gust__http1_receive(struct gust__http1_connection *connection, void *to, size_t size)
{
    if (connection->state == GUST__HTTP1_CLOSED) {
        errno = ECONNRESET;
        return -1;
    }
    if (connection->ended)
        return 0;
    ssize_t got;
    do
        got = gust__sys_recv(connection->fd, to, size, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        /* A short read has emptied the socket: the next edge tells of more. A FIN seen before would not be
         * told again. */
        if ((size_t)got < size && !connection->ending)
            connection->readable = false;
    } else if (got == 0) {
        connection->ended = true;
        connection->readable = false;
    } else if (errno == EAGAIN) {
        connection->readable = false;
    } else {
        int code = errno;
        gust__http1_close(connection);
        errno = code == EAGAIN ? ECONNRESET : code;
    }
    return got;
}

void gust__http1_drop_input(struct gust__http1_connection *connection)
{
    gust__http_chunk_give(connection->server->http, connection->in);
    connection->in = NULL;
    connection->in_at = connection->in_end = 0;
}

/* Moves the input not yet taken into another chunk, which becomes the connection's. The old one is the
 * caller's. */
static void move_input(struct gust__http1_connection *connection, struct gust__http_chunk *to)
{
    uint32_t size = connection->in_end - connection->in_at;
    memcpy(to->data, connection->in->data + connection->in_at, size);
    connection->in = to;
    connection->in_at = 0;
    connection->in_end = size;
}

/* A chunk of the connection's own for what it holds and may become twice as much. */
static int grow(struct gust__http1_connection *connection, size_t capacity)
{
    struct gust__http_chunk *old = connection->in;
    struct gust__http_chunk *bigger = gust__http_chunk_new(capacity);
    if (!bigger)
        return -1;
    move_input(connection, bigger);
    gust__http_chunk_give(connection->server->http, old);
    return 0;
}

/* Room in a chunk that holds part of a head, which the limit of the head bounds. */
static int make_head_room(struct gust__http1_connection *connection)
{
    struct gust__http_chunk *in = connection->in;
    if (connection->in_end < in->capacity)
        return 0;
    if (connection->in_at == 0)
        return grow(connection, 2 * (size_t)in->capacity);
    memmove(in->data, in->data + connection->in_at, connection->in_end - connection->in_at);
    connection->in_end -= connection->in_at;
    connection->in_at = 0;
    return 0;
}

/* Room behind the head of an exchange that runs. The head's chunk goes to the exchange when it has too
 * little. */
static int make_body_room(struct gust__http1_connection *connection, uint32_t floor)
{
    if (connection->in_at == connection->in_end)
        connection->in_at = connection->in_end = floor;
    if (connection->in->capacity - connection->in_end >= GUST__HTTP1_MIN_ROOM)
        return 0;
    struct gust__http_chunk *fresh = gust__http_chunk_take(connection->server->http);
    if (!fresh)
        return -1;
    struct gust__http_chunk *old = connection->in;
    move_input(connection, fresh);
    if (floor > 0) {
        connection->current->kept = old;
        connection->current->floor = 0;
    } else {
        gust__http_chunk_give(connection->server->http, old);
    }
    return 0;
}

static int make_room(struct gust__http1_connection *connection, uint32_t floor)
{
    if (!connection->in) {
        connection->in = gust__http_chunk_take(connection->server->http);
        connection->in_at = connection->in_end = 0;
        return connection->in ? 0 : -1;
    }
    if (connection->current)
        return make_body_room(connection, floor);
    if (connection->in_at == connection->in_end)
        connection->in_at = connection->in_end = 0;
    return make_head_room(connection);
}

ssize_t gust__http1_fill(struct gust__http1_connection *connection, uint32_t floor)
{
    if (make_room(connection, floor) < 0)
        return -1;
    struct gust__http_chunk *in = connection->in;
    ssize_t got =
        gust__http1_receive(connection, in->data + connection->in_end, in->capacity - connection->in_end);
    if (got > 0)
        connection->in_end += (uint32_t)got;
    return got;
}

int gust__http1_stash(struct gust__http1_connection *connection)
{
    struct gust__http_chunk *in = connection->in;
    if (!in)
        return 0;
    size_t size = connection->in_end - connection->in_at;
    if (size == 0) {
        gust__http1_drop_input(connection);
        return 0;
    }
    if (!in->lent)
        return 0;
    size_t capacity = GUST__HTTP1_SLOW_HEAD;
    while (capacity < size + size / 2)
        capacity *= 2;
    return grow(connection, capacity);
}
