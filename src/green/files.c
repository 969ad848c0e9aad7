/*
 * Regular files. What is in the page cache is read at once; the rest by a thread, because the disk may keep
 * it waiting: but only the rest, as a round trip to a thread costs some 70 microseconds. Buffered writes go
 * to memory and are done at once, unless the program asks otherwise; those that must reach the disk are not.
 */
#include "green/vector.h"

#include <sys/vfs.h>

/* ---- On a thread ---- */

struct transfer {
    int fd;
    bool writes;
    const struct iovec *vector;
    int count;
    off_t offset;
    int flags;
};

static long transfer(void *argument)
{
    const struct transfer *that = argument;
    if (that->writes)
        return gust__sys_pwritev2(that->fd, that->vector, that->count, that->offset, that->flags);
    return gust__sys_preadv2(that->fd, that->vector, that->count, that->offset, that->flags);
}

static ssize_t transfer_by_thread(struct gust__green_call *call, bool writes, const struct iovec *vector,
                                  int count, off_t offset, int flags)
{
    struct transfer that = {call->fd, writes, vector, count, offset, flags};
    return gust__green_offload(call, transfer, &that);
}

/* ---- Reading ---- */

/* File systems whose files are elsewhere, and which do not know RWF_NOWAIT. */
static bool is_remote(int fd)
{
    static const unsigned long kinds[] = {
        0x6969 /* NFS */,       0x65735546 /* FUSE */, 0xff534d42 /* CIFS */,
        0xfe534d42 /* SMB 2 */, 0x517b /* SMB */,      0x00c36400 /* Ceph */,
        0x01021997 /* 9P */,    0x5346414f /* AFS */,  0x73757245 /* Coda */};
    struct statfs status;
    if (gust__sys_call("fstatfs", SYS_fstatfs, fd, (long)&status, 0, 0, 0, 0) < 0)
        return false;
    for (size_t i = 0; i < GUST_LEN(kinds); i++) {
        if ((unsigned long)status.f_type == kinds[i])
            return true;
    }
    return false;
}

/* One read, of at least a byte. */
static ssize_t read_some(struct gust__green_call *call, const struct iovec *vector, int count, off_t offset,
                         int flags)
{
    int saved = errno;
    ssize_t done = gust__sys_preadv2(call->fd, vector, count, offset, flags | RWF_NOWAIT);
    if (done >= 0 || (errno != EAGAIN && errno != EOPNOTSUPP))
        return done;
    bool waits = errno == EAGAIN || is_remote(call->fd);
    errno = saved;
    return waits ? transfer_by_thread(call, false, vector, count, offset, flags)
                 : gust__sys_preadv2(call->fd, vector, count, offset, flags);
}

/* RWF_NOWAIT ends where the cache does, and a file's reader may take a short count for its end: so it is read
 * on from there until there is no more. */
ssize_t gust__green_file_read_on(struct gust__green_call *call, const struct iovec *vector, int count,
                                 off_t offset, int flags, ssize_t done)
{
    struct gust__green_rest rest = gust__green_rest(vector, count);
    int saved = errno;
    for (ssize_t more = done; more > 0 && gust__green_rest_advance(&rest, (size_t)more);) {
        off_t from = offset < 0 ? offset : offset + done;
        more = rest.part.iov_len ? read_some(call, &rest.part, 1, from, flags)
                                 : read_some(call, rest.vector, rest.count, from, flags);
        if (more > 0)
            done += more;
    }
    errno = saved;
    return done;
}

ssize_t gust__green_file_read(struct gust__green_call *call, const struct iovec *vector, int count,
                              off_t offset, int flags)
{
    ssize_t done = read_some(call, vector, count, offset, flags);
    if (done <= 0 || flags & RWF_NOWAIT || (size_t)done == gust__green_vector_size(vector, count))
        return done;
    return gust__green_file_read_on(call, vector, count, offset, flags, done);
}

/* ---- Writing ---- */

static bool reaches_the_disk(int fd, int flags)
{
    if (flags & (RWF_DSYNC | RWF_SYNC))
        return true;
    int status = gust__sys_fcntl(fd, F_GETFL, 0);
    return status >= 0 && status & (O_DSYNC | O_SYNC | O_DIRECT);
}

ssize_t gust__green_file_write(struct gust__green_call *call, const struct iovec *vector, int count,
                               off_t offset, int flags)
{
    if (gust__green_settings.offload_writes || reaches_the_disk(call->fd, flags))
        return transfer_by_thread(call, true, vector, count, offset, flags);
    return gust__sys_pwritev2(call->fd, vector, count, offset, flags);
}
