#include "net/listener.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/options.h"
#include "base/sys.h"
#include "net/bind.h"
#include "net/resolver.h"
#include "net/serve.h"
#include "net/state.h"

#include <gust/error.h>
#include <gust/log.h>

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

enum {
    BACKLOG = 4096,
    CONNECTIONS = 100000,
    MODE = 0600,
    ACCEPTS_A_WAKEUP = 128,
};
#define RETRY     GUST_MS(100)
#define LOG_AGAIN GUST_S(60)
#define ASIDE     GUST_MS(10)

struct socket {
    gust_listener *listener;
    int fd; /* -1: closed */
};

enum phase { NEW, ACCEPTING, DRAINING, STOPPED };

struct gust_listener {
    struct gust__list member; /* of the loop's, while it has one */
    gust_loop *loop;
    gust__accepted_function *accepted;
    void *owner;
    void (*drained)(void *owner);
    struct gust__task drain;
    gust_timer retry;
    gust_timer come_back;
    struct gust__seat *seat; /* the loop's; once it accepts */
    int64_t complained;      /* when the log last heard that we cannot accept; 0: never */
    unsigned max_connections;
    unsigned connections;
    unsigned overtake;   /* so many it takes when it comes back, though others have fewer connections */
    unsigned drain_left; /* so many more at most: clients that keep coming do not keep a drain from its end */
    unsigned backlog;
    enum phase phase;
    bool watched;    /* its sockets are registered with the loop */
    bool exhausted;  /* out of descriptors or memory: rests */
    bool aside;      /* has left something to other loops: rests until come_back */
    bool delivering; /* accepted() is being called */
    bool freed;      /* by accepted(): the memory goes when that returns */
    unsigned port;
    struct gust__serving *serving; /* gust_serve's */
    struct gust__socket_file file;
    char address[GUST__ADDRESS_TEXT];
    size_t count;
    struct socket sockets[];
};

/* Of listeners that are on no loop. */
static struct gust__seat no_seat;

static void take_connections(void *owner, uint32_t events);

/* ---- watching ---- */

static void unwatch(gust_listener *listener)
{
    if (!listener->watched)
        return;
    for (size_t i = 0; i < listener->count; i++)
        gust__loop_remove(listener->loop, listener->sockets[i].fd);
    listener->watched = false;
}

/* Level-triggered, so that what the 128 leave is reported again after everything else had its turn;
 * exclusive, so that a new connection does not wake every process that shares the socket. */
static int watch(gust_listener *listener)
{
    if (listener->watched)
        return 0;
    for (size_t i = 0; i < listener->count; i++) {
        if (gust__loop_add(listener->loop, listener->sockets[i].fd, EPOLLIN | EPOLLEXCLUSIVE,
                           take_connections, &listener->sockets[i]) == 0)
            continue;
        int code = errno;
        while (i > 0)
            gust__loop_remove(listener->loop, listener->sockets[--i].fd);
        errno = code;
        return -1;
    }
    listener->watched = true;
    return 0;
}

/* Of the loops that wait for a connection only one is woken: what this one was woken for and does not take
 * would wait until the next came. */
static void leave_to_others(gust_listener *listener)
{
    unwatch(listener);
    gust__balance_pass(listener->seat);
}

static void retry_later(gust_listener *listener)
{
    leave_to_others(listener);
    listener->exhausted = true;
    gust_timer_start(listener->loop, &listener->retry, gust__clock_after(gust__clock_now(), RETRY));
}

/* 0; -1: no memory for the timer. */
static int step_aside(gust_listener *listener)
{
    int64_t until = gust__clock_after(gust__clock_now(), ASIDE);
    if (gust_timer_start(listener->loop, &listener->come_back, until) < 0)
        return -1;
    listener->aside = true;
    leave_to_others(listener);
    return 0;
}

/* Does what the phase and the counts ask for: accepts, or rests. */
static void go_on(gust_listener *listener)
{
    if (listener->phase == DRAINING)
        gust__loop_ready(listener->loop, &listener->drain);
    else if (listener->phase != ACCEPTING || listener->exhausted || listener->aside)
        return;
    else if (listener->connections >= listener->max_connections && listener->watched)
        leave_to_others(listener);
    else if (listener->connections < listener->max_connections && watch(listener) < 0)
        retry_later(listener);
}

static int retry(void *argument)
{
    gust_listener *listener = argument;
    listener->exhausted = false;
    go_on(listener);
    return 0;
}

/* ---- accepting ---- */

static void complain(gust_listener *listener)
{
    int64_t now = gust__clock_now();
    if (listener->complained && now - listener->complained < LOG_AGAIN)
        return;
    listener->complained = now;
    gust_log(GUST_WARNING, "%s: cannot accept connections for now: %m (%u are open); they wait",
             listener->address, listener->connections);
}

enum outcome { ACCEPTED, SKIPPED, EMPTY, EXHAUSTED, BROKEN, GONE };

/* What accept's errno means: accept(2) passes on errors that were waiting on the new connection, and some are
 * ours. */
static enum outcome judge(int code)
{
    switch (code) {
    case EAGAIN:
        return EMPTY;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return EXHAUSTED;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EFAULT:
        return BROKEN;
    default:
        return SKIPPED;
    }
}

/* GONE: accepted() freed the listener. */
static enum outcome deliver(gust_listener *listener, int fd, const struct gust__address *peer)
{
    static const int on = 1;
    if (peer->any.sa_family != AF_UNIX)
        gust__sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    listener->connections++;
    gust__balance_opened(listener->seat);
    listener->delivering = true;
    listener->accepted(listener->owner, fd, &peer->any, peer->length);
    listener->delivering = false;
    if (!listener->freed)
        return ACCEPTED;
    gust__free(listener);
    return GONE;
}

static enum outcome accept_one(gust_listener *listener, int socket)
{
    struct gust__address peer;
    peer.any.sa_family = AF_UNSPEC;
    peer.length = sizeof(peer) - offsetof(struct gust__address, any);
    int fd = gust__sys_accept4(socket, &peer.any, &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        return deliver(listener, fd, &peer);
    enum outcome outcome = judge(errno);
    if (outcome == EXHAUSTED) {
        complain(listener);
        retry_later(listener);
    } else if (outcome == BROKEN) {
        gust_log(GUST_ERROR, "%s: the socket does not listen any more: %m", listener->address);
    }
    return outcome;
}

static bool may_accept(const gust_listener *listener, enum phase phase, bool fair)
{
    return listener->connections < listener->max_connections && listener->phase == phase &&
           !(fair && gust__balance_heavy(listener->seat));
}

/* Accepts from one socket, *budget at most; fair: only while other loops have not clearly fewer connections.
 * Returns what the last accept gave, ACCEPTED when it was not the last. */
static enum outcome accept_some(gust_listener *listener, int socket, unsigned *budget, bool fair)
{
    enum phase phase = listener->phase;
    while (*budget > 0 && may_accept(listener, phase, fair)) {
        enum outcome outcome = accept_one(listener, socket);
        if (outcome != ACCEPTED && outcome != SKIPPED)
            return outcome;
        --*budget;
    }
    return ACCEPTED;
}

/* False: the listener accepts no more, or is gone. */
static bool take_from(struct socket *socket, unsigned *budget, bool fair)
{
    gust_listener *listener = socket->listener;
    enum outcome outcome = accept_some(listener, socket->fd, budget, fair);
    if (outcome == BROKEN)
        gust_listener_stop(listener);
    return outcome != BROKEN && outcome != GONE && listener->phase == ACCEPTING;
}

static bool take_from_all(gust_listener *listener, unsigned *budget, bool fair)
{
    for (size_t i = 0; i < listener->count; i++) {
        if (!take_from(&listener->sockets[i], budget, fair))
            return false;
    }
    return true;
}

static void take_connections(void *owner, uint32_t events)
{
    struct socket *socket = owner;
    gust_listener *listener = socket->listener;
    (void)events;
    unsigned budget = ACCEPTS_A_WAKEUP;
    bool heavy = gust__balance_heavy(listener->seat);
    if (heavy && step_aside(listener) == 0)
        return;
    if (!heavy)
        listener->overtake = 1;
    if (take_from(socket, &budget, !heavy))
        go_on(listener);
}

/* What still waits is not to wait any longer, however many connections this loop has: one first, for the
 * others may only be slow to get a processor, then twice as many each time that they have left some. */
static int come_back(void *argument)
{
    gust_listener *listener = argument;
    unsigned budget = listener->overtake;
    listener->aside = false;
    if (listener->phase != ACCEPTING || listener->exhausted || !take_from_all(listener, &budget, false))
        return 0;
    if (budget == listener->overtake)
        listener->overtake = 1;
    else if (listener->overtake < ACCEPTS_A_WAKEUP)
        listener->overtake *= 2;
    go_on(listener);
    return 0;
}

void gust__listeners_rung(struct gust__net *net)
{
    struct gust__list *node = net->listeners.next;
    while (node != &net->listeners) {
        gust_listener *listener = GUST__CONTAINER(node, gust_listener, member);
        node = node->next;
        if (listener->phase != ACCEPTING || listener->exhausted)
            continue;
        unsigned budget = ACCEPTS_A_WAKEUP;
        gust_timer_stop(listener->loop, &listener->come_back);
        listener->aside = false;
        if (take_from_all(listener, &budget, true))
            go_on(listener);
    }
}

/* ---- starting and ending ---- */

static void close_sockets(gust_listener *listener)
{
    unwatch(listener);
    gust__socket_file_remove(&listener->file);
    for (size_t i = 0; i < listener->count; i++)
        gust__sys_close(listener->sockets[i].fd);
    listener->count = 0;
}

int gust__listener_start(gust_listener *listener, gust_loop *loop, gust__accepted_function *accepted,
                         void *owner)
{
    if (listener->phase != NEW)
        return gust_error_set(listener->phase == ACCEPTING ? EBUSY : ECANCELED, "%s: it %s",
                              listener->address,
                              listener->phase == ACCEPTING ? "serves already" : "was stopped");
    struct gust__net *net = gust__net_of(loop);
    if (!net)
        return -1;
    listener->loop = loop;
    listener->accepted = accepted;
    listener->owner = owner;
    listener->seat = &net->seat;
    if (watch(listener) < 0)
        return -1;
    gust__list_append(&net->listeners, &listener->member);
    listener->phase = ACCEPTING;
    return 0;
}

void gust__listener_released(gust_listener *listener)
{
    assert(listener->connections > 0);
    listener->connections--;
    gust__balance_closed(listener->seat);
    listener->exhausted = false;
    go_on(listener);
}

static void rest(gust_listener *listener)
{
    if (listener->loop) {
        unwatch(listener);
        gust_timer_stop(listener->loop, &listener->retry);
        gust_timer_stop(listener->loop, &listener->come_back);
        listener->aside = false;
    }
}

/* A drain that is under way comes to its end, with nothing left to accept. */
void gust_listener_stop(gust_listener *listener)
{
    rest(listener);
    close_sockets(listener);
    if (listener->phase == DRAINING)
        gust__loop_ready(listener->loop, &listener->drain);
    else
        listener->phase = STOPPED;
}

void gust_listener_free(gust_listener *listener)
{
    if (!listener)
        return;
    gust__serving_end(listener->serving);
    rest(listener);
    close_sockets(listener);
    if (listener->loop)
        gust__loop_unready(listener->loop, &listener->drain);
    listener->phase = STOPPED;
    gust__list_remove(&listener->member);
    if (listener->delivering)
        listener->freed = true;
    else
        gust__free(listener);
}

void gust__listeners_end(struct gust__net *net)
{
    struct gust__list *node;
    while ((node = gust__list_take_first(&net->listeners))) {
        gust_listener *listener = GUST__CONTAINER(node, gust_listener, member);
        rest(listener);
        gust__loop_unready(listener->loop, &listener->drain);
        listener->loop = NULL;
        listener->seat = &no_seat;
        listener->phase = STOPPED;
    }
    gust__balance_end(&net->seat, net->loop);
}

/* ---- draining ---- */

/* Until each queue was seen empty. Where many processes share a socket, or clients keep coming, that may
 * never be: after as many connections as a queue holds it is enough. */
static void drain_some(struct gust__task *task)
{
    gust_listener *listener = GUST__CONTAINER(task, gust_listener, drain);
    unsigned budget = listener->drain_left < ACCEPTS_A_WAKEUP ? listener->drain_left : ACCEPTS_A_WAKEUP;
    unsigned before = budget;
    bool empty = true;
    for (size_t i = 0; i < listener->count; i++) {
        enum outcome outcome = accept_some(listener, listener->sockets[i].fd, &budget, false);
        if (outcome == GONE)
            return;
        empty = empty && (outcome == EMPTY || outcome == BROKEN);
    }
    listener->drain_left -= before - budget;
    if (listener->phase != DRAINING) /* freed or stopped by accepted() */
        return;
    if (!empty && listener->drain_left > 0) {
        if (!listener->exhausted && listener->connections < listener->max_connections)
            gust__loop_ready(listener->loop, task);
        return;
    }
    rest(listener);
    close_sockets(listener);
    listener->phase = STOPPED;
    listener->drained(listener->owner);
}

void gust__listener_drain(gust_listener *listener, void (*drained)(void *owner))
{
    if (!listener->loop)
        listener->loop = gust_loop_current();
    if (listener->phase == NEW)
        close_sockets(listener);
    listener->drained = drained;
    listener->phase = DRAINING;
    listener->exhausted = false;
    listener->drain_left = listener->backlog;
    gust__balance_leave(listener->seat);
    rest(listener);
    gust__loop_ready(listener->loop, &listener->drain);
}

/* ---- opening ---- */

static gust_listener *new_listener(size_t count, const gust_listen_options *options)
{
    gust_listener *listener = gust__calloc(1, sizeof(*listener) + count * sizeof(struct socket));
    if (!listener)
        return NULL;
    gust__list_init(&listener->member);
    listener->count = count;
    listener->backlog = options->backlog > 0 ? (unsigned)options->backlog : BACKLOG;
    listener->max_connections = options->max_connections ? options->max_connections : CONNECTIONS;
    listener->drain.run = drain_some;
    listener->retry.function = retry;
    listener->retry.argument = listener;
    listener->overtake = 1;
    listener->come_back.function = come_back;
    listener->come_back.argument = listener;
    listener->seat = &no_seat;
    for (size_t i = 0; i < count; i++)
        listener->sockets[i] = (struct socket){listener, -1};
    return listener;
}

static int name_listener(gust_listener *listener)
{
    struct gust__address address;
    address.length = sizeof(address) - offsetof(struct gust__address, any);
    if (gust__sys_getsockname(listener->sockets[0].fd, &address.any, &address.length) < 0)
        return -1;
    listener->port = gust__address_port(&address);
    gust__address_format(&address, listener->address);
    return 0;
}

static struct gust__bind_options bind_options(const gust_listen_options *options)
{
    return (struct gust__bind_options){
        .backlog = options->backlog > 0 ? options->backlog : BACKLOG,
        .reuse_port = options->reuse_port,
        .mode = options->mode ? options->mode & 0777 : MODE,
    };
}

static gust_listener *listen_local(const struct gust__endpoint *endpoint, const gust_listen_options *options)
{
    struct gust__bind_options bind = bind_options(options);
    gust_listener *listener = new_listener(1, options);
    if (!listener)
        return NULL;
    int fd = gust__bind_local(&endpoint->address, &bind, &listener->file);
    if (fd < 0) {
        gust__free(listener);
        return NULL;
    }
    listener->sockets[0].fd = fd;
    return listener;
}

static gust_listener *listen_hosts(const struct gust__endpoint *endpoint, const gust_listen_options *options)
{
    struct gust__bind_options bind = bind_options(options);
    struct gust__addresses *addresses =
        gust__resolve(endpoint->host, endpoint->port, AF_UNSPEC, GUST__FOREVER);
    if (!addresses)
        return NULL;
    int fds[GUST__ADDRESSES_MAX];
    int opened = gust__bind_hosts(addresses, &bind, fds);
    gust__free(addresses);
    return opened < 0 ? NULL : gust__listener_adopt(fds, (size_t)opened, options);
}

gust_listener *gust_listen_with(const char *address, const gust_listen_options *given)
{
    gust_listen_options options;
    struct gust__endpoint endpoint;
    gust__options_read(&options, sizeof(options), given);
    if (gust__endpoint_parse(address, &endpoint) < 0)
        return NULL;
    if (!endpoint.local)
        return listen_hosts(&endpoint, &options);
    gust_listener *listener = listen_local(&endpoint, &options);
    if (listener)
        gust__address_format(&endpoint.address, listener->address);
    return listener;
}

static void close_all(const int *fds, size_t count)
{
    int code = errno;
    while (count > 0)
        gust__sys_close(fds[--count]);
    errno = code;
}

gust_listener *gust__listener_adopt(const int *fds, size_t count, const gust_listen_options *given)
{
    gust_listen_options options;
    gust_listener *listener = NULL;
    gust__options_read(&options, sizeof(options), given);
    if (count == 0 || count > GUST__ADDRESSES_MAX)
        errno = EINVAL;
    else
        listener = new_listener(count, &options);
    if (!listener)
        goto fail;
    for (size_t i = 0; i < count; i++)
        listener->sockets[i].fd = fds[i];
    if (name_listener(listener) == 0)
        return listener;
fail:
    close_all(fds, count);
    gust__free(listener);
    return NULL;
}

gust_listener *gust__listener_share(const gust_listener *listener)
{
    gust_listen_options options = {
        .size = sizeof(options),
        .backlog = (int)listener->backlog,
        .max_connections = listener->max_connections,
    };
    int fds[GUST__ADDRESSES_MAX];
    for (size_t i = 0; i < listener->count; i++) {
        fds[i] = gust__sys_fcntl(listener->sockets[i].fd, F_DUPFD_CLOEXEC, 0);
        if (fds[i] < 0) {
            close_all(fds, i);
            return NULL;
        }
    }
    return gust__listener_adopt(fds, listener->count, &options);
}

/* ---- looking ---- */

size_t gust__listener_sockets(const gust_listener *listener, int *fds, size_t size)
{
    for (size_t i = 0; i < listener->count && i < size; i++)
        fds[i] = listener->sockets[i].fd;
    return listener->count;
}

void gust__listener_keep_file(gust_listener *listener)
{
    gust__free(listener->file.path);
    listener->file.path = NULL;
}

/* Without memory for its name it stays behind, and the next server replaces it. */
void gust__listener_own_file(gust_listener *listener)
{
    struct gust__address address;
    address.length = sizeof(address) - offsetof(struct gust__address, any);
    if (listener->file.path || listener->count == 0)
        return;
    if (gust__sys_getsockname(listener->sockets[0].fd, &address.any, &address.length) == 0)
        gust__socket_file_claim(&address, &listener->file);
}

void gust__listener_set_serving(gust_listener *listener, struct gust__serving *serving)
{
    listener->serving = serving;
}

unsigned gust_listener_port(const gust_listener *listener)
{
    return listener->port;
}

const char *gust_listener_address(const gust_listener *listener)
{
    return listener->address;
}

unsigned gust_listener_connections(const gust_listener *listener)
{
    return listener->connections;
}
