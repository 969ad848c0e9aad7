/* Regular files. */
#include "green/green_int.h"

ssize_t gust__green_file_read(struct gust__green_call *call, const struct iovec *vector, int count,
                              off_t offset, int flags)
{
    return gust__sys_preadv2(call->fd, vector, count, offset, flags);
}

ssize_t gust__green_file_write(struct gust__green_call *call, const struct iovec *vector, int count,
                               off_t offset, int flags)
{
    return gust__sys_pwritev2(call->fd, vector, count, offset, flags);
}
