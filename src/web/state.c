/* What the web layer keeps for a loop; waking requests when the client goes or the server drains. */
#include "web/request.h"

#include "base/alloc.h"
#include "coro/coroutine.h"

#include <gust/error.h>

static void release(struct gust__loop_state *base)
{
    struct gust__web_state *state = (struct gust__web_state *)(void *)base;
    pcre2_match_data_free(state->match_data);
    gust__free(state->file_hashes);
    gust__free(state);
}

struct gust__web_state *gust__web_state_new(gust_loop *loop)
{
    struct gust__web_state *state = gust__calloc(1, sizeof(*state));
    if (!state)
        return NULL;
    state->match_data = pcre2_match_data_create(GUST__MOST_GROUPS, NULL);
    if (!state->match_data) {
        gust__free(state);
        errno = ENOMEM;
        return NULL;
    }
    state->state.release = release;
    gust__list_init(&state->wake_on_drain);
    gust__loop_set_state(loop, GUST__LOOP_WEB, &state->state);
    return state;
}

bool gust_draining(void)
{
    gust_loop *loop = gust_loop_current();
    struct gust__loop_state *state = loop ? gust__loop_state(loop, GUST__LOOP_WEB) : NULL;
    return state && ((struct gust__web_state *)(void *)state)->draining;
}

void gust__web_drain(gust_loop *loop)
{
    struct gust__web_state *state = gust__web_state(loop);
    if (!state)
        return;
    state->draining = true;
    for (struct gust__list *at = state->wake_on_drain.next; at != &state->wake_on_drain; at = at->next) {
        gust_request *request = GUST__CONTAINER(at, gust_request, drain_member);
        gust__coroutine_cancel(request->exchange->coroutine);
    }
}

static void wake_on_drain(gust_request *request)
{
    struct gust__web_state *state = gust__web_state(request->exchange->loop);
    if (!state)
        gust__no_memory();
    gust__list_append(&state->wake_on_drain, &request->drain_member);
    request->wakes_on |= GUST_DRAIN;
    if (state->draining)
        gust__coroutine_cancel(request->exchange->coroutine);
}

void gust_wake_on(gust_request *request, unsigned what)
{
    struct gust__exchange *exchange = request->exchange;
    if (what & GUST_DRAIN && !(request->wakes_on & GUST_DRAIN))
        wake_on_drain(request);
    if (!(what & GUST_GONE) || request->wakes_on & GUST_GONE)
        return;
    request->wakes_on |= GUST_GONE;
    if (exchange->gone)
        gust__coroutine_cancel(exchange->coroutine);
    else
        exchange->operations->watch_gone(exchange);
}

bool gust_client_gone(gust_request *request)
{
    return request->exchange->gone;
}

gust_group *gust_request_group(gust_request *request)
{
    return request->group;
}

gust_request *gust_current(void)
{
    return gust__current ? gust__current->request : NULL;
}
