/* What waits for the disk and changes whole files: always on a thread, and to its end. */
#include "green/green_int.h"

#include <sys/mman.h>

struct file_call {
    int fd;
    int mode; /* or flags */
    const char *path;
    off_t offset;
    off_t length;
    void *address;
};

/* ---- fsync and its kin ---- */

static long run_fsync(void *argument)
{
    const struct file_call *that = argument;
    return gust__green_next.fsync(that->fd);
}

GUST__EXPORT int fsync(int fd)
{
    if (!gust__green_here())
        return gust__green_next.fsync(fd);
    struct gust__green_call call = GUST__GREEN_CALL("fsync", fd);
    return (int)gust__green_offload(&call, run_fsync, &(struct file_call){.fd = fd});
}

static long run_fdatasync(void *argument)
{
    const struct file_call *that = argument;
    return gust__green_next.fdatasync(that->fd);
}

GUST__EXPORT int fdatasync(int fd)
{
    if (!gust__green_here())
        return gust__green_next.fdatasync(fd);
    struct gust__green_call call = GUST__GREEN_CALL("fdatasync", fd);
    return (int)gust__green_offload(&call, run_fdatasync, &(struct file_call){.fd = fd});
}

static long run_syncfs(void *argument)
{
    const struct file_call *that = argument;
    return gust__green_next.syncfs(that->fd);
}

GUST__EXPORT int syncfs(int fd)
{
    if (!gust__green_here())
        return gust__green_next.syncfs(fd);
    struct gust__green_call call = GUST__GREEN_CALL("syncfs", fd);
    return (int)gust__green_offload(&call, run_syncfs, &(struct file_call){.fd = fd});
}

static long run_sync_file_range(void *argument)
{
    const struct file_call *that = argument;
    return gust__green_next.sync_file_range(that->fd, that->offset, that->length, (unsigned)that->mode);
}

GUST__EXPORT int sync_file_range(int fd, off64_t offset, off64_t length, unsigned flags)
{
    if (!gust__green_here())
        return gust__green_next.sync_file_range(fd, offset, length, flags);
    struct gust__green_call call = GUST__GREEN_CALL("sync_file_range", fd);
    struct file_call that = {.fd = fd, .offset = offset, .length = length, .mode = (int)flags};
    return (int)gust__green_offload(&call, run_sync_file_range, &that);
}

static long run_sync(void *argument)
{
    (void)argument;
    gust__green_next.sync();
    return 0;
}

GUST__EXPORT void sync(void)
{
    if (!gust__green_here()) {
        gust__green_next.sync();
        return;
    }
    struct gust__green_call call = GUST__GREEN_CALL("sync", -1);
    int saved = errno; /* it cannot fail, and so must not if there is no thread */
    if (gust__green_offload(&call, run_sync, NULL) < 0)
        gust__green_next.sync();
    errno = saved;
}

static long run_msync(void *argument)
{
    const struct file_call *that = argument;
    return gust__green_next.msync(that->address, (size_t)that->length, that->mode);
}

GUST__EXPORT int msync(void *address, size_t length, int flags)
{
    if (!gust__green_here() || !(flags & MS_SYNC))
        return gust__green_next.msync(address, length, flags);
    struct gust__green_call call = GUST__GREEN_CALL("msync", -1);
    struct file_call that = {.address = address, .length = (off_t)length, .mode = flags};
    return (int)gust__green_offload(&call, run_msync, &that);
}

/* ---- Length and room ---- */

static long run_ftruncate(void *argument)
{
    const struct file_call *that = argument;
    return gust__green_next.ftruncate(that->fd, that->length);
}

GUST__EXPORT int ftruncate(int fd, off_t length)
{
    if (!gust__green_here())
        return gust__green_next.ftruncate(fd, length);
    struct gust__green_call call = GUST__GREEN_CALL("ftruncate", fd);
    return (int)gust__green_offload(&call, run_ftruncate, &(struct file_call){.fd = fd, .length = length});
}

static long run_truncate(void *argument)
{
    const struct file_call *that = argument;
    return gust__green_next.truncate(that->path, that->length);
}

GUST__EXPORT int truncate(const char *path, off_t length)
{
    if (!gust__green_here())
        return gust__green_next.truncate(path, length);
    struct gust__green_call call = GUST__GREEN_CALL("truncate", -1);
    return (int)gust__green_offload(&call, run_truncate, &(struct file_call){.path = path, .length = length});
}

static long run_fallocate(void *argument)
{
    const struct file_call *that = argument;
    return gust__green_next.fallocate(that->fd, that->mode, that->offset, that->length);
}

GUST__EXPORT int fallocate(int fd, int mode, off_t offset, off_t length)
{
    if (!gust__green_here())
        return gust__green_next.fallocate(fd, mode, offset, length);
    struct gust__green_call call = GUST__GREEN_CALL("fallocate", fd);
    struct file_call that = {.fd = fd, .mode = mode, .offset = offset, .length = length};
    return (int)gust__green_offload(&call, run_fallocate, &that);
}

static long run_posix_fallocate(void *argument)
{
    const struct file_call *that = argument;
    return gust__green_next.posix_fallocate(that->fd, that->offset, that->length);
}

/* Returns the error's number. */
GUST__EXPORT int posix_fallocate(int fd, off_t offset, off_t length)
{
    if (!gust__green_here())
        return gust__green_next.posix_fallocate(fd, offset, length);
    struct gust__green_call call = GUST__GREEN_CALL("posix_fallocate", fd);
    int saved = errno;
    long code = gust__green_offload(&call, run_posix_fallocate,
                                    &(struct file_call){.fd = fd, .offset = offset, .length = length});
    if (code < 0)
        code = errno;
    errno = saved;
    return (int)code;
}

/* ---- From file to file ---- */

struct copy {
    int in, out;
    off64_t *from, *to;
    size_t size;
    unsigned flags;
};

static long run_copy(void *argument)
{
    const struct copy *that = argument;
    return gust__green_next.copy_file_range(that->in, that->from, that->out, that->to, that->size,
                                            that->flags);
}

GUST__EXPORT ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags)
{
    if (!gust__green_here())
        return gust__green_next.copy_file_range(in, from, out, to, size, flags);
    struct gust__green_call call = GUST__GREEN_CALL("copy_file_range", in);
    struct copy that = {in, out, from, to, size, flags};
    return gust__green_offload(&call, run_copy, &that);
}

/* ---- The same, where off_t has 64 bits ---- */

GUST__EXPORT int ftruncate64(int fd, off64_t length) __attribute__((alias("ftruncate")));
GUST__EXPORT int truncate64(const char *path, off64_t length) __attribute__((alias("truncate")));
GUST__EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t length)
    __attribute__((alias("fallocate")));
GUST__EXPORT int posix_fallocate64(int fd, off64_t offset, off64_t length)
    __attribute__((alias("posix_fallocate")));
