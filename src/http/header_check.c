#include "http/header_check.h"

#include "http/characters.h"

#include <errno.h>

static int check(bool good)
{
    if (good)
        return 0;
    errno = EINVAL;
    return -1;
}

static bool consists_of(struct gust__slice text, enum gust__character_class character_class)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!gust__is(text.data[i], character_class))
            return false;
    }
    return true;
}

int gust__header_check_name(struct gust__slice name)
{
    return check(name.size && consists_of(name, GUST__IS_TOKEN));
}

int gust__header_check_value(struct gust__slice value)
{
    return check(consists_of(value, GUST__IS_VALUE) && gust__slice_trim(value).size == value.size);
}

int gust__header_check_reason(struct gust__slice reason)
{
    return check(consists_of(reason, GUST__IS_VALUE) &&
                 (!reason.size || !memchr(reason.data, '<', reason.size)));
}
