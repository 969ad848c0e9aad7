/* The values of templates: what JSON has, and Python's operators on it, with integers of 64 bits. */
#include "web/template.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <gust/error.h>

struct gust__value gust__value_of_json(json_t *json)
{
    switch (json ? json_typeof(json) : JSON_NULL) {
    case JSON_TRUE:
    case JSON_FALSE:
        return gust__value_boolean(json_is_true(json));
    case JSON_INTEGER:
        return gust__value_integer(json_integer_value(json));
    case JSON_REAL:
        return (struct gust__value){.kind = GUST__VALUE_REAL, .real = json_real_value(json)};
    case JSON_STRING:
        return gust__value_text(json_string_value(json), json_string_length(json));
    case JSON_NULL:
        return (struct gust__value){.kind = GUST__VALUE_NULL};
    default:
        return (struct gust__value){.kind = GUST__VALUE_JSON, .json = json};
    }
}

const char *gust__value_kind_name(const struct gust__value *value)
{
    switch (value->kind) {
    case GUST__VALUE_BOOLEAN:
        return value->boolean ? "true" : "false";
    case GUST__VALUE_INTEGER:
    case GUST__VALUE_REAL:
        return "a number";
    case GUST__VALUE_TEXT:
        return "a text";
    case GUST__VALUE_JSON:
        return json_is_array(value->json) ? "a list" : "an object";
    case GUST__VALUE_LIST:
    case GUST__VALUE_RANGE:
        return "a list";
    default:
        return "null";
    }
}

bool gust__value_truth(const struct gust__value *value)
{
    switch (value->kind) {
    case GUST__VALUE_BOOLEAN:
        return value->boolean;
    case GUST__VALUE_INTEGER:
        return value->integer != 0;
    case GUST__VALUE_REAL:
        return value->real < 0 || value->real > 0;
    case GUST__VALUE_TEXT:
    case GUST__VALUE_LIST:
    case GUST__VALUE_RANGE:
        return value->size != 0;
    case GUST__VALUE_JSON:
        return gust__value_length(value) != 0;
    default:
        return false;
    }
}

/* ---- numbers as text ---- */

/* Digits and exponent of a real that strtod reads back as the same, the fewest of 15 to 17. */
static int shortest_digits(double real, char digits[24])
{
    char text[40];
    for (int precision = 14; precision <= 16; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, real);
        double back = strtod(text, NULL);
        if (precision == 16 || memcmp(&back, &real, sizeof(real)) == 0)
            break;
    }
    size_t count = 0;
    const char *at = text;
    for (; *at != 'e'; at++) { /* whatever the locale's point is, it is no digit */
        if (*at >= '0' && *at <= '9')
            digits[count++] = *at;
    }
    while (count > 1 && digits[count - 1] == '0')
        count--;
    digits[count] = 0;
    return atoi(at + 1);
}

/* As Python's repr: 1.0, 0.1, 1e+16, 1e-05. */
static size_t real_text(double real, char room[GUST__VALUE_ROOM])
{
    char digits[24];
    double positive = fabs(real);
    const char *sign = signbit(real) ? "-" : "";
    int exponent = shortest_digits(positive, digits), count = (int)strlen(digits);
    if (exponent < -4 || exponent >= 16)
        return (size_t)snprintf(room, GUST__VALUE_ROOM, "%s%c%s%se%c%02d", sign, digits[0],
                                count > 1 ? "." : "", digits + 1, exponent < 0 ? '-' : '+', abs(exponent));
    if (exponent < 0)
        return (size_t)snprintf(room, GUST__VALUE_ROOM, "%s0.%.*s%s", sign, -exponent - 1, "000", digits);
    if (count <= exponent + 1)
        return (size_t)snprintf(room, GUST__VALUE_ROOM, "%s%s%.*s.0", sign, digits, exponent + 1 - count,
                                "0000000000000000");
    return (size_t)snprintf(room, GUST__VALUE_ROOM, "%s%.*s.%s", sign, exponent + 1, digits,
                            digits + exponent + 1);
}

static size_t integer_text(int64_t integer, char room[GUST__VALUE_ROOM])
{
    char *end = room + GUST__VALUE_ROOM, *at = end;
    uint64_t left = integer < 0 ? -(uint64_t)integer : (uint64_t)integer;
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (integer < 0)
        *--at = '-';
    memmove(room, at, (size_t)(end - at));
    return (size_t)(end - at);
}

size_t gust__value_scalar_text(const struct gust__value *value, char room[GUST__VALUE_ROOM])
{
    const char *word = "null";
    switch (value->kind) {
    case GUST__VALUE_INTEGER:
        return integer_text(value->integer, room);
    case GUST__VALUE_REAL:
        return real_text(value->real, room);
    case GUST__VALUE_BOOLEAN:
        word = value->boolean ? "true" : "false";
        break;
    default:
        break;
    }
    size_t size = strlen(word);
    memcpy(room, word, size);
    return size;
}

/* ---- elements ---- */

ssize_t gust__value_length(const struct gust__value *value)
{
    switch (value->kind) {
    case GUST__VALUE_LIST:
    case GUST__VALUE_RANGE:
        return (ssize_t)value->size;
    case GUST__VALUE_JSON:
        return (ssize_t)(json_is_array(value->json) ? json_array_size(value->json)
                                                    : json_object_size(value->json));
    default:
        return -1;
    }
}

static const char *key_at(json_t *object, size_t index)
{
    void *member = json_object_iter(object);
    while (member && index--)
        member = json_object_iter_next(object, member);
    return member ? json_object_iter_key(member) : "";
}

struct gust__value gust__value_at(const struct gust__value *value, size_t index)
{
    if (value->kind == GUST__VALUE_LIST)
        return value->list[index];
    if (value->kind == GUST__VALUE_RANGE)
        return gust__value_integer(value->range.first + (int64_t)index * value->range.step);
    if (json_is_array(value->json))
        return gust__value_of_json(json_array_get(value->json, index));
    const char *key = key_at(value->json, index);
    return gust__value_text(key, strlen(key));
}

/* The character (of UTF-8) at index of a text. */
static struct gust__value character_at(const struct gust__value *text, size_t index)
{
    const char *at = text->text, *end = at + text->size;
    for (; at < end; index--) {
        const char *next = at + 1;
        while (next < end && (*next & 0xc0) == 0x80)
            next++;
        if (index == 0)
            return gust__value_text(at, (size_t)(next - at));
        at = next;
    }
    return gust__value_text("", 0);
}

static size_t characters_of(const struct gust__value *text)
{
    size_t count = 0;
    for (size_t i = 0; i < text->size; i++)
        count += (text->text[i] & 0xc0) != 0x80;
    return count;
}

int gust__value_member(struct gust__value *value, const char *name, bool lenient)
{
    json_t *member = value->kind == GUST__VALUE_JSON ? json_object_get(value->json, name) : NULL;
    if (member) {
        *value = gust__value_of_json(member);
        return 0;
    }
    if (lenient) {
        *value = (struct gust__value){.kind = GUST__VALUE_MISSING};
        return 0;
    }
    if (value->kind == GUST__VALUE_JSON && json_is_object(value->json))
        return gust_error_set(EINVAL, "unknown name '.%s'", name);
    return gust_error_set(EINVAL, "'.%s' of %s", name, gust__value_kind_name(value));
}

static int missing_index(struct gust__value *value, bool lenient, const char *what)
{
    *value = (struct gust__value){.kind = GUST__VALUE_MISSING};
    return lenient ? 0 : gust_error_set(EINVAL, "%s", what);
}

int gust__value_index(struct gust__value *value, const struct gust__value *index, bool lenient)
{
    if (value->kind == GUST__VALUE_JSON && json_is_object(value->json) && index->kind == GUST__VALUE_TEXT) {
        /* the text may be a piece of another, and jansson wants a NUL */
        char key[256];
        if (index->size >= sizeof(key))
            return missing_index(value, lenient, "no member of that name");
        memcpy(key, index->text, index->size);
        key[index->size] = 0;
        return gust__value_member(value, key, lenient);
    }
    bool text = value->kind == GUST__VALUE_TEXT;
    ssize_t length = text ? (ssize_t)characters_of(value) : gust__value_length(value);
    if (length < 0 || (value->kind == GUST__VALUE_JSON && json_is_object(value->json)) ||
        index->kind != GUST__VALUE_INTEGER) {
        if (lenient)
            return missing_index(value, true, NULL);
        return gust_error_set(EINVAL, "%s as an index of %s", gust__value_kind_name(index),
                              gust__value_kind_name(value));
    }
    int64_t at = index->integer < 0 ? index->integer + length : index->integer;
    if (at < 0 || at >= length)
        return missing_index(value, lenient, "an index behind the end");
    *value = text ? character_at(value, (size_t)at) : gust__value_at(value, (size_t)at);
    return 0;
}

/* ---- comparing ---- */

static bool is_number(const struct gust__value *value)
{
    return value->kind == GUST__VALUE_INTEGER || value->kind == GUST__VALUE_REAL;
}

static double real_of(const struct gust__value *value)
{
    return value->kind == GUST__VALUE_REAL ? value->real : (double)value->integer;
}

static int compare_numbers(const struct gust__value *one, const struct gust__value *other)
{
    if (one->kind == GUST__VALUE_INTEGER && other->kind == GUST__VALUE_INTEGER)
        return (one->integer > other->integer) - (one->integer < other->integer);
    double left = real_of(one), right = real_of(other);
    return (left > right) - (left < right);
}

static int compare_texts(const struct gust__value *one, const struct gust__value *other)
{
    size_t size = one->size < other->size ? one->size : other->size;
    int result = size ? memcmp(one->text, other->text, size) : 0;
    return result ? result : (one->size > other->size) - (one->size < other->size);
}

/* Lists of lists that a template makes may be deeper than our stack: from 64 levels on they are unequal. */
static bool equals(const struct gust__value *one, const struct gust__value *other, unsigned depth)
{
    if (depth == 64)
        return false;
    if (is_number(one) && is_number(other))
        return compare_numbers(one, other) == 0;
    ssize_t length = gust__value_length(one);
    if (length >= 0 && gust__value_length(other) == length) {
        bool object = one->kind == GUST__VALUE_JSON && json_is_object(one->json);
        if (one->kind == GUST__VALUE_JSON && other->kind == GUST__VALUE_JSON)
            return one->json == other->json || json_equal(one->json, other->json);
        if (object || (other->kind == GUST__VALUE_JSON && json_is_object(other->json)))
            return false;
        for (size_t i = 0; i < (size_t)length; i++) {
            struct gust__value left = gust__value_at(one, i), right = gust__value_at(other, i);
            if (!equals(&left, &right, depth + 1))
                return false;
        }
        return true;
    }
    if (one->kind != other->kind)
        return false;
    if (one->kind == GUST__VALUE_TEXT)
        return compare_texts(one, other) == 0;
    return one->kind == GUST__VALUE_BOOLEAN ? one->boolean == other->boolean : one->kind <= GUST__VALUE_NULL;
}

bool gust__value_equals(const struct gust__value *one, const struct gust__value *other)
{
    return equals(one, other, 0);
}

/* Whether right has left: an element, a key, or a piece of text. -1: the last error. */
static int is_in(const struct gust__value *left, const struct gust__value *right)
{
    if (right->kind == GUST__VALUE_TEXT && left->kind == GUST__VALUE_TEXT)
        return left->size == 0 || memmem(right->text, right->size, left->text, left->size) != NULL;
    if (right->kind == GUST__VALUE_JSON && json_is_object(right->json)) {
        struct gust__value member = *right;
        if (left->kind != GUST__VALUE_TEXT)
            return 0;
        return gust__value_index(&member, left, true) < 0 ? -1 : member.kind != GUST__VALUE_MISSING;
    }
    ssize_t length = gust__value_length(right);
    if (length < 0)
        return gust_error_set(EINVAL, "%s in %s", gust__value_kind_name(left), gust__value_kind_name(right));
    for (size_t i = 0; i < (size_t)length; i++) {
        struct gust__value element = gust__value_at(right, i);
        if (gust__value_equals(left, &element))
            return 1;
    }
    return 0;
}

static int order(int operation, const struct gust__value *left, const struct gust__value *right, bool *result)
{
    int difference;
    if (is_number(left) && is_number(right))
        difference = compare_numbers(left, right);
    else if (left->kind == GUST__VALUE_TEXT && right->kind == GUST__VALUE_TEXT)
        difference = compare_texts(left, right);
    else
        return gust_error_set(EINVAL, "%s cannot be compared with %s", gust__value_kind_name(left),
                              gust__value_kind_name(right));
    *result = operation == GUST__DO_LESS         ? difference < 0
              : operation == GUST__DO_LESS_EQUAL ? difference <= 0
              : operation == GUST__DO_GREATER    ? difference > 0
                                                 : difference >= 0;
    return 0;
}

int gust__value_compare(int operation, struct gust__value *left, const struct gust__value *right)
{
    bool result = false;
    int in;
    switch (operation) {
    case GUST__DO_EQUAL:
    case GUST__DO_UNEQUAL:
        result = gust__value_equals(left, right) == (operation == GUST__DO_EQUAL);
        break;
    case GUST__DO_IN:
    case GUST__DO_NOT_IN:
        in = is_in(left, right);
        if (in < 0)
            return -1;
        result = in == (operation == GUST__DO_IN);
        break;
    default:
        if (order(operation, left, right, &result) < 0)
            return -1;
    }
    *left = gust__value_boolean(result);
    return 0;
}

/* ---- arithmetic ---- */

static const char *const signs[] = {
    [GUST__DO_ADD] = "+",    [GUST__DO_SUBTRACT] = "-", [GUST__DO_MULTIPLY] = "*",
    [GUST__DO_DIVIDE] = "/", [GUST__DO_FLOOR] = "//",   [GUST__DO_MODULO] = "%",
};

static int too_great(void)
{
    return gust_error_set(EINVAL, "a number that is too great");
}

static int set_real(struct gust__value *value, double real)
{
    *value = (struct gust__value){.kind = GUST__VALUE_REAL, .real = real};
    return isfinite(real) ? 0 : too_great();
}

/* Rounds down, as Python does; b is not 0. */
static int divide_down(int operation, struct gust__value *left, int64_t a, int64_t b)
{
    if (b == -1) {
        int64_t negated;
        if (operation == GUST__DO_FLOOR && __builtin_sub_overflow((int64_t)0, a, &negated))
            return too_great();
        *left = gust__value_integer(operation == GUST__DO_FLOOR ? negated : 0);
        return 0;
    }
    int64_t quotient = a / b, rest = a % b;
    bool down = rest && (rest < 0) != (b < 0);
    *left = gust__value_integer(operation == GUST__DO_FLOOR ? quotient - down : down ? rest + b : rest);
    return 0;
}

static int integers(int operation, struct gust__value *left, int64_t a, int64_t b)
{
    int64_t result;
    bool over = false;
    switch (operation) {
    case GUST__DO_ADD:
        over = __builtin_add_overflow(a, b, &result);
        break;
    case GUST__DO_SUBTRACT:
        over = __builtin_sub_overflow(a, b, &result);
        break;
    case GUST__DO_MULTIPLY:
        over = __builtin_mul_overflow(a, b, &result);
        break;
    case GUST__DO_DIVIDE:
        return set_real(left, (double)a / (double)b);
    default:
        return divide_down(operation, left, a, b);
    }
    *left = gust__value_integer(result);
    return over ? too_great() : 0;
}

static int reals(int operation, struct gust__value *left, double a, double b)
{
    double rest;
    switch (operation) {
    case GUST__DO_ADD:
        return set_real(left, a + b);
    case GUST__DO_SUBTRACT:
        return set_real(left, a - b);
    case GUST__DO_MULTIPLY:
        return set_real(left, a * b);
    case GUST__DO_DIVIDE:
        return set_real(left, a / b);
    case GUST__DO_FLOOR:
        return set_real(left, floor(a / b));
    default:
        rest = fmod(a, b);
        return set_real(left, (rest < 0 && b > 0) || (rest > 0 && b < 0) ? rest + b : rest);
    }
}

static int join_texts(struct gust__value *left, const struct gust__value *right, struct gust__arena *arena)
{
    size_t size = left->size + right->size;
    char *text = gust__arena_alloc(arena, size + 1);
    if (!text)
        return gust_error_set(ENOMEM, NULL);
    if (left->size)
        memcpy(text, left->text, left->size);
    if (right->size)
        memcpy(text + left->size, right->text, right->size);
    text[size] = 0;
    *left = gust__value_text(text, size);
    return 0;
}

int gust__value_arithmetic(int operation, struct gust__value *left, const struct gust__value *right,
                           struct gust__arena *arena)
{
    if (operation == GUST__DO_ADD && left->kind == GUST__VALUE_TEXT && right->kind == GUST__VALUE_TEXT)
        return join_texts(left, right, arena);
    if (!is_number(left) || !is_number(right))
        return gust_error_set(EINVAL, "%s %s %s", gust__value_kind_name(left), signs[operation],
                              gust__value_kind_name(right));
    bool divides = operation >= GUST__DO_DIVIDE;
    if (divides && !gust__value_truth(right))
        return gust_error_set(EINVAL, "a division by zero");
    if (left->kind == GUST__VALUE_INTEGER && right->kind == GUST__VALUE_INTEGER)
        return integers(operation, left, left->integer, right->integer);
    return reals(operation, left, real_of(left), real_of(right));
}

int gust__value_negate(struct gust__value *value)
{
    if (value->kind == GUST__VALUE_REAL)
        return set_real(value, -value->real);
    if (value->kind != GUST__VALUE_INTEGER)
        return gust_error_set(EINVAL, "- %s", gust__value_kind_name(value));
    int64_t zero = 0, result;
    if (__builtin_sub_overflow(zero, value->integer, &result))
        return too_great();
    *value = gust__value_integer(result);
    return 0;
}
