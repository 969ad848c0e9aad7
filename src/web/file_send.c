/* The bytes of a file, on their way out. */
#include "web/files.h"

#include "base/sys.h"

#include <string.h>

#include <gust/error.h>

enum { PIECE = 64 << 10 };

/* The client must see that the rest is missing. Keeps errno. */
static int cut_off(gust_request *request)
{
    int code = errno;
    request->exchange->operations->abort(request->exchange);
    request->finished = true;
    return gust_error_set(code, "sending a file");
}

static ssize_t read_at(int fd, char *to, size_t size, int64_t offset)
{
    ssize_t got;
    do
        got = gust__sys_pread(fd, to, size, offset);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        errno = EIO; /* it has become shorter */
    return got;
}

/* Reads it and sends it: what sendfile cannot send, and what is encoded. */
static int copy(gust_request *request, int fd, int64_t offset, int64_t size)
{
    char *piece = gust_alloc(request, PIECE);
    for (int64_t end = offset + size; offset < end;) {
        ssize_t got = read_at(fd, piece, end - offset < PIECE ? (size_t)(end - offset) : PIECE, offset);
        if (got <= 0)
            return cut_off(request);
        struct iovec part = {piece, (size_t)got};
        int result = request->coding ? gust_write(request, piece, (size_t)got)
                                     : gust__answer_send(request, &part, 1, false);
        if (result < 0)
            return cut_off(request);
        offset += got;
    }
    return 0;
}

int gust__file_send(gust_request *request, int fd, int64_t offset, int64_t size)
{
    struct gust__exchange *exchange = request->exchange;
    if (exchange->operations->send_file) {
        if (exchange->operations->send_file(exchange, fd, offset, size) == 0)
            return 0;
        if (errno != EOPNOTSUPP)
            return cut_off(request);
    }
    return copy(request, fd, offset, size);
}

/* A small file is an answer like any other. */
static int send_small(gust_request *request, int fd, size_t size)
{
    char *to = gust__answer_reserve(request, size);
    size_t have = 0;
    while (have < size) {
        ssize_t got = read_at(fd, to + have, size - have, (int64_t)have);
        if (got <= 0)
            gust_fail(500, "a file that was to be sent cannot be read");
        have += (size_t)got;
    }
    request->output_size += size;
    return gust__answer_finish(request);
}

int gust__file_send_whole(gust_request *request, int fd, int64_t size)
{
    bool head = request->exchange->head_request;
    if (size <= GUST__FILE_BUFFERED && (!head || request->coding))
        return send_small(request, fd, (size_t)size);
    if (!request->coding)
        request->content_length = size + 1;
    if (head && !request->coding)
        return gust__answer_finish(request);
    if (gust_flush(request) < 0)
        return cut_off(request);
    if (request->finished) /* whoever was asked before the head finished it */
        return 0;
    int result = head              ? 0
                 : request->coding ? copy(request, fd, 0, size)
                                   : gust__file_send(request, fd, 0, size);
    return result < 0 ? -1 : gust__answer_finish(request);
}
