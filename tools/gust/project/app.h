/* The application, for main.c to serve and app_test.c to test. */
#ifndef APP_H
#define APP_H

#include <gust/gust.h>

/* Yours. Mistakes in it are remembered: gust_main and gust_test_serve name them. */
gust_app *app_new(void);

#endif
