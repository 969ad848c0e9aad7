/* A file of options: every line is a name and a value, nothing, or refused. */
#include "ops/options_int.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *rest = text, *name, *value;
    unsigned line = 0;
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    while (gust__option_file_next(&rest, &line, &name, &value) > 0) {
        if (!*name || name < text || value < name || value + strlen(value) > text + size ||
            strchr(value, '\n'))
            abort();
        int64_t number = 0;
        bool boolean;
        double real;
        struct gust__option options[] = {{"a", GUST__OPTION_SIZE, &number, NULL, NULL, 0, 0},
                                         {"b", GUST__OPTION_DURATION, &number, NULL, NULL, 0, 0},
                                         {"c", GUST__OPTION_INT, &number, NULL, NULL, -9, 9},
                                         {"d", GUST__OPTION_REAL, &real, NULL, NULL, 0, 0},
                                         {"e", GUST__OPTION_BOOL, &boolean, NULL, NULL, 0, 0}};
        for (size_t i = 0; i < GUST_LEN(options); i++)
            gust__option_set(&options[i], value);
        if (gust__option_set(&options[2], value) && (number < -9 || number > 9))
            abort();
    }
    free(text);
    return 0;
}
