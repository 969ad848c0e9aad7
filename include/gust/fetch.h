/*
 * gust/fetch.h - the HTTP client
 *
 *     gust_response *page = gust_fetch("http://127.0.0.1:8888/", .timeout = GUST_S(5));
 *     if (!page)
 *         return -1;                              // no answer at all: errno, gust_error_last()
 *     GUST_DEFER(gust_response_free, page);
 *     printf("%d, %zu bytes\n", gust_response_status(page), gust_response_body(page).len);
 *
 * Any status is a success: only the absence of an answer is an error. Connections are kept and used again.
 */
#ifndef GUST_FETCH_H
#define GUST_FETCH_H

#include <gust/base.h>
#include <gust/future.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_response gust_response;

typedef struct gust_fetch_options {
    size_t size;
    const char *method GUST_ZERO;         /* default GET, POST with a body */
    const char *const *headers GUST_ZERO; /* "Name: value", ..., NULL */
    gust_bytes body GUST_ZERO;
    const char *content_type GUST_ZERO;
    const char *json GUST_ZERO;        /* a body as text, sent as application/json */
    int64_t timeout GUST_ZERO;         /* of the whole; default 20 s; -1: only the scope's deadline */
    int64_t connect_timeout GUST_ZERO; /* default 20 s */
    size_t max_body GUST_ZERO;         /* of the answer, when it is kept; default 100 MiB */
    /* Streaming: called for each piece of the answer's body, which is then not kept; may block; -1 ends the
     * fetch. */
    int (*on_body)(const void *data, size_t size, void *argument) GUST_ZERO;
    /* Streaming the request's body, chunked: gives up to size bytes, 0 at the end, -1 to give up; may block.
     */
    ssize_t (*produce)(void *to, size_t size, void *argument) GUST_ZERO;
    void *argument GUST_ZERO;
    bool no_keep_alive GUST_ZERO;
} gust_fetch_options;

/* [blk] Fetches a URL (http://host[:port]/path, or http+unix://%2Fpath%2Fsocket/path). NULL: EINVAL (a bad
 * URL, method or header), EPROTONOSUPPORT (another scheme), what connecting says, EBADMSG (not HTTP),
 * EMSGSIZE (over max_body), ECONNRESET, ETIMEDOUT, ECANCELED. The response is yours. */
GUST_API gust_response *gust_fetch_with(const char *url, const gust_fetch_options *options);
#define gust_fetch(url, ...) gust_fetch_with(url, GUST_OPTIONS(gust_fetch_options, ##__VA_ARGS__))

/* [loop] The same as a future whose value is the gust_response. url and options are copied; what options
 * point to (body, headers) must last until it is done. */
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
