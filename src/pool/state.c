#include "pool/state.h"
#include "base/alloc.h"
#include "base/context.h"

#include <errno.h>

static void close_pools(gust_loop *loop, struct gust__loop_state *state)
{
    struct gust__pools *pools = (struct gust__pools *)(void *)state;
    (void)loop;
    gust__sets_close(pools);
    gust__calls_cancel(pools);
}

static void release_pools(struct gust__loop_state *state)
{
    struct gust__pools *pools = (struct gust__pools *)(void *)state;
    gust__calls_end(pools);
    gust__sets_end(pools);
    gust__free(pools);
}

struct gust__pools *gust__pools_of(gust_loop *loop)
{
    struct gust__loop_state *state = gust__loop_state(loop, GUST__LOOP_POOLS);
    if (state)
        return (struct gust__pools *)(void *)state;
    if (gust__loop_closing(loop)) {
        errno = ECANCELED;
        return NULL;
    }
    struct gust__pools *pools = gust__calloc(1, sizeof(*pools));
    if (!pools)
        return NULL;
    pools->state = (struct gust__loop_state){close_pools, release_pools};
    pools->loop = loop;
    pools->generation = gust__fork_generation;
    gust__list_init(&pools->sets);
    gust__list_init(&pools->calls);
    gust__loop_set_state(loop, GUST__LOOP_POOLS, &pools->state);
    return pools;
}
