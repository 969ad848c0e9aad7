/* C17 and C++17: subprocesses, with their arguments in place. */
#include <gust/gust.h>

#include <stdlib.h>

int sort_numbers(gust_bytes numbers, char **sorted);
int add(const char *sum, int *result);

int sort_numbers(gust_bytes numbers, char **sorted)
{
    const char *flag = "-n";
    return gust_command(GUST_ARGV("sort", flag), .in = numbers, .out = sorted, .timeout = GUST_S(5));
}

int add(const char *sum, int *result)
{
    gust_bytes line;
    gust_subprocess *bc = gust_subprocess_new(GUST_ARGV("bc"), .in = GUST_PIPE, .out = GUST_PIPE);
    if (!bc)
        return -1;
    GUST_DEFER(gust_subprocess_free, bc);
    if (gust_stream_printf(gust_subprocess_in(bc), "%s\n", sum) < 0 ||
        gust_stream_read_until(gust_subprocess_out(bc), "\n", 100, &line) <= 0)
        return -1;
    *result = atoi(line.data);
    gust_stream_close(gust_subprocess_in(bc));
    return gust_subprocess_wait(bc);
}
