/*
 * gust/net.h - streams, listeners, connections, names
 *
 * A line protocol, whole:
 *
 *     static int serve_client(gust_stream *stream, void *arg)
 *     {
 *         gust_bytes line;
 *         while (gust_stream_read_until(stream, "\n", 1024, &line) > 0)
 *             if (gust_stream_printf(stream, "you said %s", line.data) < 0)
 *                 return -1;
 *         return 0;
 *     }
 *
 *     gust_listener *listener = gust_listen("127.0.0.1:7000");
 *     gust_serve(listener, serve_client, NULL);
 *
 * Addresses are texts: "host:port", ":port" (every address of the machine), "[::1]:port", "unix:/path", and
 * "unix:@name" for Linux's abstract names. Port 0 lets the system choose; gust_listener_port tells.
 */
#ifndef GUST_NET_H
#define GUST_NET_H

#include <gust/base.h>
#include <gust/future.h>

GUST_BEGIN_DECLARATIONS

/* ---- streams ---- */

/* Bytes both ways over TCP, a Unix socket or a pipe. One coroutine may read while another writes. A read
 * takes from the socket only what was asked for (and read ahead up to 64 KiB), so that a slow reader holds
 * its peer back. */
typedef struct gust_stream gust_stream;

typedef struct gust_stream_options {
    size_t size;
    size_t max_read GUST_ZERO;   /* what the read buffer may grow to; default 100 MiB (Tornado's) */
    size_t high_water GUST_ZERO; /* unsent bytes at which a write waits; default 64 KiB */
} gust_stream_options;

/* [loop] A stream over a descriptor of a stream socket or pipe, which it takes (on failure it is closed too)
 * and makes non-blocking. NULL: EBADF, EPERM (a regular file), ENOMEM, EDEADLK without a loop. */
GUST_API gust_stream *gust_stream_new_with(int fd, const gust_stream_options *options);
#define gust_stream_new(fd, ...) gust_stream_new_with(fd, GUST_OPTIONS(gust_stream_options, ##__VA_ARGS__))

/* [blk] Up to size bytes as soon as there are any. > 0: how many; 0: the peer ended its side; -1: ETIMEDOUT,
 * ECANCELED, ECONNRESET..., EBADF (closed meanwhile), EBUSY (another coroutine reads). */
GUST_API ssize_t gust_stream_read(gust_stream *stream, void *to, size_t size);

/* [blk] Exactly size bytes. 0; -1: as above, and ENODATA when the peer ended before (what came stays
 * readable). */
GUST_API int gust_stream_read_exactly(gust_stream *stream, void *to, size_t size);

/* [blk] Up to and with the delimiter (text), at most max bytes. > 0: the length, and *bytes (with a NUL
 * behind, borrowed until the next read); 0: the peer ended and nothing was left; -1: EMSGSIZE (max bytes and
 * no delimiter), ENODATA (it ended in the middle; what came stays readable), and as above. */
GUST_API ssize_t gust_stream_read_until(gust_stream *stream, const char *delimiter, size_t max,
                                        gust_bytes *bytes);

/* [blk] The same up to the end of the first match of a PCRE2 pattern (bytes, not UTF). How the bytes were cut
 * on their way makes no difference: a match that the next byte could still change waits for it, so "\n+"
 * returns when something else than a newline has come; at max bytes and at the peer's end what is there is
 * all. -1 also: EINVAL (a bad pattern; the error has its text), EOVERFLOW (it backtracks too much). One
 * pattern is kept compiled: use the same in a loop. */
GUST_API ssize_t gust_stream_read_until_pattern(gust_stream *stream, const char *pattern, size_t max,
                                                gust_bytes *bytes);

/* [blk] Everything up to the end, at most max bytes (else EMSGSIZE). >= 0: the length. */
GUST_API ssize_t gust_stream_read_to_end(gust_stream *stream, size_t max, gust_bytes *bytes);

/* [blk] Writes all of it: what the socket does not take at once is copied, and the call waits only while more
 * than the high-water mark is unsent. 0; -1: EPIPE, ECONNRESET, ETIMEDOUT, ECANCELED (part may have been
 * sent: the stream is then broken for writing). */
GUST_API int gust_stream_write(gust_stream *stream, const void *data, size_t size);
GUST_API int gust_stream_printf(gust_stream *stream, const char *format, ...) GUST_PRINTF(2, 3);

/* [blk] Waits until everything written has been handed to the system. */
GUST_API int gust_stream_flush(gust_stream *stream);

/* [blk] Flushes, then ends our side: the peer reads the end; we may go on reading. ENOTSUP for a pipe. */
GUST_API int gust_stream_shutdown(gust_stream *stream);

/* [loop] Closes at once and wakes who waits on it with EBADF; unsent bytes are lost. Once closed, reads and
 * writes give EBADF. reason: an errno value for gust_stream_reason; 0: an orderly end. */
GUST_API void gust_stream_abort(gust_stream *stream, int reason);

/* [blk] Flushes (within the deadline; at most 5 s) and closes. 0, or -1 when not everything could be sent. */
GUST_API int gust_stream_close(gust_stream *stream);

/* [loop] Aborts if it is open, and frees it; nobody may be waiting on it. NULL is allowed. */
GUST_API void gust_stream_free(gust_stream *stream);

/* [loop] Why it is closed or broken: an errno value; 0 while all is well and after an orderly end. */
GUST_API int gust_stream_reason(const gust_stream *stream);
GUST_API bool gust_stream_closed(const gust_stream *stream);
/* [loop] Calls function(argument) once, on the loop, when the stream is closed or its peer is gone. */
GUST_API void gust_stream_on_close(gust_stream *stream, int (*function)(void *argument), void *argument);

GUST_API int gust_stream_fd(const gust_stream *stream); /* [loop] borrowed; -1 when closed */
/* [loop] The peer's and our address as text ("127.0.0.1:7000", "unix:/path"); borrowed for the stream's life.
 */
GUST_API const char *gust_stream_peer(gust_stream *stream);
GUST_API const char *gust_stream_local(gust_stream *stream);

/* ---- connecting ---- */

typedef struct gust_connect_options {
    size_t size;
    int64_t timeout GUST_ZERO; /* for names and connection; default 20 s, -1: none but the scope's deadline */
    const char *source GUST_ZERO; /* a numeric address of ours to connect from, with or without port */
    int family GUST_ZERO;         /* AF_INET, AF_INET6; default both */
    int64_t fallback GUST_ZERO; /* happy eyeballs: the next address is tried after so long; default 300 ms */
    gust_stream_options stream GUST_ZERO;
} gust_connect_options;

/* [blk] A connected stream. NULL: EINVAL (bad address text), EHOSTUNREACH..., ECONNREFUSED, ETIMEDOUT,
 * ECANCELED; a name that does not resolve gives EHOSTUNREACH with domain "gai". Of several addresses the
 * first error is reported. */
GUST_API gust_stream *gust_connect_with(const char *address, const gust_connect_options *options);
#define gust_connect(address, ...) \
    gust_connect_with(address, GUST_OPTIONS(gust_connect_options, ##__VA_ARGS__))

/* [any] Names that are not to be looked up: "db.example:5432" -> "127.0.0.1:6000", or "db.example" ->
 * "127.0.0.1" for every port. to NULL: forgets it. 0; -1: EINVAL, ENOMEM. */
GUST_API int gust_resolve_override(const char *from, const char *to);

/* ---- listening ---- */

typedef struct gust_listener gust_listener;

typedef struct gust_listen_options {
    size_t size;
    int backlog GUST_ZERO;              /* default 4096; the system caps it at net.core.somaxconn */
    bool reuse_port GUST_ZERO;          /* SO_REUSEPORT */
    unsigned mode GUST_ZERO;            /* of a Unix socket's file; default 0600 */
    unsigned max_connections GUST_ZERO; /* open at once; further ones wait in the backlog; default 100,000 */
} gust_listen_options;

/* [loop] Opens sockets for an address: one for each address of the host, the same automatic port on all. A
 * stale Unix socket is replaced, a file that is no socket refused. NULL: EADDRINUSE, EACCES, EINVAL (bad
 * text), EEXIST... */
GUST_API gust_listener *gust_listen_with(const char *address, const gust_listen_options *options);
#define gust_listen(address, ...) gust_listen_with(address, GUST_OPTIONS(gust_listen_options, ##__VA_ARGS__))

GUST_API unsigned gust_listener_port(const gust_listener *listener); /* [any] 0 for a Unix socket */
GUST_API const char *gust_listener_address(
    const gust_listener *listener); /* [any] of the first socket; borrowed */
GUST_API unsigned gust_listener_connections(const gust_listener *listener); /* [loop] open now */

/* [loop] Serves each connection in a coroutine of its own on the current loop: function(stream, argument) may
 * block as it likes; when it returns the stream is flushed, closed and freed. A failure is logged. 0; -1:
 * EDEADLK without a loop, EBUSY (already serves). Out of descriptors: connections wait, one log line says so,
 * and it goes on. */
GUST_API int gust_serve(gust_listener *listener, int (*function)(gust_stream *stream, void *argument),
                        void *argument);

/* [loop] Accepts no more: the sockets are closed. Running connections continue. */
GUST_API void gust_listener_stop(gust_listener *listener);

/* [loop] Stops, closes the sockets (a Unix socket's file is removed) and frees it; its running coroutines are
 * cancelled and joined by the loop's end. NULL is allowed. */
GUST_API void gust_listener_free(gust_listener *listener);

GUST_END_DECLARATIONS

#endif
