#include "http/fetch_connections.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/sys.h"
#include "net/stream.h"

#include <errno.h>
#include <string.h>

/* ---- what a loop has ---- */

struct connections {
    struct gust__loop_state state; /* first */
    gust_loop *loop;
    struct gust__list idle; /* oldest first; all are kept equally long, so the first is the first to go */
    size_t count;
    gust_timer timer;
};

static struct connections *find(const gust_loop *loop)
{
    return (struct connections *)(void *)gust__loop_state(loop, GUST__LOOP_FETCH);
}

static struct gust__connection *connection_of(struct gust__list *member)
{
    return GUST__CONTAINER(member, struct gust__connection, member);
}

static void take_out(struct connections *connections, struct gust__connection *connection)
{
    gust__list_remove(&connection->member);
    connections->count--;
    gust__stream_divert(connection->stream, NULL, NULL);
}

static void drop(struct connections *connections, struct gust__connection *connection)
{
    take_out(connections, connection);
    gust__connection_close(connection);
}

static struct gust__connection *oldest(const struct connections *connections)
{
    return connection_of(connections->idle.next);
}

/* An idle connection's peer went, or spoke unasked. */
static void idle_ready(void *owner, uint32_t events)
{
    struct gust__connection *connection = owner;
    if (events & ~(uint32_t)EPOLLOUT)
        drop(find(connection->stream->loop), connection);
}

static int close_expired(void *argument)
{
    struct connections *connections = argument;
    gust__connections_expire(connections->loop, gust__clock_now());
    if (connections->count == 0)
        return 0;
    return gust_timer_start(connections->loop, &connections->timer, oldest(connections)->idle_until);
}

static void close_all(gust_loop *loop, struct gust__loop_state *state)
{
    struct connections *connections = (struct connections *)(void *)state;
    while (connections->count > 0)
        drop(connections, oldest(connections));
    gust_timer_stop(loop, &connections->timer);
}

static void release(struct gust__loop_state *state)
{
    gust__free(state);
}

static struct connections *find_or_make(gust_loop *loop)
{
    struct connections *connections = find(loop);
    if (connections)
        return connections;
    connections = gust__calloc(1, sizeof(*connections));
    if (!connections)
        return NULL;
    connections->state = (struct gust__loop_state){close_all, release};
    connections->loop = loop;
    connections->timer = (gust_timer){.function = close_expired, .argument = connections};
    gust__list_init(&connections->idle);
    gust__loop_set_state(loop, GUST__LOOP_FETCH, &connections->state);
    return connections;
}

size_t gust__connections_idle(const gust_loop *loop)
{
    const struct connections *connections = find(loop);
    return connections ? connections->count : 0;
}

void gust__connections_expire(gust_loop *loop, int64_t now)
{
    struct connections *connections = find(loop);
    while (connections && connections->count > 0 && oldest(connections)->idle_until <= now)
        drop(connections, oldest(connections));
}

/* ---- one connection ---- */

struct gust__connection *gust__connection_open(const char *address, int64_t timeout)
{
    struct gust__connection *connection = gust__calloc(1, sizeof(*connection));
    if (!connection)
        return NULL;
    gust__list_init(&connection->member);
    connection->in.max = GUST__FETCH_READ * 8;
    strcpy(connection->address, address);
    connection->stream = gust_connect(address, .timeout = timeout);
    if (connection->stream)
        return connection;
    gust__free(connection);
    if (gust_error_code(gust_error_last()) != errno)
        gust_error_set(errno, "no connection to %s", address);
    return NULL;
}

void gust__connection_close(struct gust__connection *connection)
{
    if (!connection)
        return;
    gust_stream_free(connection->stream);
    gust__buffer_fini(&connection->in);
    gust__free(connection);
}

ssize_t gust__connection_fill(struct gust__connection *connection)
{
    char *to = gust__buffer_reserve(&connection->in, GUST__FETCH_READ);
    if (!to)
        return -1;
    ssize_t got = gust_stream_read(connection->stream, to, GUST__FETCH_READ);
    if (got > 0)
        gust__buffer_added(&connection->in, (size_t)got);
    return got;
}

/* ---- keeping and taking ---- */

/* The peer has neither gone nor spoken. What it sent is still in the socket: fill leaves nothing elsewhere.
 */
static bool is_quiet(const struct gust__connection *connection)
{
    char byte;
    int fd = gust_stream_fd(connection->stream);
    if (fd < 0 || gust__buffer_length(&connection->in) > 0)
        return false;
    return gust__sys_recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* The oldest idle connection to an address that has as many as are allowed, or the oldest of all when there
 * are too many; NULL: there is room. */
static struct gust__connection *to_give_way(struct connections *connections, const char *address)
{
    struct gust__connection *first = NULL;
    size_t count = 0;
    for (struct gust__list *node = connections->idle.next; node != &connections->idle; node = node->next) {
        struct gust__connection *connection = connection_of(node);
        if (strcmp(connection->address, address) != 0)
            continue;
        if (count++ == 0)
            first = connection;
    }
    if (count >= GUST__FETCH_IDLE_PER_HOST)
        return first;
    return connections->count >= GUST__FETCH_IDLE ? oldest(connections) : NULL;
}

static int keep(struct connections *connections, struct gust__connection *connection)
{
    connection->idle_until = gust__clock_after(gust__clock_now(), GUST_S(GUST__FETCH_IDLE_SECONDS));
    if (connections->timer.place == 0 &&
        gust_timer_start(connections->loop, &connections->timer, connection->idle_until) < 0)
        return -1;
    struct gust__connection *other = to_give_way(connections, connection->address);
    if (other)
        drop(connections, other);
    connection->used = true;
    gust__list_append(&connections->idle, &connection->member);
    connections->count++;
    gust__stream_divert(connection->stream, idle_ready, connection);
    return 0;
}

void gust__connection_keep(struct gust__connection *connection)
{
    gust_loop *loop = gust_loop_current();
    int saved = errno;
    struct connections *connections = NULL;
    if (loop && !gust__loop_closing(loop) && is_quiet(connection))
        connections = find_or_make(loop);
    if (!connections || keep(connections, connection) < 0)
        gust__connection_close(connection);
    errno = saved;
}

struct gust__connection *gust__connection_take(const char *address)
{
    gust_loop *loop = gust_loop_current();
    struct connections *connections = loop ? find(loop) : NULL;
    if (!connections)
        return NULL;
    struct gust__list *node = connections->idle.previous, *before;
    for (; node != &connections->idle; node = before) {
        struct gust__connection *connection = connection_of(node);
        before = node->previous;
        if (strcmp(connection->address, address) != 0)
            continue;
        take_out(connections, connection);
        if (is_quiet(connection))
            return connection;
        gust__connection_close(connection);
    }
    return NULL;
}
