/* Names of content codings, and which of them a client wants. */
#include "http/coding.h"

#include "http/accept.h"

struct gust__slice gust__coding_name(enum gust__coding coding)
{
    static const char *const names[] = {"identity", "gzip", "br", "zstd", "deflate", ""};
    return gust__slice_of(names[coding]);
}

enum gust__coding gust__coding_named(struct gust__slice name)
{
    for (enum gust__coding coding = GUST__CODING_IDENTITY; coding < GUST__CODING_UNKNOWN; coding++) {
        if (gust__slice_equals_ignoring_case(name, gust__coding_name(coding)))
            return coding;
    }
    return gust__slice_equals_ignoring_case(name, GUST__SLICE("x-gzip")) ? GUST__CODING_GZIP
                                                                         : GUST__CODING_UNKNOWN;
}

enum { NOT_SAID = 1001 };

/* What Accept-Encoding says of each coding, "*" at GUST__CODING_UNKNOWN. The first word on one counts. */
static void read_weights(const struct gust__fields *fields, unsigned weights[GUST__CODING_UNKNOWN + 1])
{
    const struct gust__header *header = gust__fields_first(fields, GUST__HEADER_ACCEPT_ENCODING);
    struct gust__slice name;
    unsigned weight;
    for (unsigned i = 0; i <= GUST__CODING_UNKNOWN; i++)
        weights[i] = NOT_SAID;
    for (; header; header = gust__fields_next(fields, header)) {
        struct gust__slice rest = header->value;
        while (gust__accept_next(&rest, &name, &weight)) {
            enum gust__coding coding = gust__coding_named(name);
            bool any = gust__slice_equals(name, GUST__SLICE("*"));
            if ((any || coding != GUST__CODING_UNKNOWN) && weights[coding] == NOT_SAID)
                weights[coding] = weight;
        }
    }
}

enum gust__coding gust__coding_choose(const struct gust__fields *fields, const enum gust__coding *order,
                                      size_t count)
{
    unsigned weights[GUST__CODING_UNKNOWN + 1];
    enum gust__coding best = GUST__CODING_IDENTITY;
    read_weights(fields, weights);
    unsigned best_weight = 0, identity = weights[GUST__CODING_IDENTITY];
    unsigned others = weights[GUST__CODING_UNKNOWN] == NOT_SAID ? 0 : weights[GUST__CODING_UNKNOWN];
    for (size_t i = 0; i < count; i++) {
        unsigned weight = weights[order[i]] == NOT_SAID ? others : weights[order[i]];
        if (weight > best_weight) {
            best = order[i];
            best_weight = weight;
        }
    }
    return identity != NOT_SAID && identity > best_weight ? GUST__CODING_IDENTITY : best;
}
