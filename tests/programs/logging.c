/* A server that logs: tests/test_logs.py. */
#include <gust/gust.h>

#include <stdlib.h>
#include <string.h>

static void say(gust_request *request)
{
    gust_bytes text = {gust_uri(request) + 5, strlen(gust_uri(request) + 5)};
    char *decoded = gust_alloc(request, text.len + 1);
    size_t size = 0;
    for (size_t i = 0; i < text.len; i++, size++) {
        char hex[3] = {text.data[i + 1], text.data[i + 1] ? text.data[i + 2] : 0, 0};
        decoded[size] = text.data[i] == '%' ? (char)strtol(hex, NULL, 16) : text.data[i];
        i += text.data[i] == '%' ? 2 : 0;
        if (!decoded[size])
            decoded[size] = (char)0xff; /* the log takes text */
    }
    gust_log(GUST_INFO, "%s", decoded);
}

static int grandchild(void *unused)
{
    (void)unused;
    gust_log(GUST_INFO, "grandchild");
    return 0;
}

static int child(void *unused)
{
    GUST_GROUP(group);
    gust_log(GUST_INFO, "child");
    gust_go(&group, grandchild, unused);
    return gust_group_wait(&group);
}

static void below(void)
{
    gust_log(GUST_INFO, "below");
}

static void deep(gust_request *request)
{
    GUST_GROUP(group);
    gust_log(GUST_INFO, "handler");
    below();
    gust_go(&group, child, NULL);
    gust_group_wait(&group);
    gust_printf(request, "%s", gust_request_id(request));
}

static void levels(gust_request *request)
{
    gust_log(GUST_INFO, "app info");
#undef GUST_LOG_NAME
#define GUST_LOG_NAME "db"
    gust_log(GUST_DEBUG, "db debug");
#undef GUST_LOG_NAME
#define GUST_LOG_NAME "app"
    gust_log(GUST_WARNING, "app warning");
#undef GUST_LOG_NAME
#define GUST_LOG_NAME "db"
    gust_log(GUST_WARNING, "db warning");
#undef GUST_LOG_NAME
#define GUST_LOG_NAME "app"
    gust_write(request, "ok", 2);
}

static void many(gust_request *request)
{
    int from = atoi(gust_arg(request, "from"));
    for (int i = 0; i < 500; i++) {
        gust_log(GUST_INFO, "number %d", from + i);
        if (i % 50 == 0)
            gust_sleep(GUST_MS(1)); /* all processes get some of the requests */
    }
}

static int start(void *unused)
{
    (void)unused;
    gust_log(GUST_INFO, "started");
    return 0;
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_on_start(app, start, NULL);
    gust_route(app, "GET /say/.*", say);
    gust_route(app, "GET /deep", deep);
    gust_route(app, "GET /levels", levels);
    gust_route(app, "GET /many", many);
    return gust_main(app, argc, argv);
}
