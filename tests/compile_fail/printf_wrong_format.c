/* error: format (.%s. expects argument of type|specifies type) .char \*. */
#include <gust/web.h>

void f(gust_request *request)
{
#ifndef SOUND
    gust_printf(request, "%s\n", 7);
#else
    gust_printf(request, "%d\n", 7);
#endif
}
