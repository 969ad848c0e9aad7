/* A guest book, to be served and to be tested. */
#ifndef GUESTBOOK_H
#define GUESTBOOK_H

#include <gust/gust.h>

/* NULL members are remembered as mistakes: gust_main and gust_test_serve report them. */
gust_app *guestbook_app(void);

#endif
