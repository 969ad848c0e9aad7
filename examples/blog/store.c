/*
 * Statements on threads. SQLite is a library that computes and reads files in the calling thread, so its
 * calls would hold up every other request: each statement, from its preparation to its last row, is one call
 * on a pool of threads of its own. Only the request that asks waits.
 */
#include "store.h"

#include "markdown.h"
#include "schema.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS = 4, BUSY_MILLISECONDS = 5000, MAX_VALUES = 8 };

static gust_threads *threads;
static gust_pool *connections;
static char *database;

/* ---- connections ---- */

static int database_failed(sqlite3 *connection)
{
    return gust_error_set(EIO, "the database %s: %s", database,
                          connection ? sqlite3_errmsg(connection) : "out of memory");
}

/* SQL's markdown(text): HTML. */
static void sql_markdown(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    const char *text = (const char *)sqlite3_value_text(values[0]);
    char *html = text ? markdown_html(text) : NULL;
    if (html)
        sqlite3_result_text(context, html, -1, free);
    else if (text)
        sqlite3_result_error_nomem(context);
}

static const char settings[] = "PRAGMA journal_mode = WAL;"   /* who reads never waits for who writes */
                               "PRAGMA synchronous = NORMAL;" /* a power cut may lose the last moments */
                               "PRAGMA foreign_keys = ON;";

static int open_on_thread(void *argument)
{
    sqlite3 **connection = argument;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int traits = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if (sqlite3_open_v2(database, connection, flags, NULL) == SQLITE_OK &&
        sqlite3_busy_timeout(*connection, BUSY_MILLISECONDS) == SQLITE_OK &&
        sqlite3_exec(*connection, settings, NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_create_function(*connection, "markdown", 1, traits, NULL, sql_markdown, NULL, NULL) ==
            SQLITE_OK)
        return 0;
    database_failed(*connection);
    sqlite3_close(*connection);
    *connection = NULL;
    return -1;
}

static void *open_connection(void *unused)
{
    sqlite3 *connection = NULL;
    (void)unused;
    gust_threads_run(threads, open_on_thread, &connection);
    return connection;
}

static int create_tables(void)
{
    sqlite3 *connection = NULL;
    if (open_on_thread(&connection) < 0)
        return -1;
    int status = schema_create(connection) == SQLITE_OK ? 0 : database_failed(connection);
    sqlite3_close(connection);
    return status;
}

int store_open(const char *path)
{
    database = strdup(path);
    if (!database || create_tables() < 0)
        goto failed;
    threads = gust_threads_new(.workers = CONNECTIONS, .name = "store");
    connections =
        gust_pool_new(.open = open_connection, .close = GUST_DROP(sqlite3_close), .max = CONNECTIONS);
    if (threads && connections)
        return 0;
failed:
    store_close();
    return -1;
}

void store_close(void)
{
    gust_pool_free(connections);
    gust_threads_free(threads);
    free(database);
    connections = NULL;
    threads = NULL;
    database = NULL;
}

/* ---- statements ---- */

struct value {
    char type;
    const char *text;
    int64_t number;
};

struct statement {
    sqlite3 *connection;
    const char *sql;
    struct value values[MAX_VALUES];
    unsigned count;
    json_t *rows; /* NULL: they are not wanted */
    int64_t changed;
};

static void take_values(struct statement *statement, const char *types, va_list arguments)
{
    for (; types && *types && statement->count < MAX_VALUES; types++) {
        struct value *value = &statement->values[statement->count++];
        value->type = *types;
        if (*types == 's')
            value->text = va_arg(arguments, const char *);
        else
            value->number = va_arg(arguments, int64_t);
    }
}

static int bind_values(const struct statement *statement, sqlite3_stmt *prepared)
{
    int code = SQLITE_OK;
    for (unsigned i = 0; i < statement->count && code == SQLITE_OK; i++) {
        const struct value *value = &statement->values[i];
        int place = (int)i + 1;
        if (value->type == 's')
            code = sqlite3_bind_text(prepared, place, value->text, -1, SQLITE_STATIC);
        else
            code = sqlite3_bind_int64(prepared, place, value->number);
    }
    return code;
}

static json_t *value_of_column(sqlite3_stmt *prepared, int column)
{
    switch (sqlite3_column_type(prepared, column)) {
    case SQLITE_NULL:
        return json_null();
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(prepared, column));
    default:
        return json_string((const char *)sqlite3_column_text(prepared, column));
    }
}

static int add_row(json_t *rows, sqlite3_stmt *prepared)
{
    json_t *row = json_object();
    for (int i = 0; i < sqlite3_column_count(prepared); i++) {
        if (json_object_set_new(row, sqlite3_column_name(prepared, i), value_of_column(prepared, i)) < 0) {
            json_decref(row);
            return -1;
        }
    }
    return json_array_append_new(rows, row);
}

static int step_through(struct statement *statement, sqlite3_stmt *prepared)
{
    int code;
    while ((code = sqlite3_step(prepared)) == SQLITE_ROW) {
        if (statement->rows && add_row(statement->rows, prepared) < 0)
            return SQLITE_NOMEM;
    }
    return code;
}

/* On a thread. */
static int run(void *argument)
{
    struct statement *statement = argument;
    sqlite3_stmt *prepared = NULL;
    int status = -1;
    if (sqlite3_prepare_v2(statement->connection, statement->sql, -1, &prepared, NULL) == SQLITE_OK &&
        bind_values(statement, prepared) == SQLITE_OK && step_through(statement, prepared) == SQLITE_DONE)
        status = 0;
    else
        database_failed(statement->connection);
    statement->changed = sqlite3_changes(statement->connection);
    sqlite3_finalize(prepared);
    return status;
}

static void execute(struct statement *statement)
{
    statement->connection = gust_pool_take(connections);
    if (!statement->connection)
        gust_fail(503, "%s", gust_error_text(gust_error_last()));
    GUST_DEFER(gust_pool_give, connections, statement->connection);
    if (gust_threads_run(threads, run, statement) < 0)
        gust_fail(503, "%s", gust_error_text(gust_error_last()));
}

/* ---- what handlers call ---- */

static void release(void *rows)
{
    json_decref(rows);
}

/* An array that lasts until the request ends. */
static json_t *new_rows(gust_request *req)
{
    json_t *rows = json_array();
    if (!rows)
        gust_fail(503, "out of memory for rows");
    gust_after(req, release, rows);
    return rows;
}

json_t *store_rows(gust_request *req, const char *sql, const char *types, ...)
{
    struct statement statement = {.sql = sql, .rows = new_rows(req)};
    va_list arguments;
    va_start(arguments, types);
    take_values(&statement, types, arguments);
    va_end(arguments);
    execute(&statement);
    return statement.rows;
}

json_t *store_row(gust_request *req, const char *sql, const char *types, ...)
{
    struct statement statement = {.sql = sql, .rows = new_rows(req)};
    va_list arguments;
    va_start(arguments, types);
    take_values(&statement, types, arguments);
    va_end(arguments);
    execute(&statement);
    return json_array_get(statement.rows, 0);
}

int64_t store_change(gust_request *req, const char *sql, const char *types, ...)
{
    struct statement statement = {.sql = sql};
    va_list arguments;
    (void)req;
    va_start(arguments, types);
    take_values(&statement, types, arguments);
    va_end(arguments);
    execute(&statement);
    return statement.changed;
}

const char *row_text(const json_t *row, const char *column)
{
    return json_string_value(json_object_get(row, column));
}

int64_t row_number(const json_t *row, const char *column)
{
    return json_integer_value(json_object_get(row, column));
}
