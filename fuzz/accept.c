/* Lists with weights: Accept-Encoding, Accept-Language; and entity tags, which come in lists too. */
#include "http/accept.h"
#include "http/etag.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gust__slice list = gust__slice((const char *)data, size), rest = list, value;
    unsigned weight;
    while (gust__accept_next(&rest, &value, &weight)) {
        if (weight > 1000 || value.size == 0 || value.data < list.data ||
            value.data + value.size > list.data + list.size)
            abort();
    }
    if (gust__etag_listed(list, GUST__SLICE("\"a\""), GUST__ETAG_STRONG) &&
        !gust__etag_listed(list, GUST__SLICE("\"a\""), GUST__ETAG_WEAK))
        abort();
    return 0;
}
