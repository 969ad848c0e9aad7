/* Asks the executor's two pages, as often as --count says at once, and prints how long each took in all. */
#include <gust/gust.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static int port = 8888;
static int count = 20;

static int ask(void *url)
{
    gust_response *answer = gust_fetch(url, .timeout = -1, .no_keep_alive = true);
    if (!answer)
        return -1;
    int status = gust_response_status(answer);
    gust_response_free(answer);
    return status == 200 ? 0 : gust_error_set(EIO, "%s: status %d", (char *)url, status);
}

static int ask_at_once(const char *path)
{
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port, path);
    int64_t began = gust_loop_time(gust_loop_current());
    GUST_GROUP(all);
    for (int i = 0; i < count; i++) {
        if (gust_go(&all, ask, url) < 0)
            return -1;
    }
    if (gust_group_wait(&all) < 0)
        return -1;
    int64_t took = gust_loop_time(gust_loop_current()) - began;
    printf("%s: %d requests in %.2f s\n", path, count, (double)took / 1e9);
    return 0;
}

static int ask_both(void *arg)
{
    (void)arg;
    return ask_at_once("/loop") < 0 || ask_at_once("/pool") < 0 ? -1 : 0;
}

static int help(FILE *to, const char *name)
{
    fprintf(to, "usage: %s [--port=8888] [--count=20]\n", name);
    return to == stdout ? EXIT_SUCCESS : 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"count", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
        if (option == 'h')
            return help(stdout, argv[0]);
        if (option == 'p')
            port = atoi(optarg);
        else if (option == 'c')
            count = atoi(optarg);
        else
            return help(stderr, argv[0]);
    }
    if (gust_run(ask_both, NULL, 0) == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "%s: %s\n", argv[0], gust_error_text(gust_error_last()));
    return EXIT_FAILURE;
}
