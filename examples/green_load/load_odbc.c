/* A slow query through unixODBC, with whatever driver the connection string names. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sql.h>
#include <sqlext.h>

struct connection {
    SQLHENV environment;
    SQLHDBC handle;
};

static int complain(SQLSMALLINT type, SQLHANDLE handle)
{
    SQLCHAR state[6], text[300];
    if (SQL_SUCCEEDED(SQLGetDiagRec(type, handle, 1, state, NULL, text, sizeof(text), NULL)))
        fprintf(stderr, "%s: %s\n", (char *)state, (char *)text);
    else
        fprintf(stderr, "ODBC failed and does not say why\n");
    return -1;
}

static void close_connection(void *opened)
{
    struct connection *connection = opened;
    if (connection->handle) {
        SQLDisconnect(connection->handle);
        SQLFreeHandle(SQL_HANDLE_DBC, connection->handle);
    }
    if (connection->environment)
        SQLFreeHandle(SQL_HANDLE_ENV, connection->environment);
    free(connection);
}

static int open_odbc(struct connection *connection, const char *text)
{
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &connection->environment)))
        return -1;
    /* ODBC passes this number in a pointer. */
    SQLSetEnvAttr(connection->environment, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0);
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, connection->environment, &connection->handle)))
        return complain(SQL_HANDLE_ENV, connection->environment);
    if (!SQL_SUCCEEDED(SQLDriverConnect(connection->handle, NULL, (SQLCHAR *)text, SQL_NTS, NULL, 0, NULL,
                                        SQL_DRIVER_NOPROMPT)))
        return complain(SQL_HANDLE_DBC, connection->handle);
    return 0;
}

static void *open_connection(const struct load *load)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection && open_odbc(connection, load->url) == 0)
        return connection;
    if (connection)
        close_connection(connection);
    return NULL;
}

static int call(void *opened, const struct load *load)
{
    struct connection *connection = opened;
    const char *function = strstr(load->url, "PostgreSQL") ? "pg_sleep" : "sleep";
    char query[64];
    SQLHSTMT statement;
    snprintf(query, sizeof(query), "select %s(%.3f)", function, load->seconds);
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, connection->handle, &statement)))
        return complain(SQL_HANDLE_DBC, connection->handle);
    int status = 0;
    if (!SQL_SUCCEEDED(SQLExecDirect(statement, (SQLCHAR *)query, SQL_NTS)) ||
        !SQL_SUCCEEDED(SQLFetch(statement)))
        status = complain(SQL_HANDLE_STMT, statement);
    SQLFreeHandle(SQL_HANDLE_STMT, statement);
    return status;
}

const struct load_kind load_odbc = {"odbc", "SQLExecDirect(\"select sleep(...)\")", open_connection, call,
                                    close_connection};
