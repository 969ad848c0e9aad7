/* gust_resolve_override: one table for the process. */
#include "net/resolver.h"
#include "base/alloc.h"
#include "base/list.h"
#include "base/lock.h"

#include <gust/error.h>
#include <gust/net.h>

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>

enum { MOST = 4096 };

struct override {
    struct gust__list node;
    int port;    /* -1: every port */
    int to_port; /* -1: the one asked for */
    char host[GUST__HOST_MAX + 1];
    char to[GUST__HOST_MAX + 1];
};

static struct gust__lock lock;
static struct gust__list overrides = {&overrides, &overrides};
static _Atomic size_t count; /* read without the lock: mostly there is none */

/* With the lock held. */
static struct override *find(const char *host, int port)
{
    for (struct gust__list *node = overrides.next; node != &overrides; node = node->next) {
        struct override *override = GUST__CONTAINER(node, struct override, node);
        if (override->port == port && strcasecmp(override->host, host) == 0)
            return override;
    }
    return NULL;
}

static void forget(const char *host, int port)
{
    gust__lock_take(&lock);
    struct override *override = find(host, port);
    if (override) {
        gust__list_remove(&override->node);
        count--;
    }
    gust__lock_drop(&lock);
    gust__free(override);
}

/* Takes made. */
static int remember(struct override *made)
{
    gust__lock_take(&lock);
    struct override *old = find(made->host, made->port);
    bool full = !old && count >= MOST;
    if (old)
        gust__list_remove(&old->node);
    if (!full) {
        gust__list_append(&overrides, &made->node);
        count += !old;
    }
    gust__lock_drop(&lock);
    gust__free(full ? made : old);
    return full ? gust_error_set(ENOMEM, "at most %d names can be overridden", (int)MOST) : 0;
}

int gust_resolve_override(const char *from, const char *to)
{
    struct override parsed;
    if (gust__host_parse(from, parsed.host, &parsed.port) < 0)
        return -1;
    if (!parsed.host[0])
        return gust_error_set(EINVAL, "there is no name to override");
    if (!to) {
        forget(parsed.host, parsed.port);
        return 0;
    }
    if (gust__host_parse(to, parsed.to, &parsed.to_port) < 0)
        return -1;
    if (!parsed.to[0])
        return gust_error_set(EINVAL, "there is no name to take for it");
    struct override *made = gust__malloc(sizeof(*made));
    if (!made)
        return -1;
    *made = parsed;
    return remember(made);
}

void gust__override_apply(char host[GUST__HOST_MAX + 1], unsigned *port)
{
    if (atomic_load_explicit(&count, memory_order_acquire) == 0)
        return;
    gust__lock_take(&lock);
    const struct override *override = find(host, (int)*port);
    if (!override)
        override = find(host, -1);
    if (override) {
        memcpy(host, override->to, sizeof(override->to));
        *port = override->to_port >= 0 ? (unsigned) override->to_port : *port;
    }
    gust__lock_drop(&lock);
}
