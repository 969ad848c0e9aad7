/*
 * Members: accounts with passwords, a session for who is logged in, pages for members and for admins.
 *
 *     $ SESSIONS=sqlite:members.db build/examples/members      # or memory, redis://127.0.0.1:6379
 */
#include <gust/gust.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct account {
    const char *name, *role, *first_password;
    char password[GUST_PASSWORD_ROOM]; /* hashed */
};

static struct account accounts[] = {
    {.name = "ann", .role = "admin", .first_password = "open sesame"},
    {.name = "bob", .role = "member", .first_password = "swordfish"},
};

static struct account *find_account(const char *name)
{
    for (size_t i = 0; i < GUST_LEN(accounts); i++) {
        if (strcmp(accounts[i].name, name) == 0)
            return &accounts[i];
    }
    return NULL;
}

/* A real program has them in a database. */
static int make_accounts(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < GUST_LEN(accounts); i++) {
        if (gust_password_hash(accounts[i].first_password, accounts[i].password) < 0)
            return -1;
    }
    return 0;
}

static bool has_role(gust_request *req, const char *user, const char *role)
{
    const struct account *account = find_account(user);
    (void)req;
    return account && strcmp(account->role, role) == 0;
}

static void login_page(gust_request *req)
{
    const char *next = gust_next_url(req, "/");
    gust_set_header(req, "Content-Type", "text/html; charset=UTF-8");
    gust_session_set(req, "next", next);
    gust_printf(
        req,
        "<!doctype html><title>members</title>\n<form method=post action=/login>%s"
        "<input name=name placeholder=name> <input name=password type=password> <button>Log in</button></form>\n",
        gust_xsrf_form_html(req));
}

static void log_in(gust_request *req)
{
    struct account *account = find_account(gust_need_arg(req, "name"));
    if (!gust_password_fits(gust_need_arg(req, "password"), account ? account->password : NULL))
        gust_fail(403, "wrong name or password");
    const char *next = gust_session_get(req, "next");
    gust_log_in(req, account->name);
    gust_redirect(req, next ? next : "/", 303);
}

static void log_out(gust_request *req)
{
    gust_log_out(req);
    gust_redirect(req, "/", 303);
}

static void front(gust_request *req)
{
    const char *user = gust_user(req);
    gust_printf(req, "%s\n", user ? user : "nobody");
}

/* Counts this session's visits. */
static void members_only(gust_request *req)
{
    const char *before = gust_session_get(req, "visits");
    int visits = before ? atoi(before) + 1 : 1;
    gust_session_set(req, "visits", gust_sprintf(req, "%d", visits));
    gust_printf(req, "Hello %s, visit %d.\n", gust_user(req), visits);
}

static void admins_only(gust_request *req)
{
    gust_printf(req, "%s may do everything.\n", gust_user(req));
}

int main(int argc, char **argv)
{
    const char *store = getenv("SESSIONS");
    gust_sessions *sessions = gust_sessions_new(.store = store ? store : "memory");
    gust_app *app = gust_app_new();
    if (!sessions) {
        fprintf(stderr, "%s\n", gust_error_text(gust_error_last()));
        return 1;
    }
    gust_app_set(app, .sessions = sessions, .login_url = "/login", .has_role = has_role,
                 .xsrf_cookies = true);
    gust_on_start(app, make_accounts, NULL);
    gust_route(app, "GET /", front);
    gust_route(app, "GET /login", login_page);
    gust_route(app, "POST /login", log_in);
    gust_route(app, "POST /logout", log_out);
    gust_route(app, "/members", members_only, .login = true);
    gust_route(app, "/admin", admins_only, .role = "admin");
    int status = gust_main(app, argc, argv);
    gust_sessions_free(sessions);
    return status;
}
