/* Sessions in an SQLite file, which the processes of one machine share. Its calls run on the thread pool. */
#include "web/session_store.h"

#include <gust/error.h>

#ifdef GUST_HAVE_SQLITE

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/lock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include <gust/threads.h>

enum { BUSY_MILLISECONDS = 5000, SWEEP_SECONDS = 60 };

struct sqlite {
    struct gust__session_store store;
    struct gust__lock lock; /* over the connection: held by threads of the pool, never by a coroutine */
    sqlite3 *connection;
    pid_t opened_by; /* a connection must not cross a fork */
    int64_t swept;
    char *path;
};

struct call {
    struct sqlite *sqlite;
    const char *key;
    const char *record;
    int64_t expires;
    char *loaded;
};

static int failed(struct sqlite *sqlite)
{
    return gust_error_set(EIO, "%s: %s", sqlite->path, sqlite3_errmsg(sqlite->connection));
}

static int run(struct sqlite *sqlite, const char *statement)
{
    return sqlite3_exec(sqlite->connection, statement, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(sqlite);
}

/* The process's own connection. */
static int open_connection(struct sqlite *sqlite)
{
    if (sqlite->connection && sqlite->opened_by == getpid())
        return 0;
    sqlite->connection = NULL; /* a parent's is left alone: closing it here would drop the parent's locks */
    sqlite->opened_by = getpid();
    int code = sqlite3_open_v2(sqlite->path, &sqlite->connection,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK && sqlite3_busy_timeout(sqlite->connection, BUSY_MILLISECONDS) == SQLITE_OK &&
        run(sqlite, "PRAGMA journal_mode = WAL") == 0 && run(sqlite, "PRAGMA synchronous = NORMAL") == 0 &&
        run(sqlite,
            "CREATE TABLE IF NOT EXISTS gust_sessions"
            "(key TEXT PRIMARY KEY, expires INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT ROWID") == 0)
        return 0;
    failed(sqlite);
    sqlite3_close(sqlite->connection);
    sqlite->connection = NULL;
    return -1;
}

/* A prepared statement with its key bound; NULL: the error is set. */
static sqlite3_stmt *prepare(struct call *call, const char *text)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(call->sqlite->connection, text, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_text(statement, 1, call->key, -1, SQLITE_STATIC) == SQLITE_OK)
        return statement;
    failed(call->sqlite);
    sqlite3_finalize(statement);
    return NULL;
}

static int load_record(struct call *call)
{
    sqlite3_stmt *statement = prepare(call, "SELECT record FROM gust_sessions WHERE key = ?");
    if (!statement)
        return -1;
    int code = sqlite3_step(statement), result = 0;
    if (code == SQLITE_ROW) {
        call->loaded = gust__strdup((const char *)sqlite3_column_text(statement, 0));
        result = call->loaded ? 1 : gust_error_set(ENOMEM, NULL);
    } else if (code != SQLITE_DONE) {
        result = failed(call->sqlite);
    }
    sqlite3_finalize(statement);
    return result;
}

static int finish(struct call *call, sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement) == SQLITE_DONE ? 0 : failed(call->sqlite);
    sqlite3_finalize(statement);
    return result;
}

/* Takes out what has expired, once a minute. */
static int sweep(struct call *call)
{
    int64_t now = gust__clock_wall() / 1000000000;
    sqlite3_stmt *statement = NULL;
    if (now - call->sqlite->swept < SWEEP_SECONDS)
        return 0;
    call->sqlite->swept = now;
    if (sqlite3_prepare_v2(call->sqlite->connection, "DELETE FROM gust_sessions WHERE expires <= ?", -1,
                           &statement, NULL) != SQLITE_OK)
        return failed(call->sqlite);
    sqlite3_bind_int64(statement, 1, now);
    return finish(call, statement);
}

static int save_record(struct call *call)
{
    sqlite3_stmt *statement =
        prepare(call, "INSERT OR REPLACE INTO gust_sessions (key, expires, record) VALUES (?, ?, ?)");
    if (!statement)
        return -1;
    sqlite3_bind_int64(statement, 2, call->expires);
    sqlite3_bind_text(statement, 3, call->record, -1, SQLITE_STATIC);
    return finish(call, statement) < 0 ? -1 : sweep(call);
}

static int remove_record(struct call *call)
{
    sqlite3_stmt *statement = prepare(call, "DELETE FROM gust_sessions WHERE key = ?");
    return statement ? finish(call, statement) : -1;
}

/* ---- on the pool ---- */

static int locked(struct call *call, int (*function)(struct call *))
{
    gust__lock_take(&call->sqlite->lock);
    int result = open_connection(call->sqlite) < 0 ? -1 : function(call);
    gust__lock_drop(&call->sqlite->lock);
    return result;
}

static int load_on_thread(void *argument)
{
    return locked(argument, load_record);
}

static int save_on_thread(void *argument)
{
    return locked(argument, save_record);
}

static int remove_on_thread(void *argument)
{
    return locked(argument, remove_record);
}

static struct sqlite *sqlite_of(struct gust__session_store *store)
{
    return GUST__CONTAINER(store, struct sqlite, store);
}

static int load(struct gust__session_store *store, const char *key, char **record)
{
    struct call call = {.sqlite = sqlite_of(store), .key = key};
    int result = gust_threads_run(NULL, load_on_thread, &call);
    *record = call.loaded;
    return result;
}

static int save(struct gust__session_store *store, const char *key, const char *record, int64_t expires)
{
    struct call call = {.sqlite = sqlite_of(store), .key = key, .record = record, .expires = expires};
    return gust_threads_run(NULL, save_on_thread, &call);
}

static int forget(struct gust__session_store *store, const char *key)
{
    struct call call = {.sqlite = sqlite_of(store), .key = key};
    return gust_threads_run(NULL, remove_on_thread, &call);
}

static void free_sqlite(struct gust__session_store *store)
{
    struct sqlite *sqlite = sqlite_of(store);
    if (sqlite->opened_by == getpid())
        sqlite3_close(sqlite->connection);
    gust__free(sqlite->path);
    gust__free(sqlite);
}

struct gust__session_store *gust__session_sqlite_new(const char *where)
{
    struct sqlite *sqlite = gust__calloc(1, sizeof(*sqlite));
    if (!*where)
        gust_error_set(EINVAL, "sessions in sqlite: without a file; expected sqlite:FILE");
    if (!sqlite || !*where || !(sqlite->path = gust__strdup(where))) {
        gust__free(sqlite);
        return NULL;
    }
    sqlite->store = (struct gust__session_store){load, save, forget, free_sqlite};
    return &sqlite->store;
}

#else

struct gust__session_store *gust__session_sqlite_new(const char *where)
{
    gust_error_set(ENOTSUP, "sessions in sqlite:%s: this gust was built without SQLite (libsqlite3-dev)",
                   where);
    return NULL;
}

#endif
