/* Opening files that strangers name, inside one directory. */
#include "web/files.h"

#include "base/sys.h"

#include <string.h>

enum { FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, COMPONENT_MAX = 255, TRIES = 8 };

int gust__file_walk(int directory, const char *path)
{
    char component[COMPONENT_MAX + 1];
    int at = directory;
    while (*path) {
        size_t size = strcspn(path, "/");
        const char *rest = path + size + strspn(path + size, "/");
        bool inner = path[size] == '/';
        int next = -1;
        if (size > COMPONENT_MAX)
            errno = ENAMETOOLONG;
        else {
            memcpy(component, path, size);
            component[size] = 0;
            next = gust__sys_openat(
                at, component, inner ? O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC : FLAGS | O_NOFOLLOW, 0);
        }
        if (at != directory)
            gust__sys_close(at);
        if (next < 0)
            return -1;
        at = next;
        path = rest;
    }
    return at;
}

static int open_below(int directory, const char *path, bool follow_links)
{
    struct open_how how = {.flags = FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = -1;
    if (follow_links)
        return gust__sys_openat(directory, path, FLAGS, 0);
    for (int i = 0; i < TRIES; i++) { /* EAGAIN: something was renamed meanwhile */
        fd = gust__sys_openat2(directory, path, &how);
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return fd < 0 && (errno == ENOSYS || errno == EPERM) ? gust__file_walk(directory, path) : fd;
}

int gust__file_open(int directory, const char *path, bool follow_links, struct stat *status)
{
    int fd = open_below(directory, path, follow_links);
    if (fd < 0 || fd == directory) {
        errno = fd < 0 ? errno : ENOENT;
        return -1;
    }
    int result = gust__sys_fstat(fd, status);
    if (result == 0 && (S_ISREG(status->st_mode) || S_ISDIR(status->st_mode)))
        return fd;
    int code = result < 0 ? errno : EACCES;
    gust__sys_close(fd);
    errno = code;
    return -1;
}
