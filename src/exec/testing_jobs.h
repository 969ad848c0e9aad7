/* Jobs that several tests of process pools run, and what they expect of them. */
#ifndef GUST_EXEC_TESTING_JOBS_H
#define GUST_EXEC_TESTING_JOBS_H

#include "exec/testing.h"

__attribute__((unused)) static int echo(const void *in, size_t length, gust_output *output)
{
    return ((const char *)in)[length] == '\0' ? gust_output_write(output, in, length) : -1;
}

__attribute__((unused)) static int own_pid(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length;
    return gust_output_printf(output, "%d", (int)getpid());
}

__attribute__((unused)) static int forty_two(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    return 42;
}

__attribute__((unused)) static int exits(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    exit(3);
}

__attribute__((unused, noreturn)) static int sleeps_long(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    for (;;)
        sleep(1000);
}

__attribute__((unused)) static int writes_much(const void *in, size_t length, gust_output *output)
{
    size_t size;
    assert(length == sizeof(size));
    memcpy(&size, in, length);
    char *room = gust_output_room(output, size);
    if (!room)
        return -1;
    memset(room, 'x', size);
    return 0;
}

__attribute__((unused)) static void check_error(gust_processes *pool, gust_process_job *job, int code,
                                                const char *domain, int detail, const char *text)
{
    gust_result *result = (gust_result *)&result;
    assert_int_equal(gust_processes_run(pool, job, NULL, 0, &result), -1);
    assert_int_equal(errno, code);
    assert_null(result);
    assert_string_equal(gust_error_text(gust_error_last()), text);
    assert_string_equal(gust_error_domain(gust_error_last()), domain);
    assert_int_equal(gust_error_detail(gust_error_last()), detail);
}

__attribute__((unused)) static int pid_of(gust_processes *pool)
{
    gust_result *result;
    assert_int_equal(gust_processes_run(pool, own_pid, NULL, 0, &result), 0);
    int pid = atoi(result->data);
    gust_result_free(result);
    return pid;
}

#endif
