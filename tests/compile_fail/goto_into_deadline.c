/* gcc: jump into scope of identifier with variably modified type */
/* clang: cannot jump from this goto statement to its label */
#include <gust/scope.h>

void note(int number);

void f(int skip)
{
#ifndef SOUND
    if (skip)
        goto inside;
#endif
    note(skip);
    GUST_DEADLINE(GUST_MS(5));
    goto inside;
inside:
    note(2);
}
