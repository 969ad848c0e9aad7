/* SQLite: a file. */
#include "database.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

struct sqlite {
    struct database base;
    sqlite3 *handle;
};

/* Another connection may be writing just now. */
enum { PATIENCE_MS = 5000 };

static bool knows(const char *url)
{
    return !strstr(url, "://");
}

static int fail(struct sqlite *db)
{
    return database_fail(&db->base, sqlite3_errmsg(db->handle));
}

static struct database *open_file(const char *path)
{
    struct sqlite *db = calloc(1, sizeof(*db));
    if (!db)
        return NULL;
    db->base.driver = &database_sqlite;
    if (sqlite3_open(path, &db->handle) != SQLITE_OK ||
        sqlite3_busy_timeout(db->handle, PATIENCE_MS) != SQLITE_OK ||
        sqlite3_exec(db->handle,
                     "pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on", NULL,
                     NULL, NULL) != SQLITE_OK)
        fail(db);
    return &db->base;
}

static void close_file(struct database *base)
{
    struct sqlite *db = (struct sqlite *)base;
    sqlite3_close(db->handle);
    free(db);
}

static int add_row(struct result *result, sqlite3_stmt *statement)
{
    for (int i = 0; i < (int)result->columns; i++) {
        const char *value = (const char *)sqlite3_column_text(statement, i);
        if (result_add(result, value, (size_t)sqlite3_column_bytes(statement, i)) < 0)
            return -1;
    }
    return 0;
}

static int query(struct database *base, const char *sql, const char *const values[], size_t count,
                 struct result *result)
{
    struct sqlite *db = (struct sqlite *)base;
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return fail(db);
    for (size_t i = 0; i < count; i++)
        sqlite3_bind_text(statement, (int)i + 1, values[i], -1, SQLITE_STATIC);
    result->columns = (size_t)sqlite3_column_count(statement);
    int status = 0;
    for (int step; status == 0 && (step = sqlite3_step(statement)) != SQLITE_DONE;) {
        if (step != SQLITE_ROW)
            status = fail(db);
        else if (add_row(result, statement) < 0)
            status = database_fail(base, "out of memory");
    }
    sqlite3_finalize(statement);
    return status;
}

static bool broken(struct database *base)
{
    (void)base; /* a file does not hang up */
    return false;
}

const struct database_driver database_sqlite = {
    "integer primary key autoincrement", knows, open_file, close_file, query, broken};
