/*
 * gust/main.h - a whole program: options, listeners, signals, drain
 *
 * gust_main reads the command line, opens the listeners, runs the application's start hooks and serves until
 * SIGTERM or SIGINT; then it drains: it accepts no more, lets running requests end and idle connections send
 * one more, and returns. A second signal ends at once.
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
 * --help, 1 when it could not start or serve, 2 for a bad option. Ignores SIGPIPE and handles SIGTERM and
 * SIGINT while it runs. */
GUST_API int gust_main(gust_app *app, int argc, char **argv);

/* [any] An option of the program's own, before gust_main: --name=value, shown by --help. The text is borrowed
 * and found by gust_option after gust_main has begun; value_default NULL: none. */
GUST_API void gust_define(const char *name, const char *value_default, const char *help);
GUST_API const char *gust_option(const char *name);

/* ---- without gust_main: an application on a loop of one's own ---- */

typedef struct gust_server gust_server;
struct gust_listener;

/* [loop] Serves app (borrowed) on a listener (taken) on the current loop. NULL: EINVAL (the application's
 * mistake is in gust_error_last()), ENOMEM, EDEADLK without a loop. */
GUST_API gust_server *gust_server_new(gust_app *app, struct gust_listener *listener);
GUST_API unsigned gust_server_port(const gust_server *server);
/* [blk] Accepts no more and waits until the connections have ended, at most so long; then cuts the rest off.
 */
GUST_API int gust_server_drain(gust_server *server, int64_t at_most);
/* [loop] Cuts off what is left, and frees it. NULL is allowed. */
GUST_API void gust_server_free(gust_server *server);

GUST_END_DECLARATIONS

#endif
