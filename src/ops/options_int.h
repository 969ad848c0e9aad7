/* What the files of options share. */
#ifndef GUST_OPS_OPTIONS_INT_H
#define GUST_OPS_OPTIONS_INT_H

#include "http/slice.h"
#include "ops/options.h"

#include <gust/options.h>

/* Where a value came from: what is greater counts. */
enum gust__option_source {
    GUST__OPTION_DEFAULT,
    GUST__OPTION_FILE,
    GUST__OPTION_ENVIRONMENT,
    GUST__OPTION_COMMAND_LINE
};

/* An option of the program. */
struct gust__defined {
    struct gust__defined *next; /* in the order of definition */
    struct gust__option option; /* value: the one below */
    gust_define_options given;
    enum gust__option_source source;
    union {
        const char *text;
        bool boolean;
        int64_t integer;
        double real;
    } value;            /* the last one */
    const char **texts; /* all of them, as they were given */
    size_t count;
};

extern struct gust__defined *gust__defined_options;

/* Names are compared with - and _ as one. */
bool gust__option_same_name(struct gust__slice name, const char *other);
struct gust__defined *gust__option_find_defined(struct gust__slice name);

/* ---- option_values.c ---- */

/* Reads text (NULL: a boolean that was only named) into option->value. false: it does not fit. */
bool gust__option_set(const struct gust__option *option, const char *text);

/* "a size: 65536, 64K, 100M, 1 to 100"; to has room for 128 bytes. Returns to. */
const char *gust__option_expected(const struct gust__option *option, char *to);

/* An option's value as it would be given, for --help: in to, of size bytes, or elsewhere; NULL: it has none.
 */
const char *gust__option_text(const struct gust__option *option, char *to, size_t size);

/* ---- option_file.c ---- */

/* The next "name = value" of a file's text, which is changed: both become texts in it. *line counts. 1; 0:
 * the end; -1: what stands at *line is neither that nor a comment. */
int gust__option_file_next(char **rest, unsigned *line, char **name, char **value);

/* A whole file with a NUL behind, the caller's. NULL: EFBIG (more than 1 MiB), what opening and
 * reading say. */
char *gust__option_file_read(const char *path);

#endif
