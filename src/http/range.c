/* Ranges of bytes. */
#include "http/range.h"

#include "http/characters.h"

/* Digits from the beginning of text; a number too large for 64 bits is the largest. -> how many; 0: none */
static size_t read_number(struct gust__slice text, uint64_t *number)
{
    size_t digits = 0;
    *number = 0;
    for (; digits < text.size && gust__is(text.data[digits], GUST__IS_DIGIT); digits++) {
        uint64_t digit = (uint64_t)(text.data[digits] - '0');
        if (__builtin_mul_overflow(*number, 10, number) || __builtin_add_overflow(*number, digit, number))
            *number = UINT64_MAX;
    }
    return digits;
}

/* "-500": the last so many bytes. 1; 0: none of them is there. */
static int take_suffix(uint64_t count, uint64_t length, struct gust__range *range)
{
    if (count == 0)
        return 0;
    range->size = count < length ? count : length;
    range->first = length - range->size;
    return 1;
}

/* One range-spec. 1; 0: it lies outside; -1: it is malformed. */
static int read_one(struct gust__slice text, uint64_t length, struct gust__range *range)
{
    uint64_t first, last = UINT64_MAX;
    size_t digits = read_number(text, &first);
    if (digits == text.size || text.data[digits] != '-')
        return -1;
    struct gust__slice rest = gust__slice_from(text, digits + 1);
    size_t last_digits = read_number(rest, &last);
    if (last_digits != rest.size || digits + last_digits == 0)
        return -1;
    if (digits == 0)
        return take_suffix(last, length, range);
    if (last_digits == 0)
        last = UINT64_MAX;
    if (last < first)
        return -1;
    if (first >= length)
        return 0;
    if (last > length - 1)
        last = length - 1;
    *range = (struct gust__range){first, last - first + 1};
    return 1;
}

/* Whether sending what lies between two ranges is cheaper than a part of its own. */
static bool belong_together(const struct gust__range *one, const struct gust__range *other)
{
    const struct gust__range *low = one->first <= other->first ? one : other;
    const struct gust__range *high = low == one ? other : one;
    uint64_t end = low->first + low->size;
    return high->first <= end || high->first - end < GUST__RANGE_OVERHEAD;
}

static void unite(struct gust__range *into, const struct gust__range *other)
{
    uint64_t end = into->first + into->size, other_end = other->first + other->size;
    into->first = into->first < other->first ? into->first : other->first;
    into->size = (end > other_end ? end : other_end) - into->first;
}

/* Adds a range; one that grew may touch others now, which then join it where the earliest of them stood. */
static int add(struct gust__range *ranges, int count, struct gust__range range)
{
    int place = count, i = 0;
    while (i < count) {
        if (!belong_together(&ranges[i], &range)) {
            i++;
            continue;
        }
        unite(&range, &ranges[i]);
        place = i < place ? i : place;
        memmove(&ranges[i], &ranges[i + 1], (size_t)(count - i - 1) * sizeof(*ranges));
        count--;
        i = 0;
    }
    place = place < count ? place : count;
    memmove(&ranges[place + 1], &ranges[place], (size_t)(count - place) * sizeof(*ranges));
    ranges[place] = range;
    return count + 1;
}

int gust__ranges_read(struct gust__slice field, uint64_t length, struct gust__range ranges[GUST__RANGES_MAX])
{
    struct gust__slice unit = gust__slice(field.data, gust__slice_size_before(field, "=")), member;
    int asked = 0, count = 0;
    if (unit.size == field.size || length == 0 ||
        !gust__slice_equals_ignoring_case(unit, GUST__SLICE("bytes")))
        return 0;
    struct gust__slice rest = gust__slice_from(field, unit.size + 1);
    while (gust__slice_next_member(&rest, &member)) {
        struct gust__range range;
        int result = read_one(member, length, &range);
        if (result < 0 || ++asked > GUST__RANGES_MAX)
            return 0;
        if (result)
            count = add(ranges, count, range);
    }
    return count ? count : asked ? -1 : 0;
}
