/* Values of options: numbers with units, and how they are shown. */
#include "ops/options_int.h"

#include "base/number.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit none[] = {{"", 1}};
static const struct unit sizes[] = {{"", 1},        {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30},
                                    {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"T", INT64_C(1) << 40}};
static const struct unit durations[] = {{"", GUST_S(1)},   {"ms", GUST_MS(1)},  {"s", GUST_S(1)},
                                        {"m", GUST_S(60)}, {"h", GUST_S(3600)}, {"us", GUST_US(1)}};

/* ---- reading ---- */

static bool read_number(const char *text, const struct unit *units, size_t count, int64_t *value)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    int64_t number = strtoll(text, &end, 10);
    if (errno)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(end, units[i].name) == 0)
            return !__builtin_mul_overflow(number, units[i].factor, value);
    }
    return false;
}

static bool read_signed(const char *text, int64_t *value)
{
    bool negative = *text == '-';
    if (!read_number(text + (negative || *text == '+'), none, 1, value))
        return false;
    *value = negative ? -*value : *value;
    return true;
}

static bool read_real(const char *text, double *value)
{
    char *end;
    if (!*text || strspn(text, "+-.0123456789eE") != strlen(text))
        return false;
    *value = gust__strtod(text, &end);
    return !*end && isfinite(*value);
}

static bool read_bool(const char *text, bool *value)
{
    static const char *const words[] = {"true", "yes", "on", "1", "false", "no", "off", "0"};
    for (size_t i = 0; i < GUST_LEN(words); i++) {
        if (!text || strcmp(text, words[i]) == 0) {
            *value = i < 4;
            return true;
        }
    }
    return false;
}

static bool in_range(const struct gust__option *option, double value)
{
    return (option->min == 0 && option->max == 0) || (value >= option->min && value <= option->max);
}

static bool read_integer(const struct gust__option *option, const char *text, int64_t *number)
{
    switch (option->kind) {
    case GUST__OPTION_SIZE:
        return read_number(text, sizes, GUST_LEN(sizes), number);
    case GUST__OPTION_DURATION:
        return read_number(text, durations, GUST_LEN(durations), number);
    case GUST__OPTION_COUNT:
        return read_number(text, none, 1, number) && *number <= UINT32_MAX;
    default:
        return read_signed(text, number);
    }
}

bool gust__option_set(const struct gust__option *option, const char *text)
{
    int64_t number;
    double real;
    if (option->kind == GUST__OPTION_BOOL)
        return read_bool(text, option->value);
    if (!text)
        return false;
    if (option->kind == GUST__OPTION_TEXT) {
        *(const char **)option->value = text;
        return true;
    }
    if (option->kind == GUST__OPTION_REAL) {
        if (!read_real(text, &real) || !in_range(option, real))
            return false;
        *(double *)option->value = real;
        return true;
    }
    if (!read_integer(option, text, &number) || !in_range(option, (double)number))
        return false;
    if (option->kind == GUST__OPTION_COUNT)
        *(unsigned *)option->value = (unsigned)number;
    else
        *(int64_t *)option->value = number;
    return true;
}

/* ---- showing ---- */

static const char *kind_text(const struct gust__option *option)
{
    static const char *const texts[] = {
        [GUST__OPTION_TEXT] = "a text",
        [GUST__OPTION_BOOL] = "true or false",
        [GUST__OPTION_COUNT] = "a whole number",
        [GUST__OPTION_SIZE] = "a size: 65536, 64K, 100M",
        [GUST__OPTION_DURATION] = "a time: 500ms, 20s, 5m",
        [GUST__OPTION_INT] = "a whole number",
        [GUST__OPTION_REAL] = "a number",
    };
    return texts[option->kind];
}

const char *gust__option_expected(const struct gust__option *option, char *to)
{
    if (option->min == 0 && option->max == 0)
        return kind_text(option);
    double unit = option->kind == GUST__OPTION_DURATION ? (double)GUST_S(1) : 1;
    snprintf(to, 128, "%s, %.15g to %.15g%s", kind_text(option), option->min / unit, option->max / unit,
             unit > 1 ? " s" : "");
    return to;
}

/* In the largest unit that leaves no rest. */
static void write_with_unit(char *to, size_t size, int64_t number, const struct unit *units, size_t count)
{
    const struct unit *best = NULL;
    for (size_t i = 0; i < count; i++) {
        bool fits = *units[i].name && number % units[i].factor == 0;
        if (fits && number && (!best || units[i].factor > best->factor))
            best = &units[i];
    }
    snprintf(to, size, "%" PRId64 "%s", best ? number / best->factor : number, best ? best->name : "");
}

static const char *duration_text(int64_t number, char *to, size_t size)
{
    if (number == 0)
        return "none";
    write_with_unit(to, size, number, durations, GUST_LEN(durations));
    return to;
}

const char *gust__option_text(const struct gust__option *option, char *to, size_t size)
{
    switch (option->kind) {
    case GUST__OPTION_TEXT:
        return *(const char **)option->value;
    case GUST__OPTION_BOOL:
        return NULL;
    case GUST__OPTION_COUNT:
        snprintf(to, size, "%u", *(unsigned *)option->value);
        return to;
    case GUST__OPTION_REAL:
        snprintf(to, size, "%.15g", *(double *)option->value);
        return to;
    case GUST__OPTION_DURATION:
        return duration_text(*(int64_t *)option->value, to, size);
    case GUST__OPTION_SIZE:
        write_with_unit(to, size, *(int64_t *)option->value, sizes, 4);
        return to;
    default:
        snprintf(to, size, "%" PRId64, *(int64_t *)option->value);
        return to;
    }
}
