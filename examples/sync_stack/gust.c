/*
 * sync_stack on gust: one thread, and every request waits only for itself. The top is a handler, the bottom a
 * stream; between them is stack.o, the very object file that sync_stack_threads is linked with.
 */
#include "slow_server.h"
#include "stack.h"

#include <stdio.h>
#include <string.h>

#include <gust/gust.h>

struct backend {
    const char *address;
};

int backend_ask(struct backend *backend, const char *question, char *answer, size_t size)
{
    gust_bytes line;
    gust_stream *stream = gust_connect(backend->address);
    if (!stream)
        return -1;
    GUST_DEFER(gust_stream_free, stream);
    if (gust_stream_printf(stream, "%s\n", question) < 0)
        return -1;
    ssize_t length = gust_stream_read_until(stream, "\n", size - 1, &line);
    if (length <= 0)
        return length < 0 ? -1 : gust_error_set(ECONNRESET, "the backend went away");
    memcpy(answer, line.data, (size_t)length - 1);
    answer[length - 1] = '\0';
    return 0;
}

static void serve(gust_request *req)
{
    char answer[512];
    if (handle_request(gust_data(req), gust_path(req), answer, sizeof(answer)) < 0)
        gust_fail(502, "the backend: %s", gust_error_text(gust_error_last()));
    gust_printf(req, "%s\n", answer);
}

int main(int argc, char **argv)
{
    char address[32];
    struct backend backend = {address};
    int port = slow_server_start();
    if (port < 0) {
        perror("sync_stack: the slow server");
        return 1;
    }
    snprintf(address, sizeof(address), "127.0.0.1:%d", port);
    gust_app *app = gust_app_new();
    gust_route(app, "GET /", serve, .data = &backend);
    return gust_main(app, argc, argv);
}
