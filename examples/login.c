/*
 * Who is there: a form with its XSRF token, and a signed cookie that remembers the name.
 *
 *     $ COOKIE_SECRET=$(openssl rand -hex 32) build/examples/login
 */
#include <gust/gust.h>

#include <stdlib.h>

static void front(gust_request *req)
{
    const char *form = gust_xsrf_form_html(req);
    gust_set_header(req, "Content-Type", "text/html; charset=UTF-8");
    gust_printf(
        req,
        "<!doctype html><title>login</title>\n"
        "<form method=post action=/login>%s<input name=name placeholder=name> <button>Log in</button></form>\n"
        "<form method=post action=/logout>%s<button>Log out</button></form>\n"
        "<p><a href=/me>Who am I?</a></p>\n",
        form, form);
}

static void log_in(gust_request *req)
{
    if (gust_set_signed_cookie(req, "user", gust_need_arg(req, "name"), .http_only = true) < 0)
        gust_fail(400, "that cannot be a name");
    gust_redirect(req, "/me", 303);
}

static void log_out(gust_request *req)
{
    gust_set_cookie(req, "user", "", .max_age = -1);
    gust_redirect(req, "/", 303);
}

static void who_am_i(gust_request *req)
{
    const char *user = gust_signed_cookie(req, "user", .max_age = GUST_S(8 * 3600));
    if (!user)
        gust_fail(403, "not logged in");
    gust_printf(req, "You are %s.\n", user);
}

/* A client that is no browser: it has no cookies, so nothing can be forged with them. */
static void ping(gust_request *req)
{
    gust_print(req, "pong\n");
}

int main(int argc, char **argv)
{
    const char *secret = getenv("COOKIE_SECRET");
    gust_app *app = gust_app_new();
    gust_app_set(app, .cookie_secret = secret ? secret : "for development only", .xsrf_cookies = true);
    gust_route(app, "GET /", front);
    gust_route(app, "POST /login", log_in);
    gust_route(app, "POST /logout", log_out);
    gust_route(app, "GET /me", who_am_i);
    gust_route(app, "POST /ping", ping, .no_xsrf = true);
    return gust_main(app, argc, argv);
}
