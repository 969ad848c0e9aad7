/* Lists with weights. */
#include "http/accept.h"

#include "http/characters.h"

/* qvalue = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3"0" ]; false: it is none. */
static bool read_weight(struct gust__slice text, unsigned *weight)
{
    if (text.size == 0 || text.size > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
        (text.size > 1 && text.data[1] != '.'))
        return false;
    *weight = text.data[0] == '1' ? 1000 : 0;
    for (size_t i = 2, unit = 100; i < text.size; i++, unit /= 10) {
        if (!gust__is(text.data[i], GUST__IS_DIGIT))
            return false;
        *weight += (unsigned)((text.data[i] - '0') * (int)unit);
    }
    return *weight <= 1000;
}

/* The weight among a member's parameters; false: it is malformed. */
static bool weight_of(struct gust__slice parameters, unsigned *weight)
{
    *weight = 1000;
    while (parameters.size) {
        parameters = gust__slice_trim(gust__slice_from(parameters, 1));
        size_t size = gust__slice_size_before(parameters, ";");
        struct gust__slice one = gust__slice_trim(gust__slice(parameters.data, size));
        bool is_weight = one.size >= 2 && (one.data[0] == 'q' || one.data[0] == 'Q') && one.data[1] == '=';
        if (is_weight && !read_weight(gust__slice_from(one, 2), weight))
            return false;
        parameters = gust__slice_from(parameters, size);
    }
    return true;
}

bool gust__accept_next(struct gust__slice *rest, struct gust__slice *value, unsigned *weight)
{
    struct gust__slice member;
    while (gust__slice_next_member(rest, &member)) {
        size_t size = gust__slice_size_before(member, ";");
        *value = gust__slice_trim(gust__slice(member.data, size));
        if (value->size && weight_of(gust__slice_from(member, size), weight))
            return true;
    }
    return false;
}
