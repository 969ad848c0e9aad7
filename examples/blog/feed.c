/* The newest posts as an Atom feed (RFC 4287). */
#include "blog.h"
#include "store.h"

enum { POSTS = 20 };

/* Feeds are read away from the site, so their links are whole. */
static const char *site_of(gust_request *req)
{
    return blog.site ? blog.site : gust_sprintf(req, "%s://%s", gust_scheme(req), gust_host(req));
}

static void feed(gust_request *req)
{
    json_t *posts = store_rows(req,
                               "SELECT id, title, author, markdown(text) AS html,"
                               " strftime('%Y-%m-%dT%H:%M:%SZ', published, 'unixepoch') AS published,"
                               " strftime('%Y-%m-%dT%H:%M:%SZ', changed, 'unixepoch') AS changed"
                               " FROM posts WHERE posts.published NOT NULL"
                               " ORDER BY posts.published DESC, id DESC LIMIT ?",
                               "i", (int64_t)POSTS);
    json_t *newest =
        store_row(req,
                  "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', coalesce(max(changed), 0), 'unixepoch') AS at"
                  " FROM posts WHERE published NOT NULL",
                  NULL);
    const char *site = site_of(req);
    gust_set_header(req, "Content-Type", "application/atom+xml; charset=UTF-8");
    gust_render(req, "feed.xml", "{s:s, s:s, s:s, s:O}", "site", site, "site_title", blog.title, "updated",
                row_text(newest, "at"), "posts", posts);
}

void feed_set_up(gust_app *app)
{
    gust_route(app, "GET /feed.xml", feed);
}
