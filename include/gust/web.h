/*
 * gust/web.h - applications, routes, requests and answers
 *
 *     static void hello(gust_request *req)
 *     {
 *         gust_printf(req, "Hello, %s!\n", gust_path_arg(req, 1));
 *     }
 *
 *     int main(int argc, char **argv)
 *     {
 *         gust_app *app = gust_app_new();
 *         gust_route(app, "GET /hello/([^/]+)", hello);
 *         return gust_main(app, argc, argv);
 *     }
 *
 * A handler is a plain function that runs in a coroutine of its own and may block as it likes. It writes its
 * answer and returns. If it fails before it has (gust_fail, gust_throw, or because memory ran out), the
 * client gets an error answer all the same. Nothing is sent before the handler ends, unless it flushes or its
 * output grows beyond 64 KiB.
 *
 * What a request hands out as const char * lives until the request ends. What is untagged here is [loop], for
 * the thread of the request's loop; [blk] marks what may park, [any] what any thread may call. Set-up
 * mistakes (a bad pattern, no memory) are remembered in the application: gust_main names the first and
 * refuses to start.
 */
#ifndef GUST_WEB_H
#define GUST_WEB_H

#include <gust/base.h>
#include <gust/coroutine.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_app gust_app;
typedef struct gust_request gust_request;
typedef void gust_handler_function(gust_request *request);

/* ---- the application ---- */

GUST_API gust_app *gust_app_new(
    void); /* [any] NULL: ENOMEM; every function here takes NULL and remembers nothing */
GUST_API void gust_app_free(gust_app *app); /* [any] when nothing serves it; NULL is allowed */

/* [any] The first set-up mistake in words, borrowed; NULL: none. */
GUST_API const char *gust_app_mistake(const gust_app *app);

/* A route whose pattern fits both, as "/page/?": a GET or HEAD of the other one is redirected (301), other
 * methods get 404. */
enum gust_slash { GUST_SLASH_AS_IS, GUST_ADD_SLASH, GUST_REMOVE_SLASH };

typedef struct gust_route_options {
    size_t size;
    void *data GUST_ZERO;            /* gust_data(req): borrowed for the application's life */
    int64_t max_body GUST_ZERO;      /* bytes; default the application's (100 MiB); -1: no body allowed */
    int64_t timeout GUST_ZERO;       /* of the handler; default the application's (none); -1: none. Then
                                      * 503, unless it caught ETIMEDOUT and answered */
    int64_t body_timeout GUST_ZERO;  /* for the whole body to arrive; default none */
    bool stream_body GUST_ZERO;      /* the handler starts at the head and reads the body: gust_read_body */
    bool cancel_when_gone GUST_ZERO; /* a client that left cancels the handler */
    const char *host GUST_ZERO;  /* only for this Host: a PCRE2 pattern that must match whole, without port */
    const char *name GUST_ZERO;  /* for gust_url_for */
    size_t state_size GUST_ZERO; /* gust_state(req): so many zeroed bytes for each request */
    enum gust_slash slash GUST_ZERO; /* which of "/page" and "/page/" counts; the other one redirects to it */
    unsigned max_running
        GUST_ZERO;        /* so many of its requests at once in each process; above 503. Default: no limit */
    bool login GUST_ZERO; /* only for users who are logged in (gust/session.h) */
    const char *role GUST_ZERO; /* only for those of them who have this role */
    bool no_xsrf GUST_ZERO;     /* not for browsers: requests bring no XSRF token (gust/secure.h) */
} gust_route_options;

/* [any] Routes requests to a function. pattern: "METHOD /path" or "/path" for every method, the path a PCRE2
 * pattern that must match whole, with groups positional or named. Routes are tried in the order of their
 * registration; a pattern without special characters is found by hash. HEAD is answered by GET's route unless
 * it has its own. A path known only for other methods gives 405 with Allow. OPTIONS without a route of its
 * own: 204 with Allow. */
GUST_API void gust_route_with(gust_app *app, const char *pattern, gust_handler_function *function,
                              const gust_route_options *options);
#define gust_route(app, pattern, function, ...) \
    gust_route_with(app, pattern, function, GUST_OPTIONS(gust_route_options, ##__VA_ARGS__))

/* A handler as a table: Tornado's RequestHandler. prepare runs before the method and may answer (then the
 * method is not called); on_finish after the answer went out; write_error writes the body of an error answer
 * whose status is set; on_connection_close runs on the loop, outside of the handler's coroutine, when the
 * client left before the handler has ended: it must not wait. */
typedef struct gust_handler {
    gust_handler_function *prepare GUST_ZERO;
    gust_handler_function *get GUST_ZERO;
    gust_handler_function *head GUST_ZERO;
    gust_handler_function *post GUST_ZERO;
    gust_handler_function *put GUST_ZERO;
    gust_handler_function *patch GUST_ZERO;
    gust_handler_function *del GUST_ZERO;
    gust_handler_function *options GUST_ZERO;
    gust_handler_function *on_finish GUST_ZERO;
    gust_handler_function *write_error GUST_ZERO;
    gust_handler_function *on_connection_close GUST_ZERO;
    size_t state_size GUST_ZERO;
} gust_handler;

/* [any] handler is borrowed for the application's life. */
GUST_API void gust_handle_with(gust_app *app, const char *path_pattern, const gust_handler *handler,
                               const gust_route_options *options);
#define gust_handle(app, path_pattern, handler, ...) \
    gust_handle_with(app, path_pattern, handler, GUST_OPTIONS(gust_route_options, ##__VA_ARGS__))

/* [any] Middleware: function runs around each handler of this application, the first registered outermost; it
 * calls gust_next to go on, or answers itself. data (borrowed) is gust_data(req) while it runs. */
GUST_API void gust_use(gust_app *app, gust_handler_function *function, void *data);

/* [blk] Runs what is inside the middleware; returns also when that failed: its error answer is written then.
 */
GUST_API void gust_next(gust_request *request);

/* [any] Serves sub's routes under a path prefix ("/admin"); takes sub. Its handlers see the path behind the
 * prefix. */
GUST_API void gust_mount(gust_app *app, const char *prefix, gust_app *sub);

/* [any] A route that redirects, with 301, 302, 303, 307 or 308: in target "{1}" stands for the first group of
 * pattern, percent-encoded; the request's query is added. */
GUST_API void gust_route_redirect(gust_app *app, const char *pattern, const char *target, int status);

/* [any] A route that is an error: 410 for what is gone, 403 for what nobody may have. */
GUST_API void gust_route_error(gust_app *app, const char *pattern, int status);

/* [any] A header of every answer of the application, errors included, unless its handler sets or clears it.
 */
GUST_API void gust_default_header(gust_app *app, const char *name, const char *value);

/* [any] Who answers when no route matches (default: 404). */
GUST_API void gust_not_found(gust_app *app, gust_handler_function *function, void *data);

/* [any] Writes the body of every error answer of the application. Default: the reason as text, or as a page
 * for clients that ask for text/html; with .debug it shows what happened, where, and the request. */
GUST_API void gust_write_error(gust_app *app, gust_handler_function *function);

/* A key that signs cookies; its version is written into each (gust/secure.h). */
typedef struct gust_cookie_key {
    unsigned version; /* below 1,000,000,000 */
    const char *secret;
} gust_cookie_key;

typedef struct gust_app_settings {
    size_t size;
    int64_t max_body GUST_ZERO;            /* default 100 MiB; -1: none allowed */
    int64_t timeout GUST_ZERO;             /* a handler's; default none */
    size_t max_header GUST_ZERO;           /* a head's bytes; default 64 KiB; over it 431 */
    unsigned max_headers GUST_ZERO;        /* default 100; over it 431 */
    int64_t idle_timeout GUST_ZERO;        /* between requests; default 75 s */
    int64_t header_timeout GUST_ZERO;      /* from a head's first byte to its last; default 20 s; then 408 */
    int64_t body_timeout GUST_ZERO;        /* default none; then 408 */
    int64_t write_timeout GUST_ZERO;       /* without any progress of the client's reading; default 60 s */
    size_t max_memory GUST_ZERO;           /* a request's arena; default 16 MiB; over it 503 */
    unsigned max_requests GUST_ZERO;       /* on one connection; default unlimited */
    unsigned max_arguments GUST_ZERO;      /* in a query or form; default 1,000; over it 400 */
    unsigned max_parts GUST_ZERO;          /* of a multipart body; default 100; over it 400 */
    size_t spool_above GUST_ZERO;          /* files of a form larger than this go to disk; default 1 MiB */
    const char *spool_directory GUST_ZERO; /* default $TMPDIR or /tmp */
    const char *server GUST_ZERO;          /* the Server header; default "gust"; "" : none */
    bool no_keep_alive GUST_ZERO;
    bool etags
        GUST_ZERO; /* every whole answer to GET and HEAD gets an Etag, a hash of its body; see gust_finish */
    bool debug GUST_ZERO; /* for development only: error pages show backtraces and requests */
    const struct gust_locales *locales GUST_ZERO; /* gust/locale.h; borrowed for the application's life */
    /* gust/session.h. Borrowed for the application's life */
    struct gust_sessions *sessions GUST_ZERO;
    const char *login_url GUST_ZERO; /* where routes with .login send who is not */
    const char *(*current_user)(gust_request *request)GUST_ZERO; /* default: who gust_log_in was called for */
    bool (*has_role)(gust_request *request, const char *user, const char *role) GUST_ZERO;
    /* gust/secure.h. Borrowed for the application's life; of at least 16 bytes */
    const char *cookie_secret GUST_ZERO;          /* a single key, of version 0; or */
    const gust_cookie_key *cookie_keys GUST_ZERO; /* several, ended by {0, NULL}: the first signs, all read */
    bool xsrf_cookies GUST_ZERO;                  /* what changes things must bring its token */
    /* Answers go out as zstd, br or gzip to clients that accept it, with Vary, and with weak Etags. Encoding
     * computes on the loop, in cheap levels, with turns for others. Text that mixes a secret with what a
     * stranger may choose should not be encoded: its size tells of it (XSRF tokens are masked against that).
     */
    bool compress GUST_ZERO;
    size_t compress_min GUST_ZERO; /* bytes of an answer that is not flushed; default 1,024 */
    const char *compress_types
        GUST_ZERO; /* "text/" and a star, "*+json", "font/ttf": a list. Default: text, scripts, JSON, XML,
                      wasm and fonts without compression of their own. Borrowed */
    bool decompress_request
        GUST_ZERO; /* bodies that come as gzip, br, zstd or deflate; max_body holds for both,
                      what comes and what it decodes to. Others get 415, malformed ones 400 */
    const char *template_directory GUST_ZERO; /* for gust_render: gust/template.h; read again in debug */
    bool trust_request_id GUST_ZERO;          /* a client's X-Request-Id is the request's: gust_request_id */
} gust_app_settings;

/* [any] Changes settings; members left 0 keep their values. */
GUST_API void gust_app_set_with(gust_app *app, const gust_app_settings *settings);
#define gust_app_set(app, ...) gust_app_set_with(app, GUST_OPTIONS(gust_app_settings, ##__VA_ARGS__))

/* [any] For each process and loop: before the first connection is accepted (-1 refuses the start), and after
 * the last has ended. In a coroutine; may block. Stops run last first. */
GUST_API void gust_on_start(gust_app *app, int (*function)(void *argument), void *argument);
GUST_API void gust_on_stop(gust_app *app, int (*function)(void *argument), void *argument);

/* ---- the request ---- */

GUST_API gust_request *gust_current(
    void); /* [any] the request that the running coroutine serves, at any depth; NULL: none */

GUST_API void *gust_data(gust_request *request); /* the route's .data */
GUST_API void *gust_state(
    gust_request *request); /* the request's own zeroed bytes: .state_size; NULL: none */

GUST_API const char *gust_method(gust_request *request);
GUST_API const char *gust_uri(gust_request *request); /* the target as it came: "/a%20b?x=1" */
GUST_API const char *gust_path(
    gust_request *request); /* as it came, without the query; behind a mount's prefix */
GUST_API const char *gust_query(gust_request *request);        /* behind the '?', "" without one */
GUST_API const char *gust_http_version(gust_request *request); /* "HTTP/1.1" */
GUST_API const char *gust_host(gust_request *request); /* with port when given; "" in HTTP/1.0 without Host */
GUST_API const char *gust_remote_ip(gust_request *request); /* "127.0.0.1", "unix" */
GUST_API const char *gust_scheme(gust_request *request);    /* "http" */
GUST_API int64_t gust_elapsed(gust_request *request);       /* nanoseconds since its head was complete */
/* What log lines of this request show: "3k9f02ta-17", unlike any other of any process. Behind a proxy that
 * sets X-Request-Id, .trust_request_id takes that (1 to 64 letters, digits, '.', '_' and '-'; else it is
 * made). Costs nothing until asked for, or logged. */
GUST_API const char *gust_request_id(gust_request *request);

/* A header's value, the first of several; NULL: it did not come. Names are compared without case. */
GUST_API const char *gust_header(gust_request *request, const char *name);
/* The headers in the order and spelling they came: false behind the last. */
GUST_API size_t gust_header_count(gust_request *request);
GUST_API bool gust_header_at(gust_request *request, size_t index, const char **name, const char **value);
/* Trailers of a chunked body that was read whole: as gust_header. */
GUST_API const char *gust_trailer(gust_request *request, const char *name);

/* ---- arguments. Of several the last wins (Tornado); text is UTF-8 without NUL, or the request fails with
 * 400, as it does above max_arguments. The body has arguments when it is a form (application/x-www-form-
 * urlencoded, multipart/form-data) of a buffered route; a streamed body has none. White space around a value
 * is taken off and a control character in it becomes a space, as Tornado does; gust_arg_at gives it as it
 * came. ---- */

GUST_API const char *gust_path_arg(gust_request *request,
                                   unsigned group); /* from 1; decoded, '+' is itself, nothing is taken off;
                                                       NULL: the group did not match */
GUST_API const char *gust_path_arg_named(gust_request *request, const char *name);
GUST_API const char *gust_arg(gust_request *request,
                              const char *name); /* of the body, else of the query; NULL: none */
GUST_API const char *gust_query_arg(gust_request *request, const char *name);
GUST_API const char *gust_body_arg(gust_request *request, const char *name);
GUST_API const char *gust_need_arg(gust_request *request, const char *name); /* or ends with 400 */
/* All of one name in order, the query's before the body's, or of every name (name NULL): false behind the
 * last. name_at may be NULL. */
GUST_API bool gust_arg_at(gust_request *request, const char *name, size_t index, const char **name_at,
                          const char **value);

/* Cookies as they were set, quotes undone. Of several with one name the first counts: it is of the most
 * specific path (RFC 6265 5.4). One that is not UTF-8 did not come: whoever may set cookies for the domain
 * could spoil each request with it. */
GUST_API const char *gust_cookie(gust_request *request, const char *name); /* NULL: none */
GUST_API bool gust_cookie_at(gust_request *request, size_t index, const char **name, const char **value);

/* ---- the body ---- */

/* The whole body, with a NUL behind (a buffered route; {NULL, 0} without a body). */
GUST_API gust_bytes gust_body(gust_request *request);

/* [blk] Up to size bytes of a streamed body as they come: > 0; 0 at its end; -1: ECONNRESET, ETIMEDOUT,
 * ECANCELED, EMSGSIZE (over max_body), EBADMSG (bad chunks). A handler that returns without answering such a
 * failure gives the status that fits (413, 408, 400). On a buffered route it reads from the buffer. */
GUST_API ssize_t gust_read_body(gust_request *request, void *to, size_t size);

/* [blk] Writes the body to a descriptor (borrowed) as it comes, at its current offset: a file's, for the
 * writes themselves block the loop. >= 0: bytes; -1 and errno, some of it may have been written. */
GUST_API int64_t gust_save_body(gust_request *request, int fd);

/* A part of a multipart/form-data body that has a file name. Small ones are in data; larger ones in a file
 * without name that is gone with the request (fd; data.data is NULL). */
typedef struct gust_file {
    const char *name;         /* of the field */
    const char *file_name;    /* as the client says; never a path to use */
    const char *content_type; /* NULL: none was given */
    gust_bytes data;
    int fd; /* -1: in data. Borrowed, at offset 0 */
    uint64_t length;
} gust_file;

/* The index-th file of the form (of any name: NULL); NULL behind the last. Files larger than spool_above, or
 * more than half of max_memory together, are in a descriptor. A part without a file name and bytes (no file
 * was chosen) is left out. */
GUST_API const gust_file *gust_file_at(gust_request *request, const char *name, size_t index);

/* A multipart body part by part, in its order: what gust_form_each hands out. */
typedef struct gust_part {
    const char *name;
    const char *file_name;    /* NULL: a field */
    const char *content_type; /* NULL: none was given */
} gust_part;

/* [blk] For a streamed route: calls part(part, argument) at each part's start and data(bytes, length,
 * argument) for its bytes as they come; both may block, and -1 ends it; either may be NULL. A part's texts
 * live until the request ends, its bytes during the call. 0; -1: what a callback said, or as gust_read_body;
 * EBADMSG (no multipart/form-data, or malformed) and EMSGSIZE (above max_parts) answer 400 if nothing else
 * does. */
GUST_API int gust_form_each(gust_request *request, int (*part)(const gust_part *part, void *argument),
                            int (*data)(const void *bytes, size_t length, void *argument), void *argument);

/* ---- the answer ---- */

GUST_API void gust_set_status(gust_request *request, int status);         /* default 200; 100..999 */
GUST_API void gust_set_reason(gust_request *request, const char *reason); /* CR, LF, '<' are refused: 500 */
GUST_API int gust_status(gust_request *request);

/* Headers: set replaces, add appends, clear removes. 0; -1: EINVAL (a bad name, a control character in the
 * value), EALREADY (the head has been sent). */
GUST_API int gust_set_header(gust_request *request, const char *name, const char *value);
GUST_API int gust_add_header(gust_request *request, const char *name, const char *value);
GUST_API int gust_clear_header(gust_request *request, const char *name);

typedef struct gust_cookie_options {
    size_t size;
    int64_t max_age GUST_ZERO;  /* nanoseconds: GUST_S(60); 0: until the browser ends; -1: delete it */
    const char *path GUST_ZERO; /* default "/" */
    const char *domain GUST_ZERO;
    const char *same_site GUST_ZERO; /* "Lax" (default), "Strict", "None", "" for no such attribute */
    bool secure GUST_ZERO;
    bool http_only GUST_ZERO;
} gust_cookie_options;

/* An earlier cookie of the same name is replaced (RFC 6265 4.1.1). 0; -1: EINVAL (characters that a cookie
 * cannot have), EALREADY. */
GUST_API int gust_set_cookie_with(gust_request *request, const char *name, const char *value,
                                  const gust_cookie_options *options);
#define gust_set_cookie(request, name, value, ...) \
    gust_set_cookie_with(request, name, value, GUST_OPTIONS(gust_cookie_options, ##__VA_ARGS__))

/* [blk] Output. Content-Type is text/plain; charset=UTF-8 unless set. Kept until the handler ends or 64 KiB
 * are together; then it streams and waits for slow clients. 0; -1: EPIPE once the client is gone (harmless to
 * ignore), ETIMEDOUT, ECANCELED. Memory that runs out ends the handler with 503. */
GUST_API int gust_write(gust_request *request, const void *data, size_t length);
GUST_API int gust_print(gust_request *request, const char *text);
GUST_API int gust_printf(gust_request *request, const char *format, ...) GUST_PRINTF(2, 3);
/* [blk] application/json (unless Content-Type is set) by jansson's pack format: gust_json(req, "{s:i, s:s}",
 * "id", 1, "name", name). What cannot be packed, as text that is not UTF-8, fails with 500. gust/json.h has
 * more.
 */
GUST_API int gust_json(gust_request *request, const char *format, ...);

/* [blk] Sends what is written now. The first one sends the head; the answer is chunked from then on, unless
 * Content-Length was set. */
GUST_API int gust_flush(gust_request *request);
/* [blk] Ends the answer before the handler returns: later output is refused with EALREADY, the handler may go
 * on. An answer 200 to GET or HEAD that was not flushed becomes 304 without a body if it has an Etag (the
 * handler's, or by .etags) which the client's If-None-Match lists. */
GUST_API int gust_finish(gust_request *request);
GUST_API bool gust_finished(gust_request *request);
/* [blk] Sets Location and the status (301, 302, 303, 307, 308), drops the output so far and finishes; other
 * headers and cookies stay. */
GUST_API void gust_redirect(gust_request *request, const char *url, int status);
/* Drops the output and headers so far. EALREADY when the head has been sent. */
GUST_API int gust_clear(gust_request *request);

/* Ends the handler from any depth with an error answer. Below 500 the text is shown to the client, else it is
 * logged with a backtrace and the client gets the reason only. format NULL: no text. Outside a request it
 * throws EIO with domain "http" and the status as detail. */
GUST_API void gust_fail(int status, const char *format, ...) GUST_PRINTF(2, 3) __attribute__((__noreturn__));

/* A URL for a named route, its groups filled with the arguments (percent-encoded), until NULL: a path, with
 * the prefixes of mounts. Names are looked up in the request's application, then in those that it is mounted
 * in. Outside its groups a named pattern may only have literal text and escaped punctuation; of groups inside
 * one another the outermost is filled. A '/' stays one if the pattern lets it through, else it is %2F. An
 * unknown name, a wrong count of arguments, or ones that the pattern would not match: 500. Yours to read
 * until the request ends. */
GUST_API const char *gust_url_for(gust_request *request, const char *name, ...) __attribute__((sentinel));

/* Memory until the request ends; never NULL: when it runs out the handler ends with 503. */
GUST_API void *gust_alloc(gust_request *request, size_t size); /* zeroed */
GUST_API char *gust_sprintf(gust_request *request, const char *format, ...) GUST_PRINTF(2, 3);
GUST_API char *gust_strdup(gust_request *request, const char *text);

/* [loop] The handler's answer is finished later: its function may return, and the request goes on until
 * gust_complete is called, from another coroutine or a callback of this loop. Then what was written is sent.
 * The route's timeout and gust_wake_on hold meanwhile: cut short, the client gets 503 at once, but the
 * request lasts until gust_complete all the same, so that nobody holds a request that is gone; what is
 * written then is refused with EALREADY. Each detached request must be completed once. */
GUST_API void gust_detach(gust_request *request);
GUST_API void gust_complete(gust_request *request);

/* Calls function(argument) when the request ends, behind the answer; last first. */
GUST_API void gust_after(gust_request *request, void (*function)(void *argument), void *argument);
/* Calls function(request, argument) just before the head is sent, also when the handler streams. */
GUST_API void gust_before_headers(gust_request *request,
                                  void (*function)(gust_request *request, void *argument), void *argument);

/* ---- the client that went, the server that ends ---- */

enum { GUST_GONE = 1, GUST_DRAIN = 2 };

/* From now on the handler's waits end with ECANCELED when the client is gone, or when the server drains. */
GUST_API void gust_wake_on(gust_request *request, unsigned what);
/* True once the client is known to be gone: its connection was reset or closed. A client that only ended its
 * own side is not gone; whether it is, an answer or gust_wake_on finds out. One that ends its side in the
 * middle of a streamed answer is gone for who asked to be woken, as browsers do when a page of events is
 * left. */
GUST_API bool gust_client_gone(gust_request *request);
GUST_API bool gust_draining(void); /* [any] */

/* The request's group: children in it are cancelled and joined when the request has been answered. */
GUST_API gust_group *gust_request_group(gust_request *request);

/* ---- typed arguments ---- */

enum gust_field_from { GUST_ANYWHERE, GUST_PATH, GUST_QUERY, GUST_BODY };
enum gust_field_kind { GUST__INT, GUST__UNSIGNED, GUST__TEXT, GUST__DOUBLE, GUST__BOOL };

typedef struct gust_field_rules {
    enum gust_field_from from GUST_ZERO;
    bool required GUST_ZERO;
    double min GUST_ZERO; /* of a number; of a text: its least length in bytes */
    double max GUST_ZERO; /* of a number; of a text: its greatest length; 0 with min 0: no limits, 0 with min
                             above: only the least */
} gust_field_rules;

typedef struct gust_field {
    const char *name;
    enum gust_field_kind kind;
    size_t offset;
    size_t width;
    gust_field_rules rules;
} gust_field;

/* GUST_INT(struct user, age, .from = GUST_BODY, .max = 150): an integer member; a member of another type does
 * not compile. So GUST_TEXT (const char *), GUST_DOUBLE, GUST_BOOL. */
#define GUST_INT(type, member, ...) \
    GUST__FIELD(type, member, GUST__SIGN(type, member), GUST__IS_INTEGER(type, member), ##__VA_ARGS__)
#define GUST_TEXT(type, member, ...) \
    GUST__FIELD(type, member, GUST__TEXT, GUST__IS(const char *, type, member), ##__VA_ARGS__)
#define GUST_DOUBLE(type, member, ...) \
    GUST__FIELD(type, member, GUST__DOUBLE, GUST__IS(double, type, member), ##__VA_ARGS__)
#define GUST_BOOL(type, member, ...) \
    GUST__FIELD(type, member, GUST__BOOL, GUST__IS(bool, type, member), ##__VA_ARGS__)

#define GUST__MEMBER(type, member) (((type *)0)->member)
#define GUST__SIGN(type, member)   ((__typeof__(GUST__MEMBER(type, member)))-1 > 0 ? GUST__UNSIGNED : GUST__INT)
/* Adds nothing, or does not compile: an array of negative size. */
#define GUST__ONLY_IF(condition) (0 * sizeof(char[(condition) ? 1 : -1]))
#ifdef __cplusplus
#define GUST__IS(wanted, type, member) \
    GUST__ONLY_IF((__is_same(wanted, __typeof__(GUST__MEMBER(type, member)))))
#define GUST__IS_INTEGER(type, member) GUST__ONLY_IF(__builtin_classify_type(GUST__MEMBER(type, member)) == 1)
#else
#define GUST__IS(wanted, type, member) \
    GUST__ONLY_IF(__builtin_types_compatible_p(wanted, __typeof__(GUST__MEMBER(type, member))))
#define GUST__IS_INTEGER(type, member) GUST__ONLY_IF(__builtin_classify_type(GUST__MEMBER(type, member)) == 1)
#endif
#define GUST__FIELD(type, member, kind, check, ...)                                        \
    {                                                                                      \
#member, kind, offsetof(type, member), sizeof(GUST__MEMBER(type, member)) + check, \
        {                                                                                  \
            __VA_ARGS__                                                                    \
        }                                                                                  \
    }

/* Fills *into from the arguments; without .from a path group of that name counts before the body, the body
 * before the query. Members of a JSON object (application/json, also +json) are body arguments here. Members
 * that did not come and are not required keep their values: JSON's null did not come, nor did empty text for
 * a member that is no text. Integers are checked against the member's width too; true, 1, on and false, 0,
 * off are booleans; text points into the request's memory. If any is missing, malformed or out of range the
 * handler ends with 400 and {"fields":{"age":"must be 0..150"}} naming every bad one; an application with its
 * own gust_write_error or .write_error writes that body instead. *into may then be half filled. */
GUST_API void gust_bind(gust_request *request, const gust_field *fields, size_t count, void *into);

GUST_END_DECLARATIONS

#endif
