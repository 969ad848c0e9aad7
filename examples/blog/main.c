/*
 * A blog for real use, in one process or several, on one SQLite file.
 *
 *     $ build/examples/blog --port=8888 --db=blog.db --uploads=images --title="Ann's notes"
 *
 * The first account that registers is the admin's. README.md has the files in reading order.
 */
#include "blog.h"

#include <pthread.h>

static int opened;

/* Sessions are set up before the application serves, so as soon as these options are known. */
static int use_database(const char *option, const char *file, void *app)
{
    (void)option;
    blog.database = file;
    return blog_make_sessions(app);
}

static int use_site(const char *option, const char *url, void *app)
{
    (void)option;
    blog.site = url;
    return blog_make_sessions(app);
}

static void open_blog(void)
{
    blog.uploads = gust_option("uploads");
    blog.title = gust_option("title");
    opened = blog_open();
}

/* For each loop; the process's first one opens the blog. */
static int start(void *unused)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)unused;
    pthread_once(&once, open_blog);
    return opened;
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_define("db", .value = blog.database, .shown = "FILE", .help = "everything but the images",
                .changed = use_database, .argument = app);
    gust_define("uploads", .value = blog.uploads, .shown = "FOLDER", .help = "the images");
    gust_define("title", .value = blog.title, .help = "of the blog");
    gust_define("site", .shown = "URL", .changed = use_site, .argument = app,
                .help = "where it is: https://example.org; default: as its reader calls it");
    gust_on_start(app, start, NULL);
    blog_set_up(app);
    blog_make_sessions(app);
    int status = gust_main(app, argc, argv);
    blog_close();
    return status;
}
