/*
 * The command line: gust_main's own options and those that the program defined (gust_define).
 *
 * An option is --name=value or --name value; a boolean one is --name or --name=true. Underscores and hyphens
 * are the same, as in Tornado. Parsing stops at "--". What is wrong is said in one line that names the option
 * and the remedy.
 */
#ifndef GUST_OPS_OPTIONS_H
#define GUST_OPS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gust__option_kind {
    GUST__OPTION_TEXT,     /* const char * */
    GUST__OPTION_BOOL,     /* bool */
    GUST__OPTION_COUNT,    /* unsigned: a whole number */
    GUST__OPTION_SIZE,     /* int64_t bytes: 65536, 64K, 100M, 2G */
    GUST__OPTION_DURATION, /* int64_t nanoseconds: 500ms, 20s, 5m, 1h; a plain number is seconds */
};

struct gust__option {
    const char *name; /* with hyphens */
    enum gust__option_kind kind;
    void *value;       /* where it goes; holds the default before */
    const char *shown; /* the value's name in --help: "PORT" */
    const char *help;
    int64_t min, max; /* of numbers; both 0: any that is not negative */
};

/* What came of the command line. */
enum gust__options_result { GUST__OPTIONS_RUN, GUST__OPTIONS_HELP, GUST__OPTIONS_WRONG };

/* Reads the command line; values that are texts are borrowed from it. On GUST__OPTIONS_WRONG complaint (of
 * the given size) says what is wrong. */
enum gust__options_result gust__options_parse(struct gust__option *options, size_t count, int argc,
                                              char **argv, char *complaint, size_t size);

/* Prints --help to standard output: the given options, then the program's own. */
void gust__options_help(const char *program, const struct gust__option *options, size_t count);

#endif
