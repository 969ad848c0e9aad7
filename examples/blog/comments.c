/* Comments: plain text by whoever is logged in. Their authors and admins may delete them. */
#include "blog.h"
#include "store.h"

#include <inttypes.h>
#include <string.h>

enum { TEXT_MAX = 4000 };

static const char *url_of(gust_request *req, int64_t post)
{
    return gust_sprintf(req, "/posts/%" PRId64 "#comments", post);
}

static void add_comment(gust_request *req)
{
    const char *text = long_text(req, "text");
    int64_t post = path_number(req, 1);
    if (text[strspn(text, " \t\r\n")] == 0 || strlen(text) > TEXT_MAX) {
        go_on(req, url_of(req, post), "A comment has 1 to 4000 characters.");
        return;
    }
    int64_t added = store_change(req,
                                 "INSERT INTO comments(post, author, text)"
                                 " SELECT id, ?, ? FROM posts WHERE id = ? AND published NOT NULL",
                                 "ssi", gust_user(req), text, post);
    if (!added)
        gust_fail(404, "There is no such post.");
    go_on(req, url_of(req, post), "Your comment is there.");
}

static void delete_comment(gust_request *req)
{
    int64_t id = path_number(req, 1);
    json_t *comment = store_row(req, "SELECT post, author FROM comments WHERE id = ?", "i", id);
    if (!comment)
        gust_fail(404, "There is no such comment.");
    need_author(req, row_text(comment, "author"));
    store_change(req, "DELETE FROM comments WHERE id = ?", "i", id);
    go_on(req, gust_next_url(req, url_of(req, row_number(comment, "post"))), "The comment is deleted.");
}

void comments_set_up(gust_app *app)
{
    gust_route(app, "POST /posts/(\\d+)/comments", add_comment, .login = true, .max_body = 32 << 10);
    gust_route(app, "POST /comments/(\\d+)/delete", delete_comment, .login = true);
}
