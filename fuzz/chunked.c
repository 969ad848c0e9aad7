/* A chunked body: one outcome for every split. */
#include "http/testing_chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= 1024) /* each split is tried: quadratic */
        testing_check_chunked((const char *)data, size);
    return 0;
}
