/* Writing: at once as far as the system takes it; the rest waits in the stream's bounded buffer, or its
 * writer does. */
#include "net/stream.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/sys.h"

#include <gust/error.h>

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* Who writes or waits to: only the first of them touches `out`, so that what they write does not mix. */
struct writer {
    struct gust__list node;
    struct gust__coroutine *coroutine;
    const char *data;
    size_t size; /* of it not yet sent or copied */
    bool begun;  /* some of it was */
};

static struct writer *first_writer(const gust_stream *stream)
{
    return gust__list_empty(&stream->writers) ? NULL
                                              : GUST__CONTAINER(stream->writers.next, struct writer, node);
}

static void wake_first(gust_stream *stream)
{
    struct writer *writer = first_writer(stream);
    if (writer && writer->coroutine)
        gust__wake(writer->coroutine);
}

void gust__stream_wake_writers(gust_stream *stream)
{
    for (struct gust__list *node = stream->writers.next; node != &stream->writers; node = node->next) {
        struct writer *writer = GUST__CONTAINER(node, struct writer, node);
        if (writer->coroutine)
            gust__wake(writer->coroutine);
    }
}

/* ---- the descriptor ---- */

static int write_failed(gust_stream *stream, int code)
{
    stream->write_error = code;
    gust__buffer_fini(&stream->out);
    gust__stream_wake_writers(stream);
    gust__stream_departed(stream, code);
    errno = code;
    return -1;
}

/* The bytes that the system took: of `out` first, then of the writer's. */
static void account(gust_stream *stream, struct writer *writer, size_t sent)
{
    size_t held = gust__buffer_length(&stream->out);
    size_t of_held = sent < held ? sent : held;
    gust__buffer_consume(&stream->out, of_held);
    sent -= of_held;
    if (sent == 0)
        return;
    writer->data += sent;
    writer->size -= sent;
    writer->begun = true;
}

/* Tries until all is sent or the system takes no more. writer may be NULL. 0; -1: broken. */
static int send_some(gust_stream *stream, struct writer *writer)
{
    while (stream->writable) {
        struct iovec parts[2];
        int count = 0;
        size_t size = 0;
        if (gust__buffer_length(&stream->out))
            parts[count++] =
                (struct iovec){gust__buffer_bytes(&stream->out), gust__buffer_length(&stream->out)};
        if (writer && writer->size)
            parts[count++] = (struct iovec){(void *)(uintptr_t)writer->data, writer->size};
        if (count == 0)
            return 0;
        for (int i = 0; i < count; i++)
            size += parts[i].iov_len;
        ssize_t sent = stream->transport->write(stream, parts, count);
        if (sent >= 0)
            account(stream, writer, (size_t)sent);
        else if (errno != EAGAIN && errno != EINTR)
            return write_failed(stream, errno);
        if ((sent >= 0 && (size_t)sent < size) || (sent < 0 && errno == EAGAIN))
            stream->writable = false;
    }
    return 0;
}

/* A waiting writer does it himself: his bytes go out together with what waits. */
void gust__stream_send(gust_stream *stream)
{
    if (first_writer(stream))
        wake_first(stream);
    else if (gust__buffer_length(&stream->out))
        send_some(stream, NULL);
}

/* ---- writing and waiting ---- */

/* The first writer's turn: 1 when at most `limit` bytes are unsent, all of them in the buffer; 0: not yet;
 * -1. */
static int push(gust_stream *stream, struct writer *writer, size_t limit)
{
    if (send_some(stream, writer) < 0)
        return -1;
    if (gust__buffer_length(&stream->out) + writer->size > limit)
        return 0;
    if (gust__buffer_append(&stream->out, writer->data, writer->size) < 0)
        return -1;
    return 1;
}

static int push_and_wait(gust_stream *stream, struct writer *writer, size_t limit, int64_t until)
{
    for (;;) {
        if (stream->fd < 0)
            errno = EBADF;
        else if (stream->write_error)
            errno = stream->write_error;
        if (stream->fd < 0 || stream->write_error)
            return -1;
        int done = first_writer(stream) == writer ? push(stream, writer, limit) : 0;
        if (done != 0)
            return done < 0 ? -1 : 0;
        int waited = gust__park_until(GUST__INTERRUPTIBLE, "write", until);
        if (waited == 0)
            continue;
        if (waited > 0)
            errno = ETIMEDOUT;
        return -1;
    }
}

static int write_until(gust_stream *stream, const void *data, size_t size, size_t limit, int64_t until)
{
    if (gust__stream_check(stream) < 0)
        return -1;
    struct writer writer = {.coroutine = gust__current, .data = data, .size = size};
    gust__list_append(&stream->writers, &writer.node);
    int result = push_and_wait(stream, &writer, limit, until);
    int code = errno;
    gust__list_remove(&writer.node);
    if (result < 0 && writer.begun && stream->fd >= 0 && !stream->write_error) {
        /* The peer has got a part, and would take what is written next for the rest. */
        if (!stream->reason)
            stream->reason = code;
        stream->write_error = EPIPE;
        gust__stream_wake_writers(stream);
    }
    if (stream->fd >= 0 && !stream->write_error)
        gust__stream_send(stream);
    errno = code;
    return result;
}

/* ---- what users call ---- */

int gust_stream_write(gust_stream *stream, const void *data, size_t size)
{
    return write_until(stream, data, size, stream->out.max, GUST__FOREVER);
}

int gust__stream_flush_until(gust_stream *stream, int64_t until)
{
    return write_until(stream, NULL, 0, 0, until);
}

int gust_stream_flush(gust_stream *stream)
{
    return gust__stream_flush_until(stream, GUST__FOREVER);
}

static int print_long(gust_stream *stream, size_t length, const char *format, va_list arguments)
{
    char *text = gust__malloc(length + 1);
    if (!text)
        return -1;
    vsnprintf(text, length + 1, format, arguments);
    int result = gust_stream_write(stream, text, length);
    gust__free(text);
    return result;
}

int gust_stream_printf(gust_stream *stream, const char *format, ...)
{
    char text[1024];
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    int result = -1;
    if (length >= 0 && (size_t)length < sizeof(text))
        result = gust_stream_write(stream, text, (size_t)length);
    else if (length >= 0)
        result = print_long(stream, (size_t)length, format, again);
    va_end(again);
    va_end(arguments);
    return result;
}

int gust_stream_shutdown(gust_stream *stream)
{
    if (stream->pipe) {
        errno = ENOTSUP;
        return -1;
    }
    if (gust_stream_flush(stream) < 0)
        return -1;
    if (gust__sys_shutdown(stream->fd, SHUT_WR) < 0)
        return -1;
    stream->write_error = EPIPE;
    return 0;
}
