/*
 * The database: SQLite in one file, its statements run on threads, their rows as JSON that templates can
 * show.
 *
 *     json_t *post = store_row(req, "SELECT title, text FROM posts WHERE id = ?", "i", id);
 *     if (!post)
 *         gust_fail(404, "no such post");
 *     gust_render(req, "post.html", "{s:O}", "post", post);
 *
 * types has a letter for each ? of the statement: s a text (NULL allowed), i an int64_t. A statement that
 * fails ends the handler with 503. Rows are objects with a member for each column; they belong to the request
 * and last until it ends.
 */
#ifndef BLOG_STORE_H
#define BLOG_STORE_H

#include <jansson.h>
#include <gust/gust.h>

/* Opens the database, creates what is not in it yet. Once for a process, before it forks or serves. 0; -1 and
 * an error. */
int store_open(const char *path);
void store_close(void);

/* All rows, in an array. */
json_t *store_rows(gust_request *req, const char *sql, const char *types, ...);
/* The first row; NULL: there is none. */
json_t *store_row(gust_request *req, const char *sql, const char *types, ...);
/* How many rows the statement changed. */
int64_t store_change(gust_request *req, const char *sql, const char *types, ...);

/* A row's member: NULL and 0 for SQL's NULL. */
const char *row_text(const json_t *row, const char *column);
int64_t row_number(const json_t *row, const char *column);

/* What SQL calls "now", in seconds since 1970 (unixepoch() is of SQLite 3.38 only). */
#define STORE_NOW "CAST(strftime('%s', 'now') AS INTEGER)"

#endif
