/* error: too few arguments */
#include <gust/scope.h>

void give_back(void *pool, void *connection);

void f(void *pool, void *connection)
{
    (void)connection;
#ifndef SOUND
    GUST_DEFER(give_back, pool);
#else
    GUST_DEFER(give_back, pool, connection);
#endif
}
