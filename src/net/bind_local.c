#include "net/bind.h"
#include "base/alloc.h"
#include "base/random.h"
#include "base/sys.h"

#include <gust/error.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>

enum { BIND_TRIES = 8 };

/* Its path, as seen from anywhere: the program may change its directory. NULL: ENOMEM, ENOENT... */
static char *absolute_path(const char *path)
{
    if (path[0] == '/')
        return gust__strdup(path);
    char folder[PATH_MAX], whole[PATH_MAX + GUST__PATH_MAX + 2];
    long length = gust__sys_raw(SYS_getcwd, (long)folder, sizeof(folder), 0, 0, 0, 0);
    if (length < 0) {
        errno = (int)-length;
        return NULL;
    }
    snprintf(whole, sizeof(whole), "%s/%s", folder, path);
    return gust__strdup(whole);
}

/* A handle of the file itself, wherever its name points later. */
static int open_node(const char *path, struct stat *status)
{
    int node = gust__sys_openat(AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    if (node >= 0 && gust__sys_fstat(node, status) < 0) {
        int code = errno;
        gust__sys_close(node);
        errno = code;
        return -1;
    }
    return node;
}

static bool same_file(const char *path, dev_t device, ino_t inode)
{
    struct stat status;
    return gust__sys_fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(status.st_mode) &&
           status.st_dev == device && status.st_ino == inode;
}

/* 0: nobody listens there; -1: EADDRINUSE, EACCES... */
static int nobody_listens(const struct gust__address *address)
{
    int fd = gust__sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int code = gust__sys_connect(fd, &address->any, address->length) == 0 ? EADDRINUSE : errno;
    gust__sys_close(fd);
    if (code == ECONNREFUSED || code == ENOENT)
        return 0;
    /* EAGAIN: its queue is full; EPROTOTYPE: it is of another type. Somebody has it open. */
    errno = code == EAGAIN || code == EPROTOTYPE ? EADDRINUSE : code;
    return -1;
}

/* Takes the file away under a name of its own first, and looks whether that was the one found stale: a server
 * that started meanwhile gets its file back. */
static int move_away(const char *path, const struct stat *stale)
{
    char aside[GUST__PATH_MAX + 32];
    snprintf(aside, sizeof(aside), "%s.%016llx~", path, (unsigned long long)gust__random_u64());
    if (gust__sys_renameat2(AT_FDCWD, path, AT_FDCWD, aside, 0) < 0)
        return errno == ENOENT ? 0 : -1;
    if (same_file(aside, stale->st_dev, stale->st_ino))
        return gust__sys_unlinkat(AT_FDCWD, aside, 0);
    gust__sys_renameat2(AT_FDCWD, aside, AT_FDCWD, path, RENAME_NOREPLACE);
    errno = EADDRINUSE;
    return -1;
}

/* Something has the name: 0 when it is out of the way. */
static int make_way(const struct gust__address *address)
{
    const char *path = address->local.sun_path;
    struct stat status;
    int node = open_node(path, &status); /* open, so that its inode is not given to another file */
    if (node < 0)
        return errno == ENOENT ? 0 : -1;
    int result = -1;
    if (!S_ISSOCK(status.st_mode))
        errno = EEXIST;
    else if (nobody_listens(address) == 0)
        result = move_away(path, &status);
    int code = errno;
    gust__sys_close(node);
    errno = code;
    return result;
}

/* The socket's own mode is what bind gives the file, less the umask: before that is made up for, nobody has
 * access that he shall not have; and before listen nobody can connect at all. */
static int bind_name(int fd, const struct gust__address *address, mode_t mode)
{
    if (gust__sys_fchmod(fd, mode) < 0)
        return -1;
    for (int round = 1;; round++) {
        if (gust__sys_bind(fd, &address->any, address->length) == 0)
            return 0;
        if (errno != EADDRINUSE || round == BIND_TRIES || address->local.sun_path[0] == '\0')
            return -1;
        if (make_way(address) < 0)
            return -1;
    }
}

/* Learns which file it is, and gives it the bits that the umask took. */
static int settle_file(const struct gust__address *address, mode_t mode, struct gust__socket_file *file)
{
    struct stat status;
    int node = open_node(address->local.sun_path, &status);
    if (node < 0)
        return -1;
    int result = 0;
    if ((status.st_mode & 07777) != mode) {
        char name[32];
        snprintf(name, sizeof(name), "/proc/self/fd/%d", node);
        result = gust__sys_fchmodat(AT_FDCWD, name, mode, 0);
    }
    int code = errno;
    gust__sys_close(node);
    file->device = status.st_dev;
    file->inode = status.st_ino;
    file->creator = gust__sys_getpid();
    errno = code;
    return result;
}

static int open_local(const struct gust__address *address, const struct gust__bind_options *options,
                      struct gust__socket_file *file)
{
    bool named = address->local.sun_path[0] != '\0';
    bool bound = false;
    int fd = gust__sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (named && !(file->path = absolute_path(address->local.sun_path)))
        goto fail;
    if (bind_name(fd, address, options->mode) < 0)
        goto fail;
    bound = true;
    if (named && settle_file(address, options->mode, file) < 0)
        goto fail;
    if (gust__sys_listen(fd, options->backlog) == 0)
        return fd;
fail:;
    int code = errno;
    if (bound && named)
        gust__socket_file_remove(file);
    gust__free(file->path);
    file->path = NULL;
    gust__sys_close(fd);
    errno = code;
    return -1;
}

int gust__bind_local(const struct gust__address *address, const struct gust__bind_options *options,
                     struct gust__socket_file *file)
{
    *file = (struct gust__socket_file){0};
    int fd = open_local(address, options, file);
    if (fd >= 0)
        return fd;
    char text[GUST__ADDRESS_TEXT];
    return gust_error_set(errno, "%s: %s", gust__address_format(address, text),
                          errno == EEXIST ? "the file is there and is no socket" : strerrordesc_np(errno));
}

void gust__socket_file_claim(const struct gust__address *address, struct gust__socket_file *file)
{
    struct stat status;
    *file = (struct gust__socket_file){0};
    if (address->any.sa_family != AF_UNIX || address->local.sun_path[0] == 0 ||
        gust__sys_fstatat(AT_FDCWD, address->local.sun_path, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISSOCK(status.st_mode))
        return;
    *file = (struct gust__socket_file){absolute_path(address->local.sun_path), status.st_dev, status.st_ino,
                                       gust__sys_getpid()};
}

void gust__socket_file_remove(struct gust__socket_file *file)
{
    if (!file->path)
        return;
    if (file->creator == gust__sys_getpid() && same_file(file->path, file->device, file->inode))
        gust__sys_unlinkat(AT_FDCWD, file->path, 0);
    gust__free(file->path);
    file->path = NULL;
}
