/* Log lines as JSON (RFC 8259), one object a line. */
#include "base/log_int.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    NAME_LIMIT = 512,     /* of module, name and request */
    MESSAGE_LIMIT = 8192, /* a message of 4 KiB may be twice as long, and more if it is binary */
    FRAME_LIMIT = 1024,
    END_ROOM = FRAME_LIMIT + 64 /* what is kept free behind a frame: for the next, and the end */
};

size_t gust__log_character(const unsigned char *at, const unsigned char *end)
{
    unsigned char c = at[0];
    if (c < 0x80)
        return 1;
    size_t size = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
    if (size == 0 || (size_t)(end - at) < size)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (c == 0xe0 && at[1] < 0xa0) || (c == 0xf0 && at[1] < 0x90);
    bool outside = (c == 0xed && at[1] >= 0xa0) || (c == 0xf4 && at[1] >= 0x90);
    return overlong || outside ? 0 : size;
}

static void put(struct gust__log_json *json, const char *data, size_t size)
{
    if (size > json->room - json->used)
        return;
    memcpy(json->data + json->used, data, size);
    json->used += size;
}

void gust__log_json_put(struct gust__log_json *json, const char *text)
{
    put(json, text, strlen(text));
}

/* How the character at `at` is written: into piece. Sets *taken. -> the written length */
static size_t write_character(char piece[8], const unsigned char *at, const unsigned char *end, size_t *taken)
{
    static const char short_forms[] = "\"\"\\\\\nn\rr\tt";
    size_t size = gust__log_character(at, end);
    *taken = size ? size : 1;
    for (const char *form = short_forms; *form; form += 2) {
        if (at[0] == (unsigned char)*form)
            return (size_t)snprintf(piece, 8, "\\%c", form[1]);
    }
    if (size == 0)
        return (size_t)snprintf(piece, 8, "\\ufffd");
    if (at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0)) /* C0, DEL, C1 */
        return (size_t)snprintf(piece, 8, "\\u%04x", size == 2 ? at[1] : at[0]);
    memcpy(piece, at, size);
    return size;
}

void gust__log_json_string(struct gust__log_json *json, const char *data, size_t size, size_t limit)
{
    const unsigned char *at = (const unsigned char *)data;
    const unsigned char *end = at + size;
    put(json, "\"", 1);
    size_t start = json->used, cut = start; /* cut: the last place that leaves room for the dots */
    while (at < end) {
        char piece[8];
        size_t taken, length = write_character(piece, at, end, &taken);
        size_t written = json->used - start;
        if (written + 3 <= limit)
            cut = json->used;
        if (written + length > limit) {
            json->used = cut;
            put(json, "...", 3);
            break;
        }
        put(json, piece, length);
        at += taken;
    }
    put(json, "\"", 1);
}

static void put_member(struct gust__log_json *json, const char *start, const char *text)
{
    gust__log_json_put(json, start);
    gust__log_json_string(json, text, strlen(text), NAME_LIMIT);
}

static void put_time(struct gust__log_json *json, int64_t time)
{
    struct tm utc;
    char text[64];
    time_t seconds = (time_t)(time / 1000000000);
    gmtime_r(&seconds, &utc);
    size_t length = strftime(text, sizeof(text), "{\"time\":\"%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, sizeof(text) - length, ".%06dZ\"", (int)(time % 1000000000 / 1000));
    gust__log_json_put(json, text);
}

/* In a line's text a newline stands only before what belongs to its backtrace. */
static void put_backtrace(struct gust__log_json *json, const char *text)
{
    const char *start = ",\"backtrace\":[";
    const char *at = strchr(text, '\n');
    if (!at)
        return;
    while (at && json->room - json->used > END_ROOM) {
        at += 1 + strspn(at + 1, " ");
        const char *end = strchrnul(at, '\n');
        if (strncmp(at, "at ", 3) == 0)
            at += 3;
        gust__log_json_put(json, start);
        gust__log_json_string(json, at, (size_t)(end - at), FRAME_LIMIT);
        start = ",";
        at = *end ? end : NULL;
    }
    gust__log_json_put(json, "]");
}

static void put_place_and_message(struct gust__log_json *json, const gust_log_line *line)
{
    char number[32];
    put_member(json, ",\"module\":", line->module);
    snprintf(number, sizeof(number), ",\"line\":%d", line->line);
    gust__log_json_put(json, number);
    gust__log_json_put(json, ",\"message\":");
    gust__log_json_string(json, line->message, line->message_len, MESSAGE_LIMIT);
}

size_t gust__log_json_line(char to[GUST__LOG_JSON], const struct gust__log_record *record)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    const gust_log_line *line = &record->line;
    struct gust__log_json json = {.data = to, .room = GUST__LOG_JSON};
    put_time(&json, line->time);
    put_member(&json, ",\"level\":", levels[line->level]);
    put_member(&json, ",\"name\":", line->name);
    if (record->members) {
        gust__log_json_put(&json, ",");
        put(&json, record->members, record->members_len);
    } else {
        put_place_and_message(&json, line);
    }
    if (line->request)
        put_member(&json, ",\"request\":", line->request);
    put_backtrace(&json, line->text);
    gust__log_json_put(&json, "}\n");
    return json.used;
}
