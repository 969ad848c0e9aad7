/*
 * green_load: how long do N blocking calls take that are made at once, on one thread?
 *
 *     $ green_load --kind=postgresql --url=postgresql://me@127.0.0.1/me --count=200 --seconds=0.2
 *     PQexec("select pg_sleep(...)"): one call 201 ms
 *     200 at once: 231 ms, the longest 229 ms: 1.15 times one call
 *
 * The calls are those of load_NAME.c: plain libraries, plain client code. Connections are opened before the
 * clock starts. Exit status 1: a call failed, or --max-ratio was exceeded.
 */
#include "load.h"

#include <gust/green.h>
#include <gust/gust.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct load_kind *const kinds[] = {
#ifdef LOAD_POSTGRESQL
    &load_postgresql,
#endif
#ifdef LOAD_MARIADB
    &load_mariadb,
#endif
#ifdef LOAD_REDIS
    &load_redis,
#endif
#ifdef LOAD_HTTPS
    &load_https,
#endif
#ifdef LOAD_ODBC
    &load_odbc,
#endif
#ifdef LOAD_MONGODB
    &load_mongodb,
#endif
};

enum { MAX_COUNT = 10000, OPENED_AT_ONCE = 10 };

static struct {
    const struct load_kind *kind;
    struct load load;
    unsigned count;
    double max_ratio; /* 0: any */
} options = {.load.seconds = 0.2, .count = 200};

/* One connection, and the one call that is measured on it. */
struct call {
    struct load load;
    void *connection;
    double milliseconds;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int open_call(void *arg)
{
    struct call *call = arg;
    call->connection = options.kind->open(&call->load);
    return call->connection ? 0 : gust_error_set(EIO, "a connection did not open");
}

static int make_call(void *arg)
{
    struct call *call = arg;
    double began = now();
    if (options.kind->call(call->connection, &call->load) < 0)
        return gust_error_set(EIO, "a call failed");
    call->milliseconds = now() - began;
    return 0;
}

/* Starts function for `count` calls at once, and waits for all of them. */
static int for_each(struct call *calls, unsigned count, int (*function)(void *))
{
    GUST_GROUP(group);
    for (unsigned i = 0; i < count; i++) {
        if (gust_go(&group, function, &calls[i]) < 0)
            return -1;
    }
    return gust_group_wait(&group);
}

/* The first alone: some libraries set themselves up with it. */
static int open_all(struct call *calls)
{
    if (open_call(&calls[0]) < 0)
        return -1;
    for (unsigned i = 1; i < options.count; i += OPENED_AT_ONCE) {
        unsigned left = options.count - i;
        if (for_each(calls + i, left < OPENED_AT_ONCE ? left : OPENED_AT_ONCE, open_call) < 0)
            return -1;
    }
    return 0;
}

static void close_all(struct call *calls)
{
    for (unsigned i = 0; i < options.count; i++) {
        if (calls[i].connection)
            options.kind->close(calls[i].connection);
    }
    free(calls);
}

static double longest(const struct call *calls)
{
    double most = 0;
    for (unsigned i = 0; i < options.count; i++)
        most = calls[i].milliseconds > most ? calls[i].milliseconds : most;
    return most;
}

static int measure(void *unused)
{
    (void)unused;
    struct call *calls = calloc(options.count, sizeof(*calls));
    if (!calls)
        return -1;
    GUST_DEFER(close_all, calls);
    for (unsigned i = 0; i < options.count; i++) {
        calls[i].load = options.load;
        calls[i].load.index = i;
    }
    if (open_all(calls) < 0 || make_call(&calls[0]) < 0)
        return -1;
    double one = calls[0].milliseconds;
    printf("%s: one call %.0f ms\n", options.kind->call_text, one);
    double began = now();
    if (for_each(calls, options.count, make_call) < 0)
        return -1;
    double all = now() - began;
    printf("%u at once: %.0f ms, the longest %.0f ms: %.2f times one call\n", options.count, all,
           longest(calls), all / one);
    if (options.max_ratio > 0 && all > options.max_ratio * one)
        return gust_error_set(ETIME, "more than %.2f times one call", options.max_ratio);
    return 0;
}

static const struct load_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < GUST_LEN(kinds); i++) {
        if (!strcmp(kinds[i]->name, name))
            return kinds[i];
    }
    return NULL;
}

static void print_usage(FILE *to)
{
    fprintf(to, "usage: green_load --kind=");
    for (size_t i = 0; i < GUST_LEN(kinds); i++)
        fprintf(to, "%s%s", i ? "|" : "", kinds[i]->name);
    fprintf(to, " --url=URL [--count=200] [--seconds=0.2] [--certificate=FILE] [--max-ratio=3]\n");
}

/* false: the command line makes no sense. */
static bool read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"kind", required_argument, NULL, 'k'},    {"url", required_argument, NULL, 'u'},
        {"count", required_argument, NULL, 'n'},   {"certificate", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'}, {"max-ratio", required_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},          {0},
    };
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'k':
            options.kind = find_kind(optarg);
            break;
        case 'u':
            options.load.url = optarg;
            break;
        case 'n':
            options.count = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'c':
            options.load.certificate = optarg;
            break;
        case 's':
            options.load.seconds = strtod(optarg, NULL);
            break;
        case 'm':
            options.max_ratio = strtod(optarg, NULL);
            break;
        case 'h':
            print_usage(stdout);
            exit(EXIT_SUCCESS);
        default:
            return false;
        }
    }
    return optind == argc && options.kind && options.load.url && options.count > 0 &&
           options.count <= MAX_COUNT && options.load.seconds > 0;
}

int main(int argc, char **argv)
{
    if (!read_options(argc, argv)) {
        print_usage(stderr);
        return 2;
    }
    gust_green_require();
    if (gust_run(measure, NULL, 0) == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "green_load: %s\n", gust_error_text(gust_error_last()));
    return EXIT_FAILURE;
}
