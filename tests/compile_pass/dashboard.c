/* C17 only: two blocking queries at once under one deadline, typed arguments, a long poll and middleware. */
#include <gust/gust.h>

#include <stdlib.h>
#include <string.h>

/* A client library as libpq is: blocking calls that know nothing of gust. */
typedef struct connection connection;
typedef struct result result;
connection *connect_database(void);
void disconnect(connection *c);
result *execute(connection *c, const char *sql);
int row_count(const result *r);
const char *value(const result *r, int row, int column);
const char *error_message(const connection *c);
void clear_result(result *r);

struct query {
    gust_pool *db;
    const char *sql;
    result *res;
};

static void clear(struct query *q)
{
    clear_result(q->res);
}

static int run_query(void *arg)
{
    struct query *q = arg;
    connection *c = gust_pool_take(q->db);
    if (!c)
        return -1;
    GUST_DEFER(gust_pool_give, q->db, c);
    q->res = execute(c, q->sql);
    return q->res ? 0 : gust_error_set(EIO, "%s", error_message(c));
}

static void dashboard(gust_request *req)
{
    struct query news = {gust_data(req), "select title from news limit 10", NULL};
    struct query count = {gust_data(req), "select count(*) from visits", NULL};
    GUST_DEFER(clear, &news);
    GUST_DEFER(clear, &count);
    {
        GUST_DEADLINE(GUST_MS(500));
        GUST_GROUP(both);
        gust_go(&both, run_query, &news);
        gust_go(&both, run_query, &count);
        if (gust_group_wait(&both) < 0)
            gust_fail(gust_deadline_left() <= 0 ? 504 : 502, NULL);
    } /* both have ended here, however it went */
    gust_json(req, "{s:i, s:s}", "news", row_count(news.res), "visits", value(count.res, 0, 0));
}

struct user {
    int id;
    const char *name;
    unsigned char age;
    double weight;
    bool admin;
};

static const gust_field user_fields[] = {
    GUST_INT(struct user, id, .from = GUST_PATH, .min = 1),
    GUST_TEXT(struct user, name, .from = GUST_BODY, .required = true, .max = 80),
    GUST_INT(struct user, age, .from = GUST_BODY, .required = true, .max = 150),
    GUST_DOUBLE(struct user, weight),
    GUST_BOOL(struct user, admin),
};

static void put_user(gust_request *req)
{
    struct user u = {0};
    gust_bind(req, user_fields, GUST_LEN(user_fields), &u); /* or 400 {"fields":{"age":"must be 0..150"}} */
    gust_json(req, "{s:i, s:s}", "id", u.id, "name", u.name);
}

static gust_cond news_came;
static int seq;

static int wait_news(int seen)
{
    GUST_DEADLINE(GUST_S(30));
    while (seq <= seen)
        if (gust_cond_wait(&news_came) < 0)
            return -1;
    return 0;
}

static void poll_news(gust_request *req)
{
    gust_wake_on(req, GUST_GONE | GUST_DRAIN);
    wait_news(atoi(gust_path_arg(req, 1)));
    if (!gust_client_gone(req))
        gust_json(req, "{s:i, s:b}", "seq", seq, "again", gust_draining());
}

static void add_timing_header(gust_request *req, void *arg)
{
    (void)arg;
    gust_set_header(req, "Server-Timing",
                    gust_sprintf(req, "handler;dur=%.1f", (double)gust_elapsed(req) / 1e6));
}

static void timing(gust_request *req)
{
    gust_before_headers(req, add_timing_header, NULL); /* also when the handler streams */
    gust_next(req);                                    /* returns also when it failed */
    gust_log(GUST_INFO, "%d in %.1f ms", gust_status(req), (double)gust_elapsed(req) / 1e6);
}

static void *open_db(void *arg)
{
    (void)arg;
    return connect_database();
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_pool *db = gust_pool_new(.open = open_db, .close = GUST_DROP(disconnect), .max = 16);
    gust_use(app, timing, NULL);
    gust_route(app, "GET /dashboard", dashboard, .data = db, .timeout = GUST_S(5));
    gust_route(app, "PUT /users/(?<id>[^/]+)", put_user, .max_body = 64 << 10);
    gust_route(app, "GET /news/(\\d+)", poll_news);
    return gust_main(app, argc, argv); /* --port, --processes, --help, … */
}
