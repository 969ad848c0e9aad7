/* Content codings, written. */
#include "http/coding.h"

#include "base/alloc.h"

#include <brotli/encode.h>
#include <errno.h>
#include <limits.h>
#include <zlib.h>
#include <zstd.h>

enum { GZIP_LEVEL = 5, BROTLI_QUALITY = 4, ZSTD_LEVEL = 3, WINDOW_BITS = 18, PIECE = 1 << 20 };

struct gust__encoder {
    enum gust__coding coding;
    z_stream gzip;
    BrotliEncoderState *brotli;
    ZSTD_CCtx *zstd;
};

/* The smallest window, as a power of two, that sees all of so many bytes. */
static int window_for(size_t expected, int least, int most)
{
    int bits = most;
    while (expected && bits > least && (size_t)1 << (bits - 1) >= expected)
        bits--;
    return bits;
}

static bool begin_gzip(struct gust__encoder *encoder, size_t expected)
{
    int bits = window_for(expected, 10, MAX_WBITS);
    return deflateInit2(&encoder->gzip, GZIP_LEVEL, Z_DEFLATED, bits + 16, bits - 7, Z_DEFAULT_STRATEGY) ==
           Z_OK;
}

static bool begin_brotli(struct gust__encoder *encoder, size_t expected)
{
    uint32_t bits = (uint32_t)window_for(expected, 10, WINDOW_BITS);
    encoder->brotli = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    return encoder->brotli &&
           BrotliEncoderSetParameter(encoder->brotli, BROTLI_PARAM_QUALITY, BROTLI_QUALITY) &&
           BrotliEncoderSetParameter(encoder->brotli, BROTLI_PARAM_LGWIN, bits) &&
           BrotliEncoderSetParameter(encoder->brotli, BROTLI_PARAM_SIZE_HINT,
                                     expected < UINT_MAX ? (uint32_t)expected : UINT_MAX);
}

static bool begin_zstd(struct gust__encoder *encoder, size_t expected)
{
    encoder->zstd = ZSTD_createCCtx();
    return encoder->zstd &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_windowLog,
                                                window_for(expected, 10, WINDOW_BITS)));
}

struct gust__encoder *gust__encoder_new(enum gust__coding coding, size_t expected)
{
    static bool (*const begin[])(struct gust__encoder *, size_t) = {
        [GUST__CODING_GZIP] = begin_gzip,
        [GUST__CODING_BROTLI] = begin_brotli,
        [GUST__CODING_ZSTD] = begin_zstd,
    };
    if (coding == GUST__CODING_IDENTITY || coding >= sizeof(begin) / sizeof(begin[0])) {
        errno = EINVAL;
        return NULL;
    }
    struct gust__encoder *encoder = gust__calloc(1, sizeof(*encoder));
    if (!encoder)
        return NULL;
    encoder->coding = coding;
    if (begin[coding](encoder, expected))
        return encoder;
    gust__encoder_free(encoder);
    errno = ENOMEM;
    return NULL;
}

void gust__encoder_free(struct gust__encoder *encoder)
{
    if (!encoder)
        return;
    if (encoder->coding == GUST__CODING_GZIP)
        deflateEnd(&encoder->gzip);
    if (encoder->brotli)
        BrotliEncoderDestroyInstance(encoder->brotli);
    ZSTD_freeCCtx(encoder->zstd);
    gust__free(encoder);
}

static ssize_t fail(void)
{
    errno = ENOMEM;
    return -1;
}

static ssize_t encode_gzip(struct gust__encoder *encoder, struct gust__slice *text, enum gust__encode what,
                           char *to, size_t room, bool *done)
{
    static const int flushes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    z_stream *stream = &encoder->gzip;
    uInt size = text->size < PIECE ? (uInt)text->size : PIECE;
    room = room < PIECE ? room : PIECE;
    stream->next_in = (Bytef *)(uintptr_t)text->data;
    stream->avail_in = size;
    stream->next_out = (Bytef *)to;
    stream->avail_out = (uInt)room;
    int result = deflate(stream, size < text->size ? Z_NO_FLUSH : flushes[what]);
    *text = gust__slice_from(*text, size - stream->avail_in);
    *done = text->size == 0 && (what == GUST__ENCODE_END ? result == Z_STREAM_END : stream->avail_out > 0);
    return result == Z_STREAM_ERROR ? fail() : (ssize_t)(room - stream->avail_out);
}

static ssize_t encode_brotli(struct gust__encoder *encoder, struct gust__slice *text, enum gust__encode what,
                             char *to, size_t room, bool *done)
{
    static const BrotliEncoderOperation operations[] = {BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH,
                                                        BROTLI_OPERATION_FINISH};
    size_t left = text->size, room_left = room;
    const uint8_t *next = (const uint8_t *)text->data;
    uint8_t *out = (uint8_t *)to;
    if (!BrotliEncoderCompressStream(encoder->brotli, operations[what], &left, &next, &room_left, &out, NULL))
        return fail();
    *text = gust__slice_from(*text, text->size - left);
    *done = left == 0 && !BrotliEncoderHasMoreOutput(encoder->brotli) &&
            (what != GUST__ENCODE_END || BrotliEncoderIsFinished(encoder->brotli));
    return (ssize_t)(room - room_left);
}

static ssize_t encode_zstd(struct gust__encoder *encoder, struct gust__slice *text, enum gust__encode what,
                           char *to, size_t room, bool *done)
{
    static const ZSTD_EndDirective directives[] = {ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end};
    ZSTD_inBuffer in = {text->data, text->size, 0};
    ZSTD_outBuffer out = {to, room, 0};
    size_t left = ZSTD_compressStream2(encoder->zstd, &out, &in, directives[what]);
    if (ZSTD_isError(left))
        return fail();
    *text = gust__slice_from(*text, in.pos);
    *done = text->size == 0 && (what == GUST__ENCODE_ON || left == 0);
    return (ssize_t)out.pos;
}

ssize_t gust__encode(struct gust__encoder *encoder, struct gust__slice *text, enum gust__encode what,
                     char *to, size_t room, bool *done)
{
    switch (encoder->coding) {
    case GUST__CODING_GZIP:
        return encode_gzip(encoder, text, what, to, room, done);
    case GUST__CODING_BROTLI:
        return encode_brotli(encoder, text, what, to, room, done);
    default:
        return encode_zstd(encoder, text, what, to, room, done);
    }
}
