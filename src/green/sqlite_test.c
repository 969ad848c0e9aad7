/* SQLite, unmodified: one connection that many coroutines use, each parked in the middle of its statements.
 */
#include "green/locks_testing.h"

#include <dlfcn.h>

struct sqlite3;
struct sqlite3_context;
struct sqlite3_value;

enum {
    SQLITE_OK = 0,
    SQLITE_UTF8 = 1,
    SQLITE_OPEN_READWRITE = 2,
    SQLITE_OPEN_CREATE = 4,
    SQLITE_OPEN_FULLMUTEX = 0x10000
};

static struct {
    int (*open_v2)(const char *, struct sqlite3 **, int, const char *);
    int (*close)(struct sqlite3 *);
    int (*exec)(struct sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **);
    int (*create_function)(struct sqlite3 *, const char *, int, int, void *,
                           void (*)(struct sqlite3_context *, int, struct sqlite3_value **), void *, void *);
    void (*result_int)(struct sqlite3_context *, int);
    int (*value_int)(struct sqlite3_value *);
} lite;

static void *function(void *library, const char *name)
{
    void *found = dlsym(library, name);
    assert_non_null(found);
    return found;
}

/* False: it is not installed. */
static bool load_sqlite(void)
{
    void *library = dlopen("libsqlite3.so.0", RTLD_NOW);
    if (!library)
        return false;
    *(void **)(void *)&lite.open_v2 = function(library, "sqlite3_open_v2");
    *(void **)(void *)&lite.close = function(library, "sqlite3_close");
    *(void **)(void *)&lite.exec = function(library, "sqlite3_exec");
    *(void **)(void *)&lite.create_function = function(library, "sqlite3_create_function");
    *(void **)(void *)&lite.result_int = function(library, "sqlite3_result_int");
    *(void **)(void *)&lite.value_int = function(library, "sqlite3_value_int");
    return true;
}

struct shared {
    struct sqlite3 *db;
    int inside, most, started;
};

static struct shared shared;

/* nap(x) is x, after a while in which the connection's mutex is held. */
static void nap(struct sqlite3_context *context, int count, struct sqlite3_value **values)
{
    (void)count;
    if (++shared.inside > shared.most)
        shared.most = shared.inside;
    if (gust_loop_current())
        gust_sleep(GUST_MS(1) / 10);
    shared.inside--;
    lite.result_int(context, lite.value_int(values[0]));
}

static void execute(const char *statement)
{
    char *message = NULL;
    int result = lite.exec(shared.db, statement, NULL, NULL, &message);
    if (result != SQLITE_OK)
        fprintf(stderr, "%s: %s\n", statement, message);
    CHECK(result == SQLITE_OK);
}

static int read_number(void *to, int columns, char **values, char **names)
{
    (void)columns, (void)names;
    *(long *)to = values[0] ? atol(values[0]) : 0;
    return 0;
}

static long ask(const char *query)
{
    long number = -1;
    CHECK(lite.exec(shared.db, query, read_number, &number, NULL) == SQLITE_OK);
    return number;
}

static int write_and_read(void *argument)
{
    char text[200];
    int id = shared.started++;
    (void)argument;
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof(text), "insert into t values (nap(%d), %d, 'row %d of %d')", id, i, i, id);
        execute(text);
        gust_yield();
        snprintf(text, sizeof(text), "select count(nap(id)) from t where id = %d", id);
        CHECK(ask(text) == i + 1);
        snprintf(text, sizeof(text), "update t set text = text || nap(1) where id = %d and i = %d", id, i);
        execute(text);
    }
    return 0;
}

static int fifty(void *argument)
{
    GUST_GROUP(group);
    for (int i = 0; i < 50; i++)
        gust_go(&group, write_and_read, argument);
    return gust_group_wait(&group);
}

static void one_connection_serves_fifty_coroutines(void **state)
{
    (void)state;
    if (!load_sqlite())
        skip();
    assert_int_equal(gust_green_on(), 0); /* which anchors the link, too */
    assert_int_equal(lite.open_v2(":memory:", &shared.db,
                                  SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL),
                     SQLITE_OK);
    lite.create_function(shared.db, "nap", 1, SQLITE_UTF8, NULL, nap, NULL, NULL);
    execute("create table t (id integer, i integer, text text)");
    execute("create index by_id on t (id, i)");
    assert_int_equal(gust_run(fifty, NULL, GUST_S(120)), 0);
    assert_int_equal(shared.most, 1);
    assert_int_equal(ask("select count(*) from t"), 250);
    assert_int_equal(ask("select sum(i) from t"), 500);
    assert_int_equal(ask("select count(*) from t where text = 'row ' || i || ' of ' || id || '1'"), 250);
    assert_int_equal(ask("select count(*) from pragma_integrity_check where integrity_check <> 'ok'"), 0);
    assert_int_equal(lite.close(shared.db), SQLITE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_serves_fifty_coroutines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
