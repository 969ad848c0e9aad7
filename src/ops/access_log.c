#include "ops/access_log.h"

#include "base/clock.h"
#include "base/log_int.h"
#include "web/request.h"

#include <inttypes.h>
#include <stdio.h>

enum { TEXT_ROOM = 4096, MEMBERS_ROOM = 6144, TARGET_LIMIT = 2048, METHOD_LIMIT = 64 };

static gust_log_level level_of(int status)
{
    return status < 400 ? GUST_INFO : status < 500 ? GUST_WARNING : GUST_ERROR;
}

static double milliseconds(const struct gust__exchange *exchange)
{
    return (double)(gust__clock_now() - exchange->started) / 1e6;
}

static void format_text(struct gust__exchange *exchange, char text[TEXT_ROOM])
{
    const struct gust__request_head *head = exchange->head;
    size_t target = head->target.size < TARGET_LIMIT ? head->target.size : TARGET_LIMIT;
    snprintf(text, TEXT_ROOM, "%d %.*s %.*s (%s) %.2fms", exchange->status, (int)head->method_name.size,
             head->method_name.data, (int)target, head->target.data, gust__exchange_peer(exchange),
             milliseconds(exchange));
}

static void put_text(struct gust__log_json *json, const char *start, struct gust__slice text, size_t limit)
{
    gust__log_json_put(json, start);
    gust__log_json_string(json, text.data, text.size, limit);
}

static void format_members(struct gust__exchange *exchange, struct gust__log_json *json)
{
    const struct gust__request_head *head = exchange->head;
    char numbers[128];
    put_text(json, "\"method\":", head->method_name, METHOD_LIMIT);
    put_text(json, ",\"path\":", head->path, TARGET_LIMIT);
    if (head->has_query)
        put_text(json, ",\"query\":", head->query, TARGET_LIMIT);
    snprintf(numbers, sizeof(numbers), ",\"status\":%d,\"ms\":%.2f,\"bytes\":%" PRIu64, exchange->status,
             milliseconds(exchange), exchange->body_sent);
    gust__log_json_put(json, numbers);
    put_text(json, ",\"remote_ip\":", gust__slice_of(gust__exchange_peer(exchange)), METHOD_LIMIT);
}

void gust__access_log_write(struct gust__exchange *exchange)
{
    char text[TEXT_ROOM], members[MEMBERS_ROOM], request[GUST__LOG_REQUEST];
    struct gust__log_json json = {.data = members, .room = sizeof(members)};
    gust_log_level level = level_of(exchange->status);
    if (!gust_log_enabled_for("access", level))
        return;
    gust__request_id(exchange, request);
    format_text(exchange, text);
    if (gust__log_is_json())
        format_members(exchange, &json);
    gust__log_access(level, request, text, json.used ? members : NULL, json.used);
}
