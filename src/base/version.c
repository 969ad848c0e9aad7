#include <gust/base.h>

int gust_version(void)
{
    return GUST_VERSION;
}

const char *gust_version_string(void)
{
    return GUST_VERSION_STRING;
}
