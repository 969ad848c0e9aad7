/*
 * Scans for the first byte that does not belong: the inner loops of the HTTP/1 head parser, sixteen bytes at
 * a time where the machine can (SSE2, which every x86-64 has; NEON on aarch64), one at a time otherwise. Each
 * scan takes the way as its first argument, a constant, and is inlined; so a parser is compiled once for each
 * way, and tests hold both against each other.
 *
 * No scan reads outside [floor, end): where fewer than sixteen bytes are left, the last sixteen of the input
 * are read again and those already seen are shifted out. floor is where the input begins.
 */
#ifndef GUST_HTTP_SCAN_H
#define GUST_HTTP_SCAN_H

#include "http/characters.h"

#include <stddef.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#define GUST__SCAN_VECTOR 1
#elif defined(__aarch64__)
#include <arm_neon.h>
#define GUST__SCAN_VECTOR 1
#else
#define GUST__SCAN_VECTOR 0
#endif

#define GUST__INLINE static inline __attribute__((always_inline))

enum gust__scan_way { GUST__SCAN_SCALAR, GUST__SCAN_FAST = GUST__SCAN_VECTOR };

/* What a scan stops at. */
enum gust__scan_stop {
    GUST__STOP_NO_VALUE, /* controls but HTAB */
    GUST__STOP_NO_NAME,  /* what is neither letter, digit nor '-'; some of these are tokens still */
    GUST__STOP_NO_HOST,  /* what is neither letter, digit, '-' nor '.': what most hosts consist of */
    GUST__STOP_NO_PATH   /* controls, SP, non-ASCII, '?' and '#' */
};

GUST__INLINE bool gust__stops(enum gust__scan_stop stop, char byte)
{
    switch (stop) {
    case GUST__STOP_NO_VALUE:
        return !gust__is(byte, GUST__IS_VALUE);
    case GUST__STOP_NO_NAME:
        return !gust__is(byte, GUST__IS_TOKEN);
    case GUST__STOP_NO_HOST:
        return !gust__is(byte, GUST__IS_UNRESERVED) || byte == '_' || byte == '~';
    default:
        return !gust__is(byte, GUST__IS_TARGET) || byte == '?' || byte == '#';
    }
}

#if defined(__SSE2__)

/* Bytes of block between low and high, both included, as unsigned numbers. */
GUST__INLINE __m128i gust__in_range(__m128i block, char low, char high)
{
    __m128i above = _mm_sub_epi8(block, _mm_set1_epi8(low));
    return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8((char)(high - low))), above);
}

GUST__INLINE __m128i gust__is_byte(__m128i block, char byte)
{
    return _mm_cmpeq_epi8(block, _mm_set1_epi8(byte));
}

/* A bit for each byte that stops the scan. */
GUST__INLINE unsigned gust__block_stops(enum gust__scan_stop stop, const char *at)
{
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i bad;
    if (stop == GUST__STOP_NO_VALUE) {
        bad = _mm_andnot_si128(gust__is_byte(block, '\t'), gust__in_range(block, 0, 0x1F));
        bad = _mm_or_si128(bad, gust__is_byte(block, 0x7F));
    } else if (stop == GUST__STOP_NO_NAME) {
        __m128i letter = gust__in_range(_mm_or_si128(block, _mm_set1_epi8(0x20)), 'a', 'z');
        __m128i good = _mm_or_si128(gust__in_range(block, '0', '9'), gust__is_byte(block, '-'));
        return (unsigned)_mm_movemask_epi8(_mm_or_si128(letter, good)) ^ 0xFFFF;
    } else if (stop == GUST__STOP_NO_HOST) {
        __m128i letter = gust__in_range(_mm_or_si128(block, _mm_set1_epi8(0x20)), 'a', 'z');
        __m128i good = _mm_andnot_si128(gust__is_byte(block, '/'), gust__in_range(block, '-', '9'));
        return (unsigned)_mm_movemask_epi8(_mm_or_si128(letter, good)) ^ 0xFFFF;
    } else {
        bad = _mm_cmplt_epi8(block, _mm_set1_epi8(0x21)); /* signed: non-ASCII too */
        bad = _mm_or_si128(bad, gust__is_byte(block, 0x7F));
        bad = _mm_or_si128(bad, _mm_or_si128(gust__is_byte(block, '?'), gust__is_byte(block, '#')));
    }
    return (unsigned)_mm_movemask_epi8(bad);
}

#elif defined(__aarch64__)

GUST__INLINE uint8x16_t gust__in_range(uint8x16_t block, uint8_t low, uint8_t high)
{
    return vcleq_u8(vsubq_u8(block, vdupq_n_u8(low)), vdupq_n_u8((uint8_t)(high - low)));
}

GUST__INLINE unsigned gust__block_stops(enum gust__scan_stop stop, const char *at)
{
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t block = vld1q_u8((const uint8_t *)at);
    uint8x16_t bad;
    if (stop == GUST__STOP_NO_VALUE) {
        bad = vbicq_u8(gust__in_range(block, 0, 0x1F), vceqq_u8(block, vdupq_n_u8('\t')));
        bad = vorrq_u8(bad, vceqq_u8(block, vdupq_n_u8(0x7F)));
    } else if (stop == GUST__STOP_NO_NAME) {
        uint8x16_t letter = gust__in_range(vorrq_u8(block, vdupq_n_u8(0x20)), 'a', 'z');
        uint8x16_t other = vorrq_u8(gust__in_range(block, '0', '9'), vceqq_u8(block, vdupq_n_u8('-')));
        bad = vmvnq_u8(vorrq_u8(letter, other));
    } else if (stop == GUST__STOP_NO_HOST) {
        uint8x16_t letter = gust__in_range(vorrq_u8(block, vdupq_n_u8(0x20)), 'a', 'z');
        uint8x16_t other = vbicq_u8(gust__in_range(block, '-', '9'), vceqq_u8(block, vdupq_n_u8('/')));
        bad = vmvnq_u8(vorrq_u8(letter, other));
    } else {
        bad = vmvnq_u8(gust__in_range(block, 0x21, 0x7E));
        bad = vorrq_u8(bad, vceqq_u8(block, vdupq_n_u8('?')));
        bad = vorrq_u8(bad, vceqq_u8(block, vdupq_n_u8('#')));
    }
    uint8x16_t bits = vandq_u8(bad, vld1q_u8(weights));
    return vaddv_u8(vget_low_u8(bits)) | (unsigned)vaddv_u8(vget_high_u8(bits)) << 8;
}

#endif

/* The first byte of [at, end) that stops, or end. */
GUST__INLINE const char *gust__scan_bytes(enum gust__scan_stop stop, const char *at, const char *end)
{
    while (at < end && !gust__stops(stop, *at))
        at++;
    return at;
}

#if GUST__SCAN_VECTOR
GUST__INLINE const char *gust__scan_blocks(enum gust__scan_stop stop, const char *floor, const char *at,
                                           const char *end)
{
    unsigned stops;
    for (; end - at >= 16; at += 16) {
        stops = gust__block_stops(stop, at);
        if (stops)
            return at + __builtin_ctz(stops);
    }
    if (end - floor < 16)
        return gust__scan_bytes(stop, at, end);
    if (at == end)
        return end;
    stops = gust__block_stops(stop, end - 16) >> (16 - (end - at));
    return stops ? at + __builtin_ctz(stops) : end;
}
#endif

/* The same. The fast way may also stop early, at a token that GUST__STOP_NO_NAME names as one of its stops.
 */
GUST__INLINE const char *gust__scan(enum gust__scan_way way, enum gust__scan_stop stop, const char *floor,
                                    const char *at, const char *end)
{
#if GUST__SCAN_VECTOR
    if (way != GUST__SCAN_SCALAR)
        return gust__scan_blocks(stop, floor, at, end);
#endif
    (void)way;
    (void)floor;
    return gust__scan_bytes(stop, at, end);
}

#endif
