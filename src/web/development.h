/*
 * An application under `gust dev` (tools/gust): what it serves besides its own, and what it adds to its
 * pages.
 *
 * `gust dev` says in the environment where it can be asked, and which of its programs this one is:
 * GUST_DEV="unix:@gust-dev-4711 3". Whoever connects there gets a line with two numbers at once, and again
 * whenever one has changed: which program serves now, and how often its templates and files have changed. A
 * page names in the script's URL the state that it was made in; the script watches the numbers by Server-Sent
 * Events and loads the page again when they are others. So it does not matter who answered a request while
 * the programs were changing.
 */
#ifndef GUST_WEB_DEVELOPMENT_H
#define GUST_WEB_DEVELOPMENT_H

#include <gust/web.h>

#define GUST__DEVELOPMENT_VARIABLE "GUST_DEV"

struct gust__development;

/* Of an application that begins to serve: switches .debug on and makes what "/.gust/" answers, if the
 * environment asks for it. 0; -1: ENOMEM. */
int gust__development_begin(gust_app *app);
void gust__development_free(struct gust__development *development);

/* The application that answers this path instead of the one that is served; NULL: none. */
gust_app *gust__development_app(const struct gust__development *development, const char *path, size_t size);

/* At the end of an answer: no cache shall keep it, and a page gets the script. */
void gust__development_finish(gust_request *request);

#endif
