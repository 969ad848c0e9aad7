/* What gust_main asks of a server beyond gust/server.h. */
#ifndef GUST_WEB_SERVER_H
#define GUST_WEB_SERVER_H

#include "http/exchange.h"

#include <gust/server.h>

/* Calls log on the loop behind each answer; NULL: nothing. */
void gust__server_set_log(gust_server *server, void (*log)(struct gust__exchange *exchange));

#endif
