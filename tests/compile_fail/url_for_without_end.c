/* error: missing sentinel in function call */
#include <gust/web.h>

const char *f(gust_request *request)
{
#ifndef SOUND
    return gust_url_for(request, "post", "7");
#else
    return gust_url_for(request, "post", "7", NULL);
#endif
}
