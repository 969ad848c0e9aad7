/* gcc: aggregate value used where an integer was expected */
/* clang: operand of type .* where arithmetic or pointer type is required */
#include <gust/scope.h>

struct pair {
    int a, b;
};
void note(struct pair pair);
void note_it(struct pair *pair);

void f(struct pair pair)
{
#ifndef SOUND
    GUST_DEFER(note, pair);
#else
    GUST_DEFER(note_it, &pair);
#endif
}
