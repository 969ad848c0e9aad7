/*
 * greenblog: posts and comments in a database, through the database's own client and a layer of plain C that
 * was written for programs of one thread (database.h, orm.h). None of that knows of coroutines; yet while one
 * request waits for the database, the others go on, because libgust-green is linked in.
 *
 *     $ build/examples/greenblog --port=8888                      # SQLite, a file that goes when it ends
 *     $ build/examples/greenblog --db=blog.db
 *     $ build/examples/greenblog --db=postgresql://me@localhost/blog
 *     $ build/examples/greenblog --db=mysql://me:secret@localhost:3306/blog
 */
#include "connections.h"
#include "models.h"
#include "pages.h"

#include <gust/green.h>
#include <gust/gust.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct connections connections;

/* Without --db: a new folder, that ends with the program. */
static char own_folder[] = "/tmp/greenblog-XXXXXX";
static char own_file[sizeof(own_folder) + 10];

static const char *make_own_file(void)
{
    if (!mkdtemp(own_folder))
        return NULL;
    snprintf(own_file, sizeof(own_file), "%s/blog.db", own_folder);
    return own_file;
}

/* Once its last connection is closed, SQLite has taken its other files away. */
static void remove_own_file(void)
{
    if (!*own_file)
        return;
    unlink(own_file);
    rmdir(own_folder);
}

static int create_tables(const char *url)
{
    struct database *db = database_open(url);
    if (!db)
        return gust_error_set(errno, "no database for %s", url);
    GUST_DEFER(database_close, db);
    if (*database_error(db) || orm_create_tables(db, models, MODEL_COUNT) < 0)
        return gust_error_set(EIO, "the database: %s", database_error(db));
    return 0;
}

static int start(void *unused)
{
    (void)unused;
    const char *url = gust_option("db");
    int max = atoi(gust_option("connections"));
    double wait = atof(gust_option("wait"));
    if (max < 1 || wait <= 0)
        return gust_error_set(EINVAL, "--connections and --wait must be more than 0");
    if (!*url)
        url = make_own_file();
    if (!url || create_tables(url) < 0)
        return -1;
    return connections_open(&connections, url, (unsigned)max, (int64_t)(wait * 1e9));
}

static int stop(void *unused)
{
    (void)unused;
    connections_close(&connections);
    return 0;
}

int main(int argc, char **argv)
{
    gust_green_require();
    gust_define("db", .value = "",
                .help =
                    "a file, postgresql://... or mysql://...; default: a file that goes with the program");
    gust_define("connections", .value = "8", .help = "to the database, at most");
    gust_define("wait", .value = "2",
                .help = "seconds that a request waits for one of them before it is refused");
    gust_app *app = gust_app_new();
    gust_app_set(app, .timeout = GUST_S(10));
    gust_on_start(app, start, NULL);
    gust_on_stop(app, stop, NULL);
    add_blog(app, &connections);
    add_admin(app, &connections);
    int status = gust_main(app, argc, argv);
    remove_own_file();
    return status;
}
