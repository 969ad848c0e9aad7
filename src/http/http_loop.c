/* Chunks, and the end of a loop. */
#include "http/http_loop.h"

#include "base/alloc.h"
#include "http/http_server.h"

struct gust__http_chunk *gust__http_chunk_new(size_t capacity)
{
    struct gust__http_chunk *chunk = gust__malloc(sizeof(*chunk) + capacity + 1);
    if (!chunk)
        return NULL;
    chunk->next = NULL;
    chunk->capacity = (uint32_t)capacity;
    chunk->lent = false;
    return chunk;
}

struct gust__http_chunk *gust__http_chunk_take(struct gust__http_loop *http)
{
    struct gust__http_chunk *chunk = http->spare;
    if (chunk) {
        http->spare = chunk->next;
        http->spare_count--;
        return chunk;
    }
    chunk = gust__http_chunk_new(GUST__HTTP_CHUNK);
    if (chunk)
        chunk->lent = true;
    return chunk;
}

void gust__http_chunk_give(struct gust__http_loop *http, struct gust__http_chunk *chunk)
{
    if (!chunk)
        return;
    if (!chunk->lent || http->spare_count >= GUST__HTTP_SPARE_CHUNKS) {
        gust__free(chunk);
        return;
    }
    chunk->next = http->spare;
    http->spare = chunk;
    http->spare_count++;
}

static void close_servers(gust_loop *loop, struct gust__loop_state *state)
{
    (void)loop;
    struct gust__http_loop *http = GUST__CONTAINER(state, struct gust__http_loop, state);
    struct gust__list *node = http->servers.next;
    while (node != &http->servers) {
        struct gust__list *next = node->next;
        gust__http_server_cut(GUST__CONTAINER(node, struct gust__http_server, member));
        node = next;
    }
}

static void release(struct gust__loop_state *state)
{
    struct gust__http_loop *http = GUST__CONTAINER(state, struct gust__http_loop, state);
    struct gust__list *node;
    while ((node = gust__list_take_first(&http->servers)) != NULL)
        gust__http_server_release(GUST__CONTAINER(node, struct gust__http_server, member));
    while (http->spare) {
        struct gust__http_chunk *chunk = http->spare;
        http->spare = chunk->next;
        gust__free(chunk);
    }
    gust__free(http);
}

struct gust__http_loop *gust__http_loop(gust_loop *loop)
{
    struct gust__loop_state *state = gust__loop_state(loop, GUST__LOOP_HTTP);
    if (state)
        return GUST__CONTAINER(state, struct gust__http_loop, state);
    struct gust__http_loop *http = gust__calloc(1, sizeof(*http));
    if (!http)
        return NULL;
    http->state.close = close_servers;
    http->state.release = release;
    http->loop = loop;
    gust__list_init(&http->servers);
    gust__loop_set_state(loop, GUST__LOOP_HTTP, &http->state);
    return http;
}
