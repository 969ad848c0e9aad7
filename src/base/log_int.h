/* What of the log only gust itself uses. */
#ifndef GUST_BASE_LOG_INT_H
#define GUST_BASE_LOG_INT_H

#include <gust/error.h>
#include <gust/log.h>

enum {
    GUST__LOG_LINE = 4096,       /* bytes of a line at most, newline and colour included */
    GUST__LOG_BACKTRACE = 16384, /* the same with a backtrace */
};

/*
 * Logs "what: the error's text", and its symbolised backtrace (base/backtrace.h tells what that costs) as
 * continued lines, in one write. error NULL: as if there were one of errno, without a backtrace.
 */
#define gust__log_error(level, error, what) \
    (gust_log_enabled(level) ? gust__log_error_at((level), __FILE__, __LINE__, (error), (what)) : (void)0)
void gust__log_error_at(gust_log_level level, const char *file, int line, const gust_error *error,
                        const char *what);

/* "240229 13:59:59": local time as lines have it, broken down once a second and thread. Borrowed until the
 * thread's next call. */
const char *gust__log_time(void);

/* Looks anew whether lines are coloured: after standard error was replaced, and in tests. */
void gust__log_choose_colour(void);

#endif
