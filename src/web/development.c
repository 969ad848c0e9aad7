#include "web/development.h"

#include "base/alloc.h"
#include "base/throw.h"
#include "http/status.h"
#include "web/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gust/net.h>

/* A line of `gust dev`: two numbers. */
enum { LONGEST_LINE = 64 };

struct gust__development {
    gust_app *app;
    const char *program; /* its number, behind the address */
    char address[96];
};

static const char script[] =
    "(() => {\n"
    "    if (window.gustDevelopment) return;\n"
    "    window.gustDevelopment = true;\n"
    "    const version = document.currentScript.src.split('?')[1];\n"
    "    let events;\n"
    "    const stop = () => { if (events) events.close(); events = null; };\n"
    "    const listen = () => {\n"
    "        stop();\n"
    "        if (document.hidden) return;\n" /* a browser has six connections for all tabs of a site */
    "        events = new EventSource('/.gust/events');\n"
    "        events.onmessage = event => {\n"
    "            if (event.data === version) return;\n"
    "            stop();\n"
    "            location.reload();\n"
    "        };\n"
    "        events.onerror = () => { if (events && events.readyState === 2) setTimeout(listen, 500); };\n"
    "    };\n"
    "    document.addEventListener('visibilitychange', listen);\n"
    "    window.addEventListener('pagehide', stop);\n"
    "    window.addEventListener('pageshow', event => { if (event.persisted) listen(); });\n"
    "    listen();\n"
    "})();\n";

static void answer_script(gust_request *request)
{
    gust_set_header(request, "Content-Type", "text/javascript; charset=UTF-8");
    gust_print(request, script);
}

/* "3 12\n" as "3-12". false: `gust dev` is gone. */
static bool read_version(gust_stream *stream, char version[LONGEST_LINE])
{
    gust_bytes line;
    unsigned long program, change;
    if (gust_stream_read_until(stream, "\n", LONGEST_LINE, &line) <= 0 ||
        sscanf((const char *)line.data, "%lu %lu", &program, &change) != 2)
        return false;
    snprintf(version, LONGEST_LINE, "%lu-%lu", program, change);
    return true;
}

/* It lasts until the client goes, the program ends, or `gust dev` does. */
static void answer_events(gust_request *request)
{
    const struct gust__development *development = gust_data(request);
    char version[LONGEST_LINE];
    gust_wake_on(request, GUST_GONE | GUST_DRAIN);
    gust_stream *stream = gust_connect(development->address);
    GUST_DEFER(gust_stream_free, stream);
    if (!stream)
        gust_fail(503, "gust dev has ended");
    gust_set_header(request, "Content-Type", "text/event-stream");
    gust_print(request, "retry: 200\n\n");
    while (read_version(stream, version)) {
        if (gust_printf(request, "data: %s\n\n", version) < 0 || gust_flush(request) < 0)
            return;
    }
}

/* ---- the application ---- */

static struct gust__development *new_development(const char *description)
{
    const char *space = strchr(description, ' ');
    struct gust__development *development = gust__calloc(1, sizeof(*development));
    if (!development)
        return NULL;
    snprintf(development->address, sizeof(development->address), "%.*s",
             (int)(space ? (size_t)(space - description) : strlen(description)), description);
    development->program = space ? space + 1 : "0";
    development->app = gust_app_new();
    gust_route(development->app, "GET /.gust/reload.js", answer_script);
    gust_route(development->app, "GET /.gust/events", answer_events, .data = development);
    gust_default_header(development->app, "Cache-Control", "no-store");
    if (development->app && gust__app_freeze(development->app) == 0)
        return development;
    gust__development_free(development);
    errno = ENOMEM;
    return NULL;
}

/* Its own application asks again, below: the parent's stands in app->development only afterwards. */
static bool is_own(const gust_app *app)
{
    const struct gust__route *route = app->routes;
    return route && route->function == answer_script;
}

int gust__development_begin(gust_app *app)
{
    const char *description = getenv(GUST__DEVELOPMENT_VARIABLE);
    if (!description || !*description || is_own(app))
        return 0;
    app->settings.debug = true;
    gust__app_check_templates(app);
    if (app->mount) {
        app->development = app->mount->app->development;
        return 0;
    }
    app->development = new_development(description);
    return app->development ? 0 : -1;
}

void gust__development_free(struct gust__development *development)
{
    if (!development)
        return;
    gust_app_free(development->app);
    gust__free(development);
}

gust_app *gust__development_app(const struct gust__development *development, const char *path, size_t size)
{
    static const char prefix[] = "/.gust/";
    bool ours = size >= sizeof(prefix) - 1 && memcmp(path, prefix, sizeof(prefix) - 1) == 0;
    return ours ? development->app : NULL;
}

/* ---- pages ---- */

/* What a script fetches to put it into a page is no page: browsers say so (Sec-Fetch-Dest), others need not.
 */
static bool is_page(gust_request *request)
{
    struct gust__slice type = gust__answer_header_set(request, GUST__SLICE("Content-Type"));
    const char *destination = gust_header(request, "Sec-Fetch-Dest");
    if (!gust__slice_starts_with(type, GUST__SLICE("text/html")) || request->content_length ||
        gust__status_is_bodiless(gust_status(request)))
        return false;
    if (gust__answer_header_set(request, GUST__SLICE("Content-Encoding")).data)
        return false;
    return !destination || strcmp(destination, "document") == 0 || strcmp(destination, "iframe") == 0;
}

/* How often templates and files have changed by now; false: `gust dev` does not say. */
static bool ask_for_change(const struct gust__development *development, unsigned long *change)
{
    char version[LONGEST_LINE];
    GUST_DEADLINE(GUST_S(1));
    gust_stream *stream = gust_connect(development->address);
    GUST_DEFER(gust_stream_free, stream);
    return stream && read_version(stream, version) && sscanf(version, "%*u-%lu", change) == 1;
}

/* Behind </html>: a browser takes it as the body's last element, and a page that streams has it too. */
static int finish(void *argument)
{
    gust_request *request = argument;
    const struct gust__development *development = request->app->development;
    unsigned long change;
    if (!request->exchange->head_sent && !gust__answer_header_set(request, GUST__SLICE("Cache-Control")).data)
        gust_set_header(request, "Cache-Control", "no-store");
    if (is_page(request) && ask_for_change(development, &change))
        gust_printf(request, "<script src=\"/.gust/reload.js?%s-%lu\"></script>\n", development->program,
                    change);
    return 0;
}

void gust__development_finish(gust_request *request)
{
    gust__catch(finish, request); /* without memory for it the page goes out as it is */
}
