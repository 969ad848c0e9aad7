/* Routes that need no handler: redirects and fixed errors. */
#include "web/request.h"

#include "base/alloc.h"
#include "http/url.h"

#include <string.h>

#include <gust/error.h>

/* ---- redirects: "/new/{1}?by=move" ---- */

/* Whether a "{12}" stands here; *group is its number, *size its length. */
static bool reference_at(const char *text, unsigned *group, size_t *size)
{
    size_t digits = text[0] == '{' ? strspn(text + 1, "0123456789") : 0;
    if (digits == 0 || digits > 2 || text[1 + digits] != '}')
        return false;
    *group = (unsigned)(text[1] - '0');
    if (digits == 2)
        *group = *group * 10 + (unsigned)(text[2] - '0');
    *size = digits + 2;
    return true;
}

static struct gust__slice group_text(gust_request *request, unsigned group)
{
    const char *text = gust_path_arg(request, group);
    return gust__slice_of(text ? text : "");
}

/* Room for the target with its groups filled in. */
static size_t room_for(gust_request *request, const char *target)
{
    size_t room = strlen(target) + 1, size;
    unsigned group;
    for (const char *at = target; *at; at++) {
        if (reference_at(at, &group, &size))
            room += 3 * group_text(request, group).size;
    }
    return room;
}

static char *fill(gust_request *request, const char *target)
{
    char *text = gust_alloc(request, room_for(request, target)), *to = text;
    size_t size;
    unsigned group;
    while (*target) {
        if (reference_at(target, &group, &size)) {
            to += gust__url_encode(to, group_text(request, group), GUST__URL_PATH);
            target += size;
        } else {
            *to++ = *target++;
        }
    }
    *to = 0;
    return text;
}

/* A path stays a path: what a group brings must not make "//evil.example" of it, another site. */
static const char *own_site(const char *filled, const char *target)
{
    if (target[0] == '/' && target[1] != '/') {
        while (filled[1] == '/')
            filled++;
    }
    return filled;
}

static void redirect(gust_request *request)
{
    const struct gust__route *route = request->route;
    const char *url = own_site(fill(request, route->target), route->target), *query = gust_query(request);
    if (*query)
        url = gust_sprintf(request, "%s%c%s", url, strchr(url, '?') ? '&' : '?', query);
    gust_redirect(request, url, route->target_status);
}

void gust_route_redirect(gust_app *app, const char *pattern, const char *target, int status)
{
    struct gust__route *route = gust__route_add(app, pattern, redirect);
    if (!route)
        return;
    if (status < 300 || status > 399)
        gust__app_mistaken(app, "gust_route_redirect(\"%s\"): %d does not redirect", pattern, status);
    route->target_status = status;
    route->target = gust__strdup(target);
    if (!route->target)
        gust__app_mistaken(app, "out of memory for the redirect \"%s\"", pattern);
}

/* ---- errors ---- */

static void fail(gust_request *request)
{
    gust_fail(request->route->target_status, NULL);
}

void gust_route_error(gust_app *app, const char *pattern, int status)
{
    struct gust__route *route = gust__route_add(app, pattern, fail);
    if (!route)
        return;
    if (status < 400 || status > 599)
        gust__app_mistaken(app, "gust_route_error(\"%s\"): %d is no error", pattern, status);
    route->target_status = status;
}
