/* The state machine: what makes it go, what it waits for, and how a connection ends. */
#include "http/http1_connection.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "coro/coroutine.h"

/* ---- its end ---- */

static void tell_handler(struct gust__http1_connection *connection)
{
    struct gust__http1_exchange *exchange = connection->current;
    if (!exchange || !exchange->running)
        return;
    exchange->exchange.gone = true;
    connection->tell_gone = true;
    gust__loop_ready(connection->server->loop, &connection->task);
    if (exchange->reader)
        gust__wake(exchange->reader);
    if (exchange->writer)
        gust__wake(exchange->writer);
}

void gust__http1_close(struct gust__http1_connection *connection)
{
    struct gust__http_server *server = connection->server;
    if (connection->late)
        gust__http1_flush_late(connection);
    if (connection->state == GUST__HTTP1_CLOSED)
        return;
    connection->state = GUST__HTTP1_CLOSED;
    gust_timer_stop(server->loop, &connection->timer);
    gust__loop_remove(server->loop, connection->fd);
    gust__sys_close(connection->fd);
    connection->fd = -1;
    gust__http_chunk_give(server->http, connection->out);
    connection->out = NULL;
    connection->out_at = connection->out_end = 0;
    gust__http_server_closed(server);
    tell_handler(connection);
}

void gust__http1_settle(struct gust__http1_connection *connection)
{
    struct gust__http_server *server = connection->server;
    if (connection->busy || connection->current || connection->state != GUST__HTTP1_CLOSED)
        return;
    gust__http1_drop_input(connection);
    gust__loop_unready(server->loop, &connection->task);
    gust__list_remove(&connection->member);
    server->connection_count--;
    gust__free(connection);
    gust__http_server_look(server);
}

void gust__http1_end(struct gust__http1_connection *connection)
{
    if (connection->state == GUST__HTTP1_CLOSED)
        return;
    connection->state = GUST__HTTP1_ENDING;
    connection->deadline = GUST__FOREVER;
}

/* A close that the client sees as a reset: for an answer whose end would else look like the whole of it. */
static void close_with_reset(struct gust__http1_connection *connection)
{
    struct linger linger = {.l_onoff = 1};
    gust__sys_setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    gust__http1_close(connection);
}

/* ---- steps ---- */

int64_t gust__http1_after(const struct gust__http1_connection *connection, int64_t duration)
{
    if (duration <= 0)
        return GUST__FOREVER;
    return gust__clock_after(gust__loop_time(connection->server->loop), duration);
}

/* At a drain: whoever has connected and not asked yet is about to, and nobody would ask again for it. */
static int64_t grace_of(const struct gust__http1_connection *connection, int64_t grace)
{
    const int64_t first = GUST_S(GUST__HTTP1_FIRST_GRACE);
    return connection->requests == 0 && grace < first ? first : grace;
}

static enum gust__http1_step wait_for_head(struct gust__http1_connection *connection)
{
    const struct gust__http_server *server = connection->server;
    if (connection->in_at == connection->in_end) {
        connection->deadline =
            gust__http1_after(connection, server->draining ? grace_of(connection, server->idle_grace)
                                                           : server->service->idle_timeout);
    } else if (!connection->head_begun) {
        connection->head_begun = true; /* however slowly it drips in, its time runs from here */
        connection->deadline = gust__http1_after(connection, server->service->header_timeout);
    }
    return GUST__HTTP1_WAIT;
}

/* A client that does not take its answers gets no further ones made. */
static bool may_begin(struct gust__http1_connection *connection)
{
    if (connection->out_end - connection->out_at >= GUST__HTTP_CHUNK / 2)
        gust__http1_flush(connection);
    return connection->writable || !gust__http1_unsent(connection);
}

static __attribute__((noinline)) enum gust__http1_step input_ended(struct gust__http1_connection *connection)
{
    if (connection->in_at < connection->in_end)
        gust__http1_refuse_request(connection, 400); /* in the middle of a head; it may still listen */
    gust__http1_end(connection);
    return GUST__HTTP1_MORE;
}

static __attribute__((noinline)) enum gust__http1_step refuse_and_end(
    struct gust__http1_connection *connection, int status)
{
    gust__http1_refuse_request(connection, status);
    gust__http1_end(connection);
    return GUST__HTTP1_MORE;
}

/* One read. -> whether there is anything new to act on. */
static bool read_on(struct gust__http1_connection *connection)
{
    return gust__http1_fill(connection, 0) >= 0 || connection->state == GUST__HTTP1_CLOSED;
}

static enum gust__http1_step step_head(struct gust__http1_connection *connection)
{
    bool may = may_begin(connection);
    while (connection->state == GUST__HTTP1_HEAD) {
        if (!may) {
            connection->deadline = GUST__FOREVER; /* the write's timeout rules */
            return GUST__HTTP1_WAIT;
        }
        if (connection->in_at < connection->in_end &&
            gust__http1_exchange_begin(connection) == GUST__HTTP1_MORE)
            return GUST__HTTP1_MORE;
        if (connection->ended)
            return input_ended(connection);
        if (!connection->readable)
            return wait_for_head(connection);
        if (!read_on(connection))
            return errno == ENOMEM ? refuse_and_end(connection, 503) : wait_for_head(connection);
    }
    return GUST__HTTP1_MORE;
}

static enum gust__http1_step step_ending(struct gust__http1_connection *connection)
{
    if (gust__http1_flush(connection) < 0)
        return GUST__HTTP1_MORE;
    gust__http1_drop_input(connection);
    if (gust__http1_unsent(connection))
        return GUST__HTTP1_WAIT;
    if (connection->reset) {
        close_with_reset(connection);
        return GUST__HTTP1_MORE;
    }
    if (connection->ended || gust__sys_shutdown(connection->fd, SHUT_WR) < 0) {
        gust__http1_close(connection);
        return GUST__HTTP1_MORE;
    }
    connection->state = GUST__HTTP1_LINGERING;
    connection->dropped = 0;
    connection->deadline = gust__http1_after(connection, GUST__HTTP1_LINGER);
    return GUST__HTTP1_MORE;
}

/* Reads what the client still sends: closing with unread input would reset the connection, and the reset
 * could take the answer out of the client's hands (RFC 9112 9.6). */
static enum gust__http1_step step_lingering(struct gust__http1_connection *connection)
{
    while (connection->readable) {
        ssize_t got = gust__http1_fill(connection, 0);
        gust__http1_drop_input(connection);
        if (got < 0 && errno == EAGAIN)
            break;
        connection->dropped += got > 0 ? (uint32_t)got : 0;
        if (got <= 0 || connection->dropped >= GUST__HTTP1_LINGER_MAX) {
            gust__http1_close(connection);
            return GUST__HTTP1_MORE;
        }
    }
    return GUST__HTTP1_WAIT;
}

static __attribute__((noinline)) enum gust__http1_step step_on(struct gust__http1_connection *connection)
{
    struct gust__http1_exchange *exchange = connection->current;
    switch ((enum gust__http1_state)connection->state) {
    case GUST__HTTP1_BODY:
        return gust__http1_body_collect(exchange);
    case GUST__HTTP1_DISCARD:
        return gust__http1_body_discard(exchange);
    case GUST__HTTP1_ENDING:
        return step_ending(connection);
    case GUST__HTTP1_LINGERING:
        return step_lingering(connection);
    case GUST__HTTP1_CLOSED:
        if (exchange && !exchange->running) /* it was closed while the body still came */
            gust__http1_exchange_release(exchange);
        break;
    case GUST__HTTP1_HEAD:
    case GUST__HTTP1_SERVING:
        break;
    }
    return GUST__HTTP1_WAIT;
}

/* The end of an exchange and the head of the next one are most of what there is to do. */
static inline enum gust__http1_step step(struct gust__http1_connection *connection)
{
    struct gust__http1_exchange *exchange = connection->current;
    if (exchange && exchange->served) {
        gust__http1_exchange_finish(exchange);
        return GUST__HTTP1_MORE;
    }
    return connection->state == GUST__HTTP1_HEAD ? step_head(connection) : step_on(connection);
}

/* ---- the client's going ---- */

/* A client that closed both ways answers anything with a reset; one that only has nothing more to say ignores
 * an interim answer. HTTP/1.0 knows none: there the next send finds out. Behind a head there is no place for
 * one, and who waits for more of an answer keeps his side open. */
void gust__http1_probe(struct gust__http1_connection *connection)
{
    const struct gust__http1_exchange *exchange = connection->current;
    const struct gust__exchange *shown = &exchange->exchange;
    connection->probed = true;
    if (shown->head_sent && !shown->ended)
        gust__http1_close(connection);
    else if (!shown->head_sent && exchange->head.minor >= 1)
        gust__http1_continue(connection);
}

static __attribute__((noinline)) void look_after_handler(struct gust__http1_connection *connection)
{
    struct gust__http1_exchange *exchange = connection->current;
    if (exchange->watched && connection->ending && !connection->probed &&
        connection->state != GUST__HTTP1_CLOSED)
        gust__http1_probe(connection);
    if (connection->tell_gone) {
        connection->tell_gone = false;
        if (exchange->exchange.on_gone)
            exchange->exchange.on_gone(&exchange->exchange);
    }
}

/* ---- what makes it go ---- */

/* Before it waits: sends what was collected, and holds no more than it needs. */
static void rest(struct gust__http1_connection *connection)
{
    const struct gust__http1_exchange *exchange = connection->current;
    if (connection->out && exchange)
        gust__http1_flush(connection);
    else if (connection->out)
        gust__http1_flush_soon(connection);
    if (exchange) {
        if (exchange->writer && (connection->writable || !gust__http1_unsent(connection)))
            gust__wake(exchange->writer);
        if (exchange->reader && (connection->readable || connection->ended))
            gust__wake(exchange->reader);
    } else if (connection->in && gust__http1_stash(connection) < 0) {
        gust__http1_close(connection);
    }
    if (connection->state != GUST__HTTP1_CLOSED)
        gust__http1_arm(connection);
}

void gust__http1_advance(struct gust__http1_connection *connection)
{
    if (connection->busy)
        return;
    connection->busy = true;
    uint32_t turn_ends = connection->requests + GUST__HTTP1_TURN;
    for (;;) {
        if (connection->current && connection->current->running)
            look_after_handler(connection);
        if (step(connection) == GUST__HTTP1_WAIT)
            break;
        if (connection->requests == turn_ends && !connection->current) {
            gust__loop_ready(connection->server->loop, &connection->task);
            break;
        }
    }
    rest(connection);
    connection->busy = false;
    gust__http1_settle(connection);
}

static void ready(void *owner, uint32_t events)
{
    struct gust__http1_connection *connection = owner;
    if (events & EPOLLOUT)
        connection->writable = true;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        connection->readable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        connection->ending = true;
    bool waits_for_client = connection->state == GUST__HTTP1_HEAD || connection->state == GUST__HTTP1_BODY;
    if ((events & (EPOLLHUP | EPOLLERR)) && !waits_for_client)
        gust__http1_close(connection);
    gust__http1_advance(connection);
}

static void run_task(struct gust__task *task)
{
    gust__http1_advance(GUST__CONTAINER(task, struct gust__http1_connection, task));
}

/* ---- time ---- */

void gust__http1_arm(struct gust__http1_connection *connection)
{
    gust_timer *timer = &connection->timer;
    int64_t when =
        connection->deadline < connection->write_deadline ? connection->deadline : connection->write_deadline;
    if (when == GUST__FOREVER || (timer->place && timer->when <= when))
        return;
    if (gust_timer_start(connection->server->loop, timer, when) < 0)
        gust__http1_close(connection); /* without a timeout it could stay for ever */
}

/* Whether a connection that counts as idle has been asked just now: timers also fire in turns of the loop
 * that did not look at descriptors, and a close with unread input would reset it. Then its head's time
 * begins. */
static bool was_asked(struct gust__http1_connection *connection)
{
    if (connection->in_at < connection->in_end)
        return false;
    connection->readable = true;
    return gust__http1_fill(connection, 0) > 0;
}

static void time_is_up(struct gust__http1_connection *connection)
{
    struct gust__http1_exchange *exchange = connection->current;
    switch ((enum gust__http1_state)connection->state) {
    case GUST__HTTP1_HEAD:
        if (was_asked(connection))
            break;
        if (connection->in_at < connection->in_end)
            gust__http1_refuse_request(connection, 408);
        gust__http1_end(connection);
        break;
    case GUST__HTTP1_BODY:
        exchange->served = true;
        gust__http1_refuse_request(connection, 408);
        gust__http1_end(connection);
        break;
    case GUST__HTTP1_DISCARD:
        gust__http1_exchange_release(exchange);
        gust__http1_end(connection);
        break;
    case GUST__HTTP1_LINGERING:
        gust__http1_close(connection);
        break;
    case GUST__HTTP1_SERVING:
    case GUST__HTTP1_ENDING:
    case GUST__HTTP1_CLOSED:
        break;
    }
}

static int expire(void *argument)
{
    struct gust__http1_connection *connection = argument;
    int64_t now = gust__loop_time(connection->server->loop);
    if (connection->write_deadline <= now)
        gust__http1_close(connection);
    else if (connection->deadline <= now)
        time_is_up(connection);
    gust__http1_advance(connection);
    return 0;
}

void gust__http1_drain(struct gust__http1_connection *connection, int64_t grace)
{
    bool idle = connection->state == GUST__HTTP1_HEAD && connection->in_at == connection->in_end;
    if (!idle || connection->busy)
        return;
    connection->deadline =
        gust__clock_after(gust__loop_time(connection->server->loop), grace_of(connection, grace));
    gust__http1_arm(connection);
}

/* ---- its beginning ---- */

static void set_peer(struct gust__http1_connection *connection, const struct sockaddr *peer)
{
    connection->family = (uint8_t)peer->sa_family;
    if (peer->sa_family == AF_INET)
        memcpy(connection->peer, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
    else if (peer->sa_family == AF_INET6)
        memcpy(connection->peer, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
}

int gust__http1_connection_open(struct gust__http_server *server, int fd, const struct sockaddr *peer)
{
    struct gust__http1_connection *connection = gust__calloc(1, sizeof(*connection));
    if (!connection || gust__loop_add(server->loop, fd, GUST__EDGE, ready, connection) < 0) {
        int code = errno;
        gust__free(connection);
        gust__sys_close(fd);
        errno = code;
        return -1;
    }
    connection->server = server;
    connection->fd = fd;
    connection->writable = true;
    connection->task.run = run_task;
    connection->timer.function = expire;
    connection->timer.argument = connection;
    connection->write_deadline = GUST__FOREVER;
    connection->deadline = GUST__FOREVER;
    set_peer(connection, peer);
    gust__list_append(&server->connections, &connection->member);
    server->connection_count++;
    gust__http1_advance(connection); /* nothing to read yet: it begins to wait */
    return 0;
}
