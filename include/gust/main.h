/*
 * gust/main.h - a whole program: options, listeners, signals, drain
 *
 * gust_main reads the command line, opens the listeners, runs the application's start hooks and serves until
 * SIGTERM or SIGINT; then it drains: it accepts no more, lets running requests end and idle connections send
 * one more, and returns. A second signal ends at once. SIGUSR1 has it write down all coroutines
 * (gust/debug.h).
 *
 *     $ ./hello --port=0 --address=127.0.0.1
 *     listening on http://127.0.0.1:41873
 */
#ifndef GUST_MAIN_H
#define GUST_MAIN_H

#include <gust/base.h>
#include <gust/web.h>

GUST_BEGIN_DECLARATIONS

/* [any] Runs the program; takes app (NULL: out of memory is reported). Returns what main shall return: 0
 * after a drain or
 * --help, 1 when it could not start or serve, 2 for a bad option. Ignores SIGPIPE and handles SIGTERM,
 * SIGINT and SIGUSR1 while it runs. */
GUST_API int gust_main(gust_app *app, int argc, char **argv);

/* [any] An option of the program's own, before gust_main: --name=value, shown by --help. The text is borrowed
 * and found by gust_option after gust_main has begun; value_default NULL: none. */
GUST_API void gust_define(const char *name, const char *value_default, const char *help);
GUST_API const char *gust_option(const char *name);

GUST_END_DECLARATIONS

#endif
