/* Reading and writing files at a position: pread, pwrite and their kin. */
#include "green/vector.h"

/* ---- Reading ---- */

static ssize_t read_at(struct gust__green_call *call, const struct iovec *vector, int count, off_t offset,
                       int flags)
{
    int saved = errno;
    ssize_t done = gust__green_file_read(call, vector, count, offset, flags);
    if (done >= 0)
        errno = saved;
    return done;
}

GUST__EXPORT ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
    if (!gust__green_here() || offset < 0) /* an error, but -1 means something else to preadv2 */
        return gust__green_next.pread(fd, data, size, offset);
    struct gust__green_call call = GUST__GREEN_CALL("pread", fd);
    return read_at(&call, &(struct iovec){data, size}, 1, offset, 0);
}

GUST__EXPORT ssize_t __pread_chk(int fd, void *data, size_t size, off_t offset, size_t room)
{
    if (!gust__green_here() || offset < 0 || size > room) /* libc ends the program then */
        return gust__green_next.__pread_chk(fd, data, size, offset, room);
    struct gust__green_call call = GUST__GREEN_CALL("pread", fd);
    return read_at(&call, &(struct iovec){data, size}, 1, offset, 0);
}

GUST__EXPORT ssize_t preadv(int fd, const struct iovec *vector, int count, off_t offset)
{
    if (!gust__green_here() || offset < 0 || count <= 0)
        return gust__green_next.preadv(fd, vector, count, offset);
    struct gust__green_call call = GUST__GREEN_CALL("preadv", fd);
    return read_at(&call, vector, count, offset, 0);
}

/* There preadv2 is readv, and pwritev2 writev. */
static bool is_no_file_at_its_position(int fd, off_t offset)
{
    struct stat status;
    return offset == -1 && (gust__sys_fstat(fd, &status) < 0 || !S_ISREG(status.st_mode));
}

GUST__EXPORT ssize_t preadv2(int fd, const struct iovec *vector, int count, off_t offset, int flags)
{
    if (!gust__green_here() || offset < -1 || count <= 0 || flags & RWF_NOWAIT)
        return gust__green_next.preadv2(fd, vector, count, offset, flags);
    if (flags == 0 && is_no_file_at_its_position(fd, offset))
        return readv(fd, vector, count);
    struct gust__green_call call = GUST__GREEN_CALL("preadv2", fd);
    return read_at(&call, vector, count, offset, flags);
}

/* ---- Writing ---- */

static ssize_t write_at(struct gust__green_call *call, const struct iovec *vector, int count, off_t offset,
                        int flags)
{
    int saved = errno;
    ssize_t done = gust__green_file_write(call, vector, count, offset, flags);
    if (done >= 0)
        errno = saved;
    return done;
}

GUST__EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (!gust__green_here() || offset < 0)
        return gust__green_next.pwrite(fd, data, size, offset);
    struct gust__green_call call = GUST__GREEN_CALL("pwrite", fd);
    return write_at(&call, &(struct iovec){(void *)data, size}, 1, offset, 0);
}

GUST__EXPORT ssize_t pwritev(int fd, const struct iovec *vector, int count, off_t offset)
{
    if (!gust__green_here() || offset < 0 || count <= 0)
        return gust__green_next.pwritev(fd, vector, count, offset);
    struct gust__green_call call = GUST__GREEN_CALL("pwritev", fd);
    return write_at(&call, vector, count, offset, 0);
}

GUST__EXPORT ssize_t pwritev2(int fd, const struct iovec *vector, int count, off_t offset, int flags)
{
    if (!gust__green_here() || offset < -1 || count <= 0 || flags & RWF_NOWAIT)
        return gust__green_next.pwritev2(fd, vector, count, offset, flags);
    if (flags == 0 && is_no_file_at_its_position(fd, offset))
        return writev(fd, vector, count);
    struct gust__green_call call = GUST__GREEN_CALL("pwritev2", fd);
    return write_at(&call, vector, count, offset, flags);
}

/* ---- The same, where off_t has 64 bits, as here it always has ---- */

_Static_assert(sizeof(off_t) == sizeof(off64_t), "the 64-bit names are the plain ones");

ssize_t __pread64(int fd, void *data, size_t size, off64_t offset);
ssize_t __pread64_chk(int fd, void *data, size_t size, off64_t offset, size_t room);
ssize_t __pwrite64(int fd, const void *data, size_t size, off64_t offset);

GUST__EXPORT ssize_t pread64(int fd, void *data, size_t size, off64_t offset) __attribute__((alias("pread")));
GUST__EXPORT ssize_t __pread64(int fd, void *data, size_t size, off64_t offset)
    __attribute__((alias("pread")));
GUST__EXPORT ssize_t __pread64_chk(int fd, void *data, size_t size, off64_t offset, size_t room)
    __attribute__((alias("__pread_chk")));
GUST__EXPORT ssize_t preadv64(int fd, const struct iovec *vector, int count, off64_t offset)
    __attribute__((alias("preadv")));
GUST__EXPORT ssize_t preadv64v2(int fd, const struct iovec *vector, int count, off64_t offset, int flags)
    __attribute__((alias("preadv2")));
GUST__EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
    __attribute__((alias("pwrite")));
GUST__EXPORT ssize_t __pwrite64(int fd, const void *data, size_t size, off64_t offset)
    __attribute__((alias("pwrite")));
GUST__EXPORT ssize_t pwritev64(int fd, const struct iovec *vector, int count, off64_t offset)
    __attribute__((alias("pwritev")));
GUST__EXPORT ssize_t pwritev64v2(int fd, const struct iovec *vector, int count, off64_t offset, int flags)
    __attribute__((alias("pwritev2")));
