#include "http/chunked.h"

#include "http/characters.h"
#include "http/http1_fields.h"

enum state {
    SIZE_FIRST, /* a digit must come */
    SIZE,
    SPACE, /* behind the size; ';' must come */
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_FIRST, /* of a line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    DONE
};

void gust__chunked_init(struct gust__chunked *chunked, char *trailer, size_t size)
{
    *chunked = (struct gust__chunked){
        .state = SIZE_FIRST,
        .trailer = trailer,
        .trailer_max = trailer ? size : GUST__CHUNKED_MAX_TRAILERS,
    };
}

bool gust__chunked_done(const struct gust__chunked *chunked)
{
    return chunked->state == DONE;
}

static int refuse(struct gust__chunked *chunked, const char *reason)
{
    return gust__http1_set_fault(&chunked->fault, 400, reason);
}

/* The functions below take one byte each. -> the next state; -1: refused */

static int take_digit(struct gust__chunked *chunked, char byte)
{
    int digit = gust__hex_digit(byte);
    if (digit < 0)
        return refuse(chunked, "a chunk size is no hexadecimal number");
    if (++chunked->digits > GUST__CHUNKED_MAX_DIGITS || chunked->left > (uint64_t)INT64_MAX >> 4)
        return refuse(chunked, "a chunk size is too large");
    chunked->left = chunked->left << 4 | (uint64_t)digit;
    return SIZE;
}

static int take_extension(struct gust__chunked *chunked, char byte)
{
    if (byte == '\r')
        return SIZE_LF;
    if (!gust__is(byte, GUST__IS_VALUE))
        return refuse(chunked, "a control character in a chunk extension");
    if (++chunked->extensions > GUST__CHUNKED_MAX_EXTENSIONS)
        return refuse(chunked, "the chunk extensions are too long");
    return EXTENSION;
}

static int take_behind_size(struct gust__chunked *chunked, char byte)
{
    if (byte == '\r' && chunked->state == SIZE)
        return SIZE_LF;
    if (byte != ' ' && byte != '\t' && byte != ';')
        return chunked->state == SIZE ? take_digit(chunked, byte)
                                      : refuse(chunked, "white space behind a chunk size");
    if (take_extension(chunked, byte) < 0)
        return -1;
    return byte == ';' ? EXTENSION : SPACE;
}

/* -> next if byte is the one expected. */
static int expect(struct gust__chunked *chunked, char byte, char expected, enum state next)
{
    return byte == expected ? (int)next
                            : refuse(chunked, "a chunk, its size or a trailer does not end in CRLF");
}

static int start_chunk(struct gust__chunked *chunked, char byte)
{
    chunked->digits = 0;
    return expect(chunked, byte, '\n', chunked->left ? DATA : TRAILER_FIRST);
}

/* Counts and keeps a byte of a trailer line. -> next; -1 */
static int keep_trailer(struct gust__chunked *chunked, char byte, enum state next)
{
    if (chunked->trailer_size == chunked->trailer_max)
        return gust__http1_set_fault(&chunked->fault, 431, "the trailers are too long");
    if (chunked->trailer)
        chunked->trailer[chunked->trailer_size] = byte;
    chunked->trailer_size++;
    return (int)next;
}

static int take_trailer_name(struct gust__chunked *chunked, char byte)
{
    if (chunked->state == TRAILER_FIRST && byte == '\r')
        return END_LF;
    if (gust__is(byte, GUST__IS_TOKEN))
        return keep_trailer(chunked, byte, TRAILER_NAME);
    if (byte == ':' && chunked->state == TRAILER_NAME)
        return keep_trailer(chunked, byte, TRAILER_VALUE);
    return refuse(chunked, "a bad trailer name");
}

static int take_trailer_value(struct gust__chunked *chunked, char byte)
{
    if (byte == '\r')
        return keep_trailer(chunked, byte, TRAILER_LF);
    if (!gust__is(byte, GUST__IS_VALUE))
        return refuse(chunked, "a control character in a trailer");
    return keep_trailer(chunked, byte, TRAILER_VALUE);
}

static int take_trailer_end(struct gust__chunked *chunked, char byte)
{
    int next = expect(chunked, byte, '\n', TRAILER_FIRST);
    return next < 0 ? -1 : keep_trailer(chunked, byte, TRAILER_FIRST);
}

static int take(struct gust__chunked *chunked, char byte)
{
    switch ((enum state)chunked->state) {
    case SIZE_FIRST:
        return take_digit(chunked, byte);
    case SIZE:
    case SPACE:
        return take_behind_size(chunked, byte);
    case EXTENSION:
        return take_extension(chunked, byte);
    case SIZE_LF:
        return start_chunk(chunked, byte);
    case DATA_CR:
        return expect(chunked, byte, '\r', DATA_LF);
    case DATA_LF:
        return expect(chunked, byte, '\n', SIZE_FIRST);
    case TRAILER_FIRST:
    case TRAILER_NAME:
        return take_trailer_name(chunked, byte);
    case TRAILER_VALUE:
        return take_trailer_value(chunked, byte);
    case TRAILER_LF:
        return take_trailer_end(chunked, byte);
    case END_LF:
        return expect(chunked, byte, '\n', DONE);
    case DATA:
    case DONE:
        break;
    }
    __builtin_unreachable();
}

ssize_t gust__chunked_read(struct gust__chunked *chunked, const char *data, size_t size,
                           struct gust__slice *payload)
{
    size_t at = 0;
    *payload = gust__slice(data, 0);
    while (at < size && chunked->state != DONE) {
        if (chunked->state == DATA) {
            uint64_t rest = size - at;
            *payload = gust__slice(data + at, (size_t)(rest < chunked->left ? rest : chunked->left));
            chunked->left -= payload->size;
            if (chunked->left == 0)
                chunked->state = DATA_CR;
            return (ssize_t)(at + payload->size);
        }
        int next = take(chunked, data[at]);
        if (next < 0)
            return -1;
        chunked->state = next;
        at++;
    }
    return (ssize_t)at;
}

ssize_t gust__chunked_trailers(const struct gust__chunked *chunked, struct gust__header *headers, size_t max)
{
    struct gust__http1_fault fault;
    size_t size = chunked->trailer ? chunked->trailer_size : 0;
    return gust__http1_parse_lines(headers, max, chunked->trailer, size, &fault);
}

size_t gust__chunk_header(char header[GUST__CHUNK_HEADER_SIZE], uint64_t size)
{
    size_t digits = (size_t)(67 - __builtin_clzll(size | 1)) / 4;
    for (size_t i = digits; i-- > 0; size >>= 4)
        header[i] = "0123456789abcdef"[size & 15];
    memcpy(header + digits, "\r\n", 2);
    return digits + 2;
}
