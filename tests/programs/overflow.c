/* A handler whose recursion is too deep for its stack. */
#include <gust/gust.h>

#include <stdlib.h>

static long dig(long depth)
{
    volatile char room[512] = {0};
    return depth > 0 ? dig(depth - 1) + room[depth % 512] : 0;
}

static void dig_deep(gust_request *req)
{
    gust_printf(req, "%ld\n", dig(atol(gust_path_arg(req, 1))));
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_route(app, "GET /dig/(\\d+)", dig_deep);
    return gust_main(app, argc, argv);
}
