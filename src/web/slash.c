/* Routes that are one page with and without a slash at the end: .slash sends to the one that counts. */
#include "web/life.h"

#include <string.h>

/* The path as the client wrote it, before its query; with one slash in front: "//evil.example/" would
 * otherwise become a redirect to another site. */
static struct gust__slice own_path(gust_request *request)
{
    struct gust__slice path = request->exchange->head->path;
    while (path.size > 1 && path.data[1] == '/')
        path = gust__slice_from(path, 1);
    return path;
}

static const char *with_query(gust_request *request, struct gust__slice path, const char *end)
{
    const char *query = gust_query(request);
    return gust_sprintf(request, "%.*s%s%s%s", (int)path.size, path.data, end, *query ? "?" : "", query);
}

void gust__slash_add(gust_request *request)
{
    gust_redirect(request, with_query(request, own_path(request), "/"), 301);
}

void gust__slash_check(gust_request *request)
{
    struct gust__slice path = own_path(request);
    bool ends = path.size > 1 && path.data[path.size - 1] == '/';
    bool wanted = request->route->options.slash == GUST_ADD_SLASH;
    enum gust__method method = request->exchange->head->method;
    if (ends == wanted || path.size <= 1)
        return;
    if (method != GUST__METHOD_GET && method != GUST__METHOD_HEAD)
        gust_fail(404, NULL);
    while (!wanted && path.size > 1 && path.data[path.size - 1] == '/')
        path.size--;
    gust_redirect(request, with_query(request, path, wanted ? "/" : ""), 301);
}
