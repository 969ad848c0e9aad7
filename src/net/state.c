#include "net/state.h"
#include "base/alloc.h"

#include <errno.h>

static void close_net(gust_loop *loop, struct gust__loop_state *state)
{
    (void)loop;
    gust__listeners_end((struct gust__net *)(void *)state);
}

static void release_net(struct gust__loop_state *state)
{
    struct gust__net *net = (struct gust__net *)(void *)state;
    gust__look_ups_end(net);
    gust__free(net);
}

struct gust__net *gust__net_of(gust_loop *loop)
{
    struct gust__loop_state *state = gust__loop_state(loop, GUST__LOOP_RESOLVER);
    if (state)
        return (struct gust__net *)(void *)state;
    if (gust__loop_closing(loop)) {
        errno = ECANCELED;
        return NULL;
    }
    struct gust__net *net = gust__calloc(1, sizeof(*net));
    if (!net)
        return NULL;
    net->state = (struct gust__loop_state){close_net, release_net};
    net->loop = loop;
    gust__list_init(&net->look_ups);
    gust__list_init(&net->listeners);
    gust__loop_set_state(loop, GUST__LOOP_RESOLVER, &net->state);
    return net;
}
