/* Which driver a URL means, and the rows that all drivers give. */
#include "database.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SQLite is last: it takes any name. */
static const struct database_driver *const drivers[] = {
#ifdef WITH_POSTGRESQL
    &database_postgresql,
#endif
#ifdef WITH_MARIADB
    &database_mariadb,
#endif
    &database_sqlite,
};

struct database *database_open(const char *url)
{
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        if (!drivers[i]->knows(url))
            continue;
        struct database *db = drivers[i]->open(url);
        if (!db)
            errno = ENOMEM;
        return db;
    }
    errno = EPROTONOSUPPORT;
    return NULL;
}

void database_close(struct database *db)
{
    if (db)
        db->driver->close(db);
}

const char *database_error(const struct database *db)
{
    return db->error;
}

int database_fail(struct database *db, const char *text)
{
    snprintf(db->error, sizeof(db->error), "%s", text);
    return -1;
}

bool database_broken(struct database *db)
{
    return db->driver->broken(db);
}

int database_query(struct database *db, const char *sql, const char *const values[], size_t count,
                   struct result *result)
{
    *result = (struct result){0};
    db->error[0] = '\0';
    int status = db->driver->query(db, sql, values, count, result);
    if (status < 0)
        result_clear(result);
    return status;
}

/* ---- results ---- */

static int make_room(struct result *result)
{
    size_t room = result->room ? 2 * result->room : 16;
    char **values = realloc(result->values, room * sizeof(*values));
    if (!values)
        return -1;
    result->values = values;
    result->room = room;
    return 0;
}

int result_add(struct result *result, const char *value, size_t length)
{
    if (result->used == result->room && make_room(result) < 0)
        return -1;
    char *copy = value ? strndup(value, length) : NULL;
    if (value && !copy)
        return -1;
    result->values[result->used++] = copy;
    result->rows = result->used / result->columns;
    return 0;
}

const char *result_value(const struct result *result, size_t row, size_t column)
{
    return result->values[row * result->columns + column];
}

void result_clear(struct result *result)
{
    for (size_t i = 0; i < result->used; i++)
        free(result->values[i]);
    free(result->values);
    *result = (struct result){0};
}
