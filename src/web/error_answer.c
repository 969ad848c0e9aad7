/* From an error to an answer: gust_fail, and what becomes of it. */
#include "web/request.h"

#include "base/error_int.h"
#include "base/log_int.h"
#include "base/throw.h"
#include "http/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <gust/error.h>
#include <gust/log.h>

static const char *reason_of(int status)
{
    const char *reason = gust__status_reason(status);
    return reason ? reason : "Unknown";
}

void gust_fail(int status, const char *format, ...)
{
    char text[GUST__ERROR_TEXT + 1] = "";
    va_list arguments;
    if (format) {
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
    }
    gust_error_set_detail("http", status, EIO, "%s", *text ? text : reason_of(status));
    gust_throw_last();
}

void gust__no_memory(void)
{
    gust_error_set_detail("http", 503, ENOMEM, "out of memory for a request");
    gust_throw_last();
}

/* The status that stands for an error which nobody turned into one. */
static int status_of(const gust_request *request, const gust_error *error)
{
    int code = gust_error_code(error);
    if (strcmp(gust_error_domain(error), "http") == 0)
        return gust_error_detail(error);
    if (request->exchange->body_failed)
        return (int)request->exchange->body_failed;
    return code == ENOMEM || code == ETIMEDOUT || code == ECANCELED || code == EAGAIN ? 503 : 500;
}

static void log_failure(gust_request *request, const gust_error *error)
{
    char what[256];
    const struct gust__request_head *head = request->exchange->head;
    snprintf(what, sizeof(what), "%.*s %.*s (%s)", (int)head->method_name.size, head->method_name.data,
             (int)(head->target.size < 128 ? head->target.size : 128), head->target.data,
             gust__exchange_peer(request->exchange));
    gust__log_error(GUST_ERROR, error, what);
}

static gust_handler_function *error_writer(const gust_request *request)
{
    const gust_app *app = request->app;
    if (request->route && request->route->handler && request->route->handler->write_error)
        return request->route->handler->write_error;
    while (!app->write_error && app->mount)
        app = app->mount->app;
    return app->write_error;
}

static int write_error(void *argument)
{
    gust_request *request = argument;
    error_writer(request)(request);
    return 0;
}

/* What gust_bind found, if it is gust_bind's error that is answered. */
static bool write_problems(gust_request *request, const char *text)
{
    if (!request->problems || !text || strcmp(text, request->problems_text) != 0)
        return false;
    gust_set_header(request, "Content-Type", "application/json");
    gust_print(request, request->problems);
    return true;
}

/* Status and body of an error; headers that a failed handler had set are gone, those that explain it stay. */
static void write_answer(gust_request *request, int status, const char *text)
{
    request->status = status;
    if (error_writer(request) && !request->writes_error) {
        request->writes_error = true;
        if (gust__catch(write_error, request) == 0)
            return;
        gust__log_error(GUST_ERROR, gust_error_last(), "write_error");
        if (request->exchange->head_sent)
            return;
        gust__answer_reset(request);
        request->status = status;
    }
    if (!gust__status_is_bodiless(status) && !write_problems(request, text))
        gust__error_page(request, status, text);
}

struct error_answer {
    gust_request *request;
    int status;
    const char *text;
};

static int write_answer_caught(void *argument)
{
    struct error_answer *answer = argument;
    write_answer(answer->request, answer->status, answer->text);
    return 0;
}

void gust__answer_status(gust_request *request, int status, const char *text)
{
    struct error_answer answer = {request, status, text};
    if (gust__catch(write_answer_caught, &answer) == 0)
        return;
    gust__answer_reset(request); /* no memory even for that: the status alone */
    request->status = status;
}

enum { KEPT = 5 };

/* Headers that belong to the failure itself and outlive the reset: how many of them are in kept. */
static unsigned keep_telling(const gust_request *request, struct gust__answer_header kept[KEPT])
{
    static const char *const telling[] = {"Allow", "Retry-After", "WWW-Authenticate", "Accept-Encoding",
                                          "Content-Range"};
    unsigned count = 0;
    for (unsigned i = 0; i < request->header_count; i++) {
        for (size_t j = 0; j < GUST_LEN(telling) && count < KEPT; j++) {
            if (gust__slice_equals_ignoring_case(request->headers[i].name, gust__slice_of(telling[j])))
                kept[count++] = request->headers[i];
        }
    }
    return count;
}

void gust__answer_error(gust_request *request)
{
    struct gust__exchange *exchange = request->exchange;
    const gust_error *error = gust_error_last();
    int status = status_of(request, error);
    char text[GUST__ERROR_TEXT + 1];
    struct gust__answer_header kept[KEPT];
    if (status >= 500 && !(exchange->gone && gust_error_code(error) == ECANCELED))
        log_failure(request, error);
    if (request->finished)
        return;
    if (exchange->head_sent) {
        exchange->operations->abort(exchange);
        request->finished = true;
        return;
    }
    snprintf(text, sizeof(text), "%s", gust_error_text(error));
    unsigned count = keep_telling(request, kept);
    gust__answer_reset(request);
    for (unsigned i = 0; i < count; i++)
        gust__answer_add(request, kept[i].name, kept[i].value);
    if (request->app->debug && !request->failure)
        request->failure = gust__error_copy(error);
    gust__answer_status(request, status, status < 500 ? text : NULL);
}
