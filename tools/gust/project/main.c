#include "app.h"

int main(int argc, char **argv)
{
    return gust_main(app_new(), argc, argv); /* --port, --processes, --help, ... */
}
