/*
 * gust/fetch.h - the HTTP client
 *
 *     gust_response *page = gust_fetch("http://127.0.0.1:8888/", .timeout = GUST_S(5));
 *     if (!page)
 *         return -1;                              // no answer at all: errno, gust_error_last()
 *     GUST_DEFER(gust_response_free, page);
 *     printf("%d, %zu bytes\n", gust_response_status(page), gust_response_body(page).len);
 *
 * Any status is a success: only the absence of an answer is an error. Redirects are not followed, and a body
 * is given as it came, whatever its Content-Encoding. A fetch that a deadline or cancel cuts short, or whose
 * callback throws, closes its connection.
 *
 * Connections are kept and used again, by each loop for itself: after an answer that was read whole, when
 * neither side wants to close; at most 10 idle ones for an address and 100 in all, each for 30 s. How many
 * fetches run at once is not limited. When a kept connection turns out to be closed before a byte of the
 * answer came, the request is sent once more on a new one, if it has no produce and its method is idempotent
 * (RFC 9110 9.2.2).
 *
 * What an answer may have: a head of 64 KiB with 100 lines, 100 interim answers (1xx) before it, and 16 KiB
 * of trailers, which are dropped. Its framing is read as RFC 9112 6.3 says; one that contradicts itself is
 * refused.
 */
#ifndef GUST_FETCH_H
#define GUST_FETCH_H

#include <gust/base.h>
#include <gust/future.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_response gust_response;

typedef struct gust_fetch_options {
    size_t size;
    const char *method GUST_ZERO; /* default GET, POST with a body */
    /* "Name: value", ..., NULL. Content-Length, Transfer-Encoding and Connection are the client's own:
     * EINVAL. Host is too unless it is given. */
    const char *const *headers GUST_ZERO;
    gust_bytes body GUST_ZERO;
    const char *content_type GUST_ZERO; /* of the body; without it, and without json, no type is sent */
    const char *json GUST_ZERO;         /* a body as text, sent as application/json unless a type is given */
    int64_t timeout GUST_ZERO;          /* of the whole; default 20 s; -1: only the scope's deadline */
    int64_t connect_timeout GUST_ZERO;  /* default 20 s */
    size_t max_body GUST_ZERO;          /* of the answer, when it is kept; default 100 MiB */
    /* Streaming: called for each piece of the answer's body, which is then not kept; may block; -1 ends the
     * fetch. */
    int (*on_body)(const void *data, size_t size, void *argument) GUST_ZERO;
    /* Streaming the request's body, chunked: gives up to size bytes, 0 at the end, -1 to give up; may block.
     * It runs in a coroutine of its own, since the answer may come meanwhile; it is cancelled when that is
     * whole before the end. Only one of body, json and produce. */
    ssize_t (*produce)(void *to, size_t size, void *argument) GUST_ZERO;
    void *argument GUST_ZERO;
    bool no_keep_alive GUST_ZERO; /* neither uses a kept connection nor keeps this one */
} gust_fetch_options;

/* [blk] Fetches a URL (http://host[:port]/path, or http+unix://%2Fpath%2Fsocket/path; no user in it). NULL:
 * EINVAL (a bad URL, method or header), EPROTONOSUPPORT (another scheme), what connecting says, EBADMSG (not
 * HTTP), EMSGSIZE (over max_body, or a head over its limits), ECONNRESET (it ended before the answer did),
 * ETIMEDOUT, ECANCELED, what a callback that gave up left in errno (ECANCELED if 0), ENOMEM; EDEADLK outside
 * a coroutine. The response is yours. */
GUST_API gust_response *gust_fetch_with(const char *url, const gust_fetch_options *options);
#define gust_fetch(url, ...) gust_fetch_with(url, GUST_OPTIONS(gust_fetch_options, ##__VA_ARGS__))

/* [loop] The same as a future whose value is the gust_response. url and options are copied; what options
 * point to (body, headers) must last until it is done. The deadline in force now holds for it. NULL: ENOMEM,
 * EAGAIN (too many coroutines), EDEADLK without a loop. */
GUST_API gust_future *gust_fetch_async_with(const char *url, const gust_fetch_options *options);
#define gust_fetch_async(url, ...) gust_fetch_async_with(url, GUST_OPTIONS(gust_fetch_options, ##__VA_ARGS__))

/* [any] What came, borrowed from the response. */
GUST_API int gust_response_status(const gust_response *response);
GUST_API const char *gust_response_reason(const gust_response *response);
GUST_API const char *gust_response_header(const gust_response *response,
                                          const char *name); /* first; NULL: none */
GUST_API bool gust_response_header_at(const gust_response *response, size_t index, const char **name,
                                      const char **value);
GUST_API gust_bytes gust_response_body(const gust_response *response); /* a NUL behind; borrowed */
GUST_API void gust_response_free(gust_response *response);             /* [any] NULL is allowed */

GUST_END_DECLARATIONS

#endif
