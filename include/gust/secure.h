/*
 * gust/secure.h - what a browser may not make up: signed cookies, and XSRF tokens
 *
 *     gust_app_set(app, .cookie_secret = getenv("COOKIE_SECRET"), .xsrf_cookies = true);
 *
 *     static void log_in(gust_request *req)               // POST; the token was checked before
 *     {
 *         gust_set_signed_cookie(req, "user", gust_need_arg(req, "name"), .http_only = true);
 *         gust_redirect(req, "/", 303);
 *     }
 *
 *     static void front(gust_request *req)
 *     {
 *         const char *user = gust_signed_cookie(req, "user");   // NULL: none, too old, or not ours
 *         gust_set_header(req, "Content-Type", "text/html; charset=UTF-8");
 *         gust_printf(req, "<form method=post action=/log-in>%s<input name=name></form>",
 *                     gust_xsrf_form_html(req));
 *     }
 *
 * A signed cookie can be read by the browser's user, but not changed, renamed or kept beyond its age. Its
 * format is the second one of Tornado's: either reads what the other made with the same secret. The secret
 * should be long, random, the same in all processes, and not in the source. To change it, give both: keys
 * with versions, where the new one signs and the old one still reads.
 *
 * With .xsrf_cookies, each request with another method than GET, HEAD and OPTIONS must bring the token of the
 * _xsrf cookie back: as the argument _xsrf, or in the header X-Xsrftoken or X-Csrftoken; else it is answered
 * 403, before the handler (or its prepare) begins. A foreign site can make a browser send the cookie, but not
 * read it. The token in a page is masked anew each time, so that compression does not give it away (BREACH).
 * A streamed body has no arguments: there only the header counts. A mounted application has its own secret
 * and its own keys if it sets them, else those of what it is mounted in; it is protected if either is.
 *
 * [loop] is the thread of the request's loop.
 */
#ifndef GUST_SECURE_H
#define GUST_SECURE_H

#include <gust/base.h>
#include <gust/web.h>

GUST_BEGIN_DECLARATIONS

/* ---- signed cookies ---- */

/* [loop] Sets a cookie whose value is signed together with its name and the time. .max_age 0 is 30 days here,
 * as Tornado's. 0; -1: as gust_set_cookie; ENOKEY: the application has no cookie_secret. */
GUST_API int gust_set_signed_cookie_with(gust_request *request, const char *name, const char *value,
                                         const gust_cookie_options *options);
#define gust_set_signed_cookie(request, name, value, ...) \
    gust_set_signed_cookie_with(request, name, value, GUST_OPTIONS(gust_cookie_options, ##__VA_ARGS__))

typedef struct gust_signed_options {
    size_t size;
    int64_t max_age GUST_ZERO; /* older ones are no value; default 31 days */
} gust_signed_options;

/* [loop] The value of a signed cookie; NULL: it did not come, was not signed by one of our keys for this
 * name, is older than max_age, or is no text. */
GUST_API const char *gust_signed_cookie_with(gust_request *request, const char *name,
                                             const gust_signed_options *options);
#define gust_signed_cookie(request, name, ...) \
    gust_signed_cookie_with(request, name, GUST_OPTIONS(gust_signed_options, ##__VA_ARGS__))

/* [loop] The same for what is no cookie: a link in a mail, a hidden field. gust_sign gives the signed text,
 * which lasts until the request ends; NULL: ENOKEY, EIO. gust_unsign the value, or NULL as above. */
GUST_API const char *gust_sign(gust_request *request, const char *name, gust_bytes value);
/* [loop] */
GUST_API gust_bytes gust_unsign_with(gust_request *request, const char *name, const char *text,
                                     const gust_signed_options *options);
#define gust_unsign(request, name, text, ...) \
    gust_unsign_with(request, name, text, GUST_OPTIONS(gust_signed_options, ##__VA_ARGS__))

/* ---- cross-site request forgery ---- */

/* [loop] The token for this answer, masked anew for each request; sets the _xsrf cookie if none came. Works
 * without .xsrf_cookies too. Once the head has been sent without the cookie the handler ends with 500. */
GUST_API const char *gust_xsrf_token(gust_request *request);

/* [loop] A hidden field with the token, for forms. */
GUST_API const char *gust_xsrf_form_html(gust_request *request);

/* [loop] Ends the handler with 403 unless the request brought its token. For routes that have .no_xsrf and
 * decide by themselves. */
GUST_API void gust_check_xsrf(gust_request *request);

GUST_END_DECLARATIONS

#endif
