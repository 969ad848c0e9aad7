/* The application: what all its answers have, and its parts. */
#include "blog.h"
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct blog_settings blog = {.database = "blog.db", .uploads = "blog-uploads", .title = "A blog"};

static gust_sessions *sessions;

int blog_make_sessions(gust_app *app)
{
    char *place = NULL;
    bool secure = blog.site && strncmp(blog.site, "https:", 6) == 0;
    if (asprintf(&place, "sqlite:%s", blog.database) < 0)
        return gust_error_set(ENOMEM, NULL);
    gust_sessions_free(sessions);
    sessions = gust_sessions_new(.store = place, .idle = GUST_S(7 * 24 * 3600),
                                 .absolute = GUST_S(30 * 24 * 3600), .secure = secure);
    free(place);
    gust_app_set(app, .sessions = sessions);
    return sessions ? 0 : -1;
}

int blog_open(void)
{
    if (mkdir(blog.uploads, 0755) < 0 && errno != EEXIST)
        return gust_error_set(errno, "%s", blog.uploads);
    return store_open(blog.database);
}

void blog_close(void)
{
    gust_sessions_free(sessions);
    sessions = NULL;
    store_close();
}

static void add_templates(gust_app *app)
{
    gust_templates *templates = gust_templates_new(.directory = BLOG_FILES "/templates");
    gust_template_function(templates, "marked", search_marked, NULL);
    gust_app_templates(app, templates);
}

void blog_set_up(gust_app *app)
{
    gust_app_set(app, .xsrf_cookies = true, .max_body = 64 << 10);
    add_templates(app);
    gust_static(app, "/static/", BLOG_FILES "/static");
    gust_write_error(app, page_of_error);
    gust_not_found(app, page_not_found, NULL);
    gust_default_header(app, "X-Content-Type-Options", "nosniff");
    gust_default_header(app, "Referrer-Policy", "same-origin");
    /* Nothing runs here but what the blog serves itself, and it serves no script at all. */
    gust_default_header(app, "Content-Security-Policy",
                        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
                        " base-uri 'none'; frame-ancestors 'none'");
    accounts_set_up(app);
    posts_set_up(app);
    comments_set_up(app);
    uploads_set_up(app);
    search_set_up(app);
    feed_set_up(app);
    admin_set_up(app);
}
