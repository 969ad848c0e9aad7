/* An application served on a listener: what gust_main uses, and programs with a loop of their own. */
#include "web/request.h"

#include "base/alloc.h"
#include "coro/coroutine.h"
#include "net/listener.h"
#include "web/server.h"

#include <gust/error.h>
#include <gust/server.h>
#include <gust/sync.h>

enum { IDLE_GRACE_SECONDS = 2 };

struct gust_server {
    struct gust__web_service service;
    struct gust__http_server *server;
    gust_event drained;
    unsigned port;
};

/* The connections that a freed server cut off end in their own time: only then its memory goes. */
static void release(struct gust__http_service *service)
{
    gust__free(GUST__CONTAINER(service, gust_server, service.service));
}

gust_server *gust_server_new(gust_app *app, struct gust_listener *listener)
{
    gust_loop *loop = gust_loop_current();
    gust_server *server = NULL;
    if (!listener)
        return NULL; /* with what gust_listen said */
    if (!loop || !app) {
        gust_error_set(loop ? EINVAL : EDEADLK,
                       loop ? "no application to serve" : "no loop runs on this thread");
        goto free_listener;
    }
    if (gust__app_freeze(app) < 0 || !gust__web_state(loop))
        goto free_listener;
    server = gust__calloc(1, sizeof(*server));
    if (!server)
        goto free_listener;
    gust__web_service_init(&server->service, app);
    server->service.service.release = release;
    server->port = gust_listener_port(listener);
    server->server = gust__http_server_new(loop, listener, &server->service.service);
    if (server->server)
        return server;
    gust__free(server);
    return NULL;

free_listener:
    gust_listener_free(listener);
    return NULL;
}

unsigned gust_server_port(const gust_server *server)
{
    return server->port;
}

void gust__server_set_log(gust_server *server, void (*log)(struct gust__exchange *exchange))
{
    server->service.service.log = log;
}

static void drained(void *argument)
{
    gust_event_set(argument);
}

int gust_server_drain(gust_server *server, int64_t at_most)
{
    GUST_DEADLINE(at_most);
    gust__web_drain(gust_loop_current());
    /* Under `gust dev` the next program waits for the end of this one, and the browser tries again. */
    int64_t grace = server->service.app->development ? 0 : GUST_S(IDLE_GRACE_SECONDS);
    gust__http_server_drain(server->server, grace, drained, &server->drained);
    return gust_event_wait(&server->drained);
}

void gust_server_free(gust_server *server)
{
    if (server)
        gust__http_server_free(server->server);
}
