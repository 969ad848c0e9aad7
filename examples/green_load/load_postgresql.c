/* select pg_sleep(...) through libpq. */
#include "load.h"

#include <stdio.h>

#include <libpq-fe.h>

static void *open_connection(const struct load *load)
{
    PGconn *connection = PQconnectdb(load->url);
    if (PQstatus(connection) == CONNECTION_OK)
        return connection;
    fprintf(stderr, "%s", PQerrorMessage(connection));
    PQfinish(connection);
    return NULL;
}

static int call(void *connection, const struct load *load)
{
    char query[64];
    snprintf(query, sizeof(query), "select pg_sleep(%.3f)", load->seconds);
    PGresult *result = PQexec(connection, query);
    int status = PQresultStatus(result) == PGRES_TUPLES_OK ? 0 : -1;
    if (status < 0)
        fprintf(stderr, "%s", PQerrorMessage(connection));
    PQclear(result);
    return status;
}

static void close_connection(void *connection)
{
    PQfinish(connection);
}

const struct load_kind load_postgresql = {"postgresql", "PQexec(\"select pg_sleep(...)\")", open_connection,
                                          call, close_connection};
