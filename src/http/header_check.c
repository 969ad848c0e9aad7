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

int gust__header_check_name(struct gust__slice name)
{
    return check(name.size && gust__slice_consists_of(name, GUST__IS_TOKEN));
}

int gust__header_check_value(struct gust__slice value)
{
    return check(gust__slice_consists_of(value, GUST__IS_VALUE) &&
                 gust__slice_trim(value).size == value.size);
}

int gust__header_check_reason(struct gust__slice reason)
{
    return check(gust__slice_consists_of(reason, GUST__IS_VALUE) &&
                 (!reason.size || !memchr(reason.data, '<', reason.size)));
}
