/* What of the log only gust itself uses. */
#ifndef GUST_BASE_LOG_INT_H
#define GUST_BASE_LOG_INT_H

#include <gust/error.h>
#include <gust/log.h>

#include <stdbool.h>

enum {
    GUST__LOG_LINE = 4096,       /* bytes of a line at most, newline and colour included */
    GUST__LOG_BACKTRACE = 16384, /* the same with a backtrace */
};

/*
 * Logs "what: the error's text", and its symbolised backtrace as continued lines, in one write: where a loop
 * runs a thread does so, a little later, since the first backtrace takes long (base/backtrace.h). error NULL:
 * as if there were one of errno, without a backtrace.
 */
#define gust__log_error(level, error, what) \
    (gust_log_enabled(level) ? gust__log_error_at((level), __FILE__, __LINE__, (error), (what)) : (void)0)
void gust__log_error_at(gust_log_level level, const char *file, int line, const gust_error *error,
                        const char *what);

/* ---- Off the loop: base/log_later.c ---- */

struct gust__buffer;

/* True on a thread that runs a loop: a logged backtrace is symbolised, and its line written, by a thread
 * that is there while it has something to do. Lines logged meanwhile come behind, on whichever thread. */
extern _Thread_local bool gust__log_defers __attribute__((tls_model("initial-exec")));

/* Has the line written later, with the frames' backtrace; without frames only if others wait already. False:
 * the caller writes it. Waits where too many wait. */
bool gust__log_later(const gust_log_line *line, void *const *frames, size_t count);

/* Returns once all lines that waited are written: before the process ends in another way than by exit, and
 * when a loop stops. A process that a signal kills loses them. */
GUST_API void gust__log_drain(void);

/* What log.c and log_later.c share: writing a line now, or giving it to the sink; appending a backtrace, a
 * continued line each, up to the buffer's maximum; pointing a line at its bytes, the prefix first. */
void gust__log_emit(const gust_log_line *line);
void gust__log_append_backtrace(struct gust__buffer *whole, void *const *frames, size_t count);
void gust__log_point_at(gust_log_line *line, struct gust__buffer *whole, size_t prefix);

/* "240229 13:59:59": local time as lines have it, broken down once a second and thread. Borrowed until the
 * thread's next call. */
const char *gust__log_time(void);

/* Looks anew whether lines are coloured: after standard error was replaced, and in tests. */
void gust__log_choose_colour(void);

#endif
