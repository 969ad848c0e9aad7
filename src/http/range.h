/*
 * Ranges of bytes (RFC 9110 14): which pieces of a representation a request asks for.
 *
 *     struct gust__range ranges[GUST__RANGES_MAX];
 *     int count = gust__ranges_read(header->value, file_size, ranges);
 *     if (count < 0)
 *         ... 416
 *     for (int i = 0; i < count; i++)
 *         ... 206: ranges[i]
 *
 * Any thread.
 */
#ifndef GUST_HTTP_RANGE_H
#define GUST_HTTP_RANGE_H

#include "http/slice.h"

#include <stdint.h>

enum {
    GUST__RANGES_MAX = 32,    /* asked for at once; a request for more gets the whole */
    GUST__RANGE_OVERHEAD = 80 /* a gap of fewer bytes is sent rather than the head of another part */
};

struct gust__range {
    uint64_t first;
    uint64_t size; /* > 0; first + size is at most the length */
};

/*
 * Reads a Range field for length bytes. -> how many ranges there are, in the order they were asked for, those
 * that overlap or nearly touch made one, so that together they are never more than length; 0: the whole is
 * the answer (another unit, malformed, more than GUST__RANGES_MAX, or length is 0); -1: none lies within
 * length, which is 416. Numbers may be of any size. Linear but for the merging, which GUST__RANGES_MAX
 * bounds.
 */
int gust__ranges_read(struct gust__slice field, uint64_t length, struct gust__range ranges[GUST__RANGES_MAX]);

#endif
