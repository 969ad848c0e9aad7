/* gcc: jump into scope of identifier with variably modified type */
/* clang: cannot jump from this goto statement to its label */
#include <gust/coroutine.h>

void f(int again)
{
    if (again)
        goto inside;
    {
        GUST_GROUP(group);
#ifndef SOUND
    inside:
#endif
        gust_group_wait(&group);
    }
#ifdef SOUND
inside:
#endif
    return;
}
