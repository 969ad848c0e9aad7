/* gcc: switch jumps into scope of identifier with variably modified type */
/* clang: cannot jump from switch statement to this case label */
#include <gust/scope.h>

void note(int number);

void f(int number)
{
    switch (number) {
    case 1:
        note(1);
        break;
#ifdef SOUND
    case 2: {
        GUST_DEFER(note, number);
        break;
    }
#else
        GUST_DEFER(note, number);
    case 2:
        note(2);
#endif
    }
}
