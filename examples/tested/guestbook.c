#include "guestbook.h"

enum { MOST = 100 };

struct book {
    char lines[MOST][81];
    unsigned count;
};

struct entry {
    const char *line;
};

static const gust_field entry_fields[] = {
    GUST_TEXT(struct entry, line, .from = GUST_BODY, .required = true, .min = 1, .max = 80),
};

static void show(gust_request *req)
{
    const struct book *book = gust_data(req);
    for (unsigned i = 0; i < book->count; i++)
        gust_printf(req, "%s\n", book->lines[i]);
}

static void add(gust_request *req)
{
    struct book *book = gust_data(req);
    struct entry entry = {0};
    gust_bind(req, entry_fields, GUST_LEN(entry_fields), &entry);
    if (book->count == MOST)
        gust_fail(507, "the book is full after %u lines", book->count);
    for (char *to = book->lines[book->count++]; (*to = *entry.line); to++)
        entry.line++;
    gust_redirect(req, "/", 303);
}

gust_app *guestbook_app(void)
{
    static struct book book;
    gust_app *app = gust_app_new();
    book = (struct book){.count = 0};
    gust_route(app, "GET /", show, .data = &book);
    gust_route(app, "POST /", add, .data = &book);
    return app;
}
