/* --help. */
#include "ops/options_int.h"

#include <stdio.h>
#include <string.h>

static const char *const other_options = "Options of this program";

static void print_option(const struct gust__option *option, const char *value)
{
    char left[64];
    const char *shown = option->shown ? option->shown : "";
    snprintf(left, sizeof(left), "--%s%s%s", option->name, *shown ? "=" : "", shown);
    printf("  %-26s %s", left, option->help ? option->help : "");
    if (value && *value)
        printf(" (default %s)", value);
    putchar('\n');
}

static const char *group_of(const struct gust__defined *defined)
{
    return defined->given.group ? defined->given.group : other_options;
}

static bool is_first_of_group(const struct gust__defined *defined)
{
    const struct gust__defined *at = gust__defined_options;
    while (strcmp(group_of(at), group_of(defined)) != 0)
        at = at->next;
    return at == defined;
}

static void print_group(const struct gust__defined *first)
{
    printf("\n%s:\n", group_of(first));
    for (const struct gust__defined *defined = first; defined; defined = defined->next) {
        if (strcmp(group_of(defined), group_of(first)) == 0)
            print_option(&defined->option, defined->given.value);
    }
}

void gust__options_help(const char *program, const struct gust__option *options, size_t count)
{
    static const struct gust__option help = {.name = "help", .help = "this text"};
    static const struct gust__option config = {
        .name = "config", .shown = "FILE", .help = "read options from a file: name = value on each line"};
    char text[64];
    printf("Usage: %s [OPTIONS]\n\nOptions:\n", program);
    for (size_t i = 0; i < count; i++)
        print_option(&options[i], gust__option_text(&options[i], text, sizeof(text)));
    print_option(&config, NULL);
    print_option(&help, NULL);
    for (const struct gust__defined *defined = gust__defined_options; defined; defined = defined->next) {
        if (is_first_of_group(defined))
            print_group(defined);
    }
    printf("\nEach may also stand in the environment, as GUST_NAME.\n");
}
