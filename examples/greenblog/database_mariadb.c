/* MariaDB and MySQL, through libmariadb's prepared statements. */
#include "database.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errmsg.h>
#include <mysql.h>

struct mariadb {
    struct database base;
    MYSQL *connection;
    bool broken;
};

enum { MAX_VALUES = 32 };

static bool knows(const char *url)
{
    return !strncmp(url, "mysql://", 8) || !strncmp(url, "mariadb://", 10);
}

static int fail(struct mariadb *db, unsigned code, const char *text)
{
    db->broken = code == CR_SERVER_LOST || code == CR_SERVER_GONE_ERROR;
    return database_fail(&db->base, text);
}

static int connect_to(struct mariadb *db, const char *url)
{
    char user[64], password[64], host[256], name[64];
    unsigned port;
    if (sscanf(url, "%*[a-z]://%63[^:]:%63[^@]@%255[^:]:%u/%63s", user, password, host, &port, name) != 5)
        return database_fail(&db->base, "not mysql://user:password@host:port/database");
    mysql_options(db->connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (!mysql_real_connect(db->connection, host, user, password, name, port, NULL, 0))
        return fail(db, mysql_errno(db->connection), mysql_error(db->connection));
    return 0;
}

static struct database *open_connection(const char *url)
{
    struct mariadb *db = calloc(1, sizeof(*db));
    if (!db)
        return NULL;
    db->base.driver = &database_mariadb;
    db->connection = mysql_init(NULL);
    if (!db->connection) {
        free(db);
        return NULL;
    }
    connect_to(db, url);
    return &db->base;
}

static void close_connection(struct database *base)
{
    struct mariadb *db = (struct mariadb *)base;
    mysql_close(db->connection);
    free(db);
}

static int execute(MYSQL_STMT *statement, const char *sql, const char *const values[], size_t count)
{
    MYSQL_BIND bound[MAX_VALUES] = {0};
    for (size_t i = 0; i < count; i++) {
        bound[i].buffer_type = values[i] ? MYSQL_TYPE_STRING : MYSQL_TYPE_NULL;
        bound[i].buffer = (void *)(uintptr_t)values[i]; /* only read, whatever its type says */
        bound[i].buffer_length = values[i] ? strlen(values[i]) : 0;
    }
    if (mysql_stmt_prepare(statement, sql, strlen(sql)))
        return -1;
    if (mysql_stmt_param_count(statement) != count)
        return -1;
    return (count && mysql_stmt_bind_param(statement, bound)) || mysql_stmt_execute(statement) ? -1 : 0;
}

/* One value of the row that was fetched last: first its length is asked for, then it is fetched. */
static int copy_value(MYSQL_STMT *statement, unsigned column, struct result *result)
{
    unsigned long length = 0;
    my_bool is_null = 0;
    MYSQL_BIND value = {.buffer_type = MYSQL_TYPE_STRING, .length = &length, .is_null = &is_null};
    if (mysql_stmt_fetch_column(statement, &value, column, 0))
        return -1;
    if (is_null)
        return result_add(result, NULL, 0);
    char *text = malloc(length + 1);
    if (!text)
        return -1;
    value.buffer = text;
    value.buffer_length = length + 1;
    int status = mysql_stmt_fetch_column(statement, &value, column, 0) ? -1 : 0;
    if (status == 0)
        status = result_add(result, text, length);
    free(text);
    return status;
}

static int copy_rows(MYSQL_STMT *statement, struct result *result)
{
    int fetched;
    result->columns = mysql_stmt_field_count(statement);
    if (result->columns == 0)
        return 0;
    if (mysql_stmt_store_result(statement))
        return -1;
    /* Nothing is bound, so a row that was fetched is "truncated". */
    while ((fetched = mysql_stmt_fetch(statement)) == 0 || fetched == MYSQL_DATA_TRUNCATED) {
        for (unsigned column = 0; column < result->columns; column++) {
            if (copy_value(statement, column, result) < 0)
                return -1;
        }
    }
    return fetched == MYSQL_NO_DATA ? 0 : -1;
}

static int query(struct database *base, const char *sql, const char *const values[], size_t count,
                 struct result *result)
{
    struct mariadb *db = (struct mariadb *)base;
    if (count > MAX_VALUES)
        return database_fail(base, "too many values");
    MYSQL_STMT *statement = mysql_stmt_init(db->connection);
    if (!statement)
        return database_fail(base, "out of memory");
    int status = 0;
    if (execute(statement, sql, values, count) < 0 || copy_rows(statement, result) < 0)
        status = fail(db, mysql_stmt_errno(statement), mysql_stmt_error(statement));
    mysql_stmt_close(statement);
    return status;
}

static bool broken(struct database *base)
{
    return ((struct mariadb *)base)->broken;
}

const struct database_driver database_mariadb = {
    "bigint primary key auto_increment", knows, open_connection, close_connection, query, broken};
