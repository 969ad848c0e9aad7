/* Content codings, read. */
#include "http/coding.h"

#include "base/alloc.h"

#include <brotli/decode.h>
#include <errno.h>
#include <zlib.h>
#include <zstd.h>

enum { ZSTD_WINDOW_BITS = 23, PIECE = 1 << 20 };

struct gust__decoder {
    enum gust__coding coding;
    bool begun; /* something came */
    bool ended; /* at the end of what came it is whole */
    z_stream zlib;
    bool zlib_begun;
    BrotliDecoderState *brotli;
    ZSTD_DCtx *zstd;
};

static bool begin(struct gust__decoder *decoder)
{
    switch (decoder->coding) {
    case GUST__CODING_GZIP:
        decoder->zlib_begun = inflateInit2(&decoder->zlib, MAX_WBITS + 16) == Z_OK;
        return decoder->zlib_begun;
    case GUST__CODING_DEFLATE: /* when its first byte has come */
        return true;
    case GUST__CODING_BROTLI:
        decoder->brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL);
        return decoder->brotli != NULL;
    default:
        decoder->zstd = ZSTD_createDCtx();
        return decoder->zstd &&
               !ZSTD_isError(ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_BITS));
    }
}

struct gust__decoder *gust__decoder_new(enum gust__coding coding)
{
    if (coding == GUST__CODING_IDENTITY || coding >= GUST__CODING_UNKNOWN) {
        errno = EINVAL;
        return NULL;
    }
    struct gust__decoder *decoder = gust__calloc(1, sizeof(*decoder));
    if (!decoder)
        return NULL;
    decoder->coding = coding;
    if (begin(decoder))
        return decoder;
    gust__decoder_free(decoder);
    errno = ENOMEM;
    return NULL;
}

void gust__decoder_free(struct gust__decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->zlib_begun)
        inflateEnd(&decoder->zlib);
    if (decoder->brotli)
        BrotliDecoderDestroyInstance(decoder->brotli);
    ZSTD_freeDCtx(decoder->zstd);
    gust__free(decoder);
}

bool gust__decoder_whole(const struct gust__decoder *decoder)
{
    return decoder->ended || !decoder->begun;
}

static ssize_t fail(int code)
{
    errno = code;
    return -1;
}

/* "deflate" is zlib's format (RFC 9110 8.4.1.2), but some send the bare stream. A zlib header's first byte
 * ends in 8; a bare stream that began so would have a stored block with bits set that every encoder leaves 0.
 */
static bool begin_deflate(struct gust__decoder *decoder, char first)
{
    bool has_header = (first & 0x0f) == 8;
    decoder->zlib_begun = inflateInit2(&decoder->zlib, has_header ? MAX_WBITS : -MAX_WBITS) == Z_OK;
    return decoder->zlib_begun;
}

/* One call of inflate; -> bytes. gzip may have several members, one behind the other (RFC 1952 2.2). */
static ssize_t inflate_some(struct gust__decoder *decoder, struct gust__slice *data, char *to, size_t room)
{
    z_stream *stream = &decoder->zlib;
    uInt size = data->size < PIECE ? (uInt)data->size : PIECE;
    room = room < PIECE ? room : PIECE;
    stream->next_in = (Bytef *)(uintptr_t)data->data;
    stream->avail_in = size;
    stream->next_out = (Bytef *)to;
    stream->avail_out = (uInt)room;
    int result = inflate(stream, Z_NO_FLUSH);
    *data = gust__slice_from(*data, size - stream->avail_in);
    if (result == Z_MEM_ERROR)
        return fail(ENOMEM);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return fail(EBADMSG);
    decoder->ended = result == Z_STREAM_END;
    return (ssize_t)(room - stream->avail_out);
}

static ssize_t decode_zlib(struct gust__decoder *decoder, struct gust__slice *data, char *to, size_t room)
{
    size_t made = 0;
    if (!decoder->zlib_begun && data->size && !begin_deflate(decoder, *data->data))
        return fail(ENOMEM);
    while (made < room && decoder->zlib_begun) {
        if (decoder->ended) {
            if (data->size == 0)
                break;
            if (decoder->coding == GUST__CODING_DEFLATE)
                return fail(EBADMSG);
            inflateReset(&decoder->zlib);
            decoder->ended = false;
        }
        ssize_t size = inflate_some(decoder, data, to + made, room - made);
        if (size < 0)
            return -1;
        made += (size_t)size;
        if (size == 0 && data->size == 0)
            break;
    }
    return (ssize_t)made;
}

static ssize_t decode_brotli(struct gust__decoder *decoder, struct gust__slice *data, char *to, size_t room)
{
    size_t left = data->size, room_left = room;
    const uint8_t *next = (const uint8_t *)data->data;
    uint8_t *out = (uint8_t *)to;
    if (decoder->ended)
        return data->size ? fail(EBADMSG) : 0;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(decoder->brotli, &left, &next, &room_left, &out, NULL);
    *data = gust__slice_from(*data, data->size - left);
    if (result == BROTLI_DECODER_RESULT_ERROR || (result == BROTLI_DECODER_RESULT_SUCCESS && left))
        return fail(EBADMSG);
    decoder->ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    return (ssize_t)(room - room_left);
}

/* One frame may follow another (RFC 8878 3.1). */
static ssize_t decode_zstd(struct gust__decoder *decoder, struct gust__slice *data, char *to, size_t room)
{
    ZSTD_inBuffer in = {data->data, data->size, 0};
    ZSTD_outBuffer out = {to, room, 0};
    while (out.pos < room) {
        size_t taken = in.pos, made = out.pos;
        if (decoder->ended && in.pos == in.size)
            break;
        size_t result = ZSTD_decompressStream(decoder->zstd, &out, &in);
        if (ZSTD_isError(result))
            return fail(EBADMSG);
        decoder->ended = result == 0;
        if (in.pos == taken && out.pos == made)
            break;
    }
    *data = gust__slice_from(*data, in.pos);
    return (ssize_t)out.pos;
}

ssize_t gust__decode(struct gust__decoder *decoder, struct gust__slice *data, char *to, size_t room)
{
    decoder->begun |= data->size > 0;
    switch (decoder->coding) {
    case GUST__CODING_BROTLI:
        return decode_brotli(decoder, data, to, room);
    case GUST__CODING_ZSTD:
        return decode_zstd(decoder, data, to, room);
    default:
        return decode_zlib(decoder, data, to, room);
    }
}
