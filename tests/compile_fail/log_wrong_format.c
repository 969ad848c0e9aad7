/* error: format (.%d. expects argument of type|specifies type) .int. */
#include <gust/log.h>

void f(const char *name)
{
#ifndef SOUND
    gust_log(GUST_INFO, "%d", name);
#else
    gust_log(GUST_INFO, "%s", name);
#endif
}
