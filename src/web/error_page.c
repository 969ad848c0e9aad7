/* The body of error answers: a line of text for programs, a page for browsers, and all there is to know in
 * development. */
#include "web/request.h"

#include "base/backtrace.h"
#include "base/buffer.h"
#include "base/throw.h"
#include "http/status.h"

#include <string.h>

#include <gust/threads.h>

enum { BACKTRACE_MAX = 64 << 10 };

static bool wants_page(const gust_request *request)
{
    const struct gust__header *header =
        gust__fields_first(&request->exchange->head->fields, GUST__HEADER_ACCEPT);
    return header && header->value.size &&
           memmem(header->value.data, header->value.size, "text/html", strlen("text/html"));
}

/* ---- text ---- */

static void write_text(gust_request *request, int status, const char *reason, const char *text)
{
    if (text)
        gust_printf(request, "%d %s: %s\n", status, reason, text);
    else
        gust_printf(request, "%d %s\n", status, reason);
}

/* ---- where it happened ---- */

struct symbols {
    struct gust__buffer text;
    void *const *frames;
    size_t count;
};

static int read_symbols(void *argument)
{
    struct symbols *symbols = argument;
    return gust__backtrace_print(&symbols->text, symbols->frames, symbols->count);
}

/* The failure's backtrace, made on a thread: it reads debugging information. NULL: it has none. */
static const char *backtrace_of(gust_request *request)
{
    struct symbols symbols = {.text = {.max = BACKTRACE_MAX}};
    symbols.count = gust_error_backtrace(request->failure, &symbols.frames);
    const char *text = NULL;
    if (symbols.count == 0)
        return NULL;
    gust__shield_begin(); /* the failure may be that the time is over */
    gust_threads_run(NULL, read_symbols, &symbols);
    gust__shield_end();
    if (gust__buffer_length(&symbols.text))
        text = gust__request_text(
            request, gust__slice(gust__buffer_bytes(&symbols.text), gust__buffer_length(&symbols.text)));
    gust__buffer_fini(&symbols.text);
    return text;
}

/* ---- page ---- */

static void write_escaped(gust_request *request, const char *text)
{
    for (;;) {
        size_t plain = strcspn(text, "<>&\"'");
        gust_write(request, text, plain);
        text += plain;
        if (!*text)
            return;
        gust_printf(request, "&#%d;", *text++);
    }
}

static void write_section(gust_request *request, const char *title, const char *text)
{
    gust_printf(request, "<h2>%s</h2>\n<pre>", title);
    write_escaped(request, text);
    gust_print(request, "</pre>\n");
}

static void write_request(gust_request *request)
{
    const char *name, *value;
    gust_print(request, "<h2>Request</h2>\n<pre>");
    write_escaped(request, gust_sprintf(request, "%s %s %s\n", gust_method(request), gust_uri(request),
                                        gust_http_version(request)));
    for (size_t i = 0; gust_header_at(request, i, &name, &value); i++)
        write_escaped(request, gust_sprintf(request, "%s: %s\n", name, value));
    gust_print(request, "</pre>\n");
}

static void write_failure(gust_request *request)
{
    const char *backtrace = backtrace_of(request);
    write_section(request, "What happened", gust_error_text(request->failure));
    if (backtrace)
        write_section(request, "Where", backtrace);
    write_request(request);
    gust_print(request, "<p>This page is shown in development only (.debug).</p>\n");
}

static void write_page(gust_request *request, int status, const char *reason, const char *text)
{
    gust_set_header(request, "Content-Type", "text/html; charset=UTF-8");
    gust_printf(request,
                "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%d %s</title>\n"
                "<style>body{font:16px/1.5 sans-serif;max-width:60em;margin:3em auto;padding:0 1em}"
                "pre{overflow:auto;padding:1em;background:#f4f4f4}</style></head>\n"
                "<body><h1>%d %s</h1>\n",
                status, reason, status, reason);
    if (text) {
        gust_print(request, "<p>");
        write_escaped(request, text);
        gust_print(request, "</p>\n");
    }
    if (request->failure)
        write_failure(request);
    gust_print(request, "</body></html>\n");
}

void gust__error_page(gust_request *request, int status, const char *text)
{
    const char *reason = gust__status_reason(status);
    reason = reason ? reason : "Unknown";
    if (text && strcmp(text, reason) == 0)
        text = NULL;
    if (wants_page(request))
        write_page(request, status, reason, text);
    else
        write_text(request, status, reason, text);
}
