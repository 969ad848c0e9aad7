#include "base/log_int.h"
#include "base/backtrace.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error_int.h"
#include "base/lock.h"
#include "base/sys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_MODULE = 64, COLOUR_ROOM = 16, ESCAPE_ROOM = 8 };

size_t (*_Atomic gust__log_request)(char to[GUST__LOG_REQUEST]);

/* The sink. `have_sink` spares the lock where there is none; while the lock is held for a call of the sink,
 * its thread knows by `in_sink`. */
static struct gust__lock sink_lock;
static void (*sink)(void *arg, const gust_log_line *line);
static void *sink_arg;
static _Atomic bool have_sink;
static _Thread_local bool in_sink __attribute__((tls_model("initial-exec")));

/* ---- The sink ---- */

/* A fork while another thread was in the sink leaves the child with a lock that nobody will drop. */
static void after_fork(void)
{
    if (!in_sink)
        sink_lock = (struct gust__lock){0};
}

static __attribute__((constructor)) void begin(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

void gust_log_sink(void (*function)(void *arg, const gust_log_line *line), void *arg)
{
    bool mine = in_sink;
    if (!mine) {
        gust__log_drain(); /* what was logged before is the sink's before */
        gust__lock_take(&sink_lock);
    }
    sink = function;
    sink_arg = arg;
    atomic_store(&have_sink, function != NULL);
    if (!mine)
        gust__lock_drop(&sink_lock);
}

static bool give_to_sink(const gust_log_line *line)
{
    if (!atomic_load_explicit(&have_sink, memory_order_relaxed) || in_sink)
        return false;
    gust__lock_take(&sink_lock);
    bool given = sink != NULL;
    in_sink = true;
    if (given)
        sink(sink_arg, line);
    in_sink = false;
    gust__lock_drop(&sink_lock);
    return given;
}

/* ---- What a line looks like ---- */

/* "240229 13:59:59". Breaking down local time takes a lock and a search in libc: once a second is enough. */
const char *gust__log_time(void)
{
    static _Thread_local struct {
        time_t second;
        char text[32];
    } last __attribute__((tls_model("initial-exec")));
    time_t now = (time_t)(gust__clock_wall() / 1000000000);
    if (now != last.second || !last.text[0]) {
        struct tm local;
        if (!localtime_r(&now, &local) || !strftime(last.text, sizeof(last.text), "%y%m%d %H:%M:%S", &local))
            strcpy(last.text, "?");
        last.second = now;
    }
    return last.text;
}

/* The module's name and length of "src/http/server.c": "server". */
static void find_module(const char *file, char *module)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;
    const char *dot = strrchr(name, '.');
    size_t length = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    if (length > MAX_MODULE)
        length = MAX_MODULE;
    memcpy(module, name, length);
    module[length] = '\0';
}

/* The bytes of the character at `at` that may stand in a line as it is; 0 if it must be escaped: control
 * characters (C0, DEL, C1) and whatever is not UTF-8. */
static size_t harmless(const unsigned char *at, const unsigned char *end)
{
    bool control = at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && end - at > 1 && at[1] < 0xa0);
    return control ? 0 : gust__log_character(at, end);
}

static size_t escape_byte(char *to, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *short_form = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;
    if (short_form) {
        memcpy(to, short_form, 2);
        return 2;
    }
    memcpy(to, (char[]){'\\', 'x', digits[c >> 4], digits[c & 15]}, 4);
    return 4;
}

/* Writes text, escaped, to `to`, at most room bytes, and returns how many. What does not fit ends in "...".
 */
static size_t escape(char *to, size_t room, const char *text, size_t length, bool more)
{
    const unsigned char *at = (const unsigned char *)text;
    const unsigned char *end = at + length;
    size_t used = 0, cut = 0; /* cut: the last place that leaves room for the dots */
    while (at < end) {
        char piece[ESCAPE_ROOM];
        size_t taken = harmless(at, end);
        size_t size = taken ? taken : escape_byte(piece, *at);
        if (used + 3 <= room)
            cut = used;
        if (used + size > room) {
            more = true;
            break;
        }
        memcpy(to + used, taken ? (const char *)at : piece, size);
        used += size;
        at += taken ? taken : 1;
    }
    if (used + 3 <= room)
        cut = used;
    if (!more || room < 3)
        return used;
    memcpy(to + cut, "...", 3);
    return cut + 3;
}

static size_t put_prefix(char *to, size_t size, const gust_log_line *line)
{
    char number[16] = "";
    if (line->line > 0)
        snprintf(number, sizeof(number), ":%d", line->line);
    return (size_t)snprintf(to, size, "[%c %s %s%s%s%s] ", "DIWE"[line->level], gust__log_time(),
                            line -> module, number, line -> request ? " " : "",
                            line->request ? line->request : "");
}

/* A level from outside the enumeration must not index anything. */
static gust_log_level known(gust_log_level level)
{
    return (unsigned)level > GUST_ERROR ? GUST_ERROR : level;
}

void gust__log_emit(const struct gust__log_record *record)
{
    if (!give_to_sink(&record->line))
        gust__log_write(GUST__LOG_GENERAL, record);
}

/* Behind those that wait to be written, so that lines stay in order. What a sink logs is no part of that. */
static void emit(const struct gust__log_record *record)
{
    if (in_sink || !gust__log_later(record, NULL, 0))
        gust__log_emit(record);
}

/* The id of the request that is served here, in room; NULL: none. */
static const char *find_request(char room[GUST__LOG_REQUEST])
{
    size_t (*function)(char *) = atomic_load_explicit(&gust__log_request, memory_order_relaxed);
    return function && function(room) > 0 ? room : NULL;
}

/* Gives the record's line its text: the prefix, and the message escaped. */
static void put_whole(gust_log_line *line, char whole[GUST__LOG_LINE - COLOUR_ROOM], bool cut)
{
    const size_t size = GUST__LOG_LINE - COLOUR_ROOM;
    size_t prefix = put_prefix(whole, size, line);
    size_t escaped = escape(whole + prefix, size - prefix - 1, line->message, line->message_len, cut);
    whole[prefix + escaped] = '\0';
    line->text = whole + prefix, line->text_len = escaped;
    line->whole = whole, line->whole_len = prefix + escaped;
}

static void log_arguments(const char *name, gust_log_level level, const char *file, int line,
                          const char *format, va_list arguments)
{
    int saved = errno;
    char text[GUST__LOG_LINE], whole[GUST__LOG_LINE - COLOUR_ROOM];
    char module[MAX_MODULE + 1], request[GUST__LOG_REQUEST];
    int wanted = vsnprintf(text, sizeof(text), format, arguments);
    size_t length = wanted < 0 ? 0 : (size_t)wanted;
    bool cut = length >= sizeof(text);
    if (cut)
        length = sizeof(text) - 1;

    find_module(file, module);
    struct gust__log_record record = {.line = {.level = known(level), .module = module, .line = line}};
    record.line.name = name, record.line.time = gust__clock_wall();
    record.line.request = find_request(request);
    record.line.message = text, record.line.message_len = length;
    put_whole(&record.line, whole, cut);
    emit(&record);
    errno = saved;
}

void gust_log_to(const char *name, gust_log_level level, const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_arguments(name, level, file, line, format, arguments);
    va_end(arguments);
}

void gust_log_at(gust_log_level level, const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_arguments("app", level, file, line, format, arguments);
    va_end(arguments);
}

void gust__log_access(gust_log_level level, const char *request, const char *text, const char *members,
                      size_t members_len)
{
    int saved = errno;
    char whole[GUST__LOG_LINE - COLOUR_ROOM];
    struct gust__log_record record = {.members = members, .members_len = members_len};
    record.line = (gust_log_line){.level = known(level), .module = "access", .name = "access"};
    record.line.request = request, record.line.time = gust__clock_wall();
    record.line.message = text, record.line.message_len = strlen(text);
    put_whole(&record.line, whole, false);
    if (gust__log_has_file(GUST__LOG_ACCESS))
        gust__log_write(GUST__LOG_ACCESS, &record);
    else
        emit(&record);
    errno = saved;
}

/* ---- Errors with their backtrace ---- */

void gust__log_append_backtrace(struct gust__buffer *whole, void *const *frames, size_t count)
{
    struct gust__buffer lines = {.max = GUST__LOG_BACKTRACE / 2};
    gust__backtrace_print(&lines, frames, count);
    while (gust__buffer_length(&lines) > 0) {
        const char *line = gust__buffer_bytes(&lines);
        const char *newline = memchr(line, '\n', gust__buffer_length(&lines));
        size_t length = newline ? (size_t)(newline - line) : gust__buffer_length(&lines);
        char safe[512];
        int size = (int)escape(safe, sizeof(safe), line, length, false);
        if (gust__buffer_printf(whole, "\n    %.*s", size, safe) < 0)
            break;
        gust__buffer_consume(&lines, length + (newline != NULL));
    }
    gust__buffer_fini(&lines);
}

/* "what: the error's text", as much as fits. -> its length */
static size_t format_error(char *text, size_t size, const char *what, const gust_error *error, int code)
{
    int length;
    if (!error)
        length = snprintf(text, size, "%s: %s", what, strerrordesc_np(code));
    else if (strcmp(gust_error_domain(error), "errno") == 0)
        length = snprintf(text, size, "%s: %s", what, gust_error_text(error));
    else
        length = snprintf(text, size, "%s: %s (%s %d)", what, gust_error_text(error),
                          gust_error_domain(error), gust_error_detail(error));
    return (size_t)length < size ? (size_t)length : size - 1;
}

/* Puts prefix and message into whole, which grows. */
static int put_error_line(struct gust__buffer *whole, const gust_log_line *line, const char *prefix, bool cut)
{
    size_t room = GUST__LOG_LINE - 256;
    char *to =
        gust__buffer_append(whole, prefix, strlen(prefix)) < 0 ? NULL : gust__buffer_reserve(whole, room + 1);
    if (!to)
        return -1;
    gust__buffer_added(whole, escape(to, room, line->message, line->message_len, cut));
    return 0;
}

void gust__log_point_at(gust_log_line *line, struct gust__buffer *whole, size_t prefix)
{
    size_t size = gust__buffer_length(whole);
    gust__buffer_bytes(whole)[size] = '\0'; /* printf left room for it, and so does put_error_line */
    line->whole = gust__buffer_bytes(whole), line->whole_len = size;
    line->text = line->whole + prefix, line->text_len = size - prefix;
}

void gust__log_error_at(gust_log_level level, const char *file, int line, const gust_error *error,
                        const char *what)
{
    int saved = errno;
    char module[MAX_MODULE + 1], prefix[256], request[GUST__LOG_REQUEST], text[GUST__ERROR_TEXT + 256];
    find_module(file, module);
    struct gust__log_record record = {.line = {.level = known(level), .module = module, .line = line}};
    record.line.name = "app", record.line.time = gust__clock_wall();
    record.line.request = find_request(request);
    record.line.message = text;
    record.line.message_len = format_error(text, sizeof(text), what, error, saved);
    bool cut = record.line.message_len == sizeof(text) - 1;
    size_t length = put_prefix(prefix, sizeof(prefix), &record.line);
    struct gust__buffer whole = {.max = GUST__LOG_BACKTRACE - COLOUR_ROOM};
    if (put_error_line(&whole, &record.line, prefix, cut) < 0) {
        gust_log_at(level, file, line, "%s: %s", what, gust_error_text(error)); /* which needs no memory */
        goto out;
    }
    gust__log_point_at(&record.line, &whole, length);
    size_t frames = error ? error->frame_count : 0;
    if (frames > 0 && gust__log_defers && !in_sink && gust__log_later(&record, error->frames, frames))
        goto out;
    if (frames > 0)
        gust__log_append_backtrace(&whole, error->frames, frames);
    gust__log_point_at(&record.line, &whole, length);
    emit(&record);
out:
    gust__buffer_fini(&whole);
    errno = saved;
}
