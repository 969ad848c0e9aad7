/*
 * A blog for real use, in one process or several, on one SQLite file.
 *
 *     $ build/examples/blog --port=8888 --db=blog.db --uploads=images --title="Ann's notes"
 *
 * The first account that registers is the admin's. README.md has the files in reading order.
 */
#include "blog.h"

#include <pthread.h>

static gust_app *app;
static int opened;

static void open_blog(void)
{
    blog.database = gust_option("db");
    blog.uploads = gust_option("uploads");
    blog.title = gust_option("title");
    blog.site = gust_option("site");
    opened = blog_open(app);
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
    app = gust_app_new();
    gust_define("db", blog.database, "the file of everything but images");
    gust_define("uploads", blog.uploads, "the folder of images");
    gust_define("title", blog.title, "of the blog");
    gust_define("site", NULL,
                "its address, https://example.org, for the feed (default: as the reader calls it)");
    gust_on_start(app, start, NULL);
    blog_set_up(app);
    int status = gust_main(app, argc, argv);
    blog_close();
    return status;
}
