/* A locale between the files that read it and use it. */
#ifndef GUST_WEB_LOCALE_H
#define GUST_WEB_LOCALE_H

#include "web/catalog.h"
#include "web/request.h"

#include <gust/locale.h>

enum { GUST__LOCALE_CODE = 32 };

struct gust_locale {
    struct gust_locale *next;
    char code[GUST__LOCALE_CODE]; /* as its directory is called */
    char *file;                   /* the catalogue's bytes; NULL: it has none */
    struct gust__catalog catalog;
};

#endif
