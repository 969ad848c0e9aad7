#include "ops/options.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gust/main.h>

/* ---- the program's own options ---- */

struct defined {
    struct defined *next;
    const char *name;
    const char *value;
    const char *value_default;
    const char *help;
};

static struct defined *defined_options;

static bool same_name(const char *one, size_t size, const char *other)
{
    if (strlen(other) != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        char a = one[i] == '_' ? '-' : one[i], b = other[i] == '_' ? '-' : other[i];
        if (a != b)
            return false;
    }
    return true;
}

static struct defined *find_defined(const char *name, size_t size)
{
    struct defined *option = defined_options;
    while (option && !same_name(name, size, option->name))
        option = option->next;
    return option;
}

void gust_define(const char *name, const char *value_default, const char *help)
{
    struct defined **end = &defined_options;
    struct defined *option = find_defined(name, strlen(name));
    if (!option)
        option = gust__malloc(sizeof(*option));
    if (!option)
        return; /* gust_option then gives NULL, as for any unknown name */
    while (*end && *end != option)
        end = &(*end)->next;
    struct defined *next = *end ? option->next : NULL;
    *option = (struct defined){next, name, value_default, value_default, help};
    *end = option;
}

const char *gust_option(const char *name)
{
    const struct defined *option = find_defined(name, strlen(name));
    return option ? option->value : NULL;
}

/* ---- values ---- */

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit sizes[] = {{"", 1},        {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30},
                                    {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"T", INT64_C(1) << 40}};
static const struct unit durations[] = {{"", GUST_S(1)},   {"ms", GUST_MS(1)},  {"s", GUST_S(1)},
                                        {"m", GUST_S(60)}, {"h", GUST_S(3600)}, {"us", GUST_US(1)}};

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

static const char *expected(const struct gust__option *option)
{
    switch (option->kind) {
    case GUST__OPTION_BOOL:
        return "true or false";
    case GUST__OPTION_COUNT:
        return "a whole number";
    case GUST__OPTION_SIZE:
        return "a size: 65536, 64K, 100M";
    case GUST__OPTION_DURATION:
        return "a time: 500ms, 20s, 5m";
    default:
        return "a text";
    }
}

static bool in_range(const struct gust__option *option, int64_t value)
{
    return (option->min == 0 && option->max == 0) || (value >= option->min && value <= option->max);
}

static bool set_value(const struct gust__option *option, const char *text)
{
    int64_t number = 0;
    switch (option->kind) {
    case GUST__OPTION_TEXT:
        *(const char **)option->value = text;
        return true;
    case GUST__OPTION_BOOL:
        return read_bool(text, option->value);
    case GUST__OPTION_COUNT:
        if (!read_number(text, sizes, 1, &number) || number > UINT32_MAX || !in_range(option, number))
            return false;
        *(unsigned *)option->value = (unsigned)number;
        return true;
    case GUST__OPTION_SIZE:
        if (!read_number(text, sizes, GUST_LEN(sizes), &number) || !in_range(option, number))
            return false;
        *(int64_t *)option->value = number;
        return true;
    case GUST__OPTION_DURATION:
        if (!read_number(text, durations, GUST_LEN(durations), &number) || !in_range(option, number))
            return false;
        *(int64_t *)option->value = number;
        return true;
    }
    return false;
}

/* ---- the command line ---- */

struct parse {
    struct gust__option *options;
    size_t count;
    char *complaint;
    size_t complaint_size;
    bool help;
};

static bool complain(struct parse *parse, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool complain(struct parse *parse, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parse->complaint, parse->complaint_size, format, arguments);
    va_end(arguments);
    return false;
}

static const struct gust__option *find_option(const struct parse *parse, const char *name, size_t size)
{
    for (size_t i = 0; i < parse->count; i++) {
        if (same_name(name, size, parse->options[i].name))
            return &parse->options[i];
    }
    return NULL;
}

static bool take_value(struct parse *parse, const struct gust__option *option, const char *value)
{
    if (set_value(option, value))
        return true;
    if (option->min || option->max)
        return complain(parse, "--%s=%s: expected %s, %lld to %lld", option->name, value, expected(option),
                        (long long)option->min, (long long)option->max);
    return complain(parse, "--%s=%s: expected %s", option->name, value, expected(option));
}

/* One argument that begins with "--"; *at moves on when its value is the next one. */
static bool take_option(struct parse *parse, int argc, char **argv, int *at)
{
    const char *name = argv[*at] + 2;
    size_t size = strcspn(name, "=");
    const char *value = name[size] ? name + size + 1 : NULL;
    const struct gust__option *option = find_option(parse, name, size);
    struct defined *defined = option ? NULL : find_defined(name, size);
    if (!option && !defined)
        return complain(parse, "unknown option --%.*s; --help lists them", (int)size, name);
    bool needs_value = !option || option->kind != GUST__OPTION_BOOL;
    if (!value && needs_value) {
        if (*at + 1 >= argc)
            return complain(parse, "--%.*s needs a value", (int)size, name);
        value = argv[++*at];
    }
    if (option)
        return take_value(parse, option, value);
    defined->value = value;
    return true;
}

static bool take_argument(struct parse *parse, int argc, char **argv, int *at)
{
    if (strcmp(argv[*at], "--help") == 0 || strcmp(argv[*at], "-h") == 0) {
        parse->help = true;
        return true;
    }
    if (strncmp(argv[*at], "--", 2) != 0)
        return complain(parse, "unexpected argument \"%s\"; --help lists the options", argv[*at]);
    return take_option(parse, argc, argv, at);
}

enum gust__options_result gust__options_parse(struct gust__option *options, size_t count, int argc,
                                              char **argv, char *complaint, size_t size)
{
    struct parse parse = {options, count, complaint, size, false};
    for (int at = 1; at < argc && strcmp(argv[at], "--") != 0; at++) {
        if (!take_argument(&parse, argc, argv, &at))
            return GUST__OPTIONS_WRONG;
    }
    return parse.help ? GUST__OPTIONS_HELP : GUST__OPTIONS_RUN;
}

/* ---- help ---- */

static void print_option(const char *name, const char *shown, const char *help, const char *value_default)
{
    char left[64];
    snprintf(left, sizeof(left), "--%s%s%s", name, shown && *shown ? "=" : "", shown ? shown : "");
    printf("  %-26s %s", left, help ? help : "");
    if (value_default && *value_default)
        printf(" (default %s)", value_default);
    putchar('\n');
}

static const char *default_text(const struct gust__option *option, char *text, size_t size)
{
    int64_t number;
    switch (option->kind) {
    case GUST__OPTION_TEXT:
        return *(const char **)option->value;
    case GUST__OPTION_COUNT:
        snprintf(text, size, "%u", *(unsigned *)option->value);
        return text;
    case GUST__OPTION_SIZE:
        number = *(int64_t *)option->value;
        if (number && number % (1 << 20) == 0)
            snprintf(text, size, "%lldM", (long long)number >> 20);
        else
            snprintf(text, size, "%lldK", (long long)number >> 10);
        return text;
    case GUST__OPTION_DURATION:
        number = *(int64_t *)option->value;
        if (number == 0)
            return "none";
        snprintf(text, size, "%llds", (long long)(number / GUST_S(1)));
        return text;
    default:
        return NULL;
    }
}

void gust__options_help(const char *program, const struct gust__option *options, size_t count)
{
    char text[32];
    printf("Usage: %s [OPTIONS]\n\nOptions:\n", program);
    for (size_t i = 0; i < count; i++)
        print_option(options[i].name, options[i].shown, options[i].help,
                     default_text(&options[i], text, sizeof(text)));
    print_option("help", NULL, "this text", NULL);
    if (defined_options)
        printf("\nOptions of this program:\n");
    for (const struct defined *option = defined_options; option; option = option->next)
        print_option(option->name, "VALUE", option->help, option->value_default);
}
