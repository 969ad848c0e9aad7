/* gcc: format .%d. expects a matching .int. argument */
/* clang: more .%. conversions than data arguments */
#include <gust/web.h>

void f(void)
{
#ifndef SOUND
    gust_fail(404, "no post %d");
#else
    gust_fail(404, "no post %d", 7);
#endif
}
