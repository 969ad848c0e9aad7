/* The guest book as a program. Its tests are beside it: build/examples/tested_tests. */
#include "guestbook.h"

int main(int argc, char **argv)
{
    return gust_main(guestbook_app(), argc, argv);
}
