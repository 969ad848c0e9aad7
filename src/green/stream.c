/* gust_green_stream: a FILE over a descriptor whose reads and writes are seen. */
#include "green/green_int.h"

static ssize_t stream_read(void *cookie, char *data, size_t size)
{
    return read((int)(intptr_t)cookie, data, size);
}

/* 0 is an error to stdio, and errno is kept. */
static ssize_t stream_write(void *cookie, const char *data, size_t size)
{
    ssize_t put = write((int)(intptr_t)cookie, data, size);
    return put < 0 ? 0 : put;
}

static int stream_close(void *cookie)
{
    return close((int)(intptr_t)cookie);
}

FILE *gust_green_stream(int fd, const char *mode)
{
    const cookie_io_functions_t functions = {
        .read = stream_read, .write = stream_write, .close = stream_close};
    if (gust__sys_fcntl(fd, F_GETFD, 0) < 0)
        return NULL;
    return fopencookie((void *)(intptr_t)fd, mode, functions);
}
