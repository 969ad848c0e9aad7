/* Users: logged in, asked for, sent to the login. */
#include "web/session.h"

#include "http/url.h"

#include <string.h>

static const char user_value[] = "user";

void gust_log_in(gust_request *request, const char *user)
{
    if (gust_session_set(request, user_value, user) < 0 || gust_session_rotate(request) < 0)
        gust_fail(500, "gust_log_in: %s", gust_error_text(gust_error_last()));
    if (gust__session_save(request) < 0)
        gust_fail(503, "gust_log_in: %s", gust_error_text(gust_error_last()));
    request->user = gust_strdup(request, user);
    request->user_known = true;
}

void gust_log_out(gust_request *request)
{
    if (gust_session_end(request) < 0)
        gust_fail(500, "gust_log_out: %s", gust_error_text(gust_error_last()));
    request->user = NULL;
    request->user_known = true;
}

const char *gust_user(gust_request *request)
{
    if (!request->user_known) {
        const char *(*current_user)(gust_request *) = request->app->current_user;
        const char *user = current_user ? current_user(request) : gust_session_get(request, user_value);
        request->user = user ? gust_strdup(request, user) : NULL;
        request->user_known = true;
    }
    return request->user;
}

/* ---- routes that need a user ---- */

static const char *login_url(gust_request *request)
{
    const char *base = request->app->login_url, *uri = gust_uri(request);
    char *next = gust_alloc(request, 3 * strlen(uri) + 1);
    next[gust__url_encode(next, gust__slice_of(uri), GUST__URL_FORM)] = 0;
    return gust_sprintf(request, "%s%cnext=%s", base, strchr(base, '?') ? '&' : '?', next);
}

const char *gust_need_user(gust_request *request)
{
    const char *user = gust_user(request);
    enum gust__method method = request->exchange->head->method;
    if (user)
        return user;
    if (request->app->login_url && (method == GUST__METHOD_GET || method == GUST__METHOD_HEAD))
        gust_redirect(request, login_url(request), 302);
    gust_fail(403, "nobody is logged in"); /* out of the handler; a redirect that was sent stays the answer */
}

void gust__auth_check(gust_request *request)
{
    const gust_route_options *options = &request->route->options;
    const char *user = gust_need_user(request);
    if (options->role && !request->app->has_role)
        gust_fail(500, "the route has a .role, but the application no .has_role");
    if (options->role && !request->app->has_role(request, user, options->role))
        gust_fail(403, "only for users who are %s", options->role);
}

/* "/path", but not "//host" or "/\host", which browsers take for another site's; nor what a Location cannot
 * hold. */
const char *gust_next_url(gust_request *request, const char *otherwise)
{
    const char *next = gust_arg(request, "next");
    if (!next || next[0] != '/' || next[1] == '/' || next[1] == '\\')
        return otherwise;
    for (const char *at = next; *at; at++) {
        if ((unsigned char)*at <= ' ' || *at == 0x7f)
            return otherwise;
    }
    return next;
}
