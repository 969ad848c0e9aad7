/* gcc: size of unnamed array is negative */
/* clang: array size is negative */
#include <gust/scope.h>

void note(int seconds);

void f(double seconds)
{
#ifndef SOUND
    GUST_DEFER(note, seconds);
#else
    GUST_DEFER(note, (int)seconds);
#endif
}
