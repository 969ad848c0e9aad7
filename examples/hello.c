/* The first program: text at / and at /hello/NAME. */
#include <gust/gust.h>

static void front(gust_request *req)
{
    gust_print(req, "Hello, world!\n");
}

static void hello(gust_request *req)
{
    gust_printf(req, "Hello, %s!\n", gust_path_arg(req, 1));
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_route(app, "GET /", front);
    gust_route(app, "GET /hello/([^/]+)", hello);
    return gust_main(app, argc, argv);
}
