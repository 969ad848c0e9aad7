/*
 * What parked coroutines cost in memory: `parked 100000` starts as many (the one that starts the others is
 * one of them), has them park, looks into /proc, and ends them.
 */
#include <gust/coroutine.h>
#include <gust/sync.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct use {
    size_t mappings;
    size_t resident; /* bytes */
    size_t tables;   /* bytes of page tables */
};

static size_t wanted;
static size_t parked;
static gust_event end;
static struct use before, during;

static FILE *open_or_die(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file)
        return file;
    perror(path);
    exit(1);
}

static struct use look(void)
{
    struct use use = {0};
    char line[1024];
    FILE *file = open_or_die("/proc/self/maps");
    while (fgets(line, sizeof(line), file))
        use.mappings += strchr(line, '\n') != NULL;
    fclose(file);
    file = open_or_die("/proc/self/status");
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            use.resident = strtoul(line + 6, NULL, 10) * 1024;
        else if (strncmp(line, "VmPTE:", 6) == 0)
            use.tables = strtoul(line + 6, NULL, 10) * 1024;
    }
    fclose(file);
    return use;
}

static int park(void *unused)
{
    (void)unused;
    parked++;
    return gust_event_wait(&end);
}

static int run(void *unused)
{
    (void)unused;
    GUST_GROUP(all);
    for (parked = 1; parked < wanted;) { /* in parts: started ones should not wait in a long queue */
        size_t part = wanted - parked < 1000 ? wanted - parked : 1000;
        for (size_t i = 0; i < part; i++) {
            if (gust_go(&all, park, NULL) < 0)
                return -1;
        }
        if (gust_yield() < 0)
            return -1;
    }
    during = look();
    gust_event_set(&end);
    return gust_group_wait(&all);
}

int main(int argc, char **argv)
{
    wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    if (wanted < 1) {
        fprintf(stderr, "usage: parked [COUNT]\n");
        return 2;
    }
    before = look();
    if (gust_run(run, NULL, 0) < 0) {
        fprintf(stderr, "parked: %zu of %zu, then: %s\n", parked, wanted, gust_error_text(gust_error_last()));
        return 1;
    }
    printf("coroutines %zu\n", wanted);
    printf("more mappings %zd\n", (ssize_t)(during.mappings - before.mappings));
    printf("resident bytes each %.0f\n", (double)(during.resident - before.resident) / (double)wanted);
    printf("with page tables each %.0f\n",
           (double)(during.resident + during.tables - before.resident - before.tables) / (double)wanted);
    printf("gibibytes in all %.2f\n", (double)(during.resident + during.tables) / (1 << 30));
    return 0;
}
