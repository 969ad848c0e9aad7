/*
 * gust/files.h - files as answers: a directory of them under a path, one from a handler
 *
 *     gust_static(app, "/static/", "static", .default_name = "index.html", .precompressed = true);
 *
 *     static void report(gust_request *req)
 *     {
 *         if (gust_send_file(req, "/var/lib/reports/today.pdf", .download_as = "report.pdf") < 0)
 *             gust_fail(404, "no report yet");
 *     }
 *
 * What both do, by RFC 9110: Etag and Last-Modified, and 304 and 412 by If-None-Match, If-Modified-Since,
 * If-Match and If-Unmodified-Since; Range, of one or several pieces, with If-Range, 206 and 416; Content-Type
 * by the file's name, from the system's table (/etc/mime.types). Files above 64 KiB go from the page cache to
 * the socket without passing through the program (sendfile); smaller ones go out in one write with their
 * head.
 *
 * The Etag tells versions apart by the file's inode, size and times, to the nanosecond: it costs nothing, and
 * changes when a file is written or replaced. It differs between machines that serve copies; for pages that
 * many machines serve use gust_static_url, whose hash is of the content.
 *
 * Looking a file up, and what sendfile must first read from a disk, blocks the loop. That is meant for local
 * disks: what is asked for often is in the kernel's caches, where both take microseconds.
 */
#ifndef GUST_FILES_H
#define GUST_FILES_H

#include <gust/web.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_static_options {
    size_t size;
    const char *default_name
        GUST_ZERO; /* the file that answers for a directory, as "index.html"; a directory
                      without a slash behind it is redirected. Default: directories are 403 */
    int64_t max_age
        GUST_ZERO; /* Cache-Control: max-age, a GUST_S(60); -1: no-cache. Default: no such header */
    bool follow_links GUST_ZERO;  /* symbolic links may lead out of the directory; else that is 403 */
    bool precompressed GUST_ZERO; /* beside main.css there may be main.css.br, .zst, .gz, for clients that
                                     accept them. One that is older than its original is not used */
    bool only_prefix GUST_ZERO;   /* /favicon.ico and /robots.txt are not served from the directory */
} gust_static_options;

/* [any] Serves the files of a directory to GET and HEAD under a path prefix that begins and ends with a
 * slash. The directory is opened now and kept open: what is moved to its name later is served by the next
 * start (or reload). No path leads out of it, and no directory is ever listed. A request with "?v=" and the
 * hash that gust_static_url gives for the file may be kept for ever: Cache-Control says a year, immutable.
 * The first of an application's directories answers /favicon.ico and /robots.txt too. */
GUST_API void gust_static_with(gust_app *app, const char *prefix, const char *directory,
                               const gust_static_options *options);
#define gust_static(app, prefix, directory, ...) \
    gust_static_with(app, prefix, directory, GUST_OPTIONS(gust_static_options, ##__VA_ARGS__))

/* [blk] The path, as clients see it, of a file in the application's first directory (or its parent's), with a
 * hash of the content: "/static/css/main.css?v=8f2a0c3be1f0d4a7". Hashes are kept; a file from 64 KiB up is
 * hashed on a thread. Without the hash when there is no such file (or no directory: then it is "/" and name).
 * Lives until the request ends. */
GUST_API const char *gust_static_url(gust_request *request, const char *name);

typedef struct gust_file_options {
    size_t size;
    const char *content_type GUST_ZERO; /* default: by the name, unless the handler has set the header */
    const char *download_as
        GUST_ZERO;             /* the browser saves it under this name (Content-Disposition: attachment) */
    int64_t max_age GUST_ZERO; /* as gust_static's */
} gust_file_options;

/* [blk] Answers with a file and finishes the answer; output written before is dropped, headers stay. The path
 * is used as it is: never a piece of it from a request. With another status than 200 there are no conditions
 * and ranges. 0; -1, and nothing was answered: ENOENT, EACCES and what else open says, EINVAL (not a regular
 * file), EALREADY; or EPIPE, ETIMEDOUT, ECANCELED, as gust_write: the answer is cut off. Ranges outside the
 * file end the handler with 416, a failed If-Match with 412. */
GUST_API int gust_send_file_with(gust_request *request, const char *path, const gust_file_options *options);
#define gust_send_file(request, path, ...) \
    gust_send_file_with(request, path, GUST_OPTIONS(gust_file_options, ##__VA_ARGS__))

/* [blk] The same of a descriptor (borrowed), from the file's beginning whatever its offset. Without
 * .content_type, application/octet-stream. */
GUST_API int gust_send_fd_with(gust_request *request, int fd, const gust_file_options *options);
#define gust_send_fd(request, fd, ...) \
    gust_send_fd_with(request, fd, GUST_OPTIONS(gust_file_options, ##__VA_ARGS__))

GUST_END_DECLARATIONS

#endif
