/*
 * What many parked coroutines cost: mappings and resident bytes of 100,000 in gust_sleep, or as many as the
 * argument says; then the same after they have ended.
 */
#include "base/clock.h"
#include "coro/coroutine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count_mappings(void)
{
    size_t count = 0;
    char line[1024];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof(line), maps))
        count++;
    if (maps)
        fclose(maps);
    return count;
}

static size_t resident_bytes(void)
{
    size_t kilobytes = 0;
    char line[256];
    FILE *rollup = fopen("/proc/self/smaps_rollup", "r");
    while (rollup && fgets(line, sizeof(line), rollup)) {
        if (strncmp(line, "Rss:", 4) == 0)
            kilobytes = strtoul(line + 4, NULL, 10);
    }
    if (rollup)
        fclose(rollup);
    return kilobytes * 1024;
}

static size_t before;

static void print(const char *what, size_t count)
{
    size_t resident = resident_bytes();
    printf("%-8s %8zu coroutines: %6zu mappings, %8.1f MiB resident, %7.0f bytes each\n", what, count,
           count_mappings(), (double)resident / 1048576, ((double)resident - (double)before) / (double)count);
}

static int sleep_long(void *argument)
{
    (void)argument;
    return gust_sleep(GUST_S(10000));
}

static int park_many(void *argument)
{
    size_t count = *(size_t *)argument;
    int64_t start = gust__clock_now();
    before = resident_bytes();
    {
        GUST_GROUP(group);
        for (size_t i = 0; i < count; i++) {
            if (gust_go(&group, sleep_long, NULL) < 0)
                return -1;
        }
        gust_yield();
        printf("started and parked in %.2f s\n", (double)(gust__clock_now() - start) / 1e9);
        print("parked", count);
        start = gust__clock_now();
    }
    printf("cancelled and ended in %.2f s\n", (double)(gust__clock_now() - start) / 1e9);
    print("ended", count);
    return 0;
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    if (gust_run(park_many, &count, 0) < 0) {
        perror("bench/stacks");
        return 1;
    }
    return 0;
}
