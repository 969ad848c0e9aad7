/*
 * O_NONBLOCK for the length of one system call: connect, accept and sendfile have no flag of their own. It is
 * the open file's, seen by whoever shares it, so it is never held across a switch.
 */
#ifndef GUST_GREEN_MOMENT_H
#define GUST_GREEN_MOMENT_H

#include "green/green_int.h"

/* The flags to give back; -1: fd is none, or O_NONBLOCK already is on (nothing to give back). */
static inline int gust__green_moment_begin(int fd)
{
    int flags = gust__sys_fcntl(fd, F_GETFL, 0);
    if (flags < 0 || flags & O_NONBLOCK)
        return -1;
    return gust__sys_fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -1 : flags;
}

/* errno is kept. */
static inline void gust__green_moment_end(int fd, int flags)
{
    int saved = errno;
    if (flags >= 0)
        gust__sys_fcntl(fd, F_SETFL, flags);
    errno = saved;
}

#endif
