/* What becomes of a connection whose wait was cut short. */
#include "green/green_int.h"

static bool is_stream_socket(int fd)
{
    int type;
    socklen_t length = sizeof(type);
    return gust__sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
           (type == SOCK_STREAM || type == SOCK_SEQPACKET);
}

static bool listens(int fd)
{
    int accepts = 0;
    socklen_t length = sizeof(accepts);
    return gust__sys_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &length) == 0 && accepts;
}

/* The library that waited is in the middle of an answer. Shut down, its connection is dead for it too; left
 * alone, it would hand the rest of this answer to the next question (seen with libpq). */
void gust__green_interrupted(int fd)
{
    int saved = errno;
    if (!gust__current->green.keep && is_stream_socket(fd) && !listens(fd))
        gust__sys_shutdown(fd, SHUT_RDWR);
    errno = saved;
}
