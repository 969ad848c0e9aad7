/* Options read: the file first, then the environment, then the command line. */
#include "ops/options.h"
#include "ops/options_int.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gust/error.h>

enum { MOST_VALUES = 1000, WRONG_OPTION = 2 };

struct parse {
    struct gust__option *options;
    size_t count;
    enum gust__option_source source; /* what is being read */
    const char *file;                /* of --config */
    unsigned line;                   /* in it */
    char *complaint;
    size_t complaint_size;
    bool help;
};

/* ---- texts for the program's life: options point into them ---- */

static struct kept {
    struct kept *next;
    char *text;
} * all_kept;

/* Takes text; NULL: ENOMEM, or it was NULL. */
static char *keep(char *text)
{
    struct kept *kept = text ? gust__malloc(sizeof(*kept)) : NULL;
    if (!kept) {
        gust__free(text);
        return NULL;
    }
    *kept = (struct kept){all_kept, text};
    all_kept = kept;
    return text;
}

/* ---- complaining ---- */

static bool complain(struct parse *parse, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool complain(struct parse *parse, const char *format, ...)
{
    va_list arguments;
    int length = 0;
    if (parse->source == GUST__OPTION_FILE && parse->line)
        length = snprintf(parse->complaint, parse->complaint_size, "%s:%u: ", parse->file, parse->line);
    va_start(arguments, format);
    if ((size_t)length < parse->complaint_size)
        vsnprintf(parse->complaint + length, parse->complaint_size - (size_t)length, format, arguments);
    va_end(arguments);
    return false;
}

/* How an option was written where it stands: "--max-body", "GUST_MAX_BODY", "max-body". */
static const char *written(const struct parse *parse, const char *name, char *to, size_t size)
{
    static const char *const prefixes[] = {"--", "", "GUST_", "--"};
    int length = snprintf(to, size, "%s%s", prefixes[parse->source], name);
    for (int i = 0; parse->source == GUST__OPTION_ENVIRONMENT && i < length && (size_t)i < size; i++) {
        char c = to[i];
        to[i] = c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return to;
}

static bool does_not_fit(struct parse *parse, const struct gust__option *option, const char *value)
{
    char name[128], expected[128];
    return complain(parse, "%s=%s: expected %s", written(parse, option->name, name, sizeof(name)),
                    value ? value : "", gust__option_expected(option, expected));
}

/* ---- taking values ---- */

static bool add_text(struct parse *parse, struct gust__defined *defined, const char *value)
{
    if (!defined->given.multiple)
        defined->count = 0;
    if (defined->count == MOST_VALUES)
        return complain(parse, "--%s: more than %d values", defined->option.name, MOST_VALUES);
    const char **larger = gust__realloc(defined->texts, (defined->count + 1) * sizeof(*larger));
    if (!larger)
        return complain(parse, "out of memory for --%s", defined->option.name);
    defined->texts = larger;
    defined->texts[defined->count++] = value;
    return true;
}

static bool take_one(struct parse *parse, struct gust__defined *defined, const char *value)
{
    if (!gust__option_set(&defined->option, value))
        return does_not_fit(parse, &defined->option, value);
    return add_text(parse, defined, value ? value : "true");
}

/* "a,b,c", each a value. */
static bool take_several(struct parse *parse, struct gust__defined *defined, const char *value)
{
    char *at = keep(gust__strdup(value));
    if (!at)
        return complain(parse, "out of memory for --%s", defined->option.name);
    while (at) {
        char *one = strsep(&at, ",");
        if (!take_one(parse, defined, one))
            return false;
    }
    return true;
}

/* A stronger source replaces what a weaker one gave; several of one source are several values. */
static bool take_defined(struct parse *parse, struct gust__defined *defined, const char *value)
{
    if (defined->source != parse->source)
        defined->count = 0;
    defined->source = parse->source;
    if (defined->given.multiple && value)
        return take_several(parse, defined, value);
    return take_one(parse, defined, value);
}

static struct gust__option *find_own(const struct parse *parse, struct gust__slice name)
{
    for (size_t i = 0; i < parse->count; i++) {
        if (gust__option_same_name(name, parse->options[i].name))
            return &parse->options[i];
    }
    return NULL;
}

static bool take_value(struct parse *parse, struct gust__slice name, const char *value)
{
    struct gust__option *option = find_own(parse, name);
    struct gust__defined *defined = option ? NULL : gust__option_find_defined(name);
    if (defined)
        return take_defined(parse, defined, value);
    if (!option)
        return complain(parse, "unknown option %s%.*s; --help lists them",
                        parse->source == GUST__OPTION_FILE ? "" : "--", (int)name.size, name.data);
    return gust__option_set(option, value) || does_not_fit(parse, option, value);
}

static bool is_boolean(const struct parse *parse, struct gust__slice name)
{
    const struct gust__option *option = find_own(parse, name);
    const struct gust__defined *defined = option ? NULL : gust__option_find_defined(name);
    option = defined ? &defined->option : option;
    return option && option->kind == GUST__OPTION_BOOL;
}

/* ---- the command line ---- */

/* One argument that begins with "--"; *at moves on when its value is the next one. */
static bool take_option(struct parse *parse, int argc, char **argv, int *at)
{
    const char *text = argv[*at] + 2;
    struct gust__slice name = gust__slice(text, strcspn(text, "="));
    const char *value = text[name.size] ? text + name.size + 1 : NULL;
    bool known =
        find_own(parse, name) || gust__option_find_defined(name) || gust__option_same_name(name, "config");
    if (!value && known && !is_boolean(parse, name)) {
        if (*at + 1 >= argc)
            return complain(parse, "--%.*s needs a value", (int)name.size, name.data);
        value = argv[++*at];
    }
    if (gust__option_same_name(name, "config")) {
        parse->file = value;
        return true;
    }
    return parse->source != GUST__OPTION_COMMAND_LINE || take_value(parse, name, value);
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

/* As the command line when that is the source, else only to find --config and --help. */
static bool read_arguments(struct parse *parse, int argc, char **argv)
{
    for (int at = 1; at < argc && strcmp(argv[at], "--") != 0; at++) {
        if (!take_argument(parse, argc, argv, &at))
            return false;
    }
    return true;
}

/* ---- the file and the environment ---- */

static bool read_file(struct parse *parse)
{
    char *text = keep(gust__option_file_read(parse->file)), *name, *value;
    int more;
    if (!text)
        return complain(parse, "--config=%s: %s", parse->file, strerror(errno));
    while ((more = gust__option_file_next(&text, &parse->line, &name, &value)) > 0) {
        if (!take_value(parse, gust__slice_of(name), value))
            return false;
    }
    return more == 0 || complain(parse, "expected \"name = value\"");
}

static bool read_variable(struct parse *parse, const char *name)
{
    char variable[128];
    const char *value = getenv(written(parse, name, variable, sizeof(variable)));
    return !value || take_value(parse, gust__slice_of(name), value);
}

static bool read_environment(struct parse *parse)
{
    for (size_t i = 0; i < parse->count; i++) {
        if (!read_variable(parse, parse->options[i].name))
            return false;
    }
    for (const struct gust__defined *defined = gust__defined_options; defined; defined = defined->next) {
        if (!read_variable(parse, defined->option.name))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

static bool check_defaults(struct parse *parse)
{
    for (struct gust__defined *defined = gust__defined_options; defined; defined = defined->next) {
        defined->count = 0; /* of an earlier reading */
        defined->source = GUST__OPTION_DEFAULT;
        if (find_own(parse, gust__slice_of(defined->option.name)))
            return complain(parse, "the program defines --%s, which gust_main has already",
                            defined->option.name);
        if (defined->given.value && !gust__option_set(&defined->option, defined->given.value))
            return complain(parse, "the default of --%s does not fit: %s", defined->option.name,
                            defined->given.value);
    }
    return true;
}

static bool tell_program(struct parse *parse)
{
    for (const struct gust__defined *defined = gust__defined_options; defined; defined = defined->next) {
        for (size_t i = 0; defined->given.changed && i < defined->count; i++) {
            if (defined->given.changed(defined->option.name, defined->texts[i], defined->given.argument) < 0)
                return complain(parse, "--%s=%s: %s", defined->option.name, defined->texts[i],
                                gust_error_text(gust_error_last()));
        }
    }
    return true;
}

static bool read_all(struct parse *parse, int argc, char **argv)
{
    if (!check_defaults(parse) || !read_arguments(parse, argc, argv))
        return false;
    if (!parse->file)
        parse->file = getenv("GUST_CONFIG");
    if (parse->help)
        return true;
    parse->source = GUST__OPTION_FILE;
    if (parse->file && !read_file(parse))
        return false;
    parse->source = GUST__OPTION_ENVIRONMENT;
    if (!read_environment(parse))
        return false;
    parse->source = GUST__OPTION_COMMAND_LINE;
    return read_arguments(parse, argc, argv) && tell_program(parse);
}

enum gust__options_result gust__options_parse(struct gust__option *options, size_t count, int argc,
                                              char **argv, char *complaint, size_t size)
{
    struct parse parse = {.options = options, .count = count, .complaint = complaint, .complaint_size = size};
    if (!read_all(&parse, argc, argv))
        return GUST__OPTIONS_WRONG;
    return parse.help ? GUST__OPTIONS_HELP : GUST__OPTIONS_RUN;
}

int gust_options_read(int argc, char **argv)
{
    char complaint[512];
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "gust";
    switch (gust__options_parse(NULL, 0, argc, argv, complaint, sizeof(complaint))) {
    case GUST__OPTIONS_HELP:
        gust__options_help(name, NULL, 0);
        return EXIT_SUCCESS;
    case GUST__OPTIONS_WRONG:
        fprintf(stderr, "%s: %s\n", name, complaint);
        return WRONG_OPTION;
    default:
        return -1;
    }
}
