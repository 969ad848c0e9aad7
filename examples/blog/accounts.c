/*
 * Accounts: registering, logging in and out, and who may do what. The first account is the admin's.
 *
 * A session only has the account's name: whether it exists and is not banned is asked for each request.
 */
#include "blog.h"
#include "store.h"

#include <string.h>

enum { NAME_MAX_LENGTH = 30, PASSWORD_MIN = 8, PASSWORD_MAX = 500 };

/* Of log in attempts: from one address for one name, and for any. Then it is over for the rest of the time.
 */
enum { ATTEMPTS_FOR_NAME = 5, ATTEMPTS_FROM_ADDRESS = 50, ATTEMPTS_SECONDS = 900 };

static const char account_value[] = "account"; /* in the session */

/* ---- who is it, and may they ---- */

static const char *current_user(gust_request *req)
{
    const char *name = gust_session_get(req, account_value);
    if (!name)
        return NULL;
    json_t *account = store_row(req, "SELECT name FROM accounts WHERE name = ? AND NOT banned", "s", name);
    return account ? row_text(account, "name") : NULL;
}

static bool has_role(gust_request *req, const char *user, const char *role)
{
    return store_row(req, "SELECT 1 FROM accounts WHERE name = ? AND role = ?", "ss", user, role) != NULL;
}

bool is_admin(gust_request *req)
{
    const char *user = gust_user(req);
    return user && has_role(req, user, "admin");
}

bool is_author(gust_request *req, const char *author)
{
    const char *user = gust_user(req);
    return user && strcmp(user, author) == 0;
}

void need_author(gust_request *req, const char *author)
{
    gust_need_user(req);
    if (!is_author(req, author) && !is_admin(req))
        gust_fail(403, "Only %s and admins may do this.", author);
}

/* ---- registering ---- */

static const char *problem_of_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t length = strlen(name);
    if (length < 2 || length > NAME_MAX_LENGTH || strspn(name, letters) != length)
        return "A name has 2 to 30 letters (a to z), digits, - and _.";
    return NULL;
}

static const char *problem_of_password(const char *password, const char *again)
{
    size_t length = strlen(password);
    if (length < PASSWORD_MIN || length > PASSWORD_MAX)
        return "A password has at least 8 characters, and at most 500.";
    return strcmp(password, again) == 0 ? NULL : "The two passwords are not the same.";
}

/* false: somebody has the name. */
static bool add_account(gust_request *req, const char *name, const char *password)
{
    char hash[GUST_PASSWORD_ROOM];
    if (gust_password_hash(password, hash) < 0)
        gust_fail(503, "no password could be hashed: %s", gust_error_text(gust_error_last()));
    return store_change(
               req,
               "INSERT INTO accounts(name, password, role)"
               " VALUES (?, ?, CASE WHEN EXISTS (SELECT 1 FROM accounts) THEN 'author' ELSE 'admin' END)"
               " ON CONFLICT DO NOTHING",
               "ss", name, hash) == 1;
}

static void begin_session(gust_request *req, const char *name)
{
    gust_session_set(req, account_value, name);
    gust_log_in(req, name);
}

static void register_page(gust_request *req)
{
    page(req, "register.html", "{s:s}", "name", "");
}

static void register_account(gust_request *req)
{
    const char *name = gust_need_arg(req, "name"), *password = long_text(req, "password");
    const char *problem = problem_of_name(name);
    if (!problem)
        problem = problem_of_password(password, long_text(req, "again"));
    if (!problem && !add_account(req, name, password))
        problem = "Somebody has this name already.";
    if (problem) {
        page_with_problem(req, problem, "register.html", "{s:s}", "name", name);
        return;
    }
    begin_session(req, name);
    go_on(req, "/", gust_sprintf(req, "Welcome, %s.", name));
}

/* ---- logging in ---- */

/* Counts an attempt before its password is looked at, so that many at once do not slip through together. */
static bool may_try(gust_request *req, const char *who, int64_t limit)
{
    json_t *attempt =
        store_row(req,
                  "INSERT INTO attempts(who, count, since) VALUES (?, 1, " STORE_NOW ")"
                  " ON CONFLICT DO UPDATE SET"
                  "  count = CASE WHEN since + ?2 < " STORE_NOW " THEN 1 ELSE count + 1 END,"
                  "  since = CASE WHEN since + ?2 < " STORE_NOW " THEN " STORE_NOW " ELSE since END"
                  " RETURNING count",
                  "si", who, (int64_t)ATTEMPTS_SECONDS);
    return row_number(attempt, "count") <= limit;
}

static void check_attempts(gust_request *req, const char *for_name)
{
    if (may_try(req, gust_remote_ip(req), ATTEMPTS_FROM_ADDRESS) && may_try(req, for_name, ATTEMPTS_FOR_NAME))
        return;
    gust_set_header(req, "Retry-After", gust_sprintf(req, "%d", ATTEMPTS_SECONDS));
    gust_fail(429, "Too many attempts to log in. Try again in a quarter of an hour.");
}

static void forget_attempts(gust_request *req, const char *for_name)
{
    store_change(req, "DELETE FROM attempts WHERE who = ? OR since + ? < " STORE_NOW, "si", for_name,
                 (int64_t)ATTEMPTS_SECONDS);
}

static void login_page(gust_request *req)
{
    page(req, "login.html", "{s:s, s:s}", "name", "", "next", gust_next_url(req, "/"));
}

static void log_in(gust_request *req)
{
    const char *name = gust_need_arg(req, "name"), *next = gust_next_url(req, "/");
    if (problem_of_name(name)) /* nor would it be a good key to count attempts by */
        name = "";
    const char *for_name = gust_sprintf(req, "%s %s", gust_remote_ip(req), name);
    check_attempts(req, for_name);
    json_t *account = store_row(req, "SELECT name, password, banned FROM accounts WHERE name = ?", "s", name);
    bool fits = gust_password_fits(long_text(req, "password"), row_text(account, "password"));
    if (!fits || row_number(account, "banned")) {
        const char *problem = fits ? "This account is closed." : "The name or the password is wrong.";
        page_with_problem(req, problem, "login.html", "{s:s, s:s}", "name", name, "next", next);
        return;
    }
    forget_attempts(req, for_name);
    begin_session(req, row_text(account, "name"));
    go_on(req, next, gust_sprintf(req, "You are logged in as %s.", row_text(account, "name")));
}

static void log_out(gust_request *req)
{
    gust_log_out(req);
    gust_redirect(req, "/", 303);
}

void accounts_set_up(gust_app *app)
{
    gust_app_set(app, .login_url = "/login", .current_user = current_user, .has_role = has_role);
    gust_route(app, "GET /register", register_page);
    gust_route(app, "POST /register", register_account, .max_body = 16 << 10);
    gust_route(app, "GET /login", login_page);
    gust_route(app, "POST /login", log_in, .max_body = 16 << 10);
    gust_route(app, "POST /logout", log_out);
}
