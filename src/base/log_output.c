/* Where log lines go: to standard error, coloured on a terminal, or to files; as text or as JSON. */
#include "base/log_int.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/sys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

enum { STREAMS = 2 };

static _Atomic int colour = -1; /* 1 yes, 0 no, -1 not yet known */
static _Atomic bool as_json;
static _Atomic bool has_file[STREAMS];

/* For the files, and for the memory that JSON is made in: a coroutine's stack has no room for so much. */
static struct gust__lock lock;
static struct gust__log_file files[STREAMS];
static char json_line[GUST__LOG_JSON];

/* A fork while another thread wrote leaves the child with a lock that nobody will drop. */
static void after_fork(void)
{
    lock = (struct gust__lock){0};
}

static __attribute__((constructor)) void begin(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

/* ---- Setting ---- */

int gust__log_open(enum gust__log_stream stream, const char *path, const struct gust__log_rotation *rotation)
{
    struct gust__log_file file;
    if (gust__log_file_open(&file, path, rotation, gust__clock_wall()) < 0)
        return -1;
    gust__log_close(stream);
    gust__lock_take(&lock);
    files[stream] = file;
    atomic_store(&has_file[stream], true);
    gust__lock_drop(&lock);
    return 0;
}

void gust__log_close(enum gust__log_stream stream)
{
    gust__lock_take(&lock);
    if (atomic_exchange(&has_file[stream], false))
        gust__log_file_close(&files[stream]);
    gust__lock_drop(&lock);
}

bool gust__log_has_file(enum gust__log_stream stream)
{
    return atomic_load_explicit(&has_file[stream], memory_order_relaxed);
}

void gust__log_set_json(bool json)
{
    atomic_store(&as_json, json);
}

bool gust__log_is_json(void)
{
    return atomic_load_explicit(&as_json, memory_order_relaxed);
}

/* ---- Writing ---- */

void gust__log_choose_colour(void)
{
    struct termios terminal;
    const char *refused = getenv("NO_COLOR");
    const char *type = getenv("TERM");
    bool wanted = !(refused && *refused) && type && strcmp(type, "dumb") != 0 &&
                  gust__sys_ioctl(STDERR_FILENO, TCGETS, &terminal) == 0;
    atomic_store_explicit(&colour, wanted, memory_order_relaxed);
}

static void write_to_stderr(const struct iovec *pieces, int count)
{
    while (gust__sys_writev(STDERR_FILENO, pieces, count) < 0 && errno == EINTR)
        continue;
}

/* With the lock held: a file may be closed until it is. */
static void write_line(enum gust__log_stream stream, const struct iovec *pieces, int count, int64_t now)
{
    if (gust__log_has_file(stream))
        gust__log_file_write(&files[stream], pieces, count, now);
    else
        write_to_stderr(pieces, count);
}

static void write_as_json(enum gust__log_stream stream, const struct gust__log_record *record)
{
    gust__lock_take(&lock);
    struct iovec line = {json_line, gust__log_json_line(json_line, record)};
    write_line(stream, &line, 1, record->line.time);
    gust__lock_drop(&lock);
}

static void write_as_text(const gust_log_line *line)
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
    const struct iovec pieces[] = {
        {start, coloured ? sizeof(start) - 1 : 0},
        {(char *)(uintptr_t)line->whole, prefix},
        {end, coloured ? sizeof(end) - 1 : 0},
        {(char *)(uintptr_t)line->whole + prefix, line->whole_len - prefix},
        {(char[]){'\n'}, 1},
    };
    write_to_stderr(pieces, (int)GUST_LEN(pieces));
}

void gust__log_write(enum gust__log_stream stream, const struct gust__log_record *record)
{
    const gust_log_line *line = &record->line;
    if (gust__log_is_json()) {
        write_as_json(stream, record);
    } else if (gust__log_has_file(stream)) {
        const struct iovec pieces[] = {{(char *)(uintptr_t)line->whole, line->whole_len},
                                       {(char[]){'\n'}, 1}};
        gust__lock_take(&lock);
        write_line(stream, pieces, (int)GUST_LEN(pieces), line->time);
        gust__lock_drop(&lock);
    } else {
        write_as_text(line);
    }
}
