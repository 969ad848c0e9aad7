#include "ops/access_log.h"

#include "base/clock.h"
#include "base/log_int.h"
#include "base/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <gust/error.h>
#include <gust/log.h>

enum { LINE_MAX_BYTES = 4096, TARGET_MAX_BYTES = 2048 };

static int file = -1;

int gust__access_log_open(const char *where)
{
    if (strcmp(where, "on") == 0)
        return 0;
    file = gust__sys_openat(AT_FDCWD, where, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    return file < 0 ? gust_error_set(errno, "--access-log=%s: %s", where, strerror(errno)) : 0;
}

void gust__access_log_close(void)
{
    if (file >= 0)
        gust__sys_close(file);
    file = -1;
}

static gust_log_level level_of(int status)
{
    return status < 400 ? GUST_INFO : status < 500 ? GUST_WARNING : GUST_ERROR;
}

/* Targets and methods passed the parser: no control characters are in them. */
static int format_line(const struct gust__exchange *exchange, const char *peer, char *line, size_t size)
{
    const struct gust__request_head *head = exchange->head;
    size_t target = head->target.size < TARGET_MAX_BYTES ? head->target.size : TARGET_MAX_BYTES;
    double elapsed = (double)(gust__clock_now() - exchange->started) / 1e6;
    return snprintf(line, size, "%d %.*s %.*s (%s) %.2fms", exchange->status, (int)head->method_name.size,
                    head->method_name.data, (int)target, head->target.data, peer, elapsed);
}

static void write_to_file(gust_log_level level, const char *text)
{
    char line[LINE_MAX_BYTES + 64];
    int length = snprintf(line, sizeof(line), "[%c %s access] %s\n", "DIWE"[level], gust__log_time(), text);
    size_t size = (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1;
    while (gust__sys_write(file, line, size) < 0 && errno == EINTR)
        continue;
}

void gust__access_log_write(struct gust__exchange *exchange)
{
    char text[LINE_MAX_BYTES];
    gust_log_level level = level_of(exchange->status);
    format_line(exchange, gust__exchange_peer(exchange), text, sizeof(text));
    if (file >= 0)
        write_to_file(level, text);
    else
        gust_log_at(level, "access", 0, "%s", text);
}
