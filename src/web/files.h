/* Files as answers: found, described, sent. */
#ifndef GUST_WEB_FILES_H
#define GUST_WEB_FILES_H

#include "web/request.h"

#include <sys/stat.h>

#include <gust/files.h>

struct gust__static;

/* Frees a list of directories. NULL is allowed. */
void gust__static_free(struct gust__static *files);

/* ---- file_open.c ---- */

/* Opens a regular file or a directory for reading, relative to a directory and not outside of it; with
 * follow_links by symbolic links also outside. path: without "..". -> descriptor, *status filled; -1: ENOENT,
 * ENOTDIR, EACCES; EXDEV, ELOOP (a link that leads out; where the kernel lacks openat2, any link). It never
 * waits for a FIFO's other end. */
int gust__file_open(int directory, const char *path, bool follow_links, struct stat *status);

/* The same component by component, none of them a link: for kernels without openat2, and sandboxes that
 * forbid it. path: no slash at either end. */
int gust__file_walk(int directory, const char *path);

/* ---- file_hash.c ---- */

enum { GUST__FILE_HASH_ROOM = 16 + 1 };

/* [blk] A hash of an open file's content, kept for the loop as long as the file does not change. Above
 * GUST__HASHED_INLINE bytes it is worked out on a thread, one file at a time. 0; -1: EIO and the like,
 * ETIMEDOUT, ECANCELED, EAGAIN. */
int gust__file_hash(gust_request *request, int fd, const struct stat *status,
                    char hash[GUST__FILE_HASH_ROOM]);

enum { GUST__HASHED_INLINE = 64 << 10 };

/* ---- file_answer.c ---- */

enum {
    GUST__FILE_BUFFERED = 64 << 10, /* up to this size a file is read and sent with its head */
    GUST__FILE_ENCODED = 1 << 20,   /* above it is not encoded as it goes: that is for .precompressed */
};

struct gust__file_answer {
    int fd;
    struct stat status;       /* of fd */
    const char *type;         /* NULL: the handler has set it */
    enum gust__coding coding; /* that the file is in */
    bool varies;              /* by Accept-Encoding */
    bool for_ever;            /* the URL has the content's hash */
    int64_t max_age;
    const char *download_as; /* NULL: shown */
};

/* [blk] Answers with it. 0; -1: the answer is cut off. Ends the handler with 412, 416. */
int gust__file_answer(gust_request *request, const struct gust__file_answer *file);

/* ---- file_send.c ---- */

/* [blk] Sends bytes of a file behind the head. 0; -1: the answer is cut off. */
int gust__file_send(gust_request *request, int fd, int64_t offset, int64_t size);

/* [blk] Answers with the whole file; the headers are set. */
int gust__file_send_whole(gust_request *request, int fd, int64_t size);

#endif
