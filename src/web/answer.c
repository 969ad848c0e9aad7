/* The answer: status, headers, output. It is kept until the handler ends, or streams once it grows. */
#include "web/coded.h"
#include "web/life.h"

#include "base/log_int.h"
#include "base/throw.h"
#include "http/header_check.h"
#include "http/status.h"
#include "web/development.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <gust/error.h>
#include <gust/log.h>

enum { OUTPUT_FIRST = 512, LONGEST_FORMATTED = 16 << 20 };

/* ---- status and headers ---- */

void gust_set_status(gust_request *request, int status)
{
    if (status < 100 || status > 999)
        gust_fail(500, "gust_set_status: %d is no status", status);
    request->status = status;
}

void gust_set_reason(gust_request *request, const char *reason)
{
    if (gust__header_check_reason(gust__slice_of(reason)) < 0)
        gust_fail(500, "gust_set_reason: a character that a reason cannot have");
    request->reason = gust_strdup(request, reason);
}

static inline int status_of(const gust_request *request)
{
    return request->status ? request->status : 200;
}

int gust_status(gust_request *request)
{
    return status_of(request);
}

void gust__answer_add(gust_request *request, struct gust__slice name, struct gust__slice value)
{
    if (!request->headers) {
        request->headers = request->first_headers;
        request->header_capacity = GUST_LEN(request->first_headers);
    }
    if (request->header_count == request->header_capacity) {
        struct gust__answer_header *larger =
            gust_alloc(request, 2 * request->header_capacity * sizeof(*larger));
        memcpy(larger, request->headers, request->header_count * sizeof(*larger));
        request->headers = larger;
        request->header_capacity *= 2;
    }
    request->headers[request->header_count++] = (struct gust__answer_header){name, value};
}

static bool is(struct gust__slice name, struct gust__slice other)
{
    return gust__slice_equals_ignoring_case(name, other);
}

struct gust__slice gust__answer_header_set(const gust_request *request, struct gust__slice name)
{
    for (unsigned i = 0; i < request->header_count; i++) {
        if (is(request->headers[i].name, name))
            return request->headers[i].value;
    }
    return gust__slice(NULL, 0);
}

static void remove_header(gust_request *request, struct gust__slice name)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < request->header_count; i++) {
        if (!is(request->headers[i].name, name))
            request->headers[kept++] = request->headers[i];
    }
    request->header_count = kept;
    if (is(name, GUST__SLICE("Content-Type")))
        request->has_content_type = request->has_default_type = false;
    if (is(name, GUST__SLICE("Content-Length")))
        request->content_length = 0;
}

/* Content-Length is not a header to keep: it says how the answer is framed. */
static int set_content_length(gust_request *request, struct gust__slice value)
{
    int64_t length = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9' || length > (INT64_MAX - 10) / 10)
            return gust_error_set(EINVAL, "a Content-Length that is not a number");
        length = length * 10 + (value.data[i] - '0');
    }
    if (value.size == 0)
        return gust_error_set(EINVAL, "an empty Content-Length");
    request->content_length = length + 1;
    return 0;
}

static int check_header(gust_request *request, struct gust__slice name, struct gust__slice value)
{
    if (request->exchange->head_sent || request->finished)
        return gust_error_set(EALREADY, "the header %.*s came after the head was sent", (int)name.size,
                              name.data);
    if (gust__header_check_name(name) < 0)
        return gust_error_set(EINVAL, "a header name that is no token");
    if (gust__header_check_value(value) < 0)
        return gust_error_set(EINVAL, "a value of the header %.*s with characters that it cannot have",
                              (int)name.size, name.data);
    return 0;
}

/* The connection frames its answers itself: these are not the handler's to set. */
static bool is_framing(struct gust__slice name)
{
    return is(name, GUST__SLICE("Transfer-Encoding"));
}

static int add_header(gust_request *request, struct gust__slice name, struct gust__slice value)
{
    if (is(name, GUST__SLICE("Content-Length")))
        return set_content_length(request, value);
    if (is_framing(name))
        return gust_error_set(EINVAL, "Transfer-Encoding is set by the connection");
    if (is(name, GUST__SLICE("Connection"))) {
        request->exchange->close_after |= is(value, GUST__SLICE("close"));
        return 0;
    }
    if (is(name, GUST__SLICE("Content-Type")))
        request->has_content_type = true;
    gust__answer_add(request, gust__slice(gust_strdup(request, name.data), name.size),
                     gust__slice(gust_strdup(request, value.data), value.size));
    return 0;
}

int gust_set_header(gust_request *request, const char *name, const char *value)
{
    struct gust__slice name_slice = gust__slice_of(name), value_slice = gust__slice_of(value);
    if (check_header(request, name_slice, value_slice) < 0)
        return -1;
    remove_header(request, name_slice);
    return add_header(request, name_slice, value_slice);
}

int gust_add_header(gust_request *request, const char *name, const char *value)
{
    struct gust__slice name_slice = gust__slice_of(name), value_slice = gust__slice_of(value);
    if (check_header(request, name_slice, value_slice) < 0)
        return -1;
    return add_header(request, name_slice, value_slice);
}

int gust_clear_header(gust_request *request, const char *name)
{
    if (check_header(request, gust__slice_of(name), GUST__SLICE("")) < 0)
        return -1;
    remove_header(request, gust__slice_of(name));
    return 0;
}

void gust_before_headers(gust_request *request, void (*function)(gust_request *request, void *argument),
                         void *argument)
{
    struct gust__call *call = gust_alloc(request, sizeof(*call));
    *call =
        (struct gust__call){.next = request->before_headers, .with_request = function, .argument = argument};
    request->before_headers = call;
}

/* ---- sending ---- */

static int run_before_headers(void *argument)
{
    gust_request *request = argument;
    struct gust__call *call = request->before_headers;
    request->before_headers = call->next;
    call->with_request(request, call->argument);
    return 0;
}

/* Tells whoever asked that the head goes out now; each is asked once, and one that fails stops nobody. */
static void announce_head(gust_request *request)
{
    while (request->before_headers) {
        if (gust__catch(run_before_headers, request) < 0)
            gust__log_error(GUST_ERROR, gust_error_last(), "gust_before_headers");
    }
}

static bool has_body(const gust_request *request)
{
    return !gust__status_is_bodiless(status_of(request));
}

/* The answer's head; content_length: of the whole body, -1 when it is not known. */
static inline void make_head(gust_request *request, struct gust__answer *answer, int64_t content_length,
                             bool bodiless)
{
    *answer = (struct gust__answer){
        .status = status_of(request),
        .reason = request->reason ? gust__slice_of(request->reason) : GUST__SLICE(""),
        .headers = request->headers,
        .count = request->header_count,
        .plain_text = !request->has_content_type && content_length != 0 && !bodiless,
        .content_length = request->content_length ? request->content_length - 1 : content_length,
    };
}

int gust__answer_send(gust_request *request, const struct iovec *parts, size_t count, bool last)
{
    struct gust__exchange *exchange = request->exchange;
    struct gust__answer answer;
    size_t size = 0;
    if (exchange->head_sent)
        return exchange->operations->send(exchange, NULL, parts, count, last);
    for (size_t i = 0; i < count; i++)
        size += parts[i].iov_len;
    make_head(request, &answer, last ? (int64_t)size : -1, !has_body(request));
    return exchange->operations->send(exchange, &answer, parts, count, last);
}

/* Sends the output and `more` behind it. Who is asked before the head may still write, change the status, or
 * even finish the answer. */
static inline __attribute__((always_inline)) int send_output(gust_request *request, const void *more,
                                                             size_t more_size, enum gust__encode what)
{
    struct gust__exchange *exchange = request->exchange;
    struct gust__answer answer;
    bool last = what == GUST__ENCODE_END;
    if (!exchange->head_sent && request->before_headers)
        announce_head(request);
    if (request->finished)
        return gust_error_set(EALREADY, "the answer has been finished");
    bool first = !exchange->head_sent, bodiless = !has_body(request);
    if (bodiless)
        request->output_size = more_size = 0;
    size_t size = request->output_size;
    if (__builtin_expect(request->app->compress != NULL, 0) && gust__coding_begin(request, last)) {
        request->output_size = 0;
        return gust__coding_send(request, gust__slice(request->output, size), gust__slice(more, more_size),
                                 what);
    }
    if (first)
        make_head(request, &answer, last ? (int64_t)(size + more_size) : -1, bodiless);
    struct iovec parts[2] = {{request->output, size}, {(void *)(uintptr_t)more, more_size}};
    size_t count = more_size ? 2 : size ? 1 : 0;
    request->output_size = 0;
    return exchange->operations->send(exchange, first ? &answer : NULL, parts, count, last);
}

/* What comes before the end, which answers that stay small have not. */
static __attribute__((noinline)) int send_some(gust_request *request, const void *more, size_t more_size,
                                               enum gust__encode what)
{
    return send_output(request, more, more_size, what);
}

/* Whether the condition of an answer may matter: for an answer 200 (OK), if the application has entity tags
 * or the client sent one. Codings are planned there, too. */
static inline bool may_be_conditional(const gust_request *request)
{
    return request->status || request->app->etags || request->app->compress ||
           gust__fields_has(&request->exchange->head->fields, GUST__HEADER_IF_NONE_MATCH);
}

int gust__answer_finish(gust_request *request)
{
    if (request->finished)
        return 0;
    if (request->app->development)
        gust__development_finish(request);
    if (!request->exchange->head_sent && may_be_conditional(request))
        gust__answer_conditionally(request);
    int result = send_output(request, NULL, 0, GUST__ENCODE_END);
    request->finished = true;
    return result;
}

static void add_defaults_of(gust_request *request, const gust_app *app)
{
    if (app->mount)
        add_defaults_of(request, app->mount->app);
    for (const struct gust__default_header *header = app->default_headers; header; header = header->next) {
        remove_header(request, header->name);
        if (is(header->name, GUST__SLICE("Content-Type")))
            request->has_content_type = request->has_default_type = true;
        gust__answer_add(request, header->name, header->value);
    }
}

void gust__answer_defaults(gust_request *request)
{
    if (request->app->has_default_headers)
        add_defaults_of(request, request->app);
}

void gust__answer_reset(gust_request *request)
{
    request->status = 0;
    request->reason = NULL;
    request->header_count = 0;
    request->has_content_type = false;
    request->content_length = 0;
    request->output_size = 0;
    request->xsrf_token = NULL; /* its cookie went with the headers */
    gust__coding_reset(request);
    gust__answer_defaults(request);
}

int gust_clear(gust_request *request)
{
    if (request->exchange->head_sent || request->finished)
        return gust_error_set(EALREADY, "gust_clear: the head has been sent");
    gust__answer_reset(request);
    return 0;
}

int gust_flush(gust_request *request)
{
    if (request->finished)
        return gust_error_set(EALREADY, "the answer has been finished");
    if (!has_body(request))
        return 0;
    return send_some(request, NULL, 0, GUST__ENCODE_FLUSH);
}

int gust_finish(gust_request *request)
{
    if (request->finished)
        return gust_error_set(EALREADY, "the answer has been finished");
    return gust__answer_finish(request);
}

bool gust_finished(gust_request *request)
{
    return request->finished;
}

void gust_redirect(gust_request *request, const char *url, int status)
{
    if (status < 300 || status > 399)
        gust_fail(500, "gust_redirect: %d does not redirect", status);
    if (gust_set_header(request, "Location", url) < 0)
        gust_fail(500, "gust_redirect: %s", gust_error_text(gust_error_last()));
    gust_clear_header(request, "Content-Type"); /* what was written is dropped; cookies stay */
    gust_clear_header(request, "Content-Length");
    request->output_size = 0;
    gust_set_status(request, status);
    gust__answer_finish(request);
}

/* ---- writing ---- */

static __attribute__((noinline)) char *grow_output(gust_request *request, size_t needed)
{
    size_t capacity = request->output_capacity ? request->output_capacity : OUTPUT_FIRST;
    while (capacity < needed)
        capacity *= 2;
    char *larger = gust__arena_alloc(&request->exchange->arena, capacity);
    if (!larger)
        gust__no_memory();
    if (request->output_size)
        memcpy(larger, request->output, request->output_size);
    request->output = larger;
    request->output_capacity = capacity;
    return larger + request->output_size;
}

/* Room for size more bytes of output, which then stays at most GUST__OUTPUT_MAX + size. */
static inline char *reserve(gust_request *request, size_t size)
{
    size_t needed = request->output_size + size;
    return needed <= request->output_capacity ? request->output + request->output_size
                                              : grow_output(request, needed);
}

char *gust__answer_reserve(gust_request *request, size_t size)
{
    return reserve(request, size);
}

static int refuse_write(gust_request *request)
{
    (void)request;
    return gust_error_set(EALREADY, "the answer has been finished");
}

int gust_write(gust_request *request, const void *data, size_t length)
{
    if (request->finished)
        return refuse_write(request);
    if (request->output_size + length > GUST__OUTPUT_MAX && has_body(request))
        return send_some(request, data, length, GUST__ENCODE_ON);
    if (length) {
        memcpy(reserve(request, length), data, length);
        request->output_size += length;
    }
    return 0;
}

int gust_print(gust_request *request, const char *text)
{
    return gust_write(request, text, strlen(text));
}

int gust_printf(gust_request *request, const char *format, ...)
{
    va_list arguments, again;
    if (request->finished)
        return refuse_write(request);
    char *to = reserve(request, 128);
    size_t room = request->output_capacity - request->output_size;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(to, room, format, arguments);
    if (length > 0 && (size_t)length >= room && length <= LONGEST_FORMATTED)
        vsnprintf(reserve(request, (size_t)length + 1), (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    if (length < 0 || length > LONGEST_FORMATTED)
        return gust_error_set(EOVERFLOW, "gust_printf: more than 16 MiB at once");
    request->output_size += (size_t)length;
    return request->output_size > GUST__OUTPUT_MAX ? gust_flush(request) : 0;
}
