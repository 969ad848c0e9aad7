/* What becomes of a connection whose wait was cut short. */
#include "green/green_int.h"

#include <sys/un.h>

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

/* What came while the interruption was on its way can be read after the shutdown too, before the end of the
 * stream: libpq, whose next question cannot be sent, looks for a last word of the server and takes it for the
 * answer. After the shutdown no more comes, so this ends. */
static void discard_received(int fd)
{
    char data[4096];
    while (gust__sys_recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
        ;
}

/* The library that waited is in the middle of an answer. Shut down, its connection is dead for it too; left
 * alone, it would hand the rest of this answer to the next question (seen with libpq). */
void gust__green_interrupted(int fd)
{
    int saved = errno;
    if (!gust__current->green.keep && is_stream_socket(fd) && !listens(fd) &&
        gust__sys_shutdown(fd, SHUT_RDWR) == 0)
        discard_received(fd);
    errno = saved;
}

/* A nameless Unix socket at both ends: a socketpair. */
static bool is_pair(int fd)
{
    struct sockaddr_un address;
    socklen_t length = sizeof(address);
    if (gust__sys_getsockname(fd, (struct sockaddr *)&address, &length) < 0 ||
        address.sun_family != AF_UNIX || length > sizeof(sa_family_t))
        return false;
    length = sizeof(address);
    return gust__sys_getpeername(fd, (struct sockaddr *)&address, &length) == 0 &&
           length <= sizeof(sa_family_t);
}

void gust__green_interrupted_among(int fd, size_t count)
{
    int saved = errno;
    if (fd >= 0 && (count == 1 || !is_pair(fd)))
        gust__green_interrupted(fd);
    errno = saved;
}
