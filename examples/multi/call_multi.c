/*
 * Sends 3 slow and 20 fast requests to multi at once, and prints the answers as they come.
 *
 *     $ build/examples/call_multi slow_threaded --port=8888
 */
#include <gust/gust.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOW = 3, FAST = 20 };

struct call {
    const char *port;
    const char *path;
    int id;
};

static int fetch(void *arg)
{
    const struct call *call = arg;
    char url[256];
    snprintf(url, sizeof(url), "http://127.0.0.1:%s/%s?id=%d", call->port, call->path, call->id);
    gust_response *answer = gust_fetch(url, .timeout = GUST_MINUTES(5));
    if (!answer)
        return -1;
    GUST_DEFER(gust_response_free, answer);
    if (gust_response_status(answer) != 200)
        return gust_error_set(EPROTO, "%s: %d", url, gust_response_status(answer));
    fputs(gust_response_body(answer).data, stdout);
    fflush(stdout);
    return 0;
}

static int fetch_all(void *arg)
{
    const struct call *slow = arg;
    struct call calls[SLOW + FAST];
    GUST_GROUP(all);
    for (int i = 0; i < SLOW + FAST; i++) {
        calls[i] =
            i < SLOW ? (struct call){slow->port, slow->path, i} : (struct call){slow->port, "fast", i - SLOW};
        if (gust_go(&all, fetch, &calls[i]) < 0)
            return -1;
    }
    return gust_group_wait(&all);
}

static int usage(void)
{
    fprintf(stderr, "usage: call_multi slow|slow_threaded [--port=PORT]\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct call slow = {"8888", NULL, 0};
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--port=", 7) == 0)
            slow.port = argv[i] + 7;
        else if (strcmp(argv[i], "slow") == 0 || strcmp(argv[i], "slow_threaded") == 0)
            slow.path = argv[i];
        else
            return usage();
    }
    if (!slow.path)
        return usage();
    if (gust_run(fetch_all, &slow, 0) == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "call_multi: %s\n", gust_error_text(gust_error_last()));
    return EXIT_FAILURE;
}
