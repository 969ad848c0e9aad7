/* error: too many arguments */
#include <gust/base.h>

int main(void)
{
#ifndef SOUND
    return gust_version(1);
#else
    return gust_version();
#endif
}
