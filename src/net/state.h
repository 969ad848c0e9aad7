/* What a loop has of this folder: look-ups under way, and listeners that accept on it. */
#ifndef GUST_NET_STATE_H
#define GUST_NET_STATE_H

#include "base/list.h"
#include "loop/loop.h"
#include "net/balance.h"

struct gust__net {
    struct gust__loop_state state; /* first */
    gust_loop *loop;
    struct gust__list look_ups;  /* net/resolver.c */
    struct gust__list listeners; /* net/listener.c */
    struct gust__seat seat;      /* net/balance.c: of the listeners that accept */
};

/* The loop's; made if there is none yet. NULL: ENOMEM, ECANCELED (it is closing). */
struct gust__net *gust__net_of(gust_loop *loop);

/* ---- net/resolver.c ---- */

/* Frees what no answer came for. */
void gust__look_ups_end(struct gust__net *net);

/* ---- net/listener.c ---- */

/* The loop ends: its listeners accept no more, and are freed by their owners whenever they like. */
void gust__listeners_end(struct gust__net *net);

/* Another loop has left them a connection. */
void gust__listeners_rung(struct gust__net *net);

#endif
