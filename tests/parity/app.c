/* The routes of tornado_app.py, in gust: tests/test_parity.py sends both the same requests. */
#include <gust/gust.h>
#include <gust/json.h>

#include <stdlib.h>
#include <string.h>

static const char *or_none(const char *text)
{
    return text ? text : "none";
}

static void text(gust_request *req)
{
    gust_print(req, "text \xc3\xa9");
}

static void posted(gust_request *req)
{
    gust_print(req, "posted");
}

static void arguments(gust_request *req)
{
    const char *value;
    gust_printf(req, "a=%s\n", or_none(gust_arg(req, "a")));
    gust_printf(req, "query a=%s\n", or_none(gust_query_arg(req, "a")));
    gust_printf(req, "body a=%s\n", or_none(gust_body_arg(req, "a")));
    for (size_t i = 0; gust_arg_at(req, "a", i, NULL, &value); i++)
        gust_printf(req, "each a=%s\n", value);
}

static void needed(gust_request *req)
{
    gust_print(req, gust_need_arg(req, "needed"));
}

static void path(gust_request *req)
{
    gust_printf(req, "%s|%s", or_none(gust_path_arg(req, 1)), or_none(gust_path_arg(req, 2)));
}

static void named(gust_request *req)
{
    gust_printf(req, "first=%s second=%s", gust_path_arg_named(req, "first"),
                gust_path_arg_named(req, "second"));
}

static void cookies(gust_request *req)
{
    gust_printf(req, "a=%s b=%s", or_none(gust_cookie(req, "a")), or_none(gust_cookie(req, "b")));
}

static void set_cookies(gust_request *req)
{
    gust_set_cookie(req, "plain", "1", .same_site = "");
    gust_set_cookie(req, "quoted", "a,b", .same_site = "");
    gust_set_cookie(req, "full", "2", .path = "/x", .domain = "example.org", .max_age = GUST_S(60),
                    .http_only = true, .secure = true, .same_site = "Strict");
    gust_print(req, "set");
}

static void is_signed(gust_request *req)
{
    gust_print(req, or_none(gust_signed_cookie(req, "user")));
}

static void json(gust_request *req)
{
    gust_json(req, "{s:i, s:s}", "id", 1, "name", "\xc3\xa9</script>");
}

static void status(gust_request *req)
{
    gust_set_status(req, atoi(gust_path_arg(req, 1)));
    if (gust_arg(req, "body"))
        gust_print(req, "body");
}

static void fail_with(gust_request *req)
{
    gust_fail(atoi(gust_path_arg(req, 1)), NULL);
}

static void raise_error(gust_request *req)
{
    (void)req;
    gust_throw(EIO, "broken");
}

static void written(gust_request *req)
{
    gust_print(req, "before");
    gust_fail(403, NULL);
}

static void redirect(gust_request *req)
{
    const char *permanent = gust_arg(req, "permanent");
    gust_set_cookie(req, "seen", "1", .same_site = "");
    gust_redirect(req, gust_need_arg(req, "to"), permanent && strcmp(permanent, "1") == 0 ? 301 : 302);
}

static void tagged(gust_request *req)
{
    gust_set_header(req, "Etag", "\"v1\"");
    gust_set_header(req, "Cache-Control", "max-age=5");
    gust_print(req, "tagged");
}

static void flushed(gust_request *req)
{
    for (int part = 0; part < 3; part++) {
        gust_printf(req, "part %d\n", part);
        gust_flush(req);
    }
}

/* Tornado joins a header's lines by commas; here they are asked for one by one. */
static const char *joined(gust_request *req, const char *wanted)
{
    const char *name, *value, *all = NULL;
    for (size_t i = 0; gust_header_at(req, i, &name, &value); i++) {
        if (strcasecmp(name, wanted) == 0)
            all = all ? gust_sprintf(req, "%s,%s", all, value) : value;
    }
    return all ? all : "None";
}

static void headers(gust_request *req)
{
    gust_printf(req, "one=%s list=%s none=%s", joined(req, "X-One"), joined(req, "X-Many"),
                joined(req, "X-None"));
}

static void set_headers(gust_request *req)
{
    gust_set_header(req, "X-Set", "first");
    gust_set_header(req, "X-Set", "second");
    gust_add_header(req, "X-Added", "1");
    gust_add_header(req, "X-Added", "2");
    gust_set_header(req, "X-Cleared", "x");
    gust_clear_header(req, "X-Cleared");
    gust_print(req, "headers");
}

static void body(gust_request *req)
{
    gust_bytes bytes = gust_body(req);
    gust_write(req, bytes.data, bytes.len);
}

static void upload(gust_request *req)
{
    const gust_file *file;
    for (size_t i = 0; (file = gust_file_at(req, NULL, i)); i++)
        gust_printf(req, "%s %s %s %llu\n", file->name, file->file_name,
                    file->content_type ? file->content_type : "application/unknown",
                    (unsigned long long)file->length);
    gust_printf(req, "field=%s", or_none(gust_body_arg(req, "field")));
}

static void prepare(gust_request *req)
{
    if (!gust_arg(req, "stop"))
        return;
    gust_set_status(req, 409);
    gust_print(req, "stopped");
    gust_finish(req);
}

static void went_on(gust_request *req)
{
    gust_print(req, "went on");
}

static void went_on_by_post(gust_request *req)
{
    gust_print(req, "went on by post");
}

static const gust_handler prepared = {.prepare = prepare, .get = went_on, .post = went_on_by_post};

static void page(gust_request *req)
{
    gust_print(req, "page");
}

static void folder(gust_request *req)
{
    gust_print(req, "folder");
}

static const char *user_of(gust_request *req)
{
    return gust_arg(req, "user");
}

static void member(gust_request *req)
{
    gust_printf(req, "hello %s", gust_user(req));
}

static void member_posts(gust_request *req)
{
    gust_printf(req, "posted by %s", gust_user(req));
}

static void read_it(gust_request *req)
{
    gust_print(req, "read");
}

static void change(gust_request *req)
{
    gust_print(req, "changed");
}

static const gust_handler protected_table = {.get = read_it, .post = change, .put = change, .del = change};

static void url(gust_request *req)
{
    gust_print(req, gust_url_for(req, "named-path", "a b/c", "\xc3\xa9", NULL));
}

static void other_host(gust_request *req)
{
    gust_print(req, "the other host");
}

static void render(gust_request *req)
{
    gust_render(req, gust_sprintf(req, "%s.html", gust_path_arg(req, 1)), "{s:s, s:i, s:[s, s, s], s:{s:s}}",
                "name", gust_arg(req, "name") ? gust_arg(req, "name") : "", "n", 3, "items", "first", "<b>",
                "last", "post", "title", "\xc3\xa9");
}

static int entry(gust_template_call *call, void *data)
{
    int64_t number;
    (void)data;
    if (gust_template_integer(call, 1, &number) < 0)
        return -1;
    gust_template_need(call, GUST_NEED_CSS, "h2 { color: red }");
    gust_template_need(call, GUST_NEED_JAVASCRIPT_FILE, "/entry.js");
    return gust_template_render(call, "entry.html", "{s:s, s:I}", "title", gust_template_text(call, 0),
                                "number", (json_int_t)number);
}

static gust_templates *templates(void)
{
    gust_templates *made = gust_templates_new(.directory = getenv("PARITY_TEMPLATES"));
    gust_template_module(made, "Entry", entry, NULL);
    return made;
}

static void long_text(gust_request *req)
{
    int count = atoi(gust_path_arg(req, 1));
    for (int i = 0; i < count; i++)
        gust_print(req, "x");
}

static void long_bytes(gust_request *req)
{
    gust_set_header(req, "Content-Type", "image/png");
    long_text(req);
}

static gust_app *compressed_app(void)
{
    gust_app *app = gust_app_new();
    gust_app_set(app, .compress = true);
    gust_route(app, "GET /text/(\\d+)", long_text);
    gust_route(app, "GET /image/(\\d+)", long_bytes);
    gust_route(app, "GET /flushed", flushed);
    gust_route(app, "GET /fail/(\\d+)", fail_with);
    gust_route(app, "GET /status/(\\d+)", status);
    return app;
}

/* Tornado protects whole applications; here it is one part of this one. */
static gust_app *protected_app(void)
{
    gust_app *app = gust_app_new();
    gust_app_set(app, .xsrf_cookies = true);
    gust_handle(app, "/", &protected_table);
    return app;
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_app_set(app, .cookie_secret = "the secret of both applications", .etags = true,
                 .login_url = "/login", .current_user = user_of);
    gust_default_header(app, "Content-Type", "text/html; charset=UTF-8");
    gust_app_templates(app, templates());
    gust_route(app, "GET /template/(\\w+)", render);
    gust_route(app, "GET /", other_host, .host = "other\\.example");
    gust_route(app, "GET /", text);
    gust_route(app, "POST /", posted);
    gust_route(app, "/arguments", arguments);
    gust_route(app, "GET /needed", needed);
    gust_route(app, "GET /path/([^/]*)/(.*)", path);
    gust_route(app, "GET /optional(/x)?/(.*)", path);
    gust_route(app, "GET /named/(?<first>[^/]+)/(?<second>[^/]+)", named);
    gust_route(app, "GET /cookies", cookies);
    gust_route(app, "GET /set-cookies", set_cookies);
    gust_route(app, "GET /signed", is_signed);
    gust_route(app, "GET /json", json);
    gust_route(app, "GET /status/(\\d+)", status);
    gust_route(app, "GET /fail/(\\d+)", fail_with);
    gust_route(app, "GET /raise", raise_error);
    gust_route(app, "GET /written", written);
    gust_route(app, "GET /redirect", redirect);
    gust_route(app, "GET /tagged", tagged);
    gust_route(app, "GET /flushed", flushed);
    gust_route(app, "GET /headers", headers);
    gust_route(app, "GET /set-headers", set_headers);
    gust_route(app, "POST /body", body);
    gust_route(app, "PUT /body", body);
    gust_route(app, "PATCH /body", body);
    gust_route(app, "DELETE /body", body);
    gust_route(app, "POST /upload", upload);
    gust_handle(app, "/prepared", &prepared);
    gust_route(app, "GET /page/?", page, .slash = GUST_REMOVE_SLASH);
    gust_route(app, "GET /folder/?", folder, .slash = GUST_ADD_SLASH);
    gust_route(app, "GET /member", member, .login = true);
    gust_route(app, "POST /member", member_posts, .login = true);
    gust_route(app, "GET /url/([^/]+)/([^/]+)", path, .name = "named-path");
    gust_route(app, "GET /url-for", url);
    gust_route_redirect(app, "/old/(.*)", "/new/{1}", 301);
    gust_route_error(app, "/gone", 410);
    gust_mount(app, "/protected", protected_app());
    gust_mount(app, "/compressed", compressed_app());
    gust_static(app, "/static/", getenv("PARITY_STATIC"), .default_name = "index.html");
    return gust_main(app, argc, argv);
}
