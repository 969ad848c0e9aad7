/* Reading: into the stream's buffer, or past it into the caller's memory. */
#include "net/stream.h"

#include <gust/error.h>

#include <errno.h>
#include <string.h>

enum {
    DIRECT = 16 << 10, /* reads of so many bytes need no copy */
    LARGE = 4 * GUST__STREAM_READ_AHEAD,
};

/* ---- one reader at a time ---- */

/* Puts back the byte that the last reader's NUL covers. */
static void uncover(gust_stream *stream)
{
    if (stream->terminated)
        gust__buffer_bytes(&stream->in)[0] = stream->terminator;
    stream->terminated = false;
}

int gust__stream_read_begin(gust_stream *stream)
{
    if (gust__stream_check(stream) < 0)
        return -1;
    if (stream->reader) {
        errno = EBUSY;
        return -1;
    }
    uncover(stream);
    stream->reader = gust__current;
    return 0;
}

void gust__stream_read_end(gust_stream *stream)
{
    stream->reader = NULL;
}

/* ---- the descriptor ---- */

static int read_failed(gust_stream *stream, int code)
{
    stream->read_error = code;
    gust__stream_departed(stream, code);
    errno = code;
    return -1;
}

/* > 0; 0: the end; -1: EAGAIN (not now), or broken. */
static ssize_t try_read(gust_stream *stream, void *to, size_t size)
{
    ssize_t got;
    do
        got = stream->transport->read(stream, to, size);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        /* Nothing more for now, and an edge will tell of more; unless the end was seen coming: that edge is
         * spent. */
        if ((size_t)got < size && stream->transport->short_read_is_all && !stream->hung_up)
            stream->readable = false;
        return got;
    }
    if (got == 0) {
        stream->ended = true;
        return 0;
    }
    if (errno != EAGAIN)
        return read_failed(stream, errno);
    stream->readable = false;
    return -1;
}

/* A buffer that was large once is not kept by a stream that waits. */
static void shrink(gust_stream *stream)
{
    if (gust__buffer_length(&stream->in) == 0 && stream->in.capacity > LARGE)
        gust__buffer_fini(&stream->in);
}

/* Waits until bytes came into `to`. */
static ssize_t wait_and_read(gust_stream *stream, void *to, size_t size)
{
    for (;;) {
        if (stream->fd < 0) {
            errno = EBADF;
            return -1;
        }
        if (stream->ended)
            return 0;
        if (stream->read_error) {
            errno = stream->read_error;
            return -1;
        }
        if (stream->readable) {
            ssize_t got = try_read(stream, to, size);
            if (got >= 0 || errno != EAGAIN)
                return got;
        }
        if (gust__park(GUST__INTERRUPTIBLE, "read") < 0)
            return -1;
    }
}

/* ---- the buffer ---- */

ssize_t gust__stream_fill(gust_stream *stream)
{
    size_t held = gust__buffer_length(&stream->in);
    size_t room = stream->max_read + 1 - held;
    if (held > stream->max_read) {
        errno = ENOBUFS;
        return -1;
    }
    if (room > stream->chunk)
        room = stream->chunk;
    shrink(stream);
    char *to = gust__buffer_reserve(&stream->in, room + 1); /* and a NUL */
    if (!to)
        return -1;
    ssize_t got = wait_and_read(stream, to, room);
    if (got <= 0)
        return got;
    gust__buffer_added(&stream->in, (size_t)got);
    if ((size_t)got == stream->chunk && stream->chunk < GUST__STREAM_READ_AHEAD)
        stream->chunk *= 2;
    return got;
}

ssize_t gust__stream_hand_out(gust_stream *stream, size_t size, gust_bytes *bytes)
{
    if (size == 0) {
        *bytes = (gust_bytes){"", 0};
        return 0;
    }
    char *data = gust__buffer_bytes(&stream->in);
    bool more = gust__buffer_length(&stream->in) > size;
    *bytes = (gust_bytes){data, size};
    gust__buffer_consume(&stream->in, size);
    if (more) {
        stream->terminator = data[size];
        stream->terminated = true;
    }
    data[size] = '\0';
    return (ssize_t)size;
}

static size_t copy_out(gust_stream *stream, void *to, size_t size)
{
    size_t held = gust__buffer_length(&stream->in);
    if (size > held)
        size = held;
    if (size) {
        memcpy(to, gust__buffer_bytes(&stream->in), size);
        gust__buffer_consume(&stream->in, size);
    }
    return size;
}

/* ---- what users call ---- */

static ssize_t read_some(gust_stream *stream, void *to, size_t size)
{
    if (size == 0)
        return 0;
    if (gust__buffer_length(&stream->in) == 0 && size >= DIRECT)
        return wait_and_read(stream, to, size);
    if (gust__buffer_length(&stream->in) == 0) {
        ssize_t got = gust__stream_fill(stream);
        if (got <= 0)
            return got;
    }
    return (ssize_t)copy_out(stream, to, size);
}

ssize_t gust_stream_read(gust_stream *stream, void *to, size_t size)
{
    if (gust__stream_read_begin(stream) < 0)
        return -1;
    ssize_t got = read_some(stream, to, size);
    gust__stream_read_end(stream);
    return got;
}

/* What came stays readable: the caller's memory gives it back. More than max_read may have to be kept then,
 * but not more than the caller had room for himself. */
static void give_back(gust_stream *stream, const void *from, size_t size)
{
    int code = errno;
    size_t max = stream->in.max;
    if (stream->in.max < size + 2)
        stream->in.max = size + 2;
    char *to = size ? gust__buffer_reserve(&stream->in, size + 1) : NULL;
    stream->in.max = max;
    if (to) {
        memcpy(to, from, size);
        gust__buffer_added(&stream->in, size);
    } else if (size) {
        read_failed(stream, ENOMEM);
    }
    errno = code;
}

static int read_all(gust_stream *stream, char *to, size_t size)
{
    size_t got = copy_out(stream, to, size);
    while (got < size) {
        ssize_t more = wait_and_read(stream, to + got, size - got);
        if (more > 0) {
            got += (size_t)more;
            continue;
        }
        if (more == 0)
            errno = ENODATA;
        give_back(stream, to, got);
        return -1;
    }
    return 0;
}

int gust_stream_read_exactly(gust_stream *stream, void *to, size_t size)
{
    if (gust__stream_read_begin(stream) < 0)
        return -1;
    int result = read_all(stream, to, size);
    gust__stream_read_end(stream);
    return result;
}

/* Where the delimiter ends, in the first `within` bytes; 0: not there. What was searched before is not
 * searched again. */
static size_t find(const gust_stream *stream, const char *delimiter, size_t length, size_t searched,
                   size_t within)
{
    if (within < length)
        return 0;
    const char *data = gust__buffer_bytes(&stream->in);
    size_t from = searched >= length ? searched - length + 1 : 0;
    const char *found = memmem(data + from, within - from, delimiter, length);
    return found ? (size_t)(found - data) + length : 0;
}

int gust__stream_more(gust_stream *stream, size_t max)
{
    size_t held = gust__buffer_length(&stream->in);
    if (held >= max) {
        errno = EMSGSIZE;
        return -1;
    }
    ssize_t got = gust__stream_fill(stream);
    if (got != 0)
        return got > 0 ? 1 : -1;
    if (held == 0)
        return 0;
    errno = ENODATA;
    return -1;
}

static ssize_t read_line(gust_stream *stream, const char *delimiter, size_t max, gust_bytes *bytes)
{
    size_t length = strlen(delimiter), searched = 0;
    for (;;) {
        size_t held = gust__buffer_length(&stream->in);
        size_t within = held < max ? held : max;
        size_t found = find(stream, delimiter, length, searched, within);
        if (found)
            return gust__stream_hand_out(stream, found, bytes);
        searched = within;
        int more = gust__stream_more(stream, max);
        if (more <= 0)
            return more;
    }
}

ssize_t gust_stream_read_until(gust_stream *stream, const char *delimiter, size_t max, gust_bytes *bytes)
{
    *bytes = (gust_bytes){"", 0};
    if (!*delimiter)
        return gust_error_set(EINVAL, "an empty delimiter");
    if (max > stream->max_read)
        max = stream->max_read;
    if (gust__stream_read_begin(stream) < 0)
        return -1;
    ssize_t got = read_line(stream, delimiter, max, bytes);
    gust__stream_read_end(stream);
    return got;
}

static ssize_t read_rest(gust_stream *stream, size_t max, gust_bytes *bytes)
{
    for (;;) {
        size_t held = gust__buffer_length(&stream->in);
        if (held > max) {
            errno = EMSGSIZE;
            return -1;
        }
        ssize_t got = gust__stream_fill(stream);
        if (got == 0)
            return gust__stream_hand_out(stream, held, bytes);
        if (got < 0)
            return -1;
    }
}

ssize_t gust_stream_read_to_end(gust_stream *stream, size_t max, gust_bytes *bytes)
{
    *bytes = (gust_bytes){"", 0};
    if (max > stream->max_read)
        max = stream->max_read;
    if (gust__stream_read_begin(stream) < 0)
        return -1;
    ssize_t got = read_rest(stream, max, bytes);
    gust__stream_read_end(stream);
    return got;
}
