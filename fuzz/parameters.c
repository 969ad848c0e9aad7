/* A value with parameters, extended ones too. */
#include "http/parameters.h"
#include "http/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gust__slice rest = gust__slice((const char *)data, size);
    struct gust__parameter parameter;
    gust__parameters_begin(&rest);
    while (gust__parameters_next(&rest, &parameter) > 0) {
        char *out = malloc(parameter.value.size + 1);
        if (parameter.name.size == 0 || gust__parameter_unquote(&parameter, out) > parameter.value.size)
            abort();
        ssize_t decoded = gust__parameter_decode_extended(out, parameter.value);
        if (decoded > (ssize_t)parameter.value.size)
            abort();
        if (decoded >= 0 && !gust__utf8_valid(gust__slice(out, (size_t)decoded)))
            abort();
        free(out);
    }
    return 0;
}
