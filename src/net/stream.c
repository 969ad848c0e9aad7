/* Streams from their beginning to their end. */
#include "net/stream.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log_int.h"
#include "base/options.h"
#include "base/sys.h"

#include <gust/error.h>

#include <assert.h>
#include <errno.h>

/* ---- transports ---- */

static ssize_t read_fd(gust_stream *stream, void *to, size_t size)
{
    return gust__sys_read(stream->fd, to, size);
}

static ssize_t write_socket(gust_stream *stream, const struct iovec *parts, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count};
    return gust__sys_sendmsg(stream->fd, &message, MSG_NOSIGNAL);
}

static int signals_pending(sigset_t *set)
{
    sigemptyset(set);
    return (int)gust__sys_raw(SYS_rt_sigpending, (long)set, GUST__SYS_SIGNALS, 0, 0, 0, 0);
}

/* A pipe has no MSG_NOSIGNAL: SIGPIPE is blocked meanwhile, and taken back if it was ours. */
static ssize_t write_pipe(gust_stream *stream, const struct iovec *parts, int count)
{
    sigset_t broken, before, pending;
    static const struct timespec at_once = {0};
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    signals_pending(&pending);
    gust__sys_rt_sigprocmask(SIG_BLOCK, &broken, &before);
    ssize_t result = gust__sys_writev(stream->fd, parts, count);
    int code = errno;
    if (result < 0 && code == EPIPE && !sigismember(&pending, SIGPIPE))
        gust__sys_raw(SYS_rt_sigtimedwait, (long)&broken, 0, (long)&at_once, GUST__SYS_SIGNALS, 0, 0);
    gust__sys_rt_sigprocmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return result;
}

/* A read of a Unix socket also ends where a descriptor was passed along, with more behind. */
static const struct gust__transport tcp = {read_fd, write_socket, true};
static const struct gust__transport local = {read_fd, write_socket, false};
static const struct gust__transport pipe_ends = {read_fd, write_pipe, true};

static void choose_transport(gust_stream *stream)
{
    int family = 0;
    socklen_t length = sizeof(family);
    if (gust__sys_getsockopt(stream->fd, SOL_SOCKET, SO_DOMAIN, &family, &length) < 0)
        stream->pipe = true;
    stream->local = family == AF_UNIX;
    if (stream->pipe)
        stream->transport = &pipe_ends;
    else
        stream->transport = stream->local ? &local : &tcp;
}

/* ---- what the loop says ---- */

static void stream_ready(void *owner, uint32_t events)
{
    gust_stream *stream = owner;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        stream->hung_up = true;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        stream->readable = true;
        if (stream->reader)
            gust__wake(stream->reader);
    }
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
        stream->writable = true;
        gust__stream_send(stream);
    }
    /* EPOLLRDHUP alone is a half-close: the peer may still read. */
    if (events & (EPOLLHUP | EPOLLERR))
        gust__stream_departed(stream, 0);
}

void gust__stream_divert(gust_stream *stream, gust__ready_function *ready, void *owner)
{
    if (ready)
        gust__loop_set_owner(stream->loop, stream->fd, ready, owner);
    else
        gust__loop_set_owner(stream->loop, stream->fd, stream_ready, stream);
}

/* ---- beginning ---- */

static gust_stream *new_stream(gust_loop *loop, int fd, const gust_stream_options *given)
{
    gust_stream_options options;
    gust_stream *stream = gust__calloc(1, sizeof(*stream));
    if (!stream)
        return NULL;
    gust__options_read(&options, sizeof(options), given);
    stream->loop = loop;
    stream->fd = fd;
    stream->readable = stream->writable = true;
    stream->chunk = 4096;
    stream->max_read = options.max_read ? options.max_read : GUST__STREAM_MAX_READ;
    if (stream->max_read > SIZE_MAX / 4)
        stream->max_read = SIZE_MAX / 4;
    stream->in.max = stream->max_read + 2;
    stream->out.max = options.high_water ? options.high_water : GUST__STREAM_HIGH_WATER;
    gust__list_init(&stream->writers);
    return stream;
}

gust_stream *gust__stream_adopt(gust_loop *loop, int fd, const gust_stream_options *options,
                                const struct gust__address *peer, bool registered, uint32_t events)
{
    gust_stream *stream = new_stream(loop, fd, options);
    if (!stream)
        goto fail;
    choose_transport(stream);
    if (registered)
        gust__loop_set_owner(loop, fd, stream_ready, stream);
    else if (gust__loop_add(loop, fd, GUST__EDGE, stream_ready, stream) < 0)
        goto fail;
    if (peer)
        stream->peer_address = *peer;
    stream->hung_up = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    return stream;
fail:;
    int code = errno;
    if (registered)
        gust__loop_remove(loop, fd);
    gust__sys_close(fd);
    gust__free(stream);
    errno = code;
    return NULL;
}

gust_stream *gust_stream_new_with(int fd, const gust_stream_options *options)
{
    gust_loop *loop = gust_loop_current();
    int flags = gust__sys_fcntl(fd, F_GETFL, 0);
    if (flags < 0)
        return NULL;
    if (!loop)
        errno = EDEADLK;
    else if (gust__sys_fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0)
        return gust__stream_adopt(loop, fd, options, NULL, false, 0);
    int code = errno;
    gust__sys_close(fd);
    errno = code;
    return NULL;
}

int gust__stream_check(const gust_stream *stream)
{
    if (gust__current && gust__current->loop != stream->loop)
        return gust_error_set(EPERM, "the stream belongs to another loop");
    if (stream->fd >= 0)
        return 0;
    errno = EBADF;
    return -1;
}

/* ---- the end ---- */

static void call_on_close(gust_stream *stream)
{
    int (*function)(void *argument) = stream->on_close;
    stream->on_close = NULL;
    if (function && function(stream->on_close_argument) < 0)
        gust__log_error(GUST_ERROR, gust_error_last(), "a stream's on_close failed");
}

static void run_close_task(struct gust__task *task)
{
    call_on_close(GUST__CONTAINER(task, gust_stream, close_task));
}

void gust__stream_departed(gust_stream *stream, int reason)
{
    if (reason && !stream->reason)
        stream->reason = reason;
    if (stream->departed)
        return;
    stream->departed = true;
    if (stream->on_close)
        gust__loop_ready(stream->loop, &stream->close_task);
}

void gust_stream_on_close(gust_stream *stream, int (*function)(void *argument), void *argument)
{
    stream->on_close = function;
    stream->on_close_argument = argument;
    stream->close_task.run = run_close_task;
    if (function && stream->departed)
        gust__loop_ready(stream->loop, &stream->close_task);
}

void gust_stream_abort(gust_stream *stream, int reason)
{
    if (stream->fd < 0)
        return;
    int saved = errno;
    gust__loop_remove(stream->loop, stream->fd);
    gust__sys_close(stream->fd);
    stream->fd = -1;
    gust__buffer_fini(&stream->out);
    if (stream->reader)
        gust__wake(stream->reader);
    gust__stream_wake_writers(stream);
    gust__stream_departed(stream, reason);
    errno = saved;
}

/* The grace is a time of its own, not a deadline: a caller's deadline still rules if it is earlier. */
int gust_stream_close(gust_stream *stream)
{
    if (gust__stream_check(stream) < 0)
        return -1;
    int result = 0;
    if (gust__buffer_length(&stream->out) || !gust__list_empty(&stream->writers))
        result = gust__stream_flush_until(stream, gust__clock_after(gust__clock_now(), GUST_S(5)));
    else if (stream->write_error) {
        errno = stream->write_error;
        result = -1;
    }
    int code = errno;
    gust_stream_abort(stream, result < 0 ? code : 0);
    errno = code;
    return result;
}

void gust_stream_free(gust_stream *stream)
{
    if (!stream)
        return;
    gust_stream_abort(stream, 0);
    assert(!stream->reader && gust__list_empty(&stream->writers));
    gust__loop_unready(stream->loop, &stream->close_task);
    call_on_close(stream);
    gust__buffer_fini(&stream->in);
    gust__stream_pattern_free(stream->pattern);
    gust__free(stream->peer);
    gust__free(stream->own);
    gust__free(stream);
}

/* ---- looking ---- */

int gust_stream_reason(const gust_stream *stream)
{
    return stream->reason;
}

bool gust_stream_closed(const gust_stream *stream)
{
    return stream->fd < 0;
}

int gust_stream_fd(const gust_stream *stream)
{
    return stream->fd;
}

static const char *keep_text(char **text, const struct gust__address *address)
{
    char formatted[GUST__ADDRESS_TEXT];
    *text = gust__strdup(gust__address_format(address, formatted));
    return *text ? *text : "";
}

const char *gust_stream_peer(gust_stream *stream)
{
    if (stream->peer)
        return stream->peer;
    struct gust__address *address = &stream->peer_address;
    if (address->length == 0 && stream->fd >= 0) {
        address->length = sizeof(*address) - offsetof(struct gust__address, any);
        if (gust__sys_getpeername(stream->fd, &address->any, &address->length) < 0)
            address->length = 0;
    }
    return keep_text(&stream->peer, address);
}

const char *gust_stream_local(gust_stream *stream)
{
    if (stream->own)
        return stream->own;
    struct gust__address address = {.length = sizeof(address) - offsetof(struct gust__address, any)};
    if (stream->fd < 0 || gust__sys_getsockname(stream->fd, &address.any, &address.length) < 0)
        address.length = 0;
    return keep_text(&stream->own, &address);
}
