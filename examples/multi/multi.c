/*
 * What computes for long stops everyone, unless another process does it.
 *
 *     $ build/examples/multi --port=8888 --work=50
 *     $ build/examples/call_multi slow             the fast answers wait for the slow ones
 *     $ build/examples/call_multi slow_threaded    the fast ones come first
 */
#include <gust/gust.h>

#include <stdlib.h>
#include <string.h>

/* So many million rounds: 50 take a second or so. The result depends on each of them. */
static uint64_t compute(uint64_t millions)
{
    uint64_t value = 1;
    for (uint64_t i = 0; i < millions * 1000000; i++) {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
        value += value % 1021;
    }
    return value;
}

static uint64_t work(void)
{
    return strtoull(gust_option("work"), NULL, 10);
}

static void fast(gust_request *req)
{
    gust_printf(req, "fast %s\n", gust_need_arg(req, "id"));
}

static void slow(gust_request *req)
{
    const char *id = gust_need_arg(req, "id");
    gust_printf(req, "slow %s: %016llx\n", id, (unsigned long long)compute(work()));
}

/* The job: in a worker. */
static int compute_there(const void *in, size_t length, gust_output *output)
{
    uint64_t millions;
    if (length != sizeof(millions))
        return gust_error_set(EINVAL, "a number is wanted");
    memcpy(&millions, in, length);
    return gust_output_printf(output, "%016llx", (unsigned long long)compute(millions));
}

static void slow_threaded(gust_request *req)
{
    const char *id = gust_need_arg(req, "id");
    uint64_t millions = work();
    gust_result *result;
    if (gust_processes_run(gust_data(req), compute_there, &millions, sizeof(millions), &result) < 0)
        gust_fail(500, "%s", gust_error_text(gust_error_last()));
    GUST_DEFER(gust_result_free, result);
    gust_printf(req, "slow_threaded %s: %s\n", id, result->data);
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_processes *workers = gust_processes_new(.workers = 4, .name = "multi");
    if (!workers)
        return EXIT_FAILURE;
    gust_define("work", .value = "50", .help = "million rounds of a slow answer");
    gust_route(app, "GET /fast", fast);
    gust_route(app, "GET /slow", slow);
    gust_route(app, "GET /slow_threaded", slow_threaded, .data = workers);
    int result = gust_main(app, argc, argv);
    gust_processes_free(workers);
    return result;
}
