/* What of the log only gust itself uses. */
#ifndef GUST_BASE_LOG_INT_H
#define GUST_BASE_LOG_INT_H

#include <gust/error.h>
#include <gust/log.h>

#include <stdbool.h>

#include "base/log_file.h"

enum {
    GUST__LOG_LINE = 4096,       /* bytes of a line at most, newline and colour included */
    GUST__LOG_BACKTRACE = 16384, /* the same with a backtrace */
    GUST__LOG_JSON = 32768,      /* the same as JSON */
    GUST__LOG_REQUEST = 65,      /* a request's id and a NUL */
};

/* A line on its way. */
struct gust__log_record {
    gust_log_line line;
    const char *members; /* as JSON, in place of module, line and message: "\"status\":200"; NULL: none */
    size_t members_len;
};

/* Set by whoever knows of requests: writes the id of the one that the running code serves, and a NUL. -> its
 * length, 0: none. */
extern size_t (*_Atomic gust__log_request)(char to[GUST__LOG_REQUEST]);

/*
 * Logs "what: the error's text", and its symbolised backtrace as continued lines, in one write: where a loop
 * runs a thread does so, a little later, since the first backtrace takes long (base/backtrace.h). error NULL:
 * as if there were one of errno, without a backtrace. The line's name is "app": what nobody caught was the
 * application's.
 */
#define gust__log_error(level, error, what)                                                                \
    (gust_log_enabled_for("app", level) ? gust__log_error_at((level), __FILE__, __LINE__, (error), (what)) \
                                        : (void)0)
void gust__log_error_at(gust_log_level level, const char *file, int line, const gust_error *error,
                        const char *what);

/* ---- Off the loop: base/log_later.c ---- */

struct gust__buffer;

/* True on a thread that runs a loop: a logged backtrace is symbolised, and its line written, by a thread
 * that is there while it has something to do. Lines logged meanwhile come behind, on whichever thread. */
extern _Thread_local bool gust__log_defers __attribute__((tls_model("initial-exec")));

/* Has the line written later, with the frames' backtrace; without frames only if others wait already. False:
 * the caller writes it. Waits where too many wait. */
bool gust__log_later(const struct gust__log_record *record, void *const *frames, size_t count);

/* Returns once all lines that waited are written: before the process ends in another way than by exit, and
 * when a loop stops. A process that a signal kills loses them. */
GUST_API void gust__log_drain(void);

/* What log.c and log_later.c share: writing a line now, or giving it to the sink; appending a backtrace, a
 * continued line each, up to the buffer's maximum; pointing a line at its bytes, the prefix first. */
void gust__log_emit(const struct gust__log_record *record);
void gust__log_append_backtrace(struct gust__buffer *whole, void *const *frames, size_t count);
void gust__log_point_at(gust_log_line *line, struct gust__buffer *whole, size_t prefix);

/* ---- Where lines go: base/log_output.c ---- */

enum gust__log_stream { GUST__LOG_GENERAL, GUST__LOG_ACCESS };

/* The stream's lines are appended to the file from now on; access lines go with the general ones while they
 * have no file of their own, and those to standard error. 0; -1 and errno: as it was. */
int gust__log_open(enum gust__log_stream stream, const char *path, const struct gust__log_rotation *rotation);
void gust__log_close(enum gust__log_stream stream);
bool gust__log_has_file(enum gust__log_stream stream);

/* Lines are JSON from now on, or text again. */
void gust__log_set_json(bool json);
bool gust__log_is_json(void);

void gust__log_write(enum gust__log_stream stream, const struct gust__log_record *record);

/* Writes the line of an answer: text, and what it says as JSON members (NULL: lines are text). request: its
 * id, or NULL. */
void gust__log_access(gust_log_level level, const char *request, const char *text, const char *members,
                      size_t members_len);

/* ---- JSON: base/log_json.c ---- */

/* A line that grows in the caller's memory. What does not fit is left out; who fills it sees to it that all
 * that must be there fits. */
struct gust__log_json {
    char *data;
    size_t used, room;
};

void gust__log_json_put(struct gust__log_json *json, const char *text);

/* A string in its quotes: any bytes, what is not UTF-8 as U+FFFD; of more than limit bytes the beginning and
 * "...". */
void gust__log_json_string(struct gust__log_json *json, const char *data, size_t size, size_t limit);

/* The whole line, with its newline. -> its length, at most GUST__LOG_JSON */
size_t gust__log_json_line(char to[GUST__LOG_JSON], const struct gust__log_record *record);

/* The bytes of the UTF-8 character at `at` (RFC 3629, section 4); 0: it is none. */
size_t gust__log_character(const unsigned char *at, const unsigned char *end);

/* "240229 13:59:59": local time as lines have it, broken down once a second and thread. Borrowed until the
 * thread's next call. */
const char *gust__log_time(void);

/* Looks anew whether lines are coloured: after standard error was replaced, and in tests. */
void gust__log_choose_colour(void);

#endif
