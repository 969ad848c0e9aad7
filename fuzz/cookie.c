/* A Cookie field; every value that can be set again comes back as it was. */
#include "http/cookie.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is set must read as itself. */
static void set_again(struct gust__slice name, struct gust__slice value)
{
    size_t room = name.size + 4 * value.size + 100;
    char *field = malloc(room), *back = malloc(room);
    struct gust__set_cookie cookie = {
        .name = name, .value = value, .path = value, .same_site = GUST__SLICE("Lax")};
    ssize_t size = gust__set_cookie_format(field, room, &cookie);
    if (size >= 0) {
        struct gust__slice rest = gust__slice(field, (size_t)size), name_back, value_back;
        if (!gust__cookies_next(&rest, &name_back, &value_back) || !gust__slice_equals(name, name_back))
            abort();
        if (!gust__slice_equals(value, gust__slice(back, gust__cookie_unquote(back, value_back))))
            abort();
        if (memchr(field, '\r', (size_t)size) || memchr(field, '\n', (size_t)size))
            abort();
    }
    free(field);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gust__slice rest = gust__slice((const char *)data, size), name, value;
    while (gust__cookies_next(&rest, &name, &value)) {
        char *plain = malloc(value.size + 1);
        size_t plain_size = gust__cookie_unquote(plain, value);
        if (plain_size > value.size)
            abort();
        set_again(name, gust__slice(plain, plain_size));
        free(plain);
    }
    return 0;
}
