/* gust_bind: arguments into a struct, by a table; every field that does not fit is named. */
#include "web/arguments.h"
#include "web/problems.h"

#include "base/number.h"
#include "http/characters.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gust/error.h>
#include <gust/json.h>

/* A field's argument: text, or a member of a JSON body; neither: it did not come. */
struct given {
    const char *text;
    const json_t *json;
};

struct binding {
    gust_request *request;
    const json_t *members; /* of a JSON body; NULL: it is none */
};

/* ---- where a field comes from ---- */

static bool is_json(struct gust__slice type)
{
    static const struct gust__slice suffix = {"+json", 5};
    if (gust__slice_equals_ignoring_case(type, GUST__SLICE("application/json")))
        return true;
    return type.size > suffix.size &&
           gust__slice_equals_ignoring_case(gust__slice_from(type, type.size - suffix.size), suffix);
}

static const json_t *json_members(gust_request *request)
{
    if (!request->exchange->body.size || !is_json(gust__body_type(request)))
        return NULL;
    const json_t *members = gust_json_body(request);
    if (!json_is_object(members))
        gust_fail(400, "the body is not a JSON object");
    return members;
}

static bool came(struct given given)
{
    return given.text || given.json;
}

static struct given from_body(const struct binding *binding, const char *name)
{
    struct given given = {0};
    if (binding->members)
        given.json = json_object_get(binding->members, name);
    else
        given.text = gust_body_arg(binding->request, name);
    if (json_is_null(given.json))
        given.json = NULL;
    return given;
}

static struct given find(const struct binding *binding, const gust_field *field)
{
    enum gust_field_from from = field->rules.from;
    struct given given = {0};
    if (from == GUST_PATH || from == GUST_ANYWHERE)
        given.text = gust_path_arg_named(binding->request, field->name);
    if (!came(given) && (from == GUST_BODY || from == GUST_ANYWHERE))
        given = from_body(binding, field->name);
    if (!came(given) && (from == GUST_QUERY || from == GUST_ANYWHERE))
        given.text = gust_query_arg(binding->request, field->name);
    if (given.text && !*given.text && field->kind != GUST__TEXT)
        given.text = NULL; /* a form's field that was left empty */
    return given;
}

/* ---- limits ---- */

/* min and max 0: none; max 0 above it: only the least. */
static bool has_least(const gust_field_rules *rules)
{
    return rules->min != 0 || rules->max != 0;
}

static bool has_greatest(const gust_field_rules *rules)
{
    return has_least(rules) && rules->max >= rules->min;
}

/* NULL, or what is wrong. what: "" or " bytes long". */
static const char *check_limits(const struct binding *binding, const gust_field_rules *rules,
                                long double value, const char *what)
{
    bool fits = (!has_least(rules) || value >= (long double)rules->min) &&
                (!has_greatest(rules) || value <= (long double)rules->max);
    if (fits)
        return NULL;
    if (has_greatest(rules))
        return gust_sprintf(binding->request, "must be %.15g..%.15g%s", rules->min, rules->max, what);
    return gust_sprintf(binding->request, "must be at least %.15g%s", rules->min, what);
}

/* ---- integers: a sign and 64 bits ---- */

struct integer {
    bool negative;
    uint64_t magnitude;
};

/* 1; 0: it is no integer; -1: one of more than 64 bits. */
static int read_integer(const char *text, struct integer *integer)
{
    bool large = false;
    *integer = (struct integer){.negative = *text == '-'};
    text += *text == '-' || *text == '+';
    if (!*text)
        return 0;
    for (; *text; text++) {
        if (!gust__is(*text, GUST__IS_DIGIT))
            return 0;
        large |= __builtin_mul_overflow(integer->magnitude, 10u, &integer->magnitude);
        large |= __builtin_add_overflow(integer->magnitude, (unsigned)(*text - '0'), &integer->magnitude);
    }
    return large ? -1 : 1;
}

static int take_integer(struct given given, struct integer *integer)
{
    if (given.text)
        return read_integer(given.text, integer);
    if (!json_is_integer(given.json))
        return 0;
    json_int_t value = json_integer_value(given.json);
    *integer = (struct integer){value < 0, value < 0 ? -(uint64_t)value : (uint64_t)value};
    return 1;
}

/* The greatest and the least value of the member. */
static uint64_t greatest_of(const gust_field *field)
{
    unsigned bits = (unsigned)field->width * 8 - (field->kind == GUST__INT);
    return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

static bool fits_member(const gust_field *field, struct integer integer)
{
    if (!integer.negative || integer.magnitude == 0)
        return integer.magnitude <= greatest_of(field);
    return field->kind == GUST__INT && integer.magnitude <= greatest_of(field) + 1;
}

static const char *member_limits(const struct binding *binding, const gust_field *field)
{
    unsigned long long greatest = greatest_of(field);
    if (field->kind == GUST__UNSIGNED)
        return gust_sprintf(binding->request, "must be 0..%llu", greatest);
    return gust_sprintf(binding->request, "must be -%llu..%llu", greatest + 1, greatest);
}

static void store_integer(const gust_field *field, struct integer integer, char *to)
{
    uint64_t value = integer.negative ? -integer.magnitude : integer.magnitude;
    switch (field->width) {
    case 1:
        memcpy(to, &(uint8_t){(uint8_t)value}, 1);
        break;
    case 2:
        memcpy(to, &(uint16_t){(uint16_t)value}, 2);
        break;
    case 4:
        memcpy(to, &(uint32_t){(uint32_t)value}, 4);
        break;
    default:
        memcpy(to, &value, 8);
    }
}

static const char *bind_integer(const struct binding *binding, const gust_field *field, struct given given,
                                char *to)
{
    struct integer integer;
    int read = take_integer(given, &integer);
    if (field->width > sizeof(uint64_t))
        gust_fail(500, "gust_bind: the member %s is wider than 64 bits", field->name);
    if (read == 0)
        return "must be a whole number";
    long double value = (long double)integer.magnitude * (integer.negative ? -1 : 1);
    const char *problem = check_limits(binding, &field->rules,
                                       read < 0 ? (integer.negative ? -INFINITY : INFINITY) : value, "");
    if (!problem && (read < 0 || !fits_member(field, integer)))
        problem = member_limits(binding, field);
    if (!problem)
        store_integer(field, integer, to);
    return problem;
}

/* ---- the other kinds ---- */

static const char *bind_text(const struct binding *binding, const gust_field *field, struct given given,
                             char *to)
{
    const char *text = given.text ? given.text : json_string_value(given.json);
    if (!text)
        return "must be text";
    const char *problem = check_limits(binding, &field->rules, (long double)strlen(text), " bytes long");
    if (!problem)
        memcpy(to, &text, sizeof(text));
    return problem;
}

static bool read_double(const char *text, double *value)
{
    char *end;
    if (strspn(text, "+-.0123456789eE") != strlen(text))
        return false;
    *value = gust__strtod(text, &end);
    return end != text && !*end && isfinite(*value);
}

static const char *bind_double(const struct binding *binding, const gust_field *field, struct given given,
                               char *to)
{
    double value = json_number_value(given.json);
    if (given.text ? !read_double(given.text, &value) : !json_is_number(given.json))
        return "must be a number";
    const char *problem = check_limits(binding, &field->rules, value, "");
    if (!problem)
        memcpy(to, &value, sizeof(value));
    return problem;
}

static bool is_one_of(const char *text, const char *const *words)
{
    while (*words && !gust__slice_equals_ignoring_case(gust__slice_of(text), gust__slice_of(*words)))
        words++;
    return *words;
}

static const char *bind_bool(struct given given, char *to)
{
    static const char *const yes[] = {"true", "1", "on", NULL}, *const no[] = {"false", "0", "off", NULL};
    bool value = given.text ? is_one_of(given.text, yes) : json_is_true(given.json);
    if (!value && !(given.text ? is_one_of(given.text, no) : json_is_false(given.json)))
        return "must be true or false";
    memcpy(to, &value, sizeof(value));
    return NULL;
}

/* ---- the table ---- */

static const char *bind_field(const struct binding *binding, const gust_field *field, char *into)
{
    struct given given = find(binding, field);
    char *to = into + field->offset;
    if (!came(given))
        return field->rules.required ? "is required" : NULL;
    switch (field->kind) {
    case GUST__TEXT:
        return bind_text(binding, field, given, to);
    case GUST__DOUBLE:
        return bind_double(binding, field, given, to);
    case GUST__BOOL:
        return bind_bool(given, to);
    default:
        return bind_integer(binding, field, given, to);
    }
}

void gust_bind(gust_request *request, const gust_field *fields, size_t count, void *into)
{
    struct binding binding = {.request = request, .members = json_members(request)};
    struct gust__problems problems = {.request = request};
    for (size_t i = 0; i < count; i++) {
        const char *problem = bind_field(&binding, &fields[i], into);
        if (problem)
            gust__problem_add(&problems, fields[i].name, problem);
    }
    gust__problems_fail(&problems);
}
