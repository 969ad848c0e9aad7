/* A multipart body with the boundary XyZ, or, behind a line, a Content-Type that tells another: one outcome
 * for every split. */
#include "http/testing_multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gust__slice body = gust__slice((const char *)data, size);
    struct gust__slice boundary = GUST__SLICE("XyZ");
    if (size > 1024) /* each split is tried: quadratic */
        return 0;
    if (gust__slice_starts_with(body, GUST__SLICE("multipart"))) {
        size_t line = gust__slice_size_before(body, "\n");
        if (line == size || gust__multipart_boundary(gust__slice(body.data, line), &boundary) < 0)
            return 0;
        body = gust__slice_from(body, line + 1);
    }
    testing_check_multipart(boundary, body.data, body.size);
    return 0;
}
