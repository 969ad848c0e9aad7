/* The blog's pages, and the administrator's. */
#ifndef PAGES_H
#define PAGES_H

#include <gust/gust.h>

struct connections;

/* Adds their routes, which borrow the connections for the application's life. */
void add_blog(gust_app *app, struct connections *connections);
void add_admin(gust_app *app, struct connections *connections);

/* The number that a path's first or second group is: nothing else matches. One that no key can be ends the
 * request with 404. */
int64_t path_number(gust_request *req, unsigned group);

#endif
