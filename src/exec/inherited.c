#include "exec/inherited.h"
#include "base/sys.h"
#include "exec/successor.h"

#include <gust/error.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_ACTIVATED = 3 }; /* SD_LISTEN_FDS_START */

/* A whole number at the beginning of a text; *end: what follows. -1: none, or too large. */
static int number_at(const char *text, const char **end)
{
    char *after;
    *end = text;
    if (*text < '0' || *text > '9')
        return -1;
    errno = 0;
    long value = strtol(text, &after, 10);
    *end = after;
    return errno || value > INT32_MAX ? -1 : (int)value;
}

/* 0: a stream socket that listens; it is made non-blocking and close-on-exec. -1: it is something else. */
static int adopt(int fd)
{
    int listens = 0, type = 0;
    socklen_t size = sizeof(listens);
    if (gust__sys_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0)
        return -1;
    size = sizeof(type);
    if (gust__sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        return -1;
    if (!listens || type != SOCK_STREAM) {
        errno = EINVAL;
        return -1;
    }
    int flags = gust__sys_fcntl(fd, F_GETFL, 0);
    if (flags < 0 || gust__sys_fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -1;
    return gust__sys_fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static struct gust__inherited_sockets *new_sockets(struct gust__inherited *inherited)
{
    if (inherited->count == GUST__INHERITED_MAX) {
        gust_error_set(EINVAL, "more than %d inherited listeners", GUST__INHERITED_MAX);
        return NULL;
    }
    struct gust__inherited_sockets *sockets = &inherited->list[inherited->count++];
    *sockets = (struct gust__inherited_sockets){0};
    return sockets;
}

/* ---- of a service manager ---- */

/* The next of the names between colons. */
static const char *take_name(const char *names, char *name, size_t size)
{
    size_t length = strcspn(names, ":");
    snprintf(name, size, "%.*s", (int)length, names);
    return names[length] ? names + length + 1 : names + length;
}

static int take_activated(struct gust__inherited *inherited, int count, const char *names)
{
    for (int i = 0; i < count; i++) {
        struct gust__inherited_sockets *sockets = new_sockets(inherited);
        if (!sockets)
            return -1;
        strcpy(sockets->key, GUST__ACTIVATED);
        names = take_name(names, sockets->name, sizeof(sockets->name));
        int fd = FIRST_ACTIVATED + i;
        if (adopt(fd) < 0)
            return gust_error_set(EINVAL, "LISTEN_FDS: descriptor %d (%s) is not a listening stream socket",
                                  fd, sockets->name[0] ? sockets->name : "without a name");
        sockets->fds[sockets->count++] = fd;
    }
    return 0;
}

static int take_from_manager(struct gust__inherited *inherited)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
    const char *end;
    int result = 0;
    if (pid && count && number_at(pid, &end) == gust__sys_getpid() && *end == 0) {
        int descriptors = number_at(count, &end);
        if (descriptors < 0 || *end)
            result = gust_error_set(EINVAL, "LISTEN_FDS=%s: expected a whole number", count);
        else
            result = take_activated(inherited, descriptors, names ? names : "");
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return result;
}

/* ---- of the process before ---- */

/* "4,5"; *text moves behind it. */
static int take_fds(struct gust__inherited_sockets *sockets, const char **text)
{
    for (const char *at = *text;; at++) {
        int fd = number_at(at, &at);
        if (fd < 0 || sockets->count == GUST__ADDRESSES_MAX || adopt(fd) < 0)
            return gust_error_set(EINVAL, "%s: descriptor %d is not a listening stream socket",
                                  GUST__LISTENERS_VARIABLE, fd);
        sockets->fds[sockets->count++] = fd;
        *text = at;
        if (*at != ',')
            return 0;
    }
}

/* "4,5 127.0.0.1:8888" up to the end of the line; *text moves behind it. */
static int take_line(struct gust__inherited *inherited, const char **text)
{
    struct gust__inherited_sockets *sockets = new_sockets(inherited);
    if (!sockets || take_fds(sockets, text) < 0)
        return -1;
    const char *key = *text + 1;
    size_t size = **text == ' ' ? strcspn(key, "\n") : 0;
    if (size == 0 || size > GUST__INHERITED_KEY)
        return gust_error_set(EINVAL, "%s: cannot be read", GUST__LISTENERS_VARIABLE);
    memcpy(sockets->key, key, size);
    *text = key[size] ? key + size + 1 : key + size;
    return 0;
}

static int take_from_predecessor(struct gust__inherited *inherited)
{
    const char *text = getenv(GUST__LISTENERS_VARIABLE), *ready = getenv(GUST__READY_VARIABLE), *end;
    int result = 0;
    if (ready) {
        inherited->ready = number_at(ready, &end);
        if (inherited->ready >= 0)
            gust__sys_fcntl(inherited->ready, F_SETFD, FD_CLOEXEC);
    }
    while (text && *text && result == 0)
        result = take_line(inherited, &text);
    unsetenv(GUST__LISTENERS_VARIABLE);
    unsetenv(GUST__READY_VARIABLE);
    return result;
}

/* ---- the whole ---- */

int gust__inherited_take(struct gust__inherited *inherited)
{
    *inherited = (struct gust__inherited){.ready = -1};
    int result = take_from_predecessor(inherited);
    if (result == 0)
        result = take_from_manager(inherited);
    return result;
}

size_t gust__inherited_find(struct gust__inherited *inherited, const char *key, int *fds)
{
    for (size_t i = 0; i < inherited->count; i++) {
        struct gust__inherited_sockets *sockets = &inherited->list[i];
        if (sockets->count == 0 || strcmp(sockets->key, key) != 0)
            continue;
        size_t count = sockets->count;
        memcpy(fds, sockets->fds, count * sizeof(*fds));
        sockets->count = 0;
        return count;
    }
    return 0;
}

static void close_ready(struct gust__inherited *inherited)
{
    if (inherited->ready >= 0)
        gust__sys_close(inherited->ready);
    inherited->ready = -1;
}

void gust__inherited_ready(struct gust__inherited *inherited)
{
    static const struct gust__successor_report report = {0};
    if (inherited->ready >= 0)
        gust__sys_write(inherited->ready, &report, sizeof(report)); /* who went meanwhile need not know */
    close_ready(inherited);
}

void gust__inherited_close_rest(struct gust__inherited *inherited)
{
    for (size_t i = 0; i < inherited->count; i++) {
        struct gust__inherited_sockets *sockets = &inherited->list[i];
        while (sockets->count > 0)
            gust__sys_close(sockets->fds[--sockets->count]);
    }
}

void gust__inherited_close(struct gust__inherited *inherited)
{
    gust__inherited_close_rest(inherited);
    close_ready(inherited);
}
