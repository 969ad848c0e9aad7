/* What readers and writers see: posts and their comments. */
#include "connections.h"
#include "form.h"
#include "html.h"
#include "models.h"
#include "pages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { POSTS_ON_FRONT = 50 };

int64_t path_number(gust_request *req, unsigned group)
{
    errno = 0;
    int64_t number = strtoimax(gust_path_arg(req, group), NULL, 10);
    if (errno)
        gust_fail(404, "no such record");
    return number;
}

static void front(gust_request *req)
{
    struct database *db = connection_take(req);
    GUST_DEFER(connection_give, req, db);
    struct orm_query newest = {.newest_first = true, .limit = POSTS_ON_FRONT};
    struct record_list posts;
    if (orm_list(db, &post_model, &newest, &posts) < 0)
        database_failed(db);
    GUST_DEFER(orm_list_clear, &post_model, &posts);
    html_begin(req, "greenblog");
    for (size_t i = 0; i < posts.count; i++) {
        const struct post *post = orm_list_at(&post_model, &posts, i);
        html_printf(req, "<h2><a href=\"/posts/%ld\">%s</a></h2>", post->id, post->title);
        html_time(req, post->created);
    }
    if (posts.count == 0)
        gust_print(req, "<p>Nothing here yet. <a href=\"/posts/new\">Write the first post.</a></p>\n");
    html_end(req);
}

/* Ends the request with 404 when there is no such post. */
static void load_post(struct database *db, int64_t id, struct post *post)
{
    int found = orm_load(db, &post_model, id, post);
    if (found < 0)
        database_failed(db);
    if (!found)
        gust_fail(404, "no such post");
}

static void show_comments(gust_request *req, struct database *db, const struct post *post)
{
    struct orm_query of_post = {.field = "post_id", .equals = post->id};
    struct record_list comments;
    if (orm_list(db, &comment_model, &of_post, &comments) < 0)
        database_failed(db);
    GUST_DEFER(orm_list_clear, &comment_model, &comments);
    html_printf(req, "<h2>%ld comments</h2>\n", (long)comments.count);
    for (size_t i = 0; i < comments.count; i++) {
        const struct comment *comment = orm_list_at(&comment_model, &comments, i);
        html_printf(req, "<h3>%s</h3>", comment->author);
        html_time(req, comment->created);
        html_printf(req, "<pre>%s</pre>\n", comment->text);
    }
}

static void show_post(gust_request *req)
{
    struct database *db = connection_take(req);
    GUST_DEFER(connection_give, req, db);
    struct post post = {0};
    GUST_DEFER(orm_clear, &post_model, &post);
    load_post(db, path_number(req, 1), &post);
    html_begin(req, post.title);
    html_time(req, post.created);
    html_printf(req, "<pre>%s</pre>\n", post.text);
    show_comments(req, db, &post);
    html_printf(req, "<p><a href=\"/posts/%ld/comments/new\">Add a comment</a></p>\n", post.id);
    html_end(req);
}

/* ---- writing ---- */

static void post_form(gust_request *req, const struct post *post, const struct orm_problems *problems)
{
    html_begin(req, "New post");
    form_write(req, &post_model, post, FORM_TEXTS, problems, "/posts");
    html_end(req);
}

static void new_post(gust_request *req)
{
    struct post empty = {0};
    post_form(req, &empty, NULL);
}

static void add_post(gust_request *req)
{
    struct database *db = connection_take(req);
    GUST_DEFER(connection_give, req, db);
    struct post post = {.created = time(NULL)};
    struct orm_problems problems;
    GUST_DEFER(orm_clear, &post_model, &post);
    form_read(req, &post_model, &post, FORM_TEXTS);
    if (!orm_validate(&post_model, &post, &problems)) {
        gust_set_status(req, 422);
        post_form(req, &post, &problems);
        return;
    }
    if (orm_save(db, &post_model, &post) < 0)
        database_failed(db);
    gust_redirect(req, gust_sprintf(req, "/posts/%" PRId64, post.id), 303);
}

static void comment_form(gust_request *req, const struct post *post, const struct comment *comment,
                         const struct orm_problems *problems)
{
    html_begin(req, gust_sprintf(req, "Comment on %s", post->title));
    form_write(req, &comment_model, comment, FORM_TEXTS, problems,
               gust_sprintf(req, "/posts/%" PRId64 "/comments", post->id));
    html_end(req);
}

static void new_comment(gust_request *req)
{
    struct database *db = connection_take(req);
    GUST_DEFER(connection_give, req, db);
    struct post post = {0};
    struct comment empty = {0};
    GUST_DEFER(orm_clear, &post_model, &post);
    load_post(db, path_number(req, 1), &post);
    comment_form(req, &post, &empty, NULL);
}

static void add_comment(gust_request *req)
{
    struct database *db = connection_take(req);
    GUST_DEFER(connection_give, req, db);
    struct post post = {0};
    GUST_DEFER(orm_clear, &post_model, &post);
    load_post(db, path_number(req, 1), &post);
    struct comment comment = {.post_id = post.id, .created = time(NULL)};
    struct orm_problems problems;
    GUST_DEFER(orm_clear, &comment_model, &comment);
    form_read(req, &comment_model, &comment, FORM_TEXTS);
    if (!orm_validate(&comment_model, &comment, &problems)) {
        gust_set_status(req, 422);
        comment_form(req, &post, &comment, &problems);
        return;
    }
    if (orm_save(db, &comment_model, &comment) < 0)
        database_failed(db);
    gust_redirect(req, gust_sprintf(req, "/posts/%" PRId64, post.id), 303);
}

void add_blog(gust_app *app, struct connections *connections)
{
    gust_route(app, "GET /", front, .data = connections);
    gust_route(app, "GET /posts/new", new_post);
    gust_route(app, "POST /posts", add_post, .data = connections);
    gust_route(app, "GET /posts/(\\d+)", show_post, .data = connections);
    gust_route(app, "GET /posts/(\\d+)/comments/new", new_comment, .data = connections);
    gust_route(app, "POST /posts/(\\d+)/comments", add_comment, .data = connections);
}
