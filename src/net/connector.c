/*
 * Connecting: of a host's addresses the first that answers (RFC 8305, without its history).
 *
 * The next attempt starts when the one before has failed, or has been under way for a while; all go on until
 * one succeeds.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error_int.h"
#include "base/options.h"
#include "base/sys.h"
#include "net/address.h"
#include "net/resolver.h"
#include "net/stream.h"

#include <gust/error.h>
#include <gust/net.h>

#include <errno.h>
#include <netinet/tcp.h>

#define TIMEOUT     GUST_S(20)
#define FALLBACK    GUST_MS(300)
#define QUEUE_RETRY GUST_MS(10) /* a Unix socket's queue is full: nothing tells when it is not */

struct attempt {
    struct connecting *connecting;
    int fd; /* -1: failed or not begun */
    uint32_t events;
    bool reported;
};

struct connecting {
    gust_loop *loop;
    struct gust__coroutine *coroutine;
    struct gust__address source; /* length 0: none */
    int64_t until;
    int64_t fallback;
    size_t started;
    size_t under_way;
    int error; /* of the first that failed; 0: none yet */
    struct gust__address failed;
    struct gust__addresses *addresses;
    struct attempt attempts[GUST__ADDRESSES_MAX];
};

/* ---- one attempt ---- */

static void attempt_ready(void *owner, uint32_t events)
{
    struct attempt *attempt = owner;
    attempt->events |= events;
    attempt->reported = true;
    gust__wake(attempt->connecting->coroutine);
}

static void close_attempt(struct attempt *attempt)
{
    if (attempt->fd < 0)
        return;
    int code = errno;
    gust__loop_remove(attempt->connecting->loop, attempt->fd);
    gust__sys_close(attempt->fd);
    attempt->fd = -1;
    attempt->connecting->under_way--;
    errno = code;
}

static void attempt_failed(struct attempt *attempt, int code)
{
    struct connecting *connecting = attempt->connecting;
    close_attempt(attempt);
    if (connecting->error)
        return;
    connecting->error = code;
    connecting->failed = connecting->addresses->list[attempt - connecting->attempts];
}

static int prepare_socket(int fd, const struct gust__address *source)
{
    static const int on = 1;
    gust__sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (source->length == 0)
        return 0;
    if (gust__address_port(source) == 0) /* a port is chosen with the peer known: more connections fit */
        gust__sys_setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    return gust__sys_bind(fd, &source->any, source->length);
}

/* A socket that connects, or is connected. -1 and errno. */
static int begin_connection(const struct gust__address *to, const struct gust__address *source)
{
    int fd = gust__sys_socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (prepare_socket(fd, source) == 0 &&
        (gust__sys_connect(fd, &to->any, to->length) == 0 || errno == EINPROGRESS || errno == EINTR))
        return fd;
    int code = errno;
    gust__sys_close(fd);
    errno = code;
    return -1;
}

static void start_attempt(struct connecting *connecting)
{
    size_t index = connecting->started++;
    struct attempt *attempt = &connecting->attempts[index];
    *attempt = (struct attempt){.connecting = connecting, .fd = -1};
    int fd = begin_connection(&connecting->addresses->list[index], &connecting->source);
    if (fd < 0) {
        attempt_failed(attempt, errno);
        return;
    }
    if (gust__loop_add(connecting->loop, fd, GUST__EDGE, attempt_ready, attempt) < 0) {
        int code = errno;
        gust__sys_close(fd);
        attempt_failed(attempt, code);
        return;
    }
    attempt->fd = fd;
    connecting->under_way++;
}

/* What the loop reported of an attempt: true when it is connected. */
static bool has_succeeded(struct attempt *attempt)
{
    int code = 0;
    socklen_t length = sizeof(code);
    attempt->reported = false;
    if (!(attempt->events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
        return false;
    if (gust__sys_getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &code, &length) < 0)
        code = errno;
    struct gust__address peer = {.length = sizeof(peer) - offsetof(struct gust__address, any)};
    if (code == 0 && gust__sys_getpeername(attempt->fd, &peer.any, &peer.length) == 0)
        return true;
    /* A socket that was reported before connect had begun is not connected, and has no error. */
    if (code == 0 && !(attempt->events & (EPOLLERR | EPOLLHUP))) {
        attempt->events = 0;
        return false;
    }
    attempt_failed(attempt, code ? code : ECONNREFUSED);
    return false;
}

/* ---- all of them ---- */

static struct attempt *find_winner(struct connecting *connecting)
{
    for (size_t i = 0; i < connecting->started; i++) {
        struct attempt *attempt = &connecting->attempts[i];
        if (attempt->fd >= 0 && attempt->reported && has_succeeded(attempt))
            return attempt;
    }
    return NULL;
}

static void *all_failed(const struct connecting *connecting)
{
    char text[GUST__ADDRESS_TEXT];
    gust_error_set(connecting->error, "%s: %s", gust__address_format(&connecting->failed, text),
                   strerrordesc_np(connecting->error));
    return NULL;
}

/* NULL: all failed (errno is the first one's), ETIMEDOUT, ECANCELED. */
static struct attempt *race(struct connecting *connecting)
{
    int64_t next = 0;
    for (;;) {
        struct attempt *winner = find_winner(connecting);
        if (winner)
            return winner;
        int64_t now = gust__clock_now();
        bool more = connecting->started < connecting->addresses->count;
        if (more && (connecting->under_way == 0 || now >= next)) {
            start_attempt(connecting);
            next = gust__clock_after(now, connecting->fallback);
            continue;
        }
        if (connecting->under_way == 0)
            return all_failed(connecting);
        if (now >= connecting->until) {
            gust_error_set(ETIMEDOUT, "no connection in time");
            return NULL;
        }
        int64_t until = more && next < connecting->until ? next : connecting->until;
        if (gust__park_until(GUST__INTERRUPTIBLE, "connect", until) < 0)
            return NULL;
    }
}

static gust_stream *connect_addresses(struct connecting *connecting, const gust_stream_options *options)
{
    gust_stream *stream = NULL;
    struct attempt *winner = race(connecting);
    int code = errno;
    if (winner) {
        int fd = winner->fd;
        winner->fd = -1;
        connecting->under_way--;
        stream = gust__stream_adopt(connecting->loop, fd, options,
                                    &connecting->addresses->list[winner - connecting->attempts], true,
                                    winner->events);
        code = errno;
    }
    for (size_t i = 0; i < connecting->started; i++)
        close_attempt(&connecting->attempts[i]);
    errno = code;
    return stream;
}

/* RFC 8305, 4: the families in turn, beginning with that of the first. */
static void interleave(struct gust__addresses *addresses)
{
    struct gust__address sorted[GUST__ADDRESSES_MAX];
    size_t count = addresses->count, at[2] = {0, 0};
    int first = addresses->list[0].any.sa_family;
    for (size_t i = 0; i < count; i++) {
        size_t side = i % 2;
        for (int tries = 0; tries < 2; tries++, side = 1 - side) {
            while (at[side] < count && (addresses->list[at[side]].any.sa_family == first) != (side == 0))
                at[side]++;
            if (at[side] < count)
                break;
        }
        sorted[i] = addresses->list[at[side]++];
    }
    for (size_t i = 0; i < count; i++)
        addresses->list[i] = sorted[i];
}

/* Leaves only addresses that the source can reach. */
static int match_source(struct gust__addresses *addresses, const struct gust__address *source)
{
    size_t kept = 0;
    for (size_t i = 0; i < addresses->count; i++) {
        if (addresses->list[i].any.sa_family == source->any.sa_family)
            addresses->list[kept++] = addresses->list[i];
    }
    addresses->count = kept;
    return kept ? 0 : gust_error_set(EAFNOSUPPORT, "no address of the source's family");
}

static int parse_source(const char *text, struct gust__address *source)
{
    char host[GUST__HOST_MAX + 1];
    int port;
    source->length = 0;
    if (!text)
        return 0;
    if (gust__host_parse(text, host, &port) < 0)
        return -1;
    if (gust__address_numeric(host, port < 0 ? 0 : (unsigned)port, source) < 0)
        return gust_error_set(EINVAL, "the source \"%s\" is not a numeric address", text);
    return 0;
}

static gust_stream *connect_host(struct gust__endpoint *endpoint, const gust_connect_options *options,
                                 int64_t until)
{
    struct connecting *connecting = gust__calloc(1, sizeof(*connecting));
    if (!connecting)
        return NULL;
    connecting->loop = gust__current->loop;
    connecting->coroutine = gust__current;
    connecting->until = until;
    connecting->fallback = options->fallback ? options->fallback : FALLBACK;
    gust_stream *stream = NULL;
    if (parse_source(options->source, &connecting->source) < 0)
        goto out;
    gust__override_apply(endpoint->host, &endpoint->port);
    connecting->addresses = gust__resolve(endpoint->host[0] ? endpoint->host : "localhost", endpoint->port,
                                          options->family, until);
    if (!connecting->addresses)
        goto out;
    if (connecting->source.length && match_source(connecting->addresses, &connecting->source) < 0)
        goto out;
    interleave(connecting->addresses);
    stream = connect_addresses(connecting, &options->stream);
out:;
    int code = errno;
    gust__free(connecting->addresses);
    gust__free(connecting);
    errno = code;
    return stream;
}

/* ---- Unix sockets ---- */

static int connect_unix(const struct gust__address *address, int64_t until)
{
    int fd = gust__sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int waited = 0;
    while (gust__sys_connect(fd, &address->any, address->length) < 0) {
        if (errno != EAGAIN && errno != EINTR)
            goto fail;
        int64_t now = gust__clock_now();
        errno = ETIMEDOUT;
        if (now >= until)
            goto fail;
        int64_t again = gust__clock_after(now, QUEUE_RETRY);
        waited = gust__park_until(GUST__INTERRUPTIBLE, "connect", again < until ? again : until);
        if (waited < 0)
            goto fail;
    }
    return fd;
fail:;
    int code = errno;
    gust__sys_close(fd);
    errno = code;
    if (waited < 0)
        return -1;
    char text[GUST__ADDRESS_TEXT];
    return gust_error_set(code, "%s: %s", gust__address_format(address, text), strerrordesc_np(code));
}

static gust_stream *connect_local(const struct gust__address *address, const gust_stream_options *options,
                                  int64_t until)
{
    int fd = connect_unix(address, until);
    return fd < 0 ? NULL : gust__stream_adopt(gust__current->loop, fd, options, address, false, 0);
}

gust_stream *gust_connect_with(const char *address, const gust_connect_options *given)
{
    gust_connect_options options;
    struct gust__endpoint endpoint;
    if (!gust__current) {
        errno = EDEADLK;
        return NULL;
    }
    gust__options_read(&options, sizeof(options), given);
    if (gust__endpoint_parse(address, &endpoint) < 0)
        return NULL;
    if (!endpoint.local && endpoint.port == 0) {
        gust_error_set(EINVAL, "\"%s\" is no address to connect to: port 0", address);
        return NULL;
    }
    int64_t timeout = options.timeout ? options.timeout : TIMEOUT;
    int64_t until = timeout < 0 ? GUST__FOREVER : gust__clock_after(gust__clock_now(), timeout);
    options.stream.size = sizeof(options.stream);
    return endpoint.local ? connect_local(&endpoint.address, &options.stream, until)
                          : connect_host(&endpoint, &options, until);
}
