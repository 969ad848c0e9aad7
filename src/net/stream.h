/*
 * A stream, inside. One registration with the loop for its whole life, edge-triggered: `readable` and
 * `writable` say whether trying is worth a system call. They begin true, a short read or write and EAGAIN
 * make them false, an edge makes them true.
 *
 * Only the coroutine that reads takes bytes from the descriptor. Bytes to write go out at once; what the
 * system does not take waits in `out`, and the loop sends it on.
 */
#ifndef GUST_NET_STREAM_H
#define GUST_NET_STREAM_H

#include "base/buffer.h"
#include "base/list.h"
#include "coro/coroutine.h"
#include "net/address.h"

#include <gust/net.h>

#include <sys/uio.h>

enum {
    GUST__STREAM_READ_AHEAD = 64 << 10,
    GUST__STREAM_HIGH_WATER = 64 << 10,
    GUST__STREAM_MAX_READ = 100 << 20,
};

struct gust__stream_pattern; /* net/stream_pattern.c */

/* How bytes get in and out: a socket, a pipe; TLS in time. As read and writev: -1 and EAGAIN when it has to
 * wait. */
struct gust__transport {
    ssize_t (*read)(gust_stream *stream, void *to, size_t size);
    ssize_t (*write)(gust_stream *stream, const struct iovec *parts, int count);
    bool short_read_is_all; /* fewer bytes than asked for: there are no more for now */
};

struct gust_stream {
    gust_loop *loop;
    const struct gust__transport *transport;
    int fd;     /* -1: closed */
    int reason; /* for gust_stream_reason */
    bool local; /* a Unix socket */
    bool pipe;
    bool hung_up; /* the peer's end was seen coming (EPOLLRDHUP and the like): read on until it is there */

    /* reading */
    bool readable;
    bool ended;      /* read gave 0 */
    bool terminated; /* terminator holds a byte that a NUL covers for now */
    char terminator;
    int read_error; /* what read fails with from now on */
    struct gust__coroutine *reader;
    size_t chunk;           /* to be read at once: grows while reads fill it */
    struct gust__buffer in; /* its maximum is max_read and two: a byte to see that there is more, and a NUL */
    size_t max_read;
    struct gust__stream_pattern *pattern;

    /* writing */
    bool writable;
    int write_error;           /* what write fails with from now on */
    struct gust__buffer out;   /* its maximum is the high-water mark */
    struct gust__list writers; /* struct writer: first come, first served */

    /* the end */
    bool departed; /* the peer is gone, or it is closed */
    struct gust__task close_task;
    int (*on_close)(void *argument);
    void *on_close_argument;

    struct gust__address peer_address; /* length 0: not known yet */
    char *peer;                        /* as text; NULL: not asked for yet */
    char *own;
};

/* A stream over a descriptor that is non-blocking already and registered with the loop (by another owner, who
 * has seen `events` so far) when registered. Takes fd; on failure it is closed. peer (may be NULL) is copied.
 */
gust_stream *gust__stream_adopt(gust_loop *loop, int fd, const gust_stream_options *options,
                                const struct gust__address *peer, bool registered, uint32_t events);

/* While nobody uses the stream: its descriptor's events go to ready(owner, events) instead; NULL: to the
 * stream again. Nothing may be unsent. */
void gust__stream_divert(gust_stream *stream, gust__ready_function *ready, void *owner);

/* 0 when it may be used by the running coroutine; -1: EBADF, EPERM. */
int gust__stream_check(const gust_stream *stream);

/* The peer is gone: has on_close called. */
void gust__stream_departed(gust_stream *stream, int reason);

/* ---- net/stream_write.c ---- */

/* The descriptor takes bytes again: sends what waits. */
void gust__stream_send(gust_stream *stream);

/* Wakes all who wait to write. */
void gust__stream_wake_writers(gust_stream *stream);

/* As gust_stream_flush, until the monotonic time until at most: then ETIMEDOUT. */
int gust__stream_flush_until(gust_stream *stream, int64_t until);

/* ---- net/stream_read.c, for readers of all kinds ---- */

/* 0; -1: EBADF, EPERM, EBUSY. */
int gust__stream_read_begin(gust_stream *stream);
void gust__stream_read_end(gust_stream *stream);

/* Waits for more bytes in the buffer. > 0; 0: the end; -1: ENOBUFS (more than max_read are held), EBADF,
 * ETIMEDOUT... */
ssize_t gust__stream_fill(gust_stream *stream);

/* What is looked for is not in the bytes held: 1 if more came; 0: the peer ended and nothing was left; -1:
 * EMSGSIZE (max bytes are held), ENODATA (it ended behind some), and as above. */
int gust__stream_more(gust_stream *stream, size_t max);

/* Hands out the first size bytes of the buffer, with a NUL behind. */
ssize_t gust__stream_hand_out(gust_stream *stream, size_t size, gust_bytes *bytes);

/* ---- net/stream_pattern.c ---- */

void gust__stream_pattern_free(struct gust__stream_pattern *pattern);

#endif
