/*
 * Media types by file name: those of the system's table (/etc/mime.types), and a small table of what the web
 * is made of, for what that does not know or where there is none. Read once for each process, on first use.
 * Any thread.
 */
#ifndef GUST_HTTP_MIME_H
#define GUST_HTTP_MIME_H

#include "http/slice.h"

/* "text/css" of "main.css", whatever the case of its letters; "application/octet-stream" when nobody knows.
 * Lasts as long as the process. */
const char *gust__mime_type(struct gust__slice name);

/* Whether text of the type is to be labelled as UTF-8: browsers guess otherwise. */
bool gust__mime_wants_charset(const char *type);

/* ---- the table itself, for tests ---- */

struct gust__mime_table;

/* Of lines "type extension...", '#' begins a comment; takes text, which was gust__malloc'ed. NULL: ENOMEM. */
struct gust__mime_table *gust__mime_table_new(char *text, size_t size);
void gust__mime_table_free(struct gust__mime_table *table);
/* NULL: it has none. */
const char *gust__mime_table_find(const struct gust__mime_table *table, struct gust__slice extension);

#endif
