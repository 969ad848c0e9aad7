/* Writing values for the place where they stand. */
#include "web/template.h"

#include <errno.h>

#include <gust/error.h>

static const char hexadecimal[] = "0123456789abcdef";

/* ---- HTML ---- */

static const struct gust__slice references[256] = {
    ['&'] = {"&amp;", 5},  ['<'] = {"&lt;", 4},   ['>'] = {"&gt;", 4},
    ['"'] = {"&quot;", 6}, ['\''] = {"&#39;", 5},
};

/* What else ends or changes a value without quotes. */
static const struct gust__slice unquoted_references[256] = {
    ['&'] = {"&amp;", 5},  ['<'] = {"&lt;", 4},   ['>'] = {"&gt;", 4},   ['"'] = {"&quot;", 6},
    ['\''] = {"&#39;", 5}, ['`'] = {"&#96;", 5},  ['='] = {"&#61;", 5},  [' '] = {"&#32;", 5},
    ['\t'] = {"&#9;", 4},  ['\n'] = {"&#10;", 5}, ['\f'] = {"&#12;", 5}, ['\r'] = {"&#13;", 5},
    ['\v'] = {"&#11;", 5},
};

static int put_referred(struct gust__template_output *output, const char *data, size_t size,
                        const struct gust__slice *table)
{
    const char *end = data + size, *from = data;
    for (const char *at = data; at < end; at++) {
        const struct gust__slice *reference = &table[(unsigned char)*at];
        if (__builtin_expect(!reference->size, 1))
            continue;
        if (gust__template_put(output, from, (size_t)(at - from)) < 0 ||
            gust__template_put(output, reference->data, reference->size) < 0)
            return -1;
        from = at + 1;
    }
    return gust__template_put(output, from, (size_t)(end - from));
}

static int put_twice(struct gust__template_output *output, const char *data, size_t size)
{
    for (const char *end = data + size; data < end; data++) {
        struct gust__slice once = references[(unsigned char)*data];
        if (!once.size)
            once = gust__slice(data, 1);
        if (put_referred(output, once.data, once.size, references) < 0)
            return -1;
    }
    return 0;
}

int gust__template_put_escaped(struct gust__template_output *output, const char *data, size_t size,
                               int second)
{
    switch (second) {
    case GUST__ESCAPE_HTML:
        return put_referred(output, data, size, references);
    case GUST__ESCAPE_UNQUOTED:
        return put_referred(output, data, size, unquoted_references);
    case GUST__ESCAPE_TWICE:
        return put_twice(output, data, size);
    default:
        return gust__template_put(output, data, size);
    }
}

/* ---- URLs ---- */

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hexadecimal(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* In a path what a URL may have stays, escapes too; in a query only what RFC 3986 reserves for nothing. */
static bool stays(const char *at, const char *end, bool path)
{
    if (is_alphanumeric(*at) || strchr("-._~", *at))
        return *at;
    if (!path)
        return false;
    if (*at == '%')
        return end - at > 2 && is_hexadecimal(at[1]) && is_hexadecimal(at[2]);
    return *at && strchr("!#$&*+,/:;=?@[]", *at);
}

static int put_url(struct gust__template_output *output, const char *data, size_t size, bool path, int second)
{
    const char *end = data + size;
    for (const char *at = data; at < end; at++) {
        const char *from = at;
        while (at < end && stays(at, end, path))
            at++;
        if (gust__template_put_escaped(output, from, (size_t)(at - from), second) < 0)
            return -1;
        if (at == end)
            break;
        unsigned char c = (unsigned char)*at;
        char escape[3] = {'%', (char)gust__lower(hexadecimal[c >> 4]), hexadecimal[c & 15]};
        if (gust__template_put(output, escape, 3) < 0)
            return -1;
    }
    return 0;
}

/* Whether a URL that begins so can be followed without harm: no scheme, or one that runs nothing. */
static bool is_harmless(const char *data, size_t size, bool rest)
{
    static const char *const schemes[] = {"http", "https", "mailto", "tel", "sms", "ftp"};
    size_t before = 0;
    while (before < size && !strchr(":/?#", data[before]))
        before++;
    before += 0;
    if (before == size || data[before] != ':')
        return !(before < size && data[before] == 0);
    for (size_t i = 0; !rest && i < GUST_LEN(schemes); i++) {
        if (gust__slice_equals_ignoring_case(gust__slice(data, before), gust__slice_of(schemes[i])))
            return true;
    }
    return false;
}

static int put_begun_url(struct gust__template_output *output, const char *data, size_t size, bool rest,
                         int second)
{
    static const char blocked[] = "about:invalid#blocked";
    if (!is_harmless(data, size, rest))
        return gust__template_put(output, blocked, sizeof(blocked) - 1);
    return put_url(output, data, size, true, second);
}

/* In url(...): nothing that ends it, with quotes or without. */
static int put_style_url(struct gust__template_output *output, const char *data, size_t size, int second)
{
    if (!is_harmless(data, size, false))
        return gust__template_put(output, "about:invalid#blocked", 21);
    return put_url(output, data, size, true, second);
}

/* ---- scripts and style sheets ---- */

/* For the inside of a string: whatever could end it or the element is \u.... */
static int put_script_text(struct gust__template_output *output, const char *data, size_t size, int second)
{
    const char *end = data + size, *from = data;
    for (const char *at = data; at < end; at++) {
        unsigned char c = (unsigned char)*at;
        bool separator = c == 0xe2 && end - at > 2 && (unsigned char)at[1] == 0x80 &&
                         ((unsigned char)at[2] & 0xfe) == 0xa8; /* U+2028, U+2029 */
        if (!separator && c >= ' ' && c != 0x7f && !strchr("\"'`\\/<>&=+$", (char)c))
            continue;
        char escape[6] = {'\\', 'u', '0', '0', hexadecimal[c >> 4], hexadecimal[c & 15]};
        if (separator)
            memcpy(escape, at[2] & 1 ? "\\u2029" : "\\u2028", 6);
        if (gust__template_put_escaped(output, from, (size_t)(at - from), second) < 0 ||
            gust__template_put(output, escape, 6) < 0)
            return -1;
        at += separator ? 2 : 0;
        from = at + 1;
    }
    return gust__template_put_escaped(output, from, (size_t)(end - from), second);
}

static int put_style_text(struct gust__template_output *output, const char *data, size_t size, int second)
{
    for (const char *end = data + size; data < end; data++) {
        unsigned char c = (unsigned char)*data;
        char escape[4] = {'\\', hexadecimal[c >> 4], hexadecimal[c & 15], ' '};
        bool safe = is_alphanumeric(*data) || c >= 0x80 || (c && strchr(" -_.,:#%!?", *data));
        int result = safe ? gust__template_put_escaped(output, data, 1, second)
                          : gust__template_put_escaped(output, escape, 4, second);
        if (result < 0)
            return -1;
    }
    return 0;
}

/* Colours, lengths, names. What else comes is written off as a whole. */
static int put_style(struct gust__template_output *output, const char *data, size_t size, int second)
{
    for (size_t i = 0; i < size; i++) {
        if (!is_alphanumeric(data[i]) && (unsigned char)data[i] < 0x80 &&
            (!data[i] || !strchr(" #%.,-_+", data[i])))
            return gust__template_put(output, "blocked", 7);
        if (i && data[i] == '-' && data[i - 1] == '-') /* a custom property, or the end of a comment */
            return gust__template_put(output, "blocked", 7);
    }
    return gust__template_put_escaped(output, data, size, second);
}

/* An attribute without value, or the end of a name. */
static int put_name(struct gust__template_output *output, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!is_alphanumeric(data[i]) && (unsigned char)data[i] < 0x80 &&
            (!data[i] || !strchr("-_.: ", data[i])))
            return gust__template_put(output, "blocked", 7);
    }
    return gust__template_put(output, data, size);
}

/* ---- values ---- */

static int put_text(struct gust__template_output *output, const char *data, size_t size, uint8_t how)
{
    int second = GUST__ESCAPE_SECOND(how);
    switch (GUST__ESCAPE_FIRST(how)) {
    case GUST__ESCAPE_NAME:
        return put_name(output, data, size);
    case GUST__ESCAPE_SCRIPT_TEXT:
        return put_script_text(output, data, size, second);
    case GUST__ESCAPE_STYLE:
        return put_style(output, data, size, second);
    case GUST__ESCAPE_STYLE_TEXT:
        return put_style_text(output, data, size, second);
    case GUST__ESCAPE_URL:
        return put_begun_url(output, data, size, false, second);
    case GUST__ESCAPE_URL_REST:
        return put_begun_url(output, data, size, true, second);
    case GUST__ESCAPE_URL_PATH:
        return put_url(output, data, size, true, second);
    case GUST__ESCAPE_URL_QUERY:
        return put_url(output, data, size, false, second);
    case GUST__ESCAPE_URL_STYLE:
        return put_style_url(output, data, size, second);
    default:
        return gust__template_put_escaped(output, data, size, second);
    }
}

/* A list or an object, as JSON in the arena, then as any text. */
static int put_tree(struct gust__template_output *output, const struct gust__value *value, uint8_t how)
{
    struct gust__template_output text = {.max = SIZE_MAX, .arena = output->arena, .holds = 1};
    if (gust__template_put_json(&text, value, false, 0) < 0)
        return -1;
    return put_text(output, text.data, text.size, how);
}

int gust__template_write(struct gust__template_output *output, const struct gust__value *value, uint8_t how)
{
    char room[GUST__VALUE_ROOM];
    const uint8_t text = GUST__ESCAPE_MARKUP | GUST__ESCAPE_HTML;
    if (value->kind == GUST__VALUE_TEXT && how == text) /* nearly all */
        return value->flavour == GUST__FLAVOUR_HTML
                   ? gust__template_put(output, value->text, value->size)
                   : put_referred(output, value->text, value->size, references);
    if (GUST__ESCAPE_FIRST(how) == GUST__ESCAPE_SCRIPT)
        return gust__template_put_json(output, value, true, GUST__ESCAPE_SECOND(how));
    if (value->kind == GUST__VALUE_TEXT)
        return put_text(output, value->text, value->size, how);
    if (gust__value_length(value) >= 0)
        return put_tree(output, value, how);
    size_t size = gust__value_scalar_text(value, room);
    return how == text ? gust__template_put(output, room, size) : put_text(output, room, size, how);
}
