/* What makes, ends and changes descriptors. */
#include "green/green_int.h"

/* Never interrupted, never parked: but whoever waits for the descriptor must learn of it. */
GUST__EXPORT int close(int fd)
{
    gust__green_forget(fd);
    return gust__green_next.close(fd);
}

GUST__EXPORT int __close(int fd)
{
    gust__green_forget(fd);
    return gust__green_next.__close(fd);
}
