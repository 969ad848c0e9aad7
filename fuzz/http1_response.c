/* A response head: one outcome for every split, at unmapped pages, vectorised or not. */
#include "http/testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct gust__http1_limits limits = GUST__HTTP1_DEFAULT_LIMITS;
    if (size <= 1024) /* each split is tried: quadratic */
        testing_check_response(&limits, (const char *)data, size);
    return 0;
}
