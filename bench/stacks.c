/*
 * What many parked coroutines cost: mappings, resident bytes and page tables of 100,000 in gust_sleep, or as
 * many as the argument says; before they start, parked, and after they have ended.
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

/* A line of /proc/self/status that counts kilobytes. */
static size_t status_bytes(const char *name)
{
    size_t kilobytes = 0;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof(line), status)) {
        if (strncmp(line, name, strlen(name)) == 0)
            kilobytes = strtoul(line + strlen(name), NULL, 10);
    }
    if (status)
        fclose(status);
    return kilobytes * 1024;
}

static size_t before;

static void print(const char *what, size_t count)
{
    size_t resident = status_bytes("VmRSS:");
    printf("%-8s %8zu coroutines: %6zu mappings, %8.1f MiB resident, %7.0f bytes each, %7.1f MiB tables\n",
           what, count, count_mappings(), (double)resident / 1048576,
           ((double)resident - (double)before) / (double)count, (double)status_bytes("VmPTE:") / 1048576);
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
    before = status_bytes("VmRSS:");
    print("before", count);
    if (gust_run(park_many, &count, 0) < 0) {
        perror("bench/stacks");
        return 1;
    }
    return 0;
}
