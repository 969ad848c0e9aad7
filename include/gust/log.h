/*
 * The log: one line a call, on standard error, in Tornado's format.
 *
 *     gust_log(GUST_INFO, "listening on %s", address);
 *
 *     [I 240229 13:59:59 server:42] listening on 127.0.0.1:8888
 *
 * that is the level's first letter, local time, the source file's name without ".c", and its line. The
 * brackets are coloured on a terminal, unless the environment has NO_COLOR.
 *
 * A line is written by one system call and never mixes with another. It is cut at 4 KiB, which "..." shows.
 * Control characters and bytes that are not UTF-8 are written as \n, \x1b and so on, so that nothing a client
 * sends can forge a line or command a terminal.
 *
 * A program may take the lines itself: gust_log_sink. All functions are for any thread, inside and outside of
 * coroutines; they keep errno, so that "%m" and a later look at it work.
 */
#ifndef GUST_LOG_H
#define GUST_LOG_H

#include <gust/base.h>

GUST_BEGIN_DECLARATIONS

typedef enum gust_log_level {
    GUST_DEBUG,
    GUST_INFO,
    GUST_WARNING,
    GUST_ERROR,
} gust_log_level;

/* gust_log(level, format, ...) as printf. Below the set level nothing is evaluated. Writing to a pipe or
 * terminal that is full waits for its reader, and the loop with it; what cannot be written is lost. [any] */
#define gust_log(level, ...) \
    (gust_log_enabled(level) ? gust_log_at((level), __FILE__, __LINE__, __VA_ARGS__) : (void)0)

/* What gust_log calls. file is cut to its name; whoever wraps gust_log passes its own caller's. It does not
 * ask for the level. [any] */
GUST_API void gust_log_at(gust_log_level level, const char *file, int line, const char *format, ...)
    GUST_PRINTF(4, 5);

/* Lines below level are dropped; GUST_INFO at first. [any] */
GUST_API void gust_log_set_level(gust_log_level level);

/* 1 if lines of that level are not dropped, else 0. [any] */
GUST_API int gust_log_enabled(gust_log_level level);

/* One line, as a sink gets it; borrowed during the call. Later versions may have more members at the end. */
typedef struct gust_log_line {
    gust_log_level level;
    const char *module; /* the source file's name without ".c" */
    int line;           /* in it */
    const char *text;   /* escaped; an error's backtrace follows on lines of its own, each after "\n    " */
    size_t text_len;
    const char
        *whole; /* text behind its prefix in brackets, as it would be written, without colour and newline */
    size_t whole_len;
} gust_log_line;

/*
 * Gives all lines to sink(arg, line) instead of writing them; NULL: writes them again. The sink may run on
 * any thread, on one at a time; it must not wait for anything, nor park a coroutine. What it logs itself is
 * written to standard error. When gust_log_sink returns, the sink before it no longer runs, unless it was
 * that one which called. [any]
 */
GUST_API void gust_log_sink(void (*sink)(void *arg, const gust_log_line *line), void *arg);

GUST_END_DECLARATIONS

#endif
