/* A catalogue of messages: whatever is in the file, nothing is read outside of it. */
#include "web/catalog.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gust__catalog catalog;
    char *file = malloc(size + 1);
    uint64_t form;
    if (size)
        memcpy(file, data, size);
    file[size] = 0;
    gust__plural_form(file, 3, &form);
    if (gust__catalog_read(&catalog, gust__slice(file, size)) == 0) {
        const char *found = gust__catalog_find(&catalog, NULL, "Hello");
        size_t total = found ? strlen(found) : 0;
        found = gust__catalog_find(&catalog, "menu", "Open");
        total += found ? strlen(found) : 0;
        for (uint64_t n = 0; n < 4; n++) {
            found = gust__catalog_find_plural(&catalog, "%d letter", n);
            total += found ? strlen(found) : 0;
        }
        if (total > 6 * size)
            abort();
    }
    free(file);
    return 0;
}
