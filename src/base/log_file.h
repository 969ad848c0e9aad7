/*
 * A log file that is rotated: FILE becomes FILE.1, that FILE.2 and so on, and a new FILE is begun.
 *
 * Several processes may write to one file, each with a struct of its own, related by fork or not. Lines are
 * appended by one write each. Who finds that the time has come takes a lock on the file (flock, on a
 * descriptor opened for that: one that was inherited would share its parent's lock), makes sure that the path
 * still leads to it, and renames. The others find out before their next line, by the file's size, or, at most
 * a second later, because the path leads to another file. So they do when somebody else has renamed or
 * removed it. A line that went into a file just as it was removed, as the oldest, is written again.
 *
 * Not for several threads at once: base/log_output.c has the lock. What is no regular file (/dev/stderr, a
 * pipe) is written to as it is.
 */
#ifndef GUST_BASE_LOG_FILE_H
#define GUST_BASE_LOG_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct gust__log_rotation {
    int64_t max_size; /* before a line that would make the file larger; 0: whatever its size is */
    int64_t every;    /* nanoseconds, counted from 1970; 0: at no time */
    bool at_midnight; /* local time; every is 0 then */
    unsigned keep;    /* files besides FILE, at least 1 */
};

struct gust__log_file {
    int fd;
    bool regular;
    dev_t device;
    ino_t inode;
    int64_t next;      /* when time has come, in nanoseconds since 1970; INT64_MAX: never */
    int64_t looked;    /* where the path leads, last */
    int64_t no_sooner; /* a rotation failed: the next attempt */
    struct gust__log_rotation rotation;
    char path[PATH_MAX];
};

/* Opens or creates the file, to append. 0; -1 and errno. */
int gust__log_file_open(struct gust__log_file *file, const char *path,
                        const struct gust__log_rotation *rotation, int64_t now);
void gust__log_file_close(struct gust__log_file *file);

/* Appends a line, in pieces; rotates before it if it is time. now: wall time in nanoseconds. What cannot be
 * written is lost. */
void gust__log_file_write(struct gust__log_file *file, const struct iovec *pieces, int count, int64_t now);

/* The first time to rotate behind now, both in nanoseconds since 1970; INT64_MAX: none. */
int64_t gust__log_next_rotation(const struct gust__log_rotation *rotation, int64_t now);

#endif
