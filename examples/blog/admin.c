/* What only admins may do: accounts, and all posts and comments at a glance. */
#include "blog.h"
#include "store.h"

#include <string.h>

static void overview(gust_request *req)
{
    json_t *accounts =
        store_rows(req,
                   "SELECT name, role, banned, strftime('%Y-%m-%d', created, 'unixepoch') AS created,"
                   " (SELECT count(*) FROM posts WHERE author = name) AS posts"
                   " FROM accounts ORDER BY name LIMIT 500",
                   NULL);
    json_t *posts = store_rows(req,
                               "SELECT id, title, author,"
                               " strftime('%Y-%m-%d %H:%M', published, 'unixepoch') AS published"
                               " FROM posts ORDER BY id DESC LIMIT 100",
                               NULL);
    json_t *comments = store_rows(req,
                                  "SELECT id, post, author, substr(text, 1, 100) AS text,"
                                  " strftime('%Y-%m-%d %H:%M', created, 'unixepoch') AS created"
                                  " FROM comments ORDER BY id DESC LIMIT 100",
                                  NULL);
    page(req, "admin.html", "{s:O, s:O, s:O}", "accounts", accounts, "posts", posts, "comments", comments);
}

struct action {
    const char *name, *sql, *done;
};

static const struct action actions[] = {
    {"ban", "UPDATE accounts SET banned = 1 WHERE name = ?", "is banned"},
    {"unban", "UPDATE accounts SET banned = 0 WHERE name = ?", "may come back"},
    {"make-admin", "UPDATE accounts SET role = 'admin' WHERE name = ?", "is an admin now"},
    {"make-author", "UPDATE accounts SET role = 'author' WHERE name = ?", "is an author now"},
};

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < GUST_LEN(actions); i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    }
    gust_fail(400, "There is no such action.");
}

/* Never on oneself: so there is always an admin left. */
static void change_account(gust_request *req)
{
    const char *name = gust_path_arg(req, 1);
    const struct action *action = find_action(gust_need_arg(req, "action"));
    if (strcasecmp(name, gust_user(req)) == 0)
        gust_fail(403, "Ask another admin to change your own account.");
    if (!store_change(req, action->sql, "s", name))
        gust_fail(404, "There is no such account.");
    go_on(req, "/admin", gust_sprintf(req, "%s %s.", name, action->done));
}

void admin_set_up(gust_app *app)
{
    gust_route(app, "GET /admin", overview, .role = "admin");
    gust_route(app, "POST /admin/accounts/([\\w-]+)", change_account, .role = "admin");
}
