/*
 * gust/options.h - a program's own options: from the command line, the environment and a file
 *
 *     gust_define("db", .value = "sqlite:blog.db", .help = "where the posts are", .group = "Storage");
 *     gust_define("connections", .kind = GUST_OPTION_INT, .value = "8", .min = 1, .max = 100, .help = "to the
 * database"); gust_define("admin", .multiple = true, .help = "who may do everything");
 *
 *     return gust_main(app, argc, argv);          // reads them, with its own
 *
 *     unsigned connections = (unsigned)gust_option_int("connections");     // in a start function, or a
 * handler
 *
 *     $ ./blog --db=postgresql://… --admin=ann,bob --config=/etc/blog.conf
 *     $ GUST_CONNECTIONS=20 ./blog
 *
 * The command line counts before the environment, that before the file, and that before the default. An
 * option is --name=value or --name value, a boolean one --name, too; - and _ in names are the same. In the
 * environment it is GUST_NAME, in capitals and with _. The file (--config=FILE) has a line "name = value" for
 * each; # begins a comment, and a value in double quotes keeps the spaces at its ends. An option of several
 * values is given several times, or with commas between them.
 *
 * What does not fit is answered in one line that names the option, where it stands and what is expected; the
 * program does not start then.
 *
 * Options are defined and read before anything serves; from then on all functions are for any thread.
 */
#ifndef GUST_OPTIONS_H
#define GUST_OPTIONS_H

#include <gust/base.h>

GUST_BEGIN_DECLARATIONS

typedef enum gust_option_kind {
    GUST_OPTION_TEXT,
    GUST_OPTION_BOOL,     /* true, yes, on, 1, false, no, off, 0 */
    GUST_OPTION_INT,      /* a whole number */
    GUST_OPTION_REAL,     /* a number */
    GUST_OPTION_SIZE,     /* bytes: 65536, 64K, 100M, 2G */
    GUST_OPTION_DURATION, /* nanoseconds: 500ms, 20s, 5m, 1h; a plain number is seconds */
} gust_option_kind;

typedef struct gust_define_options {
    size_t size;
    gust_option_kind kind GUST_ZERO;
    const char *value GUST_ZERO; /* the default, as it would be given; NULL: none */
    const char *help GUST_ZERO;
    const char *shown GUST_ZERO; /* the value's name in --help: "URL"; default by its kind */
    const char *group GUST_ZERO; /* its heading in --help; default "Options of this program" */
    bool multiple GUST_ZERO;     /* any number of values */
    double min GUST_ZERO;        /* of numbers, sizes in bytes, durations in seconds; both 0: no limits */
    double max GUST_ZERO;
    /* Called once for each value when all have been read; -1 refuses it, with gust_error_last()'s text. */
    int (*changed)(const char *name, const char *value, void *argument) GUST_ZERO;
    void *argument GUST_ZERO;
} gust_define_options;

/* [any] Defines an option, or defines it anew. Texts are borrowed for the program's life. A mistake (a
 * default that does not fit, no memory) shows when the options are read. */
GUST_API void gust_define_with(const char *name, const gust_define_options *options);
#define gust_define(name, ...) gust_define_with(name, GUST_OPTIONS(gust_define_options, ##__VA_ARGS__))

/* [any] Reads the options without gust_main. -1: the program goes on; else what main returns: 0 after --help,
 * 2 after a wrong option, both printed. */
GUST_API int gust_options_read(int argc, char **argv);

/* ---- values: of an option that was not defined, and of one without a value, NULL and 0; of several the last
 * ---- */

/* [any] As text. */
GUST_API const char *gust_option(const char *name);
/* [any] Of an INT the number, of a SIZE bytes, of a DURATION nanoseconds, of a BOOL 1 or 0. */
GUST_API int64_t gust_option_int(const char *name);
/* [any] Of a REAL, or of an INT. */
GUST_API double gust_option_real(const char *name);
GUST_API bool gust_option_bool(const char *name); /* [any] */

/* [any] The index-th value of several; NULL behind the last. */
GUST_API const char *gust_option_at(const char *name, size_t index);
/* [any] Whether it was given, and is not the default. */
GUST_API bool gust_option_given(const char *name);

GUST_END_DECLARATIONS

#endif
