/* Pages: markup is the program's, everything else is escaped. */
#ifndef HTML_H
#define HTML_H

#include <gust/gust.h>

/* Writes format, with every %s escaped: text of whatever origin cannot become markup, in elements or in
 * quoted attributes. %ld and %% are all that it knows besides. */
void html_printf(gust_request *req, const char *format, ...) GUST_PRINTF(2, 3);

/* A page's head with its title, up to where its content begins; and its end. */
void html_begin(gust_request *req, const char *title);
void html_end(gust_request *req);

/* A time as a person in no particular place reads it. */
void html_time(gust_request *req, int64_t seconds);

#endif
