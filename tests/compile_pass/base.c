/* C17 and C++17: the version, durations, lengths. */
#include <gust/base.h>

int main(void)
{
    static const int64_t waits[] = {GUST_MS(500), GUST_S(1.5)};
    return gust_version() == GUST_VERSION && waits[0] < waits[GUST_LEN(waits) - 1] ? 0 : 1;
}
