/* Posts: reading them, and writing them in Markdown with a preview. A draft is its author's until it is
 * published. */
#include "blog.h"
#include "store.h"

#include <inttypes.h>
#include <string.h>

enum { TITLE_MAX = 200, TEXT_MAX = 64 << 10, FORM_MAX = 512 << 10 };

#define TIMES                                                          \
    "strftime('%Y-%m-%d %H:%M', published, 'unixepoch') AS published," \
    " strftime('%Y-%m-%dT%H:%M:%SZ', published, 'unixepoch') AS published_at"

/* ---- reading ---- */

static void front(gust_request *req)
{
    int64_t number = page_number(req);
    json_t *posts = store_rows(req,
                               "SELECT id, title, author, markdown(text) AS html, " TIMES ","
                               " (SELECT count(*) FROM comments WHERE post = posts.id) AS comments"
                               " FROM posts WHERE posts.published NOT NULL"
                               " ORDER BY posts.published DESC, id DESC LIMIT ? OFFSET ?",
                               "ii", LIMIT_AND_OFFSET(number));
    int64_t next = cut_page(posts, number);
    page(req, "front.html", "{s:O, s:I, s:I}", "posts", posts, "older", next, "newer", number - 1);
}

/* The post of the path. A draft is there only for those who may change it. */
static json_t *find_post(gust_request *req)
{
    json_t *post = store_row(
        req, "SELECT id, title, author, text, markdown(text) AS html, " TIMES " FROM posts WHERE id = ?", "i",
        path_number(req, 1));
    if (!post ||
        (!row_text(post, "published") && !is_author(req, row_text(post, "author")) && !is_admin(req)))
        gust_fail(404, "There is no such post.");
    return post;
}

static json_t *comments_of(gust_request *req, json_t *post)
{
    return store_rows(req,
                      "SELECT id, author, text, strftime('%Y-%m-%d %H:%M', created, 'unixepoch') AS created"
                      " FROM comments WHERE post = ? ORDER BY id",
                      "i", row_number(post, "id"));
}

static void show_post(gust_request *req)
{
    json_t *post = find_post(req);
    page(req, "post.html", "{s:O, s:O}", "post", post, "comments", comments_of(req, post));
}

static void own_posts(gust_request *req)
{
    int64_t number = page_number(req);
    json_t *posts = store_rows(req,
                               "SELECT id, title, " TIMES " FROM posts WHERE author = ?"
                               " ORDER BY id DESC LIMIT ? OFFSET ?",
                               "sii", gust_user(req), LIMIT_AND_OFFSET(number));
    int64_t next = cut_page(posts, number);
    page(req, "own_posts.html", "{s:O, s:I, s:I}", "posts", posts, "older", next, "newer", number - 1);
}

/* ---- writing ---- */

struct form {
    const char *title, *text, *action; /* preview, draft, publish */
};

static struct form read_form(gust_request *req)
{
    const char *title = gust_body_arg(req, "title");
    return (struct form){title ? title : "", long_text(req, "text"), gust_need_arg(req, "action")};
}

static const char *problem_of_form(const struct form *form)
{
    if (!*form->title || strlen(form->title) > TITLE_MAX)
        return "A title has 1 to 200 characters.";
    if (form->text[strspn(form->text, " \t\r\n")] == 0)
        return "The text is empty.";
    return strlen(form->text) <= TEXT_MAX ? NULL : "The text is too long: 64 KiB at most.";
}

static void show_form(gust_request *req, const char *path, const struct form *form, const char *preview)
{
    page(req, "edit.html", "{s:s, s:s, s:s, s:s}", "form_path", path, "title", form->title, "text",
         form->text, "preview", preview);
}

/* Shows the form again when it is a preview, or has a problem. */
static bool is_answered(gust_request *req, const char *path, const struct form *form)
{
    const char *problem = problem_of_form(form);
    if (problem) {
        page_with_problem(req, problem, "edit.html", "{s:s, s:s, s:s, s:s}", "form_path", path, "title",
                          form->title, "text", form->text, "preview", "");
        return true;
    }
    if (strcmp(form->action, "preview") != 0)
        return false;
    json_t *rendered = store_row(req, "SELECT markdown(?) AS html", "s", form->text);
    show_form(req, path, form, row_text(rendered, "html"));
    return true;
}

static void go_to_post(gust_request *req, int64_t id, const struct form *form)
{
    go_on(req, gust_sprintf(req, "/posts/%" PRId64, id),
          strcmp(form->action, "publish") == 0 ? "The post is published." : "The draft is saved.");
}

static void new_post(gust_request *req)
{
    struct form empty = {"", "", ""};
    show_form(req, "/posts", &empty, "");
}

static void add_post(gust_request *req)
{
    struct form form = read_form(req);
    if (is_answered(req, "/posts", &form))
        return;
    json_t *post = store_row(req,
                             "INSERT INTO posts(author, title, text, published)"
                             " VALUES (?, ?, ?, CASE ? WHEN 'publish' THEN " STORE_NOW " END) RETURNING id",
                             "ssss", gust_user(req), form.title, form.text, form.action);
    go_to_post(req, row_number(post, "id"), &form);
}

static json_t *find_own_post(gust_request *req)
{
    json_t *post = find_post(req);
    need_author(req, row_text(post, "author"));
    return post;
}

static void edit_post(gust_request *req)
{
    json_t *post = find_own_post(req);
    struct form form = {row_text(post, "title"), row_text(post, "text"), ""};
    show_form(req, gust_sprintf(req, "/posts/%" PRId64, row_number(post, "id")), &form, "");
}

static void change_post(gust_request *req)
{
    int64_t id = row_number(find_own_post(req), "id");
    struct form form = read_form(req);
    if (is_answered(req, gust_sprintf(req, "/posts/%" PRId64, id), &form))
        return;
    store_change(req,
                 "UPDATE posts SET title = ?, text = ?, changed = " STORE_NOW ","
                 " published = CASE ? WHEN 'publish' THEN coalesce(published, " STORE_NOW
                 ") END WHERE id = ?",
                 "sssi", form.title, form.text, form.action, id);
    go_to_post(req, id, &form);
}

static void delete_post(gust_request *req)
{
    json_t *post = find_own_post(req);
    store_change(req, "DELETE FROM posts WHERE id = ?", "i", row_number(post, "id"));
    go_on(req, gust_next_url(req, "/"), "The post is deleted.");
}

void posts_set_up(gust_app *app)
{
    gust_route(app, "GET /", front);
    gust_route(app, "GET /posts/(\\d+)", show_post);
    gust_route(app, "GET /posts", own_posts, .login = true);
    gust_route(app, "GET /posts/new", new_post, .login = true);
    gust_route(app, "POST /posts", add_post, .login = true, .max_body = FORM_MAX);
    gust_route(app, "GET /posts/(\\d+)/edit", edit_post, .login = true);
    gust_route(app, "POST /posts/(\\d+)", change_post, .login = true, .max_body = FORM_MAX);
    gust_route(app, "POST /posts/(\\d+)/delete", delete_post, .login = true);
}
