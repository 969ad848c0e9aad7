/*
 * Opening. Files are opened at once; a FIFO waits for its other end, and so does it on a thread, which may be
 * left behind: it then closes what it gets.
 */
#include "base/alloc.h"
#include "green/errand.h"

#include <stdarg.h>
#include <stdio.h>

/* Asked before it is opened: a FIFO that comes into being in between blocks the loop. */
static bool is_fifo(int directory, const char *path)
{
    struct stat status;
    int saved = errno;
    bool is = gust__sys_fstatat(directory, path, &status, 0) == 0 && S_ISFIFO(status.st_mode);
    errno = saved;
    return is;
}

static bool may_wait(int directory, const char *path, int flags)
{
    return path && !(flags & (O_NONBLOCK | O_PATH | O_TMPFILE)) && (flags & O_ACCMODE) != O_RDWR &&
           !(flags & O_CREAT && flags & O_EXCL) && is_fifo(directory, path);
}

/* ---- open ---- */

struct opening {
    struct gust__green_errand errand;
    int directory; /* a duplicate, or AT_FDCWD */
    int flags;
    char *path;
    int fd; /* -1: none, or handed over */
    int code;
};

static void opening_run(struct gust__green_errand *errand)
{
    struct opening *opening = (struct opening *)(void *)errand;
    do
        opening->fd = gust__sys_openat(opening->directory, opening->path, opening->flags, 0);
    while (opening->fd < 0 && errno == EINTR);
    opening->code = errno;
}

static void opening_release(struct gust__green_errand *errand)
{
    struct opening *opening = (struct opening *)(void *)errand;
    if (opening->fd >= 0)
        gust__sys_close(opening->fd);
    if (opening->directory >= 0)
        gust__sys_close(opening->directory);
    gust__free(opening->path);
    gust__free(opening);
}

static const struct gust__green_errand_kind opening_kind = {"open", opening_run, opening_release, NULL};

static struct opening *opening_new(int directory, const char *path, int flags)
{
    struct opening *opening = gust__calloc(1, sizeof(*opening));
    if (!opening)
        return NULL;
    *opening = (struct opening){.errand.kind = &opening_kind, .fd = -1, .flags = flags, .directory = -1};
    opening->path = gust__strdup(path);
    if (!opening->path)
        goto fail;
    if (directory == AT_FDCWD || path[0] == '/') {
        opening->directory = AT_FDCWD;
        return opening;
    }
    opening->directory = gust__sys_fcntl(directory, F_DUPFD_CLOEXEC, 0);
    if (opening->directory >= 0) {
        gust__green_forget(opening->directory);
        return opening;
    }
fail:
    flags = errno;
    opening_release(&opening->errand);
    errno = flags;
    return NULL;
}

static int open_fifo(struct gust__green_call *call, int directory, const char *path, int flags)
{
    int saved = errno;
    struct opening *opening = opening_new(directory, path, flags);
    if (!opening)
        return -1;
    opening = (struct opening *)(void *)gust__green_errand_run(call, &opening->errand);
    if (!opening)
        return -1;
    int fd = opening->fd;
    errno = fd < 0 ? opening->code : saved;
    opening->fd = -1;
    gust__green_errand_drop(&opening->errand);
    return fd;
}

static int came_into_being(int fd)
{
    if (fd >= 0)
        gust__green_forget(fd);
    return fd;
}

/* ---- The hooks ---- */

/* The mode is there only when a file may be created. */
static bool has_mode(int flags)
{
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

static mode_t read_mode(int flags, va_list arguments)
{
    return has_mode(flags) ? va_arg(arguments, mode_t) : 0;
}

GUST__EXPORT int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = read_mode(flags, arguments);
    va_end(arguments);
    if (!gust__green_here() || !may_wait(AT_FDCWD, path, flags))
        return came_into_being(gust__green_next.open(path, flags, mode));
    struct gust__green_call call = GUST__GREEN_CALL("open", -1);
    return came_into_being(open_fifo(&call, AT_FDCWD, path, flags));
}

GUST__EXPORT int openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = read_mode(flags, arguments);
    va_end(arguments);
    if (!gust__green_here() || !may_wait(directory, path, flags))
        return came_into_being(gust__green_next.openat(directory, path, flags, mode));
    struct gust__green_call call = GUST__GREEN_CALL("openat", -1);
    return came_into_being(open_fifo(&call, directory, path, flags));
}

GUST__EXPORT int creat(const char *path, mode_t mode)
{
    const int flags = O_CREAT | O_WRONLY | O_TRUNC;
    if (!gust__green_here() || !may_wait(AT_FDCWD, path, flags))
        return came_into_being(gust__green_next.creat(path, mode));
    struct gust__green_call call = GUST__GREEN_CALL("creat", -1);
    return came_into_being(open_fifo(&call, AT_FDCWD, path, flags));
}

/* What FORTIFY makes of an open without a mode: libc ends the program when it needs one. */

int __open_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);

GUST__EXPORT int __open_2(const char *path, int flags)
{
    if (has_mode(flags) || !gust__green_here() || !may_wait(AT_FDCWD, path, flags))
        return came_into_being(gust__green_next.__open_2(path, flags));
    struct gust__green_call call = GUST__GREEN_CALL("open", -1);
    return came_into_being(open_fifo(&call, AT_FDCWD, path, flags));
}

GUST__EXPORT int __openat_2(int directory, const char *path, int flags)
{
    if (has_mode(flags) || !gust__green_here() || !may_wait(directory, path, flags))
        return came_into_being(gust__green_next.__openat_2(directory, path, flags));
    struct gust__green_call call = GUST__GREEN_CALL("openat", -1);
    return came_into_being(open_fifo(&call, directory, path, flags));
}

/* ---- The same, where off_t has 64 bits ---- */

int __open(const char *path, int flags, ...);
int __open64(const char *path, int flags, ...);
int __open64_2(const char *path, int flags);
int __openat64_2(int directory, const char *path, int flags);

GUST__EXPORT int open64(const char *path, int flags, ...) __attribute__((alias("open"), nonnull(1)));
GUST__EXPORT int __open(const char *path, int flags, ...) __attribute__((alias("open"), nonnull(1)));
GUST__EXPORT int __open64(const char *path, int flags, ...) __attribute__((alias("open"), nonnull(1)));
GUST__EXPORT int openat64(int directory, const char *path, int flags, ...) __attribute__((alias("openat")));
GUST__EXPORT int creat64(const char *path, mode_t mode) __attribute__((alias("creat")));
GUST__EXPORT int __open64_2(const char *path, int flags) __attribute__((alias("__open_2")));
GUST__EXPORT int __openat64_2(int directory, const char *path, int flags)
    __attribute__((alias("__openat_2")));

/* ---- fopen: opens by calls of libc's own, which nobody sees ---- */

/* The descriptor that fopen would make, and the stream over it. */
static FILE *fopen_fifo(struct gust__green_call *call, const char *path, const char *mode)
{
    int flags = *mode == 'r' ? O_RDONLY : *mode == 'w' ? O_WRONLY | O_TRUNC : O_WRONLY | O_APPEND;
    flags |= strchr(mode, 'e') ? O_CLOEXEC : 0;
    int fd = came_into_being(open_fifo(call, AT_FDCWD, path, flags));
    FILE *stream = fd >= 0 ? fdopen(fd, mode) : NULL;
    if (!stream && fd >= 0)
        gust__sys_close(fd);
    return stream;
}

static bool fopen_may_wait(const char *path, const char *mode)
{
    return path && mode && !strchr(mode, '+') && !strchr(mode, 'x') && strchr("rwa", *mode) && *mode &&
           is_fifo(AT_FDCWD, path);
}

GUST__EXPORT FILE *fopen(const char *path, const char *mode)
{
    if (gust__green_here() && fopen_may_wait(path, mode)) {
        struct gust__green_call call = GUST__GREEN_CALL("fopen", -1);
        return fopen_fifo(&call, path, mode);
    }
    FILE *stream = gust__green_next.fopen(path, mode);
    if (stream)
        gust__green_forget(fileno(stream));
    return stream;
}

GUST__EXPORT FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));
