/* Serving a request: admitted by its head, run through middleware and handler, settled, ended. */
#include "web/coded.h"
#include "web/life.h"
#include "web/session.h"

#include "base/error_int.h"
#include "base/log_int.h"
#include "base/throw.h"
#include "coro/coroutine.h"
#include "coro/group.h"

#include <stdio.h>
#include <string.h>

#include <gust/error.h>
#include <gust/log.h>

/* ---- admission: on the loop, by the head only ---- */

static gust_app *served_app(const struct gust__exchange *exchange)
{
    return ((struct gust__web_service *)(void *)exchange->service)->app;
}

/* A body's maximum: what the route says, else the application; -1 stands for "none allowed". */
static int64_t body_limit(int64_t given, int64_t otherwise)
{
    int64_t limit = given ? given : otherwise;
    return limit < 0 ? 0 : limit;
}

int64_t gust__body_limit(const gust_request *request)
{
    return body_limit(request->route->options.max_body, request->exchange->service->max_body);
}

static __attribute__((noinline)) const struct gust__route *find_route(const struct gust__exchange *exchange)
{
    struct gust__web_state *state = gust__web_state(exchange->loop);
    struct gust__match match = {0};
    if (state)
        gust__app_find(served_app(exchange), exchange->head, state->match_data, &match);
    return match.route;
}

static void admit(struct gust__http_service *service, struct gust__exchange *exchange,
                  struct gust__admission *admission)
{
    const struct gust__route *route = gust__app_find_plain(served_app(exchange), exchange->head);
    if (!route)
        route = find_route(exchange);
    admission->route = (void *)(uintptr_t)route;
    if (!route) { /* the answer does not need the body: whoever sends one is not kept waiting for it */
        admission->stream = true;
        return;
    }
    const gust_route_options *options = &route->options;
    admission->max_body = body_limit(options->max_body, service->max_body);
    admission->stream = options->stream_body;
    if (options->body_timeout)
        admission->body_timeout = options->body_timeout > 0 ? options->body_timeout : 0;
}

/* ---- the handler ---- */

static gust_handler_function *function_for(const gust_handler *handler, enum gust__method method)
{
    switch (method) {
    case GUST__METHOD_GET:
        return handler->get;
    case GUST__METHOD_HEAD:
        return handler->head ? handler->head : handler->get;
    case GUST__METHOD_POST:
        return handler->post;
    case GUST__METHOD_PUT:
        return handler->put;
    case GUST__METHOD_PATCH:
        return handler->patch;
    case GUST__METHOD_DELETE:
        return handler->del;
    case GUST__METHOD_OPTIONS:
        return handler->options;
    default:
        return NULL;
    }
}

static __attribute__((noinline)) void run_table(gust_request *request, const gust_handler *handler)
{
    if (handler->prepare)
        handler->prepare(request);
    if (!request->finished)
        function_for(handler, request->exchange->head->method)(request);
}

/* "GET, HEAD" for a set of methods. */
static const char *allow_text(gust_request *request, unsigned methods, const char *other)
{
    static const char *const names[] = {
        [GUST__METHOD_GET] = "GET",         [GUST__METHOD_HEAD] = "HEAD",   [GUST__METHOD_POST] = "POST",
        [GUST__METHOD_PUT] = "PUT",         [GUST__METHOD_PATCH] = "PATCH", [GUST__METHOD_DELETE] = "DELETE",
        [GUST__METHOD_OPTIONS] = "OPTIONS",
    };
    char text[128] = "";
    size_t length = 0;
    methods |= 1u << GUST__METHOD_OPTIONS;
    methods |= methods >> GUST__METHOD_GET & 1 ? 1u << GUST__METHOD_HEAD : 0;
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        if (names[i] && methods >> i & 1)
            length +=
                (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", length ? ", " : "", names[i]);
    }
    return gust_sprintf(request, "%s%s%s", text, other ? ", " : "", other ? other : "");
}

/* No route fits: 404; 405 where only the method is wrong; what OPTIONS asks is answered by itself. */
static __attribute__((noinline)) void run_without_route(gust_request *request)
{
    const struct gust__request_head *head = request->exchange->head;
    struct gust__web_state *state = gust__web_state(request->exchange->loop);
    struct gust__match match = {0};
    if (!state)
        gust__no_memory();
    gust__app_find(served_app(request->exchange), head, state->match_data, &match);
    if (match.route) /* there is one, but admit had no memory to look for it */
        gust__no_memory();
    if (gust__slice_equals(head->path, GUST__SLICE("*"))) /* the server itself: RFC 9112 3.2.4 */
        match.allowed = GUST__METHODS_ANY;
    if (match.allowed || match.other_allowed) {
        gust_set_header(request, "Allow", allow_text(request, match.allowed, match.other_allowed));
        if (head->method != GUST__METHOD_OPTIONS)
            gust_fail(405, NULL);
        gust_set_status(request, 204);
        return;
    }
    const gust_app *app = request->app;
    while (!app->not_found && app->mount)
        app = app->mount->app;
    if (!app->not_found)
        gust_fail(404, NULL);
    gust_set_status(request, 404);
    request->data = app->not_found->options.data;
    app->not_found->function(request);
}

/* Of a route that is checked: answers the request, or ends it, when the handler's turn has not come. */
static __attribute__((noinline)) void check(gust_request *request)
{
    const gust_route_options *options = &request->route->options;
    if (options->slash)
        gust__slash_check(request);
    if (options->max_running)
        gust__turn_take(request);
    if (request->app->xsrf && !options->no_xsrf)
        gust__xsrf_guard(request);
    if (options->login || options->role)
        gust__auth_check(request);
}

static int run_handler(void *argument)
{
    gust_request *request = argument;
    const struct gust__route *route = request->route;
    if (route && route->checked)
        check(request);
    if (!route)
        run_without_route(request);
    else if (request->finished) /* it has been answered already */
        return 0;
    else if (route->handler)
        run_table(request, route->handler);
    else
        route->function(request);
    if (request->detached)
        gust__detached_wait(request);
    return 0;
}

static int run_middleware(void *argument)
{
    gust_request *request = argument;
    request->app->chain[request->next_middleware - 1].function(request);
    return 0;
}

static inline __attribute__((always_inline)) void run_next(gust_request *request)
{
    void *before = request->data;
    int result;
    if (request->next_middleware < request->app->chain_count) {
        request->data = request->app->chain[request->next_middleware++].data;
        result = gust__catch(run_middleware, request);
    } else {
        request->data = request->route ? request->route->options.data : NULL;
        result = gust__catch(run_handler, request);
    }
    if (result < 0)
        gust__answer_error(request);
    request->data = before;
}

void gust_next(gust_request *request)
{
    run_next(request);
}

/* ---- begin, settle, end ---- */

/* Which part of the path is the route's: what is left behind the prefixes of the mounts that led to it. */
static __attribute__((noinline)) struct gust__slice path_in(const gust_app *app, struct gust__slice path)
{
    size_t prefix = 0;
    for (; app->mount; app = app->mount->app)
        prefix += app->mount->literal.size;
    struct gust__slice rest = gust__slice_from(path, prefix < path.size ? prefix : path.size);
    return rest.size ? rest : GUST__SLICE("/");
}

static void on_gone(struct gust__exchange *exchange)
{
    gust_request *request = exchange->request;
    const gust_handler *handler = request->route ? request->route->handler : NULL;
    if (request->wakes_on & GUST_GONE && exchange->coroutine)
        gust__coroutine_cancel(exchange->coroutine);
    if (handler && handler->on_connection_close)
        handler->on_connection_close(request);
}

static __attribute__((noinline)) void find_app(gust_request *request)
{
    struct gust__match match = {0};
    struct gust__web_state *state = gust__web_state(request->exchange->loop);
    request->app = served_app(request->exchange);
    request->path = request->exchange->head->path;
    if (!state)
        return;
    gust__app_find(request->app, request->exchange->head, state->match_data, &match);
    if (match.app)
        request->app = match.app;
}

/* Of a route that is observed. */
static __attribute__((noinline)) void watch_client(gust_request *request)
{
    struct gust__exchange *exchange = request->exchange;
    if (request->route->options.cancel_when_gone)
        gust_wake_on(request, GUST_GONE);
    else if (request->route->handler && request->route->handler->on_connection_close && !exchange->gone)
        exchange->operations->watch_gone(exchange);
}

static inline void begin_request(gust_request *request, struct gust__exchange *exchange)
{
    const struct gust__route *route = exchange->route;
    request->exchange = exchange;
    request->route = route;
    exchange->on_gone = on_gone;
    if (!route) {
        find_app(request);
        return;
    }
    gust__current->serves = route->pattern; /* which outlives every request */
    request->app = route->app;
    request->path = route->app->mount ? path_in(route->app, exchange->head->path)
                                      : gust__slice_fresh(exchange->head->path);
    if (route->observed)
        watch_client(request);
}

/* Finishes what the handler left. It is behind its deadline; a cancel must not keep the answer back either.
 */
static void settle(gust_request *request)
{
    struct gust__exchange *exchange = request->exchange;
    bool cancelled = gust__current->cancelled;
    if (request->finished)
        return;
    if (cancelled)
        gust__shield_begin();
    if (exchange->body_failed && !request->status && !request->output_size && !exchange->head_sent)
        gust__answer_status(request, (int)exchange->body_failed, NULL);
    gust__answer_finish(request);
    if (cancelled)
        gust__shield_end();
}

static int run_after(void *argument)
{
    struct gust__call *call = argument;
    call->plain(call->argument);
    return 0;
}

static int run_on_finish(void *argument)
{
    gust_request *request = argument;
    request->route->handler->on_finish(request);
    return 0;
}

static __attribute__((noinline)) void tell_handler(gust_request *request)
{
    if (!request->route->handler || !request->route->handler->on_finish)
        return;
    if (gust__catch(run_on_finish, request) < 0)
        gust__log_error(GUST_ERROR, gust_error_last(), "on_finish");
}

/* Whether the request holds anything that its arena's end does not end; most do not. */
static inline bool holds_something(const gust_request *request)
{
    return ((uintptr_t)request->after | request->wakes_on | (uintptr_t)request->files |
            (uintptr_t)request->json | (uintptr_t)request->session | (uintptr_t)request->failure |
            (uintptr_t)request->coded_body | (uintptr_t)request->encoder) != 0;
}

static __attribute__((noinline)) void give_back(gust_request *request)
{
    while (request->after) {
        struct gust__call *call = request->after;
        request->after = call->next;
        if (gust__catch(run_after, call) < 0)
            gust__log_error(GUST_ERROR, gust_error_last(), "gust_after");
    }
    if (request->wakes_on & GUST_DRAIN)
        gust__list_remove(&request->drain_member);
    if (request->files)
        gust__form_end(request);
    if (request->json)
        gust__json_end(request);
    if (request->coded_body)
        gust__coded_body_end(request);
    if (request->encoder)
        gust__coding_reset(request);
    if (request->session)
        gust__session_free(request->session);
    gust__error_free(request->failure);
}

static inline void end_request(gust_request *request)
{
    if (request->route && request->route->observed)
        tell_handler(request);
    if (request->detached)
        gust__detached_join(request);
    if (request->has_turn)
        gust__turn_give(request);
    gust__group_end(request->group); /* children may use what gust_after gives back */
    if (holds_something(request))
        give_back(request);
}

static int decode_body(void *argument)
{
    gust__body_decode(argument);
    return 0;
}

static void serve(struct gust__exchange *exchange)
{
    gust_request *request = exchange->request;
    struct gust__deadline deadline;
    gust_group group;
    begin_request(request, exchange);
    request->group = &group;
    gust__group_begin(&group);
    int64_t timeout = request->route ? request->route->timeout : request->app->settings.timeout;
    if (timeout > 0)
        gust__deadline_begin(&deadline, timeout);
    if (request->app->has_default_headers)
        gust__answer_defaults(request);
    if (request->app->decompress_request && gust__catch(decode_body, request) < 0)
        gust__answer_error(request);
    else
        run_next(request);
    if (timeout > 0)
        gust__scope_end(&deadline.scope);
    settle(request);
    end_request(request);
}

void gust__web_service_init(struct gust__web_service *service, gust_app *app)
{
    const gust_app_settings *settings = &app->settings;
    atomic_store_explicit(&gust__log_request, gust__request_id_here, memory_order_relaxed);
    *service = (struct gust__web_service){
        .service =
            {
                .admit = admit,
                .serve = serve,
                .max_head = settings->max_header,
                .max_headers = settings->max_headers,
                .max_body = body_limit(settings->max_body, 0),
                .idle_timeout = settings->idle_timeout,
                .header_timeout = settings->header_timeout,
                .body_timeout = settings->body_timeout,
                .write_timeout = settings->write_timeout,
                .max_memory = settings->max_memory,
                .request_size = sizeof(gust_request),
                .max_requests = settings->max_requests,
                .server_name = settings->server,
                .no_keep_alive = settings->no_keep_alive,
            },
        .app = app,
    };
}
