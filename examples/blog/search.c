/* Search in the words of published posts, by SQLite's FTS5. */
#include "blog.h"
#include "store.h"

#include <string.h>

enum { WORDS_MAX = 200 };

/* FTS5 has a query language of its own. Each word is quoted, so that it is a word and nothing else, and all
 * must be there; of the last one the beginning is enough. */
static const char *match_of(gust_request *req, const char *words)
{
    char *match = gust_alloc(req, 4 * strlen(words) + 8), *to = match;
    for (const char *at = words + strspn(words, " "); *at; at += strspn(at, " ")) {
        *to++ = '"';
        for (; *at && *at != ' '; at++) {
            if (*at == '"')
                *to++ = '"';
            *to++ = *at;
        }
        *to++ = '"';
        *to++ = ' ';
    }
    if (to > match)
        to[-1] = '*';
    return match;
}

/* {{ marked(text) }}: what the search found stands between the bytes 2 and 3. */
int search_marked(gust_template_call *call, void *unused)
{
    (void)unused;
    const char *text = gust_template_text(call, 0);
    gust_request *req = gust_template_request(call);
    if (!text || !req)
        return -1;
    char *html = gust_alloc(req, 8 * strlen(text) + 1), *to = html;
    for (; *text; text++) {
        const char *instead = *text == 2 ? "<mark>" : *text == 3 ? "</mark>" : *text == '<' ? "&lt;" : NULL;
        if (*text == '&')
            instead = "&amp;";
        if (instead)
            to = stpcpy(to, instead);
        else
            *to++ = *text;
    }
    return gust_template_return_html(call, html);
}

static void search(gust_request *req)
{
    const char *words = gust_query_arg(req, "q");
    int64_t number = page_number(req);
    if (!words || strlen(words) > WORDS_MAX)
        words = "";
    json_t *found = store_rows(req,
                               "SELECT posts.id, posts.title, author,"
                               " snippet(words, 1, char(2), char(3), '…', 30) AS snippet,"
                               " strftime('%Y-%m-%d', published, 'unixepoch') AS published"
                               " FROM words JOIN posts ON posts.id = words.rowid"
                               " WHERE ?1 <> '' AND words MATCH ?1 AND published NOT NULL"
                               " ORDER BY rank LIMIT ? OFFSET ?",
                               "sii", match_of(req, words), LIMIT_AND_OFFSET(number));
    int64_t next = cut_page(found, number);
    page(req, "search.html", "{s:s, s:O, s:I, s:I}", "words", words, "found", found, "older", next, "newer",
         number - 1);
}

void search_set_up(gust_app *app)
{
    gust_route(app, "GET /search", search);
}
