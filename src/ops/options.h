/*
 * Options of gust_main and of the program (gust/options.h), read from the command line, the environment and a
 * file.
 *
 * Each option is a struct gust__option; gust_main makes its own on the stack, the program's live in a list.
 * What is wrong is said in one line that names the option, where it stands and what is expected.
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
    GUST__OPTION_INT,      /* int64_t: a whole number, with or without a sign */
    GUST__OPTION_REAL      /* double */
};

struct gust__option {
    const char *name; /* with hyphens */
    enum gust__option_kind kind;
    void *value;       /* where it goes; holds the default before */
    const char *shown; /* the value's name in --help: "PORT" */
    const char *help;
    double min, max; /* of numbers, sizes, durations in nanoseconds; both 0: any that the kind allows */
};

/* What came of the options. */
enum gust__options_result { GUST__OPTIONS_RUN, GUST__OPTIONS_HELP, GUST__OPTIONS_WRONG };

/* Reads all that was given, for these options and for the program's. Texts are borrowed from the command line
 * and the environment; those of the file stay for the program's life. On GUST__OPTIONS_WRONG complaint (of
 * the given size) says what is wrong. */
enum gust__options_result gust__options_parse(struct gust__option *options, size_t count, int argc,
                                              char **argv, char *complaint, size_t size);

/* Prints --help to standard output: the given options, then the program's own by their groups. */
void gust__options_help(const char *program, const struct gust__option *options, size_t count);

#endif
