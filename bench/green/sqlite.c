/*
 * A row by its key, out of 1,000 rows in a file whose pages are in SQLite's cache. By itself each select
 * locks the file and looks whether it has changed, some system calls that do not block; within a transaction
 * it makes no system call, and what remains is the connection's mutex.
 */
#include "sqlite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 1000 };

static int failed(sqlite3 *db, const char *what)
{
    fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
    return 1;
}

static int execute(sqlite3 *db, const char *statement)
{
    return sqlite3_exec(db, statement, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(db, statement);
}

static int fill(sqlite3 *db)
{
    return execute(db, "create table words (id integer primary key, word text)") ||
           execute(db, "insert into words with recursive n(i) as (select 1 union all select i + 1 from n "
                       "limit 1000) select i, 'word ' || i from n");
}

/* The processor time of this thread. */
static double nanoseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int select_rows(sqlite3 *db, sqlite3_stmt *statement, int count)
{
    for (int i = 0; i < count; i++) {
        sqlite3_bind_int(statement, 1, i % ROWS + 1);
        if (sqlite3_step(statement) != SQLITE_ROW || !sqlite3_column_text(statement, 0))
            return failed(db, "select");
        sqlite3_reset(statement);
    }
    return 0;
}

static int measure(sqlite3 *db, sqlite3_stmt *statement, int count, const char *name)
{
    if (select_rows(db, statement, ROWS)) /* the cache fills */
        return 1;
    double before = nanoseconds();
    if (select_rows(db, statement, count))
        return 1;
    printf("%s %.0f ns\n", name, (nanoseconds() - before) / count);
    return 0;
}

static int measure_both(sqlite3 *db)
{
    sqlite3_stmt *statement;
    if (fill(db))
        return 1;
    if (sqlite3_prepare_v2(db, "select word from words where id = ?", -1, &statement, NULL) != SQLITE_OK)
        return failed(db, "prepare");
    int result = measure(db, statement, 30000, "by itself") || execute(db, "begin") ||
                 measure(db, statement, 500000, "in a transaction") || execute(db, "commit");
    sqlite3_finalize(statement);
    return result;
}

int sqlite_measure(void)
{
    char path[] = "/tmp/gust-bench-XXXXXX";
    sqlite3 *db = NULL;
    int fd = mkstemp(path);
    if (fd < 0) {
        perror(path);
        return 1;
    }
    close(fd);
    int result = sqlite3_open(path, &db) != SQLITE_OK ? failed(db, path) : measure_both(db);
    sqlite3_close(db);
    unlink(path);
    return result;
}
