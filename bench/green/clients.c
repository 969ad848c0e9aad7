#include "clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hiredis/hiredis.h>
#include <libpq-fe.h>

struct clients clients;

static struct {
    const struct kind *kind;
    const char *host;
    const char *port;
    int seconds;
} options;

/* ---- libpq ---- */

static void *open_postgresql(void)
{
    char text[256];
    snprintf(text, sizeof(text), "host=%s port=%s user=gust dbname=postgres sslmode=disable", options.host,
             options.port);
    PGconn *connection = PQconnectdb(text);
    if (PQstatus(connection) == CONNECTION_OK)
        return connection;
    fprintf(stderr, "%s", PQerrorMessage(connection));
    PQfinish(connection);
    return NULL;
}

static bool ask_postgresql(void *connection)
{
    PGresult *result = PQexec(connection, "select 1");
    bool answered = PQresultStatus(result) == PGRES_TUPLES_OK && !strcmp(PQgetvalue(result, 0, 0), "1");
    if (!answered)
        fprintf(stderr, "%s", PQerrorMessage(connection));
    PQclear(result);
    return answered;
}

static void close_postgresql(void *connection)
{
    PQfinish(connection);
}

/* ---- hiredis ---- */

static void *open_redis(void)
{
    redisContext *connection = redisConnect(options.host, atoi(options.port));
    if (connection && !connection->err)
        return connection;
    fprintf(stderr, "%s\n", connection ? connection->errstr : "no memory");
    if (connection)
        redisFree(connection);
    return NULL;
}

static bool ask_redis(void *opened)
{
    redisContext *connection = opened;
    redisReply *reply = redisCommand(connection, "GET key");
    bool answered = reply && reply->type == REDIS_REPLY_STRING && !strcmp(reply->str, "value");
    if (!answered)
        fprintf(stderr, "%s\n", reply ? "not the key's value" : connection->errstr);
    if (reply)
        freeReplyObject(reply);
    return answered;
}

static void close_redis(void *connection)
{
    redisFree(connection);
}

static const struct kind {
    const char *name;
    void *(*open)(void);
    bool (*ask)(void *connection);
    void (*close)(void *connection);
} kinds[] = {
    {"postgresql", open_postgresql, ask_postgresql, close_postgresql},
    {"redis", open_redis, ask_redis, close_redis},
};

/* ---- The command line ---- */

static void complain(const char *program, const char *const *modes)
{
    fprintf(stderr, "usage: %s ", program);
    for (size_t i = 0; modes[i]; i++)
        fprintf(stderr, "%s%s", modes[i], modes[i + 1] ? "|" : " ");
    fprintf(stderr, "postgresql|redis HOST PORT COUNT SECONDS\n");
    exit(2);
}

static const char *find_mode(const char *name, const char *const *modes)
{
    for (size_t i = 0; modes[i]; i++) {
        if (!strcmp(modes[i], name))
            return modes[i];
    }
    return NULL;
}

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!strcmp(kinds[i].name, name))
            return &kinds[i];
    }
    return NULL;
}

void clients_read_arguments(int argc, char **argv, const char *const *modes)
{
    int at = modes[0] ? 2 : 1;
    if (argc != at + 5)
        complain(argv[0], modes);
    clients.mode = modes[0] ? find_mode(argv[1], modes) : NULL;
    options.kind = find_kind(argv[at]);
    options.host = argv[at + 1];
    options.port = argv[at + 2];
    clients.count = (unsigned)strtoul(argv[at + 3], NULL, 10);
    options.seconds = atoi(argv[at + 4]);
    if ((modes[0] && !clients.mode) || !options.kind || clients.count < 1 || clients.count > MOST_CLIENTS ||
        options.seconds < 1)
        complain(argv[0], modes);
}

/* ---- Asking ---- */

int clients_open(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        clients.clients[i].connection = options.kind->open();
        if (!clients.clients[i].connection) {
            clients.failed = true;
            return -1;
        }
    }
    return 0;
}

bool clients_ask(struct client *client, void *connection)
{
    if (options.kind->ask(connection)) {
        /* Nobody else writes it: no locked instruction. */
        unsigned long answered = atomic_load_explicit(&client->answered, memory_order_relaxed);
        atomic_store_explicit(&client->answered, answered + 1, memory_order_relaxed);
        return true;
    }
    clients.failed = true;
    clients.stop = true;
    return false;
}

void clients_close(void)
{
    for (unsigned i = 0; i < clients.count; i++) {
        if (clients.clients[i].connection)
            options.kind->close(clients.clients[i].connection);
    }
}

/* ---- Measuring ---- */

static long long clock_of(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static unsigned long answered_in_all(void)
{
    unsigned long sum = 0;
    for (unsigned i = 0; i < clients.count; i++)
        sum += atomic_load_explicit(&clients.clients[i].answered, memory_order_relaxed);
    return sum;
}

void clients_measure(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    unsigned long answered = answered_in_all();
    long long began = clock_of(CLOCK_MONOTONIC), used = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    nanosleep(&(struct timespec){.tv_sec = options.seconds}, NULL);
    answered = answered_in_all() - answered;
    used = clock_of(CLOCK_PROCESS_CPUTIME_ID) - used;
    long long took = clock_of(CLOCK_MONOTONIC) - began;
    clients.stop = true;
    printf("answered %lu in %lld us, cpu %lld ns\n", answered, took / 1000, used);
}
