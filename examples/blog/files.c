/* A whole file as the answer, read on a thread. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct reading {
    const char *path;
    int fd;
    size_t size;
    char *to;
};

static int open_file(void *argument)
{
    struct reading *reading = argument;
    struct stat status;
    reading->fd = open(reading->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (reading->fd < 0 || fstat(reading->fd, &status) < 0)
        return gust_error_set(errno, "%s", reading->path);
    reading->size = (size_t)status.st_size;
    return S_ISREG(status.st_mode) ? 0 : gust_error_set(EINVAL, "%s is no file", reading->path);
}

static int read_file(void *argument)
{
    struct reading *reading = argument;
    ssize_t length;
    for (size_t at = 0; at < reading->size; at += (size_t)length) {
        length = read(reading->fd, reading->to + at, reading->size - at);
        if (length <= 0)
            return gust_error_set(length ? errno : EIO, "%s", reading->path);
    }
    return 0;
}

static void close_file(struct reading *reading)
{
    if (reading->fd >= 0)
        close(reading->fd);
}

int send_file(gust_request *req, const char *path)
{
    struct reading reading = {.path = path, .fd = -1};
    GUST_DEFER(close_file, &reading);
    if (gust_threads_run(NULL, open_file, &reading) < 0)
        return -1;
    reading.to = gust_alloc(req, reading.size + 1);
    if (gust_threads_run(NULL, read_file, &reading) < 0)
        return -1;
    return gust_write(req, reading.to, reading.size);
}
