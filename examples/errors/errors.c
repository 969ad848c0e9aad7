/*
 * Errors of workers: thrown, or what kills a process. The handler sees each as an error, with the place in
 * the worker where it happened.
 *
 *     $ build/examples/errors --port=8888
 *     $ curl http://127.0.0.1:8888/test
 *     done
 *     Caught an exception: not a number: 'seven'
 *       at parse (errors.c:20)
 *       at divide (errors.c:27)
 *       ...
 *     Caught an exception: the worker was killed by SIGSEGV
 *       ...
 */
#include <gust/gust.h>

#include <stdlib.h>
#include <string.h>

/* ---- jobs, in a worker ---- */

static int succeed(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length;
    return gust_output_printf(output, "done");
}

static __attribute__((noinline)) long parse(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end)
        gust_throw(EINVAL, "not a number: '%s'", text);
    return value;
}

static int read_number(const void *in, size_t length, gust_output *output)
{
    (void)length;
    long value = parse(in);
    return gust_output_printf(output, "%ld", value);
}

static __attribute__((noinline)) int dereference(const int *pointer)
{
    int value = *(const volatile int *)pointer;
    return value + 1;
}

static int crash(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    int value = dereference(NULL);
    return value > 0;
}

/* ---- the handler ---- */

struct trace {
    const gust_error *error;
    char text[8192];
};

static int read_trace(void *arg)
{
    struct trace *trace = arg;
    gust_error_trace(trace->error, trace->text, sizeof(trace->text));
    return 0;
}

/* Where it happened, made on a thread: it reads debugging information. */
static void print_error(gust_request *req)
{
    struct trace *trace = gust_alloc(req, sizeof(*trace));
    gust_printf(req, "Caught an exception: %s\n", gust_error_text(gust_error_last()));
    trace->error = gust_error_last();
    gust_threads_run(NULL, read_trace, trace);
    gust_print(req, trace->text);
}

static void run(gust_request *req, gust_process_job *job, const char *argument)
{
    gust_result *result;
    if (gust_processes_run(gust_data(req), job, argument, strlen(argument), &result) < 0) {
        print_error(req);
        return;
    }
    gust_printf(req, "%s\n", result->data);
    gust_result_free(result);
}

static void test(gust_request *req)
{
    run(req, succeed, "");
    run(req, read_number, "seven");
    run(req, crash, "");
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_processes *workers = gust_processes_new(.workers = 2, .name = "errors");
    if (!workers)
        return EXIT_FAILURE;
    gust_route(app, "GET /test", test, .data = workers);
    int result = gust_main(app, argc, argv);
    gust_processes_free(workers);
    return result;
}
