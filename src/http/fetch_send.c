#include "http/fetch_send.h"
#include "base/alloc.h"
#include "http/chunked.h"

#include <gust/coroutine.h>

#include <errno.h>

enum {
    SMALL = 32 << 10, /* well below a stream's high-water mark */
    PIECE = 16 << 10, /* of a produced body, to be made at once */
};

bool gust__sending_is_small(const struct gust__fetch_request *request)
{
    return !request->options.produce && request->body.len + gust__buffer_length(&request->head) <= SMALL;
}

/* -> bytes made; 0: the end; -1 */
static ssize_t call_produce(const gust_fetch_options *options, char *to)
{
    errno = 0;
    ssize_t made = options->produce(to, PIECE, options->argument);
    if (made > PIECE)
        return gust_error_set(EINVAL, "produce gave more bytes than there was room for");
    if (made >= 0)
        return made;
    int code = errno ? errno : ECANCELED;
    if (gust_error_code(gust_error_last()) != code)
        gust_error_set(code, "produce gave up");
    errno = code;
    return -1;
}

/* A produce whose wait was cut short may take that for the end of what there is: the server shall not take
 * it for the end of the body. */
static int check_interruption(void)
{
    if (gust_cancelled())
        return gust_error_set(ECANCELED, "the request was not sent whole");
    if (gust_deadline_left() <= 0)
        return gust_error_set(ETIMEDOUT, "the request was not sent in time");
    return 0;
}

/* One chunk, around what is made in place: 1; 0: that was the last; -1 */
static int send_piece(struct gust__sending *sending, char *buffer)
{
    char header[GUST__CHUNK_HEADER_SIZE];
    sending->making = true; /* stays so if it throws */
    ssize_t made = call_produce(&sending->request->options, buffer + GUST__CHUNK_HEADER_SIZE);
    if (made < 0 || check_interruption() < 0)
        return -1;
    sending->making = false;
    if (made == 0)
        return gust_stream_write(sending->connection->stream, GUST__LAST_CHUNK, sizeof(GUST__LAST_CHUNK) - 1);
    size_t header_size = gust__chunk_header(header, (uint64_t)made);
    char *begin = buffer + GUST__CHUNK_HEADER_SIZE - header_size;
    char *end = buffer + GUST__CHUNK_HEADER_SIZE + made;
    memcpy(begin, header, header_size);
    memcpy(end, GUST__CHUNK_END, sizeof(GUST__CHUNK_END) - 1);
    end += sizeof(GUST__CHUNK_END) - 1;
    return gust_stream_write(sending->connection->stream, begin, (size_t)(end - begin)) < 0 ? -1 : 1;
}

static int send_produced(struct gust__sending *sending)
{
    char *buffer = gust__malloc(GUST__CHUNK_HEADER_SIZE + PIECE + sizeof(GUST__CHUNK_END));
    if (!buffer)
        return -1;
    GUST_DEFER(gust__free, buffer);
    int more;
    do
        more = send_piece(sending, buffer);
    while (more > 0);
    return more;
}

static int send_all(void *argument)
{
    struct gust__sending *sending = argument;
    const struct gust__fetch_request *request = sending->request;
    gust_stream *stream = sending->connection->stream;
    if (gust_stream_write(stream, gust__buffer_bytes(&request->head), gust__buffer_length(&request->head)) <
        0)
        return -1;
    if (request->options.produce)
        return send_produced(sending);
    return request->body.len ? gust_stream_write(stream, request->body.data, request->body.len) : 0;
}

static bool server_went(int code)
{
    return code == EPIPE || code == ECONNRESET || code == EBADF;
}

int gust__sending_run(void *argument)
{
    struct gust__sending *sending = argument;
    if (gust_try(send_all, sending) == 0) {
        sending->sent = true;
        return 0;
    }
    int code = errno;
    if (sending->unwanted || (!sending->making && server_went(code)))
        return 0;
    if (!sending->making && code == ETIMEDOUT)
        gust_error_set(code, "%s did not take the request in time", sending->connection->address);
    /* What was not sent is not answered: who waits for that wakes. */
    sending->abandoned = true;
    gust_stream_abort(sending->connection->stream, code);
    errno = code;
    return -1;
}
