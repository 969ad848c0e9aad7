/*
 * Whether a JSON value has the shape that a schema says. The schema is read as the value is walked; where
 * there is no value to hold against it (a member that did not come, an alternative that is not needed) it is
 * read all the same, so that a mistake in it shows at the first request.
 */
#include "web/problems.h"

#include "base/number.h"
#include "http/characters.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gust/json.h>

enum { MOST_LEVELS = 32, NAME_ROOM = 128 };

struct check {
    gust_request *request;
    struct gust__problems problems;
    const char *schema;
    const char *at; /* how far it has been read */
    unsigned level;
    unsigned trying; /* alternatives that are tried: what does not fit is no problem yet */
    char path[256];  /* of the value in hand: "address.zip", "tags[2]"; cut when it is longer */
};

/* Reads a type and holds value against it (NULL: only reads). Whether it fits; if not, its problems are
 * noted. */
static bool check_type(struct check *check, json_t *value);

/* ---- reading the schema ---- */

static _Noreturn void mistake(const struct check *check, const char *expected)
{
    gust_fail(500, "the schema needs %s at character %td: %s", expected, check->at - check->schema + 1,
              check->at);
}

static char peek(struct check *check)
{
    check->at += strspn(check->at, " \t\r\n");
    return *check->at;
}

static bool take(struct check *check, const char *text)
{
    peek(check);
    if (strncmp(check->at, text, strlen(text)) != 0)
        return false;
    check->at += strlen(text);
    return true;
}

static void need(struct check *check, const char *text)
{
    if (!take(check, text))
        mistake(check, text);
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static struct gust__slice take_word(struct check *check)
{
    const char *start = (peek(check), check->at);
    while (is_word(*check->at))
        check->at++;
    return gust__slice_between(start, check->at);
}

/* A JSON string, quotes included. */
static struct gust__slice take_string(struct check *check)
{
    const char *start = check->at++;
    while (*check->at && *check->at != '"')
        check->at += *check->at == '\\' && check->at[1] ? 2 : 1;
    if (!*check->at)
        mistake(check, "a quote");
    check->at++;
    return gust__slice_between(start, check->at);
}

/* ---- ranges ---- */

struct range {
    double least, greatest;
    bool given;
};

static double take_number(struct check *check)
{
    char *end;
    double number = (peek(check), gust__strtod(check->at, &end));
    if (end == check->at)
        mistake(check, "a number");
    if (end[-1] == '.') /* "1." of "1..5" */
        end--;
    check->at = end;
    return number;
}

static struct range take_range(struct check *check)
{
    struct range range = {-INFINITY, INFINITY, false};
    if (!take(check, "("))
        return range;
    range.given = true;
    if (!take(check, "..")) {
        range.least = take_number(check);
        need(check, "..");
    }
    if (!take(check, ")")) {
        range.greatest = take_number(check);
        need(check, ")");
    }
    return range;
}

static const char *check_range(const struct check *check, struct range range, double number, const char *unit)
{
    if (number >= range.least && number <= range.greatest)
        return NULL;
    if (range.greatest == INFINITY)
        return gust_sprintf(check->request, "must be at least %.15g%s", range.least, unit);
    if (range.least == -INFINITY)
        return gust_sprintf(check->request, "must be at most %.15g%s", range.greatest, unit);
    return gust_sprintf(check->request, "must be %.15g..%.15g%s", range.least, range.greatest, unit);
}

/* ---- plain kinds: the problem with a value, or NULL; value NULL: only read ---- */

static const char *check_number(struct check *check, const json_t *value, bool whole)
{
    struct range range = take_range(check);
    if (!value)
        return NULL;
    if (whole ? !json_is_integer(value) : !json_is_number(value))
        return whole ? "must be a whole number" : "must be a number";
    return check_range(check, range, json_number_value(value), "");
}

static const char *check_text(struct check *check, const json_t *value)
{
    struct range range = take_range(check);
    if (!value)
        return NULL;
    if (!json_is_string(value))
        return "must be text";
    return check_range(check, range, (double)json_string_length(value), " bytes long");
}

static const char *check_kind(struct check *check, const json_t *value)
{
    const char *start = check->at;
    struct gust__slice word = take_word(check);
    if (gust__slice_equals(word, GUST__SLICE("any")))
        return NULL;
    if (gust__slice_equals(word, GUST__SLICE("int")))
        return check_number(check, value, true);
    if (gust__slice_equals(word, GUST__SLICE("number")))
        return check_number(check, value, false);
    if (gust__slice_equals(word, GUST__SLICE("text")))
        return check_text(check, value);
    if (gust__slice_equals(word, GUST__SLICE("bool")))
        return !value || json_is_boolean(value) ? NULL : "must be true or false";
    if (gust__slice_equals(word, GUST__SLICE("null")))
        return !value || json_is_null(value) ? NULL : "must be null";
    check->at = start;
    mistake(check, "a type");
}

/* "S", 7, true: any JSON value that is no list and no object. */
static const char *check_literal(struct check *check, const json_t *value)
{
    const char *start = check->at;
    struct gust__slice text;
    if (*start == '"') {
        text = take_string(check);
    } else {
        check->at += strspn(check->at, "+-.0123456789eE");
        if (check->at == start)
            take_word(check);
        text = gust__slice_between(start, check->at);
    }
    json_t *literal = json_loadb(text.data, text.size, JSON_DECODE_ANY, NULL);
    if (!literal) {
        check->at = start;
        mistake(check, "a value");
    }
    bool equal = !value || json_equal(value, literal);
    json_decref(literal);
    return equal ? NULL : gust_sprintf(check->request, "must be %.*s", (int)text.size, text.data);
}

/* ---- where a value is, and what is wrong with it ---- */

static bool note(struct check *check, const char *problem)
{
    if (problem && !check->trying)
        gust__problem_add(&check->problems, *check->path ? check->path : "body", problem);
    return !problem;
}

/* Goes a step deeper; the length to go back to with leave. */
static size_t enter(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

static size_t enter(struct check *check, const char *format, ...)
{
    size_t length = strlen(check->path);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check->path + length, sizeof(check->path) - length, format, arguments);
    va_end(arguments);
    return length;
}

static void leave(struct check *check, size_t length)
{
    check->path[length] = 0;
}

static bool enough_said(const struct check *check)
{
    return check->problems.count >= GUST__PROBLEMS_MAX;
}

/* ---- lists: behind the opening bracket ---- */

static bool check_list(struct check *check, json_t *value)
{
    bool all_fit = true;
    const char *type = check->at;
    size_t size = json_array_size(value);
    check_type(check, NULL); /* to its end */
    const char *end = check->at;
    for (size_t i = 0; i < size && !enough_said(check); i++) {
        size_t length = enter(check, "[%zu]", i);
        check->at = type;
        all_fit &= check_type(check, json_array_get(value, i));
        leave(check, length);
        if (!all_fit && check->trying)
            break;
    }
    check->at = end;
    need(check, "]");
    struct range range = take_range(check);
    if (!value)
        return true;
    if (!json_is_array(value))
        return note(check, "must be a list");
    return note(check, check_range(check, range, (double)size, " items")) && all_fit;
}

/* ---- objects: behind the opening brace ---- */

static void take_name(struct check *check, char name[NAME_ROOM])
{
    bool quoted = peek(check) == '"';
    struct gust__slice text = quoted ? take_string(check) : take_word(check);
    if (quoted)
        text = gust__slice(text.data + 1, text.size - 2);
    if (text.size == 0 || text.size >= NAME_ROOM)
        mistake(check, "a name of 1 to 127 bytes");
    memcpy(name, text.data, text.size);
    name[text.size] = 0;
}

/* One "name?: type"; *known counts those of the object's members that the schema names. */
static bool check_member(struct check *check, json_t *object, size_t *known)
{
    char name[NAME_ROOM];
    take_name(check, name);
    json_t *value = json_object_get(object, name);
    bool optional = take(check, "?"), fit;
    size_t length = enter(check, "%s%s", *check->path ? "." : "", name);
    need(check, ":");
    *known += value != NULL;
    fit = check_type(check, value);
    if (object && !value && !optional)
        fit = note(check, "is required");
    leave(check, length);
    return fit;
}

/* Whether the schema's object, which begins at start, names a member. */
static bool is_named(struct check *check, const char *start, const char *key)
{
    const char *end = check->at;
    char name[NAME_ROOM];
    bool found = false;
    check->at = start;
    while (!found && peek(check) != '}') {
        take_name(check, name);
        found = strcmp(name, key) == 0;
        take(check, "?");
        need(check, ":");
        check_type(check, NULL);
        take(check, ",");
    }
    check->at = end;
    return found;
}

static bool note_unknown(struct check *check, const char *start, json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (enough_said(check))
            break;
        if (is_named(check, start, key))
            continue;
        size_t length = enter(check, "%s%s", *check->path ? "." : "", key);
        note(check, "is not known");
        leave(check, length);
    }
    return false;
}

static bool check_object(struct check *check, json_t *value)
{
    const char *start = check->at;
    json_t *object = json_is_object(value) ? value : NULL;
    bool fit = true, open = false;
    size_t known = 0;
    while (!take(check, "}")) {
        open = take(check, "...");
        if (!open)
            fit &= check_member(check, object, &known);
        if (!take(check, ",") || open) {
            need(check, "}");
            break;
        }
    }
    if (value && !object)
        return note(check, "must be an object");
    if (!open && known < json_object_size(object))
        fit = note_unknown(check, start, object);
    return fit;
}

/* ---- types ---- */

static bool check_alternative(struct check *check, json_t *value)
{
    char c = peek(check);
    if (take(check, "{"))
        return check_object(check, value);
    if (take(check, "["))
        return check_list(check, value);
    bool is_literal = c == '"' || c == '-' || gust__is(c, GUST__IS_DIGIT) ||
                      strncmp(check->at, "true", 4) == 0 || strncmp(check->at, "false", 5) == 0;
    return note(check, is_literal ? check_literal(check, value) : check_kind(check, value));
}

/* Whether alternatives follow: a bar before the type's end, outside of brackets and quotes. */
static bool has_alternatives(const char *at)
{
    for (unsigned level = 0; *at; at++) {
        if (*at == '"') {
            while (at[1] && *++at != '"')
                at += *at == '\\' && at[1];
            continue;
        }
        if (*at == '|' && level == 0)
            return true;
        if (*at == ',' && level == 0)
            return false;
        if (strchr("{[(", *at))
            level++;
        else if (strchr("}])", *at) && level-- == 0)
            return false;
    }
    return false;
}

static bool check_alternatives(struct check *check, json_t *value)
{
    const char *start = check->at;
    bool fit = false;
    check->trying++;
    do
        fit |= check_alternative(check, fit ? NULL : value);
    while (take(check, "|"));
    check->trying--;
    return fit || note(check, gust_sprintf(check->request, "must be %.*s", (int)(check->at - start), start));
}

static bool check_type(struct check *check, json_t *value)
{
    peek(check);
    if (++check->level > MOST_LEVELS)
        mistake(check, "fewer levels");
    bool fit =
        has_alternatives(check->at) ? check_alternatives(check, value) : check_alternative(check, value);
    check->level--;
    return fit;
}

json_t *gust_json_checked(gust_request *request, const char *schema)
{
    struct check check = {
        .request = request, .problems = {.request = request}, .schema = schema, .at = schema};
    json_t *body = gust_json_body(request);
    check_type(&check, body);
    if (peek(&check))
        mistake(&check, "no more");
    gust__problems_fail(&check.problems);
    return body;
}
