/* Vectors of which a part was transferred; files. */
#ifndef GUST_GREEN_VECTOR_H
#define GUST_GREEN_VECTOR_H

#include "green/green_int.h"

#include <sys/uio.h>

/* What is left of a vector: part, if it has a length, then the rest of the vector. */
struct gust__green_rest {
    const struct iovec *vector;
    int count;
    struct iovec part;
};

static inline struct gust__green_rest gust__green_rest(const struct iovec *vector, int count)
{
    return (struct gust__green_rest){.vector = vector, .count = count};
}

/* True while something is left. */
static inline bool gust__green_rest_advance(struct gust__green_rest *rest, size_t done)
{
    if (rest->part.iov_len) {
        rest->part.iov_base = (char *)rest->part.iov_base + done;
        rest->part.iov_len -= done;
        return rest->part.iov_len || rest->count;
    }
    while (rest->count && done >= rest->vector->iov_len) {
        done -= rest->vector->iov_len;
        rest->vector++;
        rest->count--;
    }
    if (done) {
        rest->part = (struct iovec){(char *)rest->vector->iov_base + done, rest->vector->iov_len - done};
        rest->vector++;
        rest->count--;
    }
    return rest->part.iov_len || rest->count;
}

static inline size_t gust__green_vector_size(const struct iovec *vector, int count)
{
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += vector[i].iov_len;
    return size;
}

/* Goes on reading a file, after a read that gave done bytes and may have ended where the page cache does. The
 * count of all; offset is where the first read began, -1: the file's own position. */
ssize_t gust__green_file_read_on(struct gust__green_call *call, const struct iovec *vector, int count,
                                 off_t offset, int flags, ssize_t done);

#endif
