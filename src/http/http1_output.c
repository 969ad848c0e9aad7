/* Bytes out: collected in a lent chunk, written when it is worth it, kept while the client does not take
 * them. */
#include "http/http1_connection.h"

#include "base/sys.h"
#include "coro/coroutine.h"

bool gust__http1_unsent(const struct gust__http1_connection *connection)
{
    return connection->out_at < connection->out_end;
}

static void give_output(struct gust__http1_connection *connection)
{
    gust__http_chunk_give(connection->server->http, connection->out);
    connection->out = NULL;
    connection->out_at = connection->out_end = 0;
    connection->write_deadline = GUST__FOREVER;
}

/* What a write of pieces gave. -> bytes; 0: the client takes nothing now; -1: broken, and closed. */
static ssize_t after_write(struct gust__http1_connection *connection, ssize_t sent)
{
    if (sent >= 0) {
        connection->write_deadline =
            GUST__FOREVER; /* it moved: measured anew from the next time it is full */
        return sent;
    }
    if (errno == EINTR)
        return after_write(connection, 0);
    if (errno == EAGAIN) {
        connection->writable = false;
        if (connection->write_deadline == GUST__FOREVER)
            connection->write_deadline =
                gust__http1_after(connection, connection->server->service->write_timeout);
        return 0;
    }
    gust__http1_close(connection);
    errno = EPIPE;
    return -1;
}

int gust__http1_flush(struct gust__http1_connection *connection)
{
    if (!connection->out)
        return 0;
    while (gust__http1_unsent(connection) && connection->writable) {
        ssize_t sent =
            after_write(connection, gust__sys_send(connection->fd, connection->out->data + connection->out_at,
                                                   connection->out_end - connection->out_at, MSG_NOSIGNAL));
        if (sent < 0)
            return -1;
        connection->out_at += (uint32_t)sent;
    }
    if (!gust__http1_unsent(connection))
        give_output(connection);
    return 0;
}

/* ---- answers that are written together ---- */

void gust__http1_flush_soon(struct gust__http1_connection *connection)
{
    struct gust__http_server *server = connection->server;
    if (connection->late)
        return;
    if (!gust__loop_gathers(server->loop) || server->late_count == GUST__HTTP_LATE) {
        gust__http1_flush(connection);
        return;
    }
    connection->late = true;
    server->late[server->late_count++] = connection;
    gust__loop_gather(server->loop, &server->late_task);
}

void gust__http1_flush_late(struct gust__http1_connection *connection)
{
    struct gust__http_server *server = connection->server;
    unsigned place = 0;
    while (server->late[place] != connection)
        place++;
    server->late[place] = NULL;
    connection->late = false;
    gust__http1_flush(connection);
}

/* Nothing becomes late meanwhile: behind its slice the loop does not gather. */
void gust__http1_write_late(struct gust__task *task)
{
    struct gust__http_server *server = GUST__CONTAINER(task, struct gust__http_server, late_task);
    for (unsigned i = 0; i < server->late_count; i++) {
        struct gust__http1_connection *connection = server->late[i];
        if (!connection)
            continue;
        gust__http1_flush_late(connection);
        if (connection->state != GUST__HTTP1_CLOSED)
            gust__http1_arm(connection);
        gust__http1_settle(connection);
    }
    server->late_count = 0;
}

/* ---- room ---- */

/* Room behind what is unsent, by moving that to the front if need be. */
static char *room_behind(struct gust__http1_connection *connection, size_t size)
{
    struct gust__http_chunk *out = connection->out;
    if (out->capacity - connection->out_end < size && connection->out_at > 0) {
        memmove(out->data, out->data + connection->out_at, connection->out_end - connection->out_at);
        connection->out_end -= connection->out_at;
        connection->out_at = 0;
    }
    return out->capacity - connection->out_end < size ? NULL : out->data + connection->out_end;
}

char *gust__http1_room(struct gust__http1_connection *connection, size_t size)
{
    if (size > GUST__HTTP_CHUNK) {
        errno = EMSGSIZE;
        return NULL;
    }
    for (int attempt = 0; attempt < 2; attempt++) {
        if (connection->state == GUST__HTTP1_CLOSED) {
            errno = EPIPE;
            return NULL;
        }
        if (!connection->out)
            connection->out = gust__http_chunk_take(connection->server->http);
        if (!connection->out)
            return NULL;
        char *room = room_behind(connection, size);
        if (room)
            return room;
        if (gust__http1_flush(connection) < 0)
            return NULL;
    }
    errno = ENOBUFS;
    return NULL;
}

/* [blk] Parks until the client takes bytes again. 0; -1: EPIPE, EDEADLK, EBUSY, ETIMEDOUT, ECANCELED. */
static int wait_writable(struct gust__http1_exchange *exchange)
{
    struct gust__http1_connection *connection = exchange->connection;
    if (exchange->writer) {
        errno = EBUSY;
        return -1;
    }
    gust__http1_arm(connection);
    while (!connection->writable && connection->state != GUST__HTTP1_CLOSED) {
        exchange->writer = gust__current;
        int result = gust__park(GUST__INTERRUPTIBLE, "send");
        exchange->writer = NULL;
        if (result < 0)
            return -1;
    }
    if (connection->state != GUST__HTTP1_CLOSED)
        return 0;
    errno = EPIPE;
    return -1;
}

char *gust__http1_wait_room(struct gust__http1_exchange *exchange, size_t size)
{
    for (;;) {
        char *room = gust__http1_room(exchange->connection, size);
        if (room || errno != ENOBUFS)
            return room;
        if (wait_writable(exchange) < 0)
            return NULL;
    }
}

/* ---- parts that are sent from where they lie ---- */

/* Where sending has come to in a list of parts and a trailer behind them. */
struct cursor {
    const struct iovec *parts;
    size_t count;
    struct gust__slice trailer;
    size_t part;   /* count: in the trailer */
    size_t offset; /* in that part */
    size_t left;   /* bytes, of all */
};

static struct gust__slice part_at(const struct cursor *cursor, size_t index)
{
    if (index == cursor->count)
        return cursor->trailer;
    return gust__slice(cursor->parts[index].iov_base, cursor->parts[index].iov_len);
}

static void skip(struct cursor *cursor, size_t size)
{
    cursor->left -= size;
    while (cursor->part <= cursor->count) {
        size_t rest = part_at(cursor, cursor->part).size - cursor->offset;
        if (size < rest) {
            cursor->offset += size;
            return;
        }
        size -= rest;
        cursor->offset = 0;
        cursor->part++;
    }
}

enum { PIECES = 32 };

/* The output and then the parts as pieces of one write. -> how many */
static size_t pieces_of(const struct gust__http1_connection *connection, const struct cursor *cursor,
                        struct iovec pieces[PIECES])
{
    size_t count = 0;
    if (gust__http1_unsent(connection))
        pieces[count++] = (struct iovec){connection->out->data + connection->out_at,
                                         connection->out_end - connection->out_at};
    size_t offset = cursor->offset;
    for (size_t i = cursor->part; i <= cursor->count && count < PIECES; i++) {
        struct gust__slice part = gust__slice_from(part_at(cursor, i), offset);
        offset = 0;
        if (part.size)
            pieces[count++] = (struct iovec){(void *)(uintptr_t)part.data, part.size};
    }
    return count;
}

/* One write of the output and of parts. 0; -1: broken. */
static int write_pieces(struct gust__http1_connection *connection, struct cursor *cursor)
{
    struct iovec pieces[PIECES];
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = pieces_of(connection, cursor, pieces)};
    ssize_t sent = after_write(connection, gust__sys_sendmsg(connection->fd, &message, MSG_NOSIGNAL));
    if (sent < 0)
        return -1;
    size_t size = (size_t)sent;
    size_t unsent = connection->out_end - connection->out_at;
    size_t of_output = size < unsent ? size : unsent;
    connection->out_at += (uint32_t)of_output;
    skip(cursor, size - of_output);
    if (connection->out && !gust__http1_unsent(connection))
        give_output(connection);
    return 0;
}

/* Collects what is left, if there is room for it. 0; -1: ENOBUFS, ENOMEM. */
static int copy_rest(struct gust__http1_connection *connection, struct cursor *cursor)
{
    if (cursor->left > GUST__HTTP_CHUNK - (connection->out_end - connection->out_at)) {
        errno = ENOBUFS;
        return -1;
    }
    char *to = gust__http1_room(connection, cursor->left);
    if (!to)
        return -1;
    connection->out_end += (uint32_t)cursor->left;
    while (cursor->left) {
        struct gust__slice part = gust__slice_from(part_at(cursor, cursor->part), cursor->offset);
        if (part.size)
            memcpy(to, part.data, part.size);
        to += part.size;
        skip(cursor, part.size);
    }
    return 0;
}

/* Collects all of it, which mostly is all that is to do. */
static bool collect(struct gust__http1_connection *connection, const struct iovec *parts, size_t count,
                    size_t total, struct gust__slice trailer)
{
    if (!gust__http1_room(connection, total + trailer.size))
        return false;
    gust__http1_collect_now(connection, parts, count, total);
    if (trailer.size)
        memcpy(connection->out->data + connection->out_end, trailer.data, trailer.size);
    connection->out_end += (uint32_t)trailer.size;
    return true;
}

int gust__http1_send_parts(struct gust__http1_exchange *exchange, const struct iovec *parts, size_t count,
                           size_t total, struct gust__slice trailer)
{
    struct gust__http1_connection *connection = exchange->connection;
    if (total + trailer.size == 0)
        return 0;
    if (total + trailer.size <= GUST__HTTP1_COPY && collect(connection, parts, count, total, trailer))
        return 0;
    struct cursor cursor = {.parts = parts, .count = count, .trailer = trailer, .left = total + trailer.size};
    while (connection->state != GUST__HTTP1_CLOSED) {
        if (connection->writable && write_pieces(connection, &cursor) < 0)
            return -1;
        if (cursor.left == 0)
            return 0;
        if (connection->writable)
            continue; /* a short write, or more parts than pieces: only EAGAIN says that it is full */
        if (copy_rest(connection, &cursor) == 0)
            return 0;
        if (wait_writable(exchange) < 0) {
            exchange->broken = true;
            return -1;
        }
    }
    errno = EPIPE;
    return -1;
}

/* ---- files ---- */

/* Before the next piece: others had their turn, the output has gone, the client takes bytes. 0; -1. */
static int ready_for_file(struct gust__http1_exchange *exchange, size_t piece)
{
    struct gust__http1_connection *connection = exchange->connection;
    if (gust__http1_share(exchange, piece) < 0)
        return -1;
    while (connection->state != GUST__HTTP1_CLOSED) {
        if (gust__http1_flush(connection) < 0)
            return -1;
        if (connection->writable)
            return 0;
        if (wait_writable(exchange) < 0)
            return -1;
    }
    errno = EPIPE;
    return -1;
}

int gust__http1_send_from(struct gust__http1_exchange *exchange, int fd, int64_t offset, int64_t size)
{
    struct gust__http1_connection *connection = exchange->connection;
    off_t at = offset;
    while (at < offset + size) {
        int64_t left = offset + size - at;
        size_t piece = left < GUST__HTTP1_FILE ? (size_t)left : GUST__HTTP1_FILE;
        if (ready_for_file(exchange, piece) < 0)
            return -1;
        ssize_t sent = gust__sys_sendfile(connection->fd, fd, &at, piece);
        if (sent == 0 || (sent < 0 && (errno == EINVAL || errno == ENOSYS))) {
            errno = sent == 0 || at > offset ? EIO : EOPNOTSUPP;
            return -1;
        }
        if (after_write(connection, sent) < 0)
            return -1;
    }
    return 0;
}
