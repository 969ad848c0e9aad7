#include "base/log_file.h"

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <gust/base.h>

enum { NAME_ROOM = PATH_MAX + 16, ATTEMPTS = 3, HALF_AN_HOUR = 1800 };

#define LOOK_EVERY GUST_S(1)
#define TIME_SLACK GUST_MS(20) /* files' times lag behind the clock by up to a tick of the kernel */

/* ---- when ---- */

/* Where the clock is set forward or back at midnight, mktime may find a time that is still of the same day.
 */
static int64_t next_midnight(const struct tm *day)
{
    struct tm at = {.tm_year = day->tm_year, .tm_mon = day->tm_mon, .tm_mday = day->tm_mday + 1};
    struct tm found;
    at.tm_isdst = -1;
    time_t time = mktime(&at);
    while (localtime_r(&time, &found) && found.tm_mday == day->tm_mday)
        time += HALF_AN_HOUR;
    return time;
}

int64_t gust__log_next_rotation(const struct gust__log_rotation *rotation, int64_t now)
{
    struct tm day;
    time_t seconds = (time_t)(now / GUST_S(1));
    if (rotation->at_midnight && localtime_r(&seconds, &day))
        return next_midnight(&day) * GUST_S(1);
    return rotation->every > 0 ? (now / rotation->every + 1) * rotation->every : INT64_MAX;
}

/* ---- which file ---- */

static int open_path(const char *path)
{
    return gust__sys_openat(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
}

static bool is_same(const struct stat *one, dev_t device, ino_t inode)
{
    return one->st_dev == device && one->st_ino == inode;
}

/* Takes what the path leads to now. What was written last to an older file decides when that one's time
 * comes, also if the program did not run then. */
static int take_file(struct gust__log_file *file, int64_t now)
{
    struct stat status;
    int fd = open_path(file->path);
    file->looked = now;
    if (fd < 0)
        return -1;
    if (gust__sys_fstat(fd, &status) < 0) {
        gust__sys_close(fd);
        return -1;
    }
    if (file->fd >= 0)
        gust__sys_close(file->fd);
    int64_t written = (int64_t)status.st_mtim.tv_sec * GUST_S(1) + status.st_mtim.tv_nsec + TIME_SLACK;
    file->fd = fd;
    file->regular = S_ISREG(status.st_mode);
    file->device = status.st_dev;
    file->inode = status.st_ino;
    file->next =
        gust__log_next_rotation(&file->rotation, status.st_size > 0 && written < now ? written : now);
    return 0;
}

/* The path is made absolute: a program may change its directory. */
static int keep_path(struct gust__log_file *file, const char *path)
{
    char directory[PATH_MAX] = "";
    if (path[0] != '/' && !getcwd(directory, sizeof(directory)))
        return -1;
    int length = snprintf(file->path, sizeof(file->path), "%s%s%s", directory, *directory ? "/" : "", path);
    if ((size_t)length < sizeof(file->path))
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

int gust__log_file_open(struct gust__log_file *file, const char *path,
                        const struct gust__log_rotation *rotation, int64_t now)
{
    *file = (struct gust__log_file){.fd = -1, .rotation = *rotation};
    return keep_path(file, path) < 0 ? -1 : take_file(file, now);
}

void gust__log_file_close(struct gust__log_file *file)
{
    if (file->fd >= 0)
        gust__sys_close(file->fd);
    file->fd = -1;
}

/* -> whether the file is another one now */
static bool follow_path(struct gust__log_file *file, int64_t now)
{
    struct stat status;
    file->looked = now;
    if (gust__sys_fstatat(AT_FDCWD, file->path, &status, 0) == 0 &&
        is_same(&status, file->device, file->inode))
        return false;
    return take_file(file, now) == 0;
}

/* ---- rotation ---- */

static void put_name(const struct gust__log_file *file, unsigned number, char name[NAME_ROOM])
{
    if (number == 0)
        strcpy(name, file->path);
    else
        snprintf(name, NAME_ROOM, "%s.%u", file->path, number);
}

/* Up to the first number that is free, or to the last, which is overwritten. */
static int shift(const struct gust__log_file *file)
{
    char from[NAME_ROOM], to[NAME_ROOM];
    struct stat status;
    unsigned last = 1;
    for (; last < file->rotation.keep; last++) {
        put_name(file, last, to);
        if (gust__sys_fstatat(AT_FDCWD, to, &status, AT_SYMLINK_NOFOLLOW) < 0)
            break;
    }
    for (unsigned number = last; number > 0; number--) {
        put_name(file, number - 1, from);
        put_name(file, number, to);
        if (gust__sys_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0) < 0)
            return -1;
    }
    return 0;
}

static bool is_due(const struct gust__log_file *file, int64_t size, size_t more, int64_t now)
{
    int64_t max = file->rotation.max_size;
    return size > 0 && now >= file->no_sooner &&
           ((max > 0 && size + (int64_t)more > max) || now >= file->next);
}

/* With the lock on what the path led to, as `locked`. */
static void rotate_locked(struct gust__log_file *file, int locked, int64_t now)
{
    struct stat status, named;
    bool mine = gust__sys_fstat(locked, &status) == 0 && is_same(&status, file->device, file->inode) &&
                gust__sys_fstatat(AT_FDCWD, file->path, &named, 0) == 0 &&
                is_same(&named, file->device, file->inode);
    if (mine && shift(file) < 0)
        file->no_sooner = now + LOOK_EVERY;
    else
        take_file(file, now); /* the new one: of this process, or of another that was faster */
}

/* Another process that rotates just now is not waited for: the line goes behind the old ones. -> whether it
 * makes sense to look again */
static bool rotate(struct gust__log_file *file, int64_t now)
{
    int fd = open_path(file->path);
    bool locked = fd >= 0 && gust__sys_flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (locked)
        rotate_locked(file, fd, now);
    if (fd >= 0)
        gust__sys_close(fd); /* and with it the lock */
    return locked;
}

static void rotate_if_due(struct gust__log_file *file, size_t size, int64_t now)
{
    struct stat status;
    for (int i = 0; i < ATTEMPTS; i++) {
        if (gust__sys_fstat(file->fd, &status) < 0)
            return;
        if (status.st_size == 0 && now >= file->next) /* nothing to keep */
            file->next = gust__log_next_rotation(&file->rotation, now);
        if (!is_due(file, status.st_size, size, now) || !rotate(file, now))
            return;
    }
}

/* ---- writing ---- */

static void append(const struct gust__log_file *file, const struct iovec *pieces, int count)
{
    while (gust__sys_writev(file->fd, pieces, count) < 0 && errno == EINTR)
        continue;
}

static bool was_removed(const struct gust__log_file *file)
{
    struct stat status;
    return gust__sys_fstat(file->fd, &status) == 0 && status.st_nlink == 0;
}

void gust__log_file_write(struct gust__log_file *file, const struct iovec *pieces, int count, int64_t now)
{
    bool rotates = file->regular && (file->rotation.max_size > 0 || file->next != INT64_MAX);
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += pieces[i].iov_len;
    if (file->regular && (now < file->looked || now - file->looked >= LOOK_EVERY))
        follow_path(file, now);
    if (rotates)
        rotate_if_due(file, size, now);
    append(file, pieces, count);
    if (rotates && was_removed(file) && follow_path(file, now))
        append(file, pieces, count);
}
