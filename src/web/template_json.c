/*
 * Values as JSON. As Tornado's json_encode writes it: ASCII, with "</" made harmless. For scripts, also those
 * in attributes: without any character that could end a string, an element or a comment around it.
 */
#include "web/template.h"

#include <errno.h>

#include <gust/error.h>

enum { MOST_LEVELS = 64 };

struct writer {
    struct gust__template_output *output;
    bool script;
    int second;
    unsigned depth;
};

static int put(const struct writer *writer, const char *data, size_t size)
{
    return gust__template_put_escaped(writer->output, data, size, writer->second);
}

/* Decodes a character of valid UTF-8; what is not is one byte. */
static unsigned decode(const char *at, const char *end, size_t *size)
{
    unsigned char c = (unsigned char)*at;
    size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    unsigned code = more == 3 ? c & 7 : more == 2 ? c & 15 : more == 1 ? c & 31 : c;
    if ((size_t)(end - at) <= more)
        more = 0;
    for (size_t i = 1; i <= more; i++)
        code = code << 6 | ((unsigned char)at[i] & 0x3f);
    *size = more + 1;
    return code;
}

static int put_unit(const struct writer *writer, unsigned unit)
{
    static const char hexadecimal[] = "0123456789abcdef";
    char escape[6] = {'\\',
                      'u',
                      hexadecimal[unit >> 12 & 15],
                      hexadecimal[unit >> 8 & 15],
                      hexadecimal[unit >> 4 & 15],
                      hexadecimal[unit & 15]};
    return put(writer, escape, 6);
}

static int put_code(const struct writer *writer, unsigned code)
{
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; i + 1 < sizeof(letters); i += 2) {
        char escape[2] = {'\\', letters[i + 1]};
        if (code == (unsigned char)letters[i] && !(writer->script && code == '"'))
            return put(writer, escape, 2);
    }
    if (code < 0x10000)
        return put_unit(writer, code);
    code -= 0x10000;
    if (put_unit(writer, 0xd800 | code >> 10) < 0)
        return -1;
    return put_unit(writer, 0xdc00 | (code & 0x3ff));
}

static bool is_plain(const struct writer *writer, unsigned code)
{
    if (code < ' ' || code == '"' || code == '\\' || code == 0x7f)
        return false;
    if (!writer->script)
        return code < 0x80;
    return code < 0x80 ? !strchr("<>&'/`=", (char)code) : code != 0x2028 && code != 0x2029;
}

static int put_string(const struct writer *writer, const char *data, size_t size)
{
    const char *end = data + size, *from = data;
    size_t step;
    if (put(writer, "\"", 1) < 0)
        return -1;
    for (const char *at = data; at < end; at += step) {
        unsigned code = decode(at, end, &step);
        bool slash = !writer->script && code == '/' && at > data && at[-1] == '<';
        if (!slash && is_plain(writer, code))
            continue;
        if (put(writer, from, (size_t)(at - from)) < 0)
            return -1;
        if (slash ? put(writer, "\\/", 2) < 0 : put_code(writer, code) < 0)
            return -1;
        from = at + step;
    }
    return put(writer, from, (size_t)(end - from)) < 0 ? -1 : put(writer, "\"", 1);
}

static int put_value(struct writer *writer, const struct gust__value *value);

static int put_elements(struct writer *writer, const struct gust__value *value, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        struct gust__value element = gust__value_at(value, i);
        if ((i && put(writer, ", ", 2) < 0) || put_value(writer, &element) < 0)
            return -1;
    }
    return 0;
}

static int put_members(struct writer *writer, json_t *object)
{
    const char *key;
    json_t *member;
    bool first = true;
    json_object_foreach(object, key, member)
    {
        struct gust__value value = gust__value_of_json(member);
        if ((!first && put(writer, ", ", 2) < 0) || put_string(writer, key, strlen(key)) < 0 ||
            put(writer, ": ", 2) < 0 || put_value(writer, &value) < 0)
            return -1;
        first = false;
    }
    return 0;
}

static int put_nested(struct writer *writer, const struct gust__value *value)
{
    bool object = value->kind == GUST__VALUE_JSON && json_is_object(value->json);
    if (++writer->depth > MOST_LEVELS)
        return gust_error_set(EINVAL, "a value that nests deeper than 64 levels");
    int result = put(writer, object ? "{" : "[", 1);
    if (result == 0)
        result = object ? put_members(writer, value->json)
                        : put_elements(writer, value, (size_t)gust__value_length(value));
    writer->depth--;
    return result < 0 ? -1 : put(writer, object ? "}" : "]", 1);
}

static int put_value(struct writer *writer, const struct gust__value *value)
{
    char room[GUST__VALUE_ROOM];
    if (value->kind == GUST__VALUE_TEXT)
        return put_string(writer, value->text, value->size);
    if (gust__value_length(value) >= 0)
        return put_nested(writer, value);
    size_t size = gust__value_scalar_text(value, room);
    bool negative = writer->script && *room == '-'; /* "a-" before it must not become "--" */
    return negative && put(writer, " ", 1) < 0 ? -1 : put(writer, room, size);
}

/* What json_encode() made is JSON already; of a script it has to be made harmless as well. */
static int put_made_json(const struct writer *writer, const struct gust__value *text)
{
    const char *end = text->text + text->size, *from = text->text;
    for (const char *at = from; at < end; at++) {
        if (!strchr("<>&'/`=", *at))
            continue;
        bool escaped = *at == '/' && at - text->text > 1 && at[-1] == '\\' && at[-2] == '<';
        if (put(writer, from, (size_t)(at - from - escaped)) < 0 || put_unit(writer, (unsigned char)*at) < 0)
            return -1;
        from = at + 1;
    }
    return put(writer, from, (size_t)(end - from));
}

int gust__template_put_json(struct gust__template_output *output, const struct gust__value *value,
                            bool script, int second)
{
    struct writer writer = {output, script, second, 0};
    if (script && value->kind == GUST__VALUE_TEXT && value->flavour == GUST__FLAVOUR_JSON)
        return put_made_json(&writer, value);
    return put_value(&writer, value);
}
