#include "app.h"

#include <gust/template.h>
#include <stdio.h>

static void show_index(gust_request *req)
{
    const char *name = gust_arg(req, "name");
    gust_render(req, "index.html", "{s:s, s:s}", "title", "Welcome", "name", name && *name ? name : "world");
}

/* The one file; a program with more of them serves the directory. */
static void show_style(gust_request *req)
{
    char data[4096];
    FILE *file = fopen(PROJECT_DIRECTORY "/static/style.css", "r");
    if (!file)
        gust_fail(404, "no style sheet");
    GUST_DEFER(fclose, file);
    gust_set_header(req, "Content-Type", "text/css; charset=UTF-8");
    for (size_t size; (size = fread(data, 1, sizeof(data), file)) > 0;)
        gust_write(req, data, size);
}

gust_app *app_new(void)
{
    gust_app *app = gust_app_new();
    gust_app_set(app, .template_directory = PROJECT_DIRECTORY "/templates");
    gust_route(app, "GET /", show_index);
    gust_route(app, "GET /static/style.css", show_style);
    return app;
}
