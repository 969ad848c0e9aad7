/* gcc: incompatible pointer type */
/* clang: incompatible pointer types */
#include <gust/scope.h>

struct cup;
struct plate;
void wash(struct cup *cup);

void f(struct cup *cup, struct plate *plate)
{
    (void)cup, (void)plate;
#ifndef SOUND
    GUST_DEFER(wash, plate);
#else
    GUST_DEFER(wash, cup);
#endif
}
