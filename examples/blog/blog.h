/* What the parts of the blog share: its settings, its pages, and what they add to the application. */
#ifndef BLOG_H
#define BLOG_H

#include <jansson.h>
#include <gust/gust.h>

/* What the program was started with; borrowed for its life. */
struct blog_settings {
    const char *database; /* a file */
    const char *uploads;  /* a folder */
    const char *title;
    const char *site; /* "https://example.org"; NULL: as the reader's browser calls it */
};
extern struct blog_settings blog;

/* blog.c: adds the blog to an application. */
void blog_set_up(gust_app *app);
/* Sessions, in the database of the settings; again when database or site have changed. Before the application
 * serves. 0; -1 and an error. */
int blog_make_sessions(gust_app *app);
/* Opens what the settings name, once for a process, before the first request; blog_close behind the last one.
 * 0; -1 and an error. */
int blog_open(void);
void blog_close(void);

/* The subjects, each in the file of its name. */
void accounts_set_up(gust_app *app);
void posts_set_up(gust_app *app);
void comments_set_up(gust_app *app);
void uploads_set_up(gust_app *app);
void search_set_up(gust_app *app);
void feed_set_up(gust_app *app);
void admin_set_up(gust_app *app);

/* ---- page.c ---- */

/* Renders a page in the layout; the values as gust_render's. Sets what the layout needs. */
void page(gust_request *req, const char *template, const char *format, ...);
/* A form that was not accepted: the page again, with 422 and what is wrong. */
void page_with_problem(gust_request *req, const char *problem, const char *template, const char *format, ...);
/* Goes on to a path, where the visitor is told. */
void go_on(gust_request *req, const char *path, const char *message);
/* Error pages in the layout. */
void page_of_error(gust_request *req);
void page_not_found(gust_request *req);

/* The number that a path's group is; 404 when it is none that a key can be. */
int64_t path_number(gust_request *req, unsigned group);
/* A form's field as it came, line ends and all; "" without one. */
const char *long_text(gust_request *req, const char *name);

/* Lists come in pages: a statement ends with LIMIT ? OFFSET ?, which are these two. cut_page takes the one
 * row too many away that tells whether there is a next page: its number, or 0. */
enum { PER_PAGE = 10 };
#define LIMIT_AND_OFFSET(page_number) (int64_t)(PER_PAGE + 1), (int64_t)(((page_number)-1) * PER_PAGE)
int64_t page_number(gust_request *req);
int64_t cut_page(json_t *rows, int64_t number);

/* ---- search.c ---- */

/* The templates' function marked(text). */
int search_marked(gust_template_call *call, void *unused);

/* ---- accounts.c ---- */

/* Who may change what this author wrote: the author and admins. Else the handler ends with 403. */
void need_author(gust_request *req, const char *author);
bool is_author(gust_request *req, const char *author);
bool is_admin(gust_request *req);

#endif
