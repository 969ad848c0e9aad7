/* The select on a coroutine: sqlite.c as it is, above libgust-green. */
#include "sqlite.h"

#include <gust/green.h>
#include <gust/gust.h>

static int run(void *unused)
{
    (void)unused;
    return sqlite_measure();
}

int main(void)
{
    gust_green_require();
    return gust_run(run, NULL, 0) == 0 ? 0 : 1;
}
