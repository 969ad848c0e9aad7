/* A request's id: what its log lines have in common. */
#include "web/request.h"

#include "base/context.h"
#include "base/random.h"
#include "coro/coroutine.h"

#include <inttypes.h>
#include <stdio.h>

enum { PREFIX = 8 };

/* Ids of a thread begin with the same random letters, so that threads and processes need not agree. */
static _Thread_local struct {
    unsigned generation;
    uint64_t count;
    char prefix[PREFIX + 1];
} ids __attribute__((tls_model("initial-exec")));

static void begin_ids(void)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuv";
    uint64_t random = gust__random_u64();
    for (size_t i = 0; i < PREFIX; i++, random >>= 5)
        ids.prefix[i] = letters[random & 31];
    ids.generation = gust__fork_generation;
    ids.count = 0;
}

static bool is_sane(struct gust__slice id)
{
    for (size_t i = 0; i < id.size; i++) {
        char c = id.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return false;
    }
    return id.size > 0 && id.size < GUST__LOG_REQUEST;
}

/* Of a client that may be believed: the service's application says so, which is the outermost. */
static size_t take_given(const struct gust__exchange *exchange, char *to)
{
    const struct gust__web_service *service =
        GUST__CONTAINER(exchange->service, struct gust__web_service, service);
    if (!service->app->settings.trust_request_id)
        return 0;
    const struct gust__header *header =
        gust__fields_find(&exchange->head->fields, gust__slice_of("X-Request-Id"));
    if (!header || !is_sane(header->value))
        return 0;
    memcpy(to, header->value.data, header->value.size);
    to[header->value.size] = '\0';
    return header->value.size;
}

size_t gust__request_id(struct gust__exchange *exchange, char to[GUST__LOG_REQUEST])
{
    gust_request *request = exchange->request;
    size_t given = take_given(exchange, to);
    if (given)
        return given;
    if (!ids.count || ids.generation != gust__fork_generation)
        begin_ids();
    if (!request->id)
        request->id = ++ids.count;
    return (size_t)snprintf(to, GUST__LOG_REQUEST, "%s-%" PRIu64, ids.prefix, request->id);
}

size_t gust__request_id_here(char to[GUST__LOG_REQUEST])
{
    gust_request *request = gust_current();
    return request && request->exchange ? gust__request_id(request->exchange, to) : 0;
}

const char *gust_request_id(gust_request *request)
{
    char id[GUST__LOG_REQUEST];
    if (!request->id_text)
        request->id_text = gust_sprintf(request, "%.*s", (int)gust__request_id(request->exchange, id), id);
    return request->id_text;
}
