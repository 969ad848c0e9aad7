/*
 * gust/server.h - an application on a loop of one's own, without gust_main
 *
 *     static int serve(void *arg)                     // in gust_run
 *     {
 *         gust_server *server = gust_server_new(arg, gust_listen("127.0.0.1:0"));
 *         if (!server)
 *             return -1;
 *         printf("port %u\n", gust_server_port(server));
 *         gust_sleep(GUST_S(60));
 *         gust_server_drain(server, GUST_S(5));
 *         gust_server_free(server);
 *         return 0;
 *     }
 */
#ifndef GUST_SERVER_H
#define GUST_SERVER_H

#include <gust/base.h>
#include <gust/web.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_server gust_server;
struct gust_listener;

/* [loop] Serves app (borrowed) on a listener (taken; NULL passes errno through) on the current loop. NULL:
 * EINVAL (the application's mistake is in gust_error_last()), ENOMEM, EDEADLK without a loop. */
GUST_API gust_server *gust_server_new(gust_app *app, struct gust_listener *listener);
GUST_API unsigned gust_server_port(const gust_server *server);
/* [blk] Accepts no more and waits until the connections have ended, at most so long; then cuts the rest off.
 */
GUST_API int gust_server_drain(gust_server *server, int64_t at_most);
/* [loop] Cuts off what is left, and frees it. NULL is allowed. */
GUST_API void gust_server_free(gust_server *server);

GUST_END_DECLARATIONS

#endif
