/*
 * A database by its URL, spoken to in SQL: what the three drivers have in common. Plain blocking C; nothing
 * here has ever heard of gust.
 *
 *     struct database *db = database_open("postgresql://me@localhost/blog");
 *     struct result found;
 *     const char *const values[] = {"7"};
 *     if (database_query(db, "select title from posts where id = ?", values, 1, &found) < 0)
 *         return complain(database_error(db));
 *     puts(found.rows ? result_value(&found, 0, 0) : "none");
 *     result_clear(&found);
 *
 * Values travel apart from the SQL, as text; a NULL is NULL. In the SQL each is a question mark.
 */
#ifndef DATABASE_H
#define DATABASE_H

#include <stdbool.h>
#include <stddef.h>

struct database;
struct result;

/* What a driver is: database_NAME.c has one. */
struct database_driver {
    const char *key_type; /* of a table's own key, counted up by the database */
    bool (*knows)(const char *url);
    struct database *(*open)(const char *url); /* NULL: out of memory; else database_error may say why not */
    void (*close)(struct database *db);
    /* 0; -1: database_error says why. result is empty when called. */
    int (*query)(struct database *db, const char *sql, const char *const values[], size_t count,
                 struct result *result);
    bool (*broken)(struct database *db); /* the connection is lost: only closing it is left */
};

/* What a driver's own struct begins with. */
struct database {
    const struct database_driver *driver;
    char error[300]; /* "": the last call went well */
};

/* A URL's database: postgresql://, mysql://, else a file's name, which SQLite opens. NULL and errno when
 * there is no memory or no such driver in this program. A database that could not be opened has an error, and
 * is to be closed too. */
struct database *database_open(const char *url);
void database_close(struct database *db); /* NULL is allowed */

/* What the last call said that failed; "" when it did not. */
const char *database_error(const struct database *db);

/* Rows of text, copied out of the driver: yours until result_clear. */
struct result {
    size_t columns;
    size_t rows;
    char **values; /* row after row */
    size_t used;   /* of values */
    size_t room;
};

/* One statement. 0, and a result (without rows for what gives none) to clear; -1: nothing to clear. */
int database_query(struct database *db, const char *sql, const char *const values[], size_t count,
                   struct result *result);

bool database_broken(struct database *db);

const char *result_value(const struct result *result, size_t row, size_t column);
void result_clear(struct result *result);

/* For drivers: appends a value, copied; the rows are counted by it. -1: out of memory. */
int result_add(struct result *result, const char *value, size_t length);
/* For drivers: sets the error. -1. */
int database_fail(struct database *db, const char *text);

extern const struct database_driver database_sqlite;
extern const struct database_driver database_postgresql;
extern const struct database_driver database_mariadb;

#endif
