/* A date: what is read is written and read again as the same second. */
#include "http/date.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now = INT64_C(1767225600), seconds, again;
    char text[GUST__DATE_SIZE];
    if (gust__date_parse(gust__slice((const char *)data, size), now, &seconds) < 0)
        return 0;
    gust__date_format(text, seconds);
    /* A leap second at the end of 9999 is the one moment that is read and cannot be written. */
    if (gust__date_parse(gust__slice(text, sizeof(text)), now, &again) < 0 ||
        (again != seconds && seconds <= GUST__DATE_MAX))
        abort();
    return 0;
}
