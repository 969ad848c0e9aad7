/*
 * The log: one line a call, on standard error or in a file, in Tornado's format or as JSON.
 *
 *     gust_log(GUST_INFO, "listening on %s", address);
 *
 *     [I 240229 13:59:59 server:42] listening on 127.0.0.1:8888
 *
 * that is the level's first letter, local time, the source file's name without ".c", and its line; and, in a
 * coroutine that serves a request or is a child of one that does, the request's id (gust_request_id). The
 * brackets are coloured on a terminal, unless the environment has NO_COLOR.
 *
 * A line belongs to a name: "app", the application's, unless GUST_LOG_NAME says another one before this
 * header is included; "gust", the library's own; "access", answers that were given. Errors of the application
 * that nobody caught are "app" too, as with Tornado's loggers. Levels are set for all names, or for one:
 *
 *     gust_log_set_levels("info,gust=warning,db=debug");
 *
 * A line is written by one system call and never mixes with another, of this process or of others that write
 * to the same file. It is cut at 4 KiB, which "..." shows.
 * Control characters and bytes that are not UTF-8 are written as \n, \x1b and so on, so that nothing a client
 * sends can forge a line or command a terminal.
 *
 * Where lines go, their format and the rotation of files are options of gust_main: --log-file, --log-format,
 * --log-max-size, --log-rotate, --log-keep. A JSON line is one object of "time" (UTC), "level", "name",
 * "module", "line", "message" and, where there are such, "request" and "backtrace" (an array of texts).
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

/* The name that gust_log writes under. */
#ifndef GUST_LOG_NAME
#define GUST_LOG_NAME "app"
#endif

/* gust_log(level, format, ...) as printf. Below the set level nothing is evaluated. Writing to a pipe or
 * terminal that is full waits for its reader, and the loop with it; what cannot be written is lost. [any] */
#define gust_log(level, ...)                                                    \
    (gust_log_enabled_for(GUST_LOG_NAME, (level))                               \
         ? gust_log_to(GUST_LOG_NAME, (level), __FILE__, __LINE__, __VA_ARGS__) \
         : (void)0)

/* What gust_log calls. file is cut to its name; whoever wraps gust_log passes its own caller's. It does not
 * ask for the level. gust_log_at is for the name "app". [any] */
GUST_API void gust_log_to(const char *name, gust_log_level level, const char *file, int line,
                          const char *format, ...) GUST_PRINTF(5, 6);
GUST_API void gust_log_at(gust_log_level level, const char *file, int line, const char *format, ...)
    GUST_PRINTF(4, 5);

/* Lines below level are dropped; GUST_INFO at first. For names that have no level of their own. [any] */
GUST_API void gust_log_set_level(gust_log_level level);

/* The same for one name. 0; -1: EINVAL (a name is 1 to 31 bytes), ENOSPC (16 names have one). [any] */
GUST_API int gust_log_set_level_for(const char *name, gust_log_level level);

/* Several at once, of debug, info, warning and error: "info", "warning,app=debug". 0; -1: EINVAL, and nothing
 * is changed; ENOSPC. [any] */
GUST_API int gust_log_set_levels(const char *levels);

/* 1 if lines of that level are not dropped, else 0: of the name "app", or of the given one. [any] */
GUST_API int gust_log_enabled(gust_log_level level);
GUST_API int gust_log_enabled_for(const char *name, gust_log_level level);

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
    const char *name;    /* "app", "gust", "access", ... */
    const char *request; /* the id of the request that was served; NULL: none */
    const char *message; /* as it was given: any bytes, without a backtrace */
    size_t message_len;
    int64_t time; /* nanoseconds since 1970 */
} gust_log_line;

/*
 * Gives all lines to sink(arg, line) instead of writing them; NULL: writes them again. The sink may run on
 * any thread, on one at a time; it must not wait for anything, nor park a coroutine. What it logs itself is
 * written where lines go otherwise. When gust_log_sink returns, the sink before it no longer runs, unless it
 * was that one which called. [any]
 */
GUST_API void gust_log_sink(void (*sink)(void *arg, const gust_log_line *line), void *arg);

GUST_END_DECLARATIONS

#endif
