/* Ranges of bytes: whatever is asked for, what comes out lies within the length and does not overlap. */
#include "http/range.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct gust__slice field, uint64_t length)
{
    struct gust__range ranges[GUST__RANGES_MAX];
    int count = gust__ranges_read(field, length, ranges);
    if (count > GUST__RANGES_MAX || (count != 0 && length == 0))
        abort();
    for (int i = 0; i < count; i++) {
        if (ranges[i].size == 0 || ranges[i].first >= length || ranges[i].size > length - ranges[i].first)
            abort();
        for (int j = 0; j < i; j++) {
            if (ranges[i].first < ranges[j].first + ranges[j].size &&
                ranges[j].first < ranges[i].first + ranges[i].size)
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gust__slice field = gust__slice((const char *)data, size);
    check(field, 0);
    check(field, 1);
    check(field, 1000);
    check(field, UINT64_MAX);
    return 0;
}
