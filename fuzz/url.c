/* A URL, a form, and a reference to be resolved. */
#include "http/url.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(struct gust__slice text, enum gust__url_part part)
{
    char *decoded = malloc(text.size + 1), *encoded = malloc(3 * text.size + 1),
         *again = malloc(3 * text.size + 1);
    ssize_t size = gust__url_decode(decoded, text, part);
    if (size >= 0) {
        size_t encoded_size = gust__url_encode(encoded, gust__slice(decoded, (size_t)size), part);
        ssize_t again_size = gust__url_decode(again, gust__slice(encoded, encoded_size), part);
        if (again_size != size || (size && memcmp(again, decoded, (size_t)size) != 0))
            abort();
        gust__path_has_dot_segment(gust__slice(decoded, (size_t)size));
        gust__path_has_empty_segment(gust__slice(decoded, (size_t)size));
    }
    free(decoded);
    free(encoded);
    free(again);
}

/* What is resolved against an http URL without dots is a URL, without dots, or none at all. */
static void resolve(struct gust__slice reference)
{
    size_t room = reference.size + 32;
    char *out = malloc(room);
    struct gust__url url;
    ssize_t size = gust__url_resolve(out, room, GUST__SLICE("http://a/b/c/d;p?q"), reference);
    if (size >= 0 && gust__url_split(gust__slice(out, (size_t)size), &url) == 0 &&
        gust__path_has_dot_segment(url.path))
        abort();
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gust__slice text = gust__slice((const char *)data, size), name, value;
    struct gust__form form = {.rest = text, .max = 100};
    struct gust__url url;
    while (gust__form_next(&form, &name, &value) > 0) {
        decode(name, GUST__URL_FORM);
        decode(value, GUST__URL_FORM);
    }
    decode(text, GUST__URL_PATH);
    if (gust__url_split(text, &url) == 0 &&
        (url.host.size == 0 || url.path.size == 0 || *url.path.data != '/'))
        abort();
    resolve(text);
    return 0;
}
