/* C17 and C++17: hello, a handler table, a TCP line protocol, upload, crawler, futures from a thread, queues.
 */
#include <gust/gust.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- hello ---- */

static void hello(gust_request *req)
{
    gust_printf(req, "Hello, %s!\n", gust_path_arg(req, 1));
}

/* ---- a handler as a table, with state of its own ---- */

struct visit {
    int64_t began;
};

static void visit_prepare(gust_request *req)
{
    struct visit *visit = (struct visit *)gust_state(req);
    visit->began = gust_elapsed(req);
    if (!gust_cookie(req, "user"))
        gust_redirect(req, "/login", 302);
}

static void visit_get(gust_request *req)
{
    gust_print(req, "welcome\n");
}

static const gust_handler visit_handler = {
    .prepare = visit_prepare,
    .get = visit_get,
    .state_size = sizeof(struct visit),
};

/* ---- a failure far below, with no request in sight ---- */

struct db {
    int locked;
};

static int db_lock(struct db *db, const char *post)
{
    (void)post;
    return db->locked ? -1 : (db->locked = 1, 0);
}

static void db_unlock(struct db *db, const char *post)
{
    (void)post;
    db->locked = 0;
}

static int save(struct db *db, const char *post, const char *text)
{
    if (db_lock(db, post) < 0)
        return -1;
    GUST_DEFER(db_unlock, db, post);
    if (!*text)
        gust_fail(422, "an empty post"); /* unlocks on its way out */
    return 0;
}

static void save_post(gust_request *req)
{
    if (save((struct db *)gust_data(req), gust_need_arg(req, "post"), gust_need_arg(req, "text")) < 0)
        gust_fail(409, "somebody else is writing");
}

/* ---- a TCP line protocol ---- */

static int serve_client(gust_stream *stream, void *arg)
{
    gust_bytes line;
    (void)arg;
    while (gust_stream_read_until(stream, "\n", 1024, &line) > 0)
        if (gust_stream_printf(stream, "you said %s", line.data) < 0)
            return -1;
    return 0;
}

static int serve_lines(void *arg)
{
    gust_listener *listener = gust_listen("127.0.0.1:7000", .backlog = 16);
    (void)arg;
    return listener ? gust_serve(listener, serve_client, NULL) : -1;
}

/* ---- upload ---- */

static void upload(gust_request *req)
{
    char path[] = "/tmp/upload-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        gust_fail(500, "no temporary file: %s", strerror(errno));
    GUST_DEFER(close, fd);
    GUST_DEFER(unlink, path);
    int64_t size = gust_save_body(req, fd);
    if (size < 0)
        return;
    gust_printf(req, "%lld bytes\n", (long long)size);
}

/* ---- a crawler: two at a time ---- */

struct crawl {
    gust_queue *urls;
    int pages;
};

static int crawl_some(void *arg)
{
    struct crawl *crawl = (struct crawl *)arg;
    for (char *url; (url = (char *)gust_queue_get(crawl->urls)); gust_queue_done(crawl->urls)) {
        GUST_DEFER(free, url);
        gust_response *page = gust_fetch(url, .timeout = GUST_S(5));
        if (!page)
            continue;
        GUST_DEFER(gust_response_free, page);
        crawl->pages += gust_response_status(page) == 200;
    }
    return 0;
}

static int crawl(void *arg)
{
    struct crawl *crawl = (struct crawl *)arg;
    GUST_GROUP(workers);
    for (int i = 0; i < 2; i++)
        gust_go(&workers, crawl_some, crawl);
    if (gust_queue_join(crawl->urls) < 0)
        return -1;
    gust_queue_close(crawl->urls);
    return gust_group_wait(&workers);
}

/* ---- a future that a plain thread sets ---- */

static void *long_task(void *arg)
{
    gust_future_set((gust_future *)arg, strdup("long task done"), free);
    return NULL;
}

static int after_task_done(gust_future *future, void *arg)
{
    (void)arg;
    gust_log(GUST_INFO, "%s", (const char *)gust_future_value(future));
    return 0;
}

static int wait_for_thread(void *arg)
{
    pthread_t thread;
    gust_future *future = gust_future_new(NULL);
    (void)arg;
    if (!future || pthread_create(&thread, NULL, long_task, future) != 0)
        return -1;
    gust_future_then(future, after_task_done, NULL);
    return pthread_join(thread, NULL) == 0 ? 0 : -1;
}

/* ---- every kind of clean-up in one block ---- */

static int nothing(void)
{
    return 0;
}

static int four(void *a, int b, unsigned char c, const char *d)
{
    return a && b && c && d;
}

static int scopes(int n)
{
    GUST_DEADLINE(GUST_MS(1.5));
    for (int i = 0; i < n; i++) {
        GUST_DEFER(nothing);
        GUST_DEFER(four, &n, i, (unsigned char)1, "x");
        if (i == 7)
            return i;
        if (i == 5)
            continue;
        if (i == 6)
            break;
    }
    return gust_deadline_left() > 0;
}

static int tick(void *arg)
{
    ++*(int *)arg;
    return 0;
}

int main(int argc, char **argv)
{
    static struct db db;
    static struct crawl site;
    int ticks = 0;
    gust_app *app = gust_app_new();
    gust_app_set(app, .max_body = 1 << 20, .idle_timeout = GUST_S(10));
    gust_route(app, "GET /hello/([^/]+)", hello);
    gust_route(app, "POST /posts", save_post, .data = &db, .name = "posts");
    gust_route(app, "PUT /upload", upload, .max_body = 600 << 20, .stream_body = true);
    gust_handle(app, "/visit", &visit_handler);
    gust_periodic *clock = gust_every(GUST_S(1), tick, &ticks, .jitter = 0.1);
    site.urls = gust_queue_new(100, free, .order = GUST_LIFO);
    gust_run(crawl, &site, GUST_S(60));
    gust_run(serve_lines, NULL, 0);
    gust_run(wait_for_thread, NULL, 0);
    gust_periodic_free(clock);
    gust_queue_free(site.urls);
    return scopes(3) + gust_main(app, argc, argv);
}
