#include "web/spool.h"

#include "base/random.h"
#include "base/sys.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { TRIES = 16 };

/* File systems without O_TMPFILE say one of these. */
static bool lacks_nameless_files(int code)
{
    return code == EOPNOTSUPP || code == EISDIR || code == EINVAL || code == ENOENT;
}

static int open_and_unlink(const char *directory)
{
    char path[PATH_MAX];
    for (int i = 0; i < TRIES; i++) {
        uint64_t number;
        if (gust__random_bytes(&number, sizeof(number)) < 0)
            return -1;
        if (snprintf(path, sizeof(path), "%s/gust-%016llx", directory, (unsigned long long)number) >=
            (int)sizeof(path)) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = gust__sys_openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0)
            gust__sys_unlinkat(AT_FDCWD, path, 0);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

int gust__spool_open(const char *directory)
{
    if (!directory)
        directory = secure_getenv("TMPDIR");
    if (!directory || !*directory)
        directory = "/tmp";
    int fd = gust__sys_openat(AT_FDCWD, directory, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    return fd < 0 && lacks_nameless_files(errno) ? open_and_unlink(directory) : fd;
}

int gust__spool_write(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size) {
        ssize_t written = gust__sys_write(fd, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            errno = written ? errno : ENOSPC;
            return -1;
        }
        at += written;
        size -= (size_t)written;
    }
    return 0;
}
