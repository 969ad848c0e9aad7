/* A request head: one outcome for every split, at unmapped pages, vectorised or not; small limits and the
 * usual. */
#include "http/testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct gust__http1_limits usual = GUST__HTTP1_DEFAULT_LIMITS;
    const struct gust__http1_limits narrow = {.head = 128, .line = 48, .headers = 4};
    if (size > 1024) /* each split is tried: quadratic */
        return 0;
    testing_check_request(&usual, (const char *)data, size);
    testing_check_request(&narrow, (const char *)data, size);
    return 0;
}
