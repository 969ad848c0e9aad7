/* The select on a thread, without gust. */
#include "sqlite.h"

int main(void)
{
    return sqlite_measure();
}
