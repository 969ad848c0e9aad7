/*
 * The demo: what `make demo` runs. Its front page shows what this process does right now and links to what it
 * can do; every page is a plain blocking function.
 */
#include <gust/gust.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the front page shows, of this process: with --threads several threads count at once. */
static struct {
    _Atomic int64_t started;
    atomic_ullong requests;
    atomic_uint waiting;
} state;

static const char page[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>gust demo</title>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<style>\n"
    "body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color: #1d2733 }\n"
    "h1 { margin-bottom: 0 } table { border-collapse: collapse; margin: 1.5rem 0; width: 100% }\n"
    "td, th { text-align: left; padding: .35rem .75rem; border-bottom: 1px solid #d8dee6; vertical-align: top }\n"
    "code { background: #eef2f6; padding: .1em .3em; border-radius: 3px } a { color: #0b5cad }\n"
    "#live td:last-child { font-variant-numeric: tabular-nums }\n"
    "</style></head><body><main>\n"
    "<h1>gust is running</h1>\n"
    "<p>Write blocking C. Serve like nginx.</p>\n"
    "<table id=\"live\"><tbody>\n"
    "<tr><th scope=\"row\">version</th><td id=\"version\">…</td></tr>\n"
    "<tr><th scope=\"row\">process</th><td id=\"pid\">…</td></tr>\n"
    "<tr><th scope=\"row\">running for</th><td id=\"uptime\">…</td></tr>\n"
    "<tr><th scope=\"row\">requests answered</th><td id=\"requests\">…</td></tr>\n"
    "<tr><th scope=\"row\">handlers waiting now</th><td id=\"waiting\">…</td></tr>\n"
    "</tbody></table>\n"
    "<h2>What it does</h2>\n"
    "<table><tbody>\n"
    "<tr><td><a href=\"/hello/you\">/hello/you</a></td><td>text, with a group of the route's pattern</td></tr>\n"
    "<tr><td><a href=\"/sleep?ms=2000\">/sleep?ms=2000</a></td><td>a handler that blocks for two seconds; open it in "
    "several tabs and watch the count above: only each request waits</td></tr>\n"
    "<tr><td><a href=\"/stream?n=10\">/stream?n=10</a></td><td>a line every half second</td></tr>\n"
    "<tr><td><a href=\"/both\">/both</a></td><td>two requests to this very server at once, under one deadline</td></tr>\n"
    "<tr><td><a href=\"/fail\">/fail</a></td><td>a failure three calls below the handler</td></tr>\n"
    "<tr><td><a href=\"/blog\">/blog</a></td><td>a blog for real use on an SQLite file, a program of its own: accounts, "
    "posts, comments, images, search. The first account is the admin's</td></tr>\n"
    "<tr><td><a href=\"/status\">/status</a></td><td>the table above as JSON</td></tr>\n"
    "</tbody></table>\n"
    "<p>Next: <code>build/examples/hello --help</code>, the programs in <code>examples/</code>, and the manual that "
    "each header in <code>include/gust/</code> begins with.</p>\n"
    "<script>\n"
    "async function show() {\n"
    "  try {\n"
    "    const status = await (await fetch('/status')).json();\n"
    "    status.uptime = status.uptime.toFixed(1) + ' s';\n"
    "    for (const name in status) document.getElementById(name).textContent = status[name];\n"
    "  } catch (error) { document.getElementById('uptime').textContent = 'the server does not answer'; }\n"
    "  setTimeout(show, 1000);\n"
    "}\n"
    "show();\n"
    "</script>\n"
    "</main></body></html>\n";

static void count(gust_request *req)
{
    state.waiting++;
    gust_next(req);
    state.waiting--;
    state.requests++;
}

static void front(gust_request *req)
{
    gust_set_header(req, "Content-Type", "text/html; charset=UTF-8");
    gust_print(req, page);
}

static void status(gust_request *req)
{
    double uptime = (double)(gust_loop_time(gust_loop_current()) - state.started) / 1e9;
    gust_json(req, "{s:s, s:i, s:f, s:I, s:i}", "version", gust_version_string(), "pid", (int)getpid(),
              "uptime", uptime, "requests", (int64_t)state.requests, "waiting", (int)state.waiting - 1);
}

static void hello(gust_request *req)
{
    gust_printf(req, "Hello, %s!\n", gust_path_arg(req, 1));
}

/* A whole number of the query within bounds, or 400. */
static long number(gust_request *req, const char *name, long otherwise, long max)
{
    const char *text = gust_query_arg(req, name);
    char *end;
    long value = text ? strtol(text, &end, 10) : otherwise;
    if (text && (*end || end == text || value < 0 || value > max))
        gust_fail(400, "%s must be 0..%ld", name, max);
    return value;
}

static void wait_a_while(gust_request *req)
{
    long ms = number(req, "ms", 1000, 60000);
    gust_sleep(GUST_MS(ms));
    gust_printf(req, "waited %ld ms; everybody else was served meanwhile\n", ms);
}

static void stream(gust_request *req)
{
    long lines = number(req, "n", 10, 1000);
    for (long i = 1; i <= lines; i++) {
        gust_printf(req, "line %ld of %ld\n", i, lines);
        if (gust_flush(req) < 0 || gust_sleep(GUST_MS(500)) < 0)
            return;
    }
}

struct page {
    const char *url;
    gust_response *response;
};

static int fetch(void *arg)
{
    struct page *wanted = arg;
    wanted->response = gust_fetch(wanted->url);
    return wanted->response ? 0 : -1;
}

static void both(gust_request *req)
{
    struct page one = {gust_sprintf(req, "http://%s/sleep?ms=300", gust_host(req)), NULL};
    struct page other = {gust_sprintf(req, "http://%s/hello/both", gust_host(req)), NULL};
    {
        GUST_DEADLINE(GUST_S(5));
        GUST_GROUP(fetches);
        gust_go(&fetches, fetch, &one);
        gust_go(&fetches, fetch, &other);
        if (gust_group_wait(&fetches) < 0)
            gust_fail(502, "a fetch failed: %s", gust_error_text(gust_error_last()));
    }
    GUST_DEFER(gust_response_free, one.response);
    GUST_DEFER(gust_response_free, other.response);
    gust_printf(req, "%s%sboth in %.0f ms\n", gust_response_body(one.response).data,
                gust_response_body(other.response).data, (double)gust_elapsed(req) / 1e6);
}

static void third(void)
{
    gust_fail(418, "three calls below the handler, and still an answer");
}

static void second(void)
{
    third();
}

static void fail(gust_request *req)
{
    (void)req;
    second();
}

/* It is another program, which tools/demo starts. */
static void blog(gust_request *req)
{
    if (!gust_option("blog"))
        gust_fail(404,
                  "the blog does not run here: make demo starts both, or build/examples/blog and --blog=URL");
    gust_redirect(req, gust_option("blog"), 302);
}

static int remember_start(void *arg)
{
    (void)arg;
    state.started = gust_loop_time(gust_loop_current());
    return 0;
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_on_start(app, remember_start, NULL);
    gust_use(app, count, NULL);
    gust_route(app, "GET /", front);
    gust_route(app, "GET /status", status);
    gust_route(app, "GET /hello/([^/]+)", hello);
    gust_route(app, "GET /sleep", wait_a_while);
    gust_route(app, "GET /stream", stream);
    gust_route(app, "GET /both", both);
    gust_route(app, "GET /fail", fail);
    gust_route(app, "GET /blog", blog);
    gust_define("blog", .shown = "URL", .help = "where the blog runs, to link to");
    return gust_main(app, argc, argv);
}
