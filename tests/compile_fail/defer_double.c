/* gcc: size of array .* is negative */
/* clang: array with a negative size */
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
