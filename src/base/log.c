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
#include <sys/ioctl.h>
#include <termios.h>

enum { MAX_MODULE = 64, COLOUR_ROOM = 16, ESCAPE_ROOM = 8 };

static _Atomic int lowest = GUST_INFO;
static _Atomic int colour = -1; /* 1 yes, 0 no, -1 not yet known */

/* The sink. `have_sink` spares the lock where there is none; while the lock is held for a call of the sink,
 * its thread knows by `in_sink`. */
static struct gust__lock sink_lock;
static void (*sink)(void *arg, const gust_log_line *line);
static void *sink_arg;
static _Atomic bool have_sink;
static _Thread_local bool in_sink __attribute__((tls_model("initial-exec")));

void gust_log_set_level(gust_log_level level)
{
    atomic_store_explicit(&lowest, (int)level, memory_order_relaxed);
}

int gust_log_enabled(gust_log_level level)
{
    return (int)level >= atomic_load_explicit(&lowest, memory_order_relaxed);
}

/* ---- Where lines go ---- */

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

void gust__log_choose_colour(void)
{
    struct termios terminal;
    const char *refused = getenv("NO_COLOR");
    const char *type = getenv("TERM");
    bool wanted = !(refused && *refused) && type && strcmp(type, "dumb") != 0 &&
                  gust__sys_ioctl(STDERR_FILENO, TCGETS, &terminal) == 0;
    atomic_store_explicit(&colour, wanted, memory_order_relaxed);
}

static void write_pieces(struct iovec *pieces, int count)
{
    while (gust__sys_writev(STDERR_FILENO, pieces, count) < 0 && errno == EINTR)
        continue;
}

static void write_line(const gust_log_line *line)
{
    static const char colours[] = {
        [GUST_DEBUG] = '4', [GUST_INFO] = '2', [GUST_WARNING] = '3', [GUST_ERROR] = '1'};
    size_t prefix = (size_t)(line->text - line->whole) - 1;
    char start[] = "\033[2;30m";
    char end[] = "\033[0m";
    start[sizeof(start) - 3] = colours[line->level];
    if (atomic_load_explicit(&colour, memory_order_relaxed) < 0)
        gust__log_choose_colour();
    bool coloured = atomic_load_explicit(&colour, memory_order_relaxed) > 0;
    struct iovec pieces[] = {
        {start, coloured ? sizeof(start) - 1 : 0},
        {(char *)(uintptr_t)line->whole, prefix},
        {end, coloured ? sizeof(end) - 1 : 0},
        {(char *)(uintptr_t)line->whole + prefix, line->whole_len - prefix},
        {(char[]){'\n'}, 1},
    };
    write_pieces(pieces, (int)GUST_LEN(pieces));
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
 * characters (C0, DEL, C1) and whatever is not UTF-8 by RFC 3629, section 4. */
static size_t harmless(const unsigned char *at, const unsigned char *end)
{
    unsigned char c = at[0];
    if (c < 0x80)
        return c >= 0x20 && c != 0x7f;
    size_t size = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
    if (size == 0 || (size_t)(end - at) < size)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (c == 0xe0 && at[1] < 0xa0) || (c == 0xf0 && at[1] < 0x90);
    bool outside = (c == 0xed && at[1] >= 0xa0) || (c == 0xf4 && at[1] >= 0x90);
    bool control = c == 0xc2 && at[1] < 0xa0;
    return overlong || outside || control ? 0 : size;
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

static size_t put_prefix(char *to, size_t size, gust_log_level level, const char *module, int line)
{
    return (size_t)snprintf(to, size, "[%c %s %s:%d] ", "DIWE"[level], gust__log_time(), module, line);
}

/* A level from outside the enumeration must not index anything. */
static gust_log_level known(gust_log_level level)
{
    return (unsigned)level > GUST_ERROR ? GUST_ERROR : level;
}

void gust__log_emit(const gust_log_line *line)
{
    if (!give_to_sink(line))
        write_line(line);
}

/* Behind those that wait to be written, so that lines stay in order. What a sink logs is no part of that. */
static void emit(const gust_log_line *line)
{
    if (in_sink || !gust__log_later(line, NULL, 0))
        gust__log_emit(line);
}

void gust_log_at(gust_log_level level, const char *file, int line, const char *format, ...)
{
    int saved = errno;
    char text[GUST__LOG_LINE];
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    size_t length = wanted < 0 ? 0 : (size_t)wanted;
    bool cut = length >= sizeof(text);
    if (cut)
        length = sizeof(text) - 1;

    char module[MAX_MODULE + 1];
    find_module(file, module);
    level = known(level);
    char whole[GUST__LOG_LINE - COLOUR_ROOM];
    size_t prefix = put_prefix(whole, sizeof(whole), level, module, line);
    size_t escaped = escape(whole + prefix, sizeof(whole) - prefix - 1, text, length, cut);
    whole[prefix + escaped] = '\0';
    gust_log_line record = {.level = level, .module = module, .line = line};
    record.text = whole + prefix, record.text_len = escaped;
    record.whole = whole, record.whole_len = prefix + escaped;
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

static int put_error_line(struct gust__buffer *whole, const char *what, const gust_error *error, int code)
{
    char text[GUST__ERROR_TEXT + 256];
    int length;
    if (!error)
        length = snprintf(text, sizeof(text), "%s: %s", what, strerrordesc_np(code));
    else if (strcmp(gust_error_domain(error), "errno") == 0)
        length = snprintf(text, sizeof(text), "%s: %s", what, gust_error_text(error));
    else
        length = snprintf(text, sizeof(text), "%s: %s (%s %d)", what, gust_error_text(error),
                          gust_error_domain(error), gust_error_detail(error));
    bool cut = (size_t)length >= sizeof(text);
    size_t room = GUST__LOG_LINE - 256;
    char *to = gust__buffer_reserve(whole, room + 1);
    if (!to)
        return -1;
    gust__buffer_added(whole, escape(to, room, text, cut ? sizeof(text) - 1 : (size_t)length, cut));
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
    char module[MAX_MODULE + 1], prefix[128];
    find_module(file, module);
    level = known(level);
    size_t length = put_prefix(prefix, sizeof(prefix), level, module, line);
    struct gust__buffer whole = {.max = GUST__LOG_BACKTRACE - COLOUR_ROOM};
    if (gust__buffer_append(&whole, prefix, length) < 0 || put_error_line(&whole, what, error, saved) < 0) {
        gust_log_at(level, file, line, "%s: %s", what, gust_error_text(error)); /* which needs no memory */
        goto out;
    }
    gust_log_line record = {.level = level, .module = module, .line = line};
    gust__log_point_at(&record, &whole, length);
    size_t frames = error ? error->frame_count : 0;
    if (frames > 0 && gust__log_defers && !in_sink && gust__log_later(&record, error->frames, frames))
        goto out;
    if (frames > 0)
        gust__log_append_backtrace(&whole, error->frames, frames);
    gust__log_point_at(&record, &whole, length);
    emit(&record);
out:
    gust__buffer_fini(&whole);
    errno = saved;
}
