/* Content codings: the first byte chooses one, the second the rooms; decoding ends, in one piece and in many
 * the same way. */
#include "http/coding.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 20 };

struct outcome {
    size_t made;
    uint32_t sum;
    int end; /* 1 whole, 0 not, -1 malformed, 2 too much */
};

static struct outcome decode(enum gust__coding coding, struct gust__slice data, size_t piece, size_t room)
{
    static char to[1 << 16];
    struct outcome outcome = {0};
    struct gust__decoder *decoder = gust__decoder_new(coding);
    if (!decoder)
        abort();
    while (data.size && outcome.end == 0) {
        struct gust__slice part = gust__slice(data.data, piece < data.size ? piece : data.size);
        size_t before = part.size;
        ssize_t made;
        do {
            made = gust__decode(decoder, &part, to, room);
            for (ssize_t i = 0; i < made; i++)
                outcome.sum = outcome.sum * 31 + (unsigned char)to[i];
            outcome.made += made > 0 ? (size_t)made : 0;
        } while (made == (ssize_t)room && outcome.made < MOST);
        if (made > (ssize_t)room || (made >= 0 && outcome.made < MOST && part.size))
            abort();
        outcome.end = made < 0 ? -1 : outcome.made >= MOST ? 2 : 0;
        data = gust__slice_from(data, before);
    }
    if (outcome.end == 0)
        outcome.end = gust__decoder_whole(decoder);
    gust__decoder_free(decoder);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum gust__coding coding = GUST__CODING_GZIP + data[0] % 4;
    struct gust__slice coded = gust__slice((const char *)data + 2, size - 2);
    struct outcome one = decode(coding, coded, size, 1 << 16);
    struct outcome many = decode(coding, coded, 1 + data[1] % 16, 1 + data[1]);
    if (one.end == 2 || many.end == 2) /* where it was given up depends on the rooms */
        return 0;
    if (one.end != many.end || (one.end >= 0 && (one.made != many.made || one.sum != many.sum)))
        abort();
    return 0;
}
