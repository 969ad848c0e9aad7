/* gust_serve's side of a listener: its connections that are being served. */
#ifndef GUST_NET_SERVE_H
#define GUST_NET_SERVE_H

#include <gust/net.h>

struct gust__serving;

/* The listener goes: cancels the coroutines, which end by themselves. NULL allowed. */
void gust__serving_end(struct gust__serving *serving);

void gust__listener_set_serving(gust_listener *listener, struct gust__serving *serving);

#endif
