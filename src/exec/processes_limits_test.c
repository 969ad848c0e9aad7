/* Process pools: limits, and no descriptors left. */
#include "exec/testing_jobs.h"

#include <sys/resource.h>

/* ---- jobs ---- */

static __attribute__((noreturn)) int computes_long(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    for (volatile unsigned i = 0;; i++)
        ;
}

static int allocates(const void *in, size_t length, gust_output *output)
{
    size_t size;
    memcpy(&size, in, length);
    (void)output;
    char *memory = malloc(size);
    if (!memory)
        return gust_error_set(errno, "no %zu bytes", size);
    memset(memory, 1, size);
    free(memory);
    return 1;
}

/* ---- limits ---- */

static int fill_up(gust_processes *pool)
{
    gust_future *futures[3];
    for (int i = 0; i < 3; i++)
        assert_non_null(futures[i] = gust_processes_async(pool, sleeps_long, NULL, 0));
    assert_null(gust_processes_async(pool, forty_two, NULL, 0));
    assert_int_equal(errno, EAGAIN);
    for (int i = 0; i < 3; i++)
        gust_future_free(futures[i]);
    while (gust_processes_run(pool, forty_two, NULL, 0, NULL) != 42) { /* once their ends are known */
        assert_int_equal(errno, EAGAIN);
        gust_sleep(GUST_MS(1));
    }
    return 0;
}

static void beyond_the_queue_calls_are_refused(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1, .max_queue = 2), fill_up);
}

static int around_sizes(gust_processes *pool)
{
    static char data[101];
    gust_result *result;
    for (size_t size = 49999; size <= 50000; size++) {
        assert_int_equal(gust_processes_run(pool, writes_much, &size, sizeof(size), &result), 0);
        assert_int_equal(result->len, size);
        gust_result_free(result);
    }
    size_t above = 50001;
    assert_int_equal(gust_processes_run(pool, writes_much, &above, sizeof(above), &result), -1);
    assert_int_equal(errno, ENOBUFS);
    assert_int_equal(gust_processes_run(pool, echo, data, 99, NULL), 0);
    assert_int_equal(gust_processes_run(pool, echo, data, 100, NULL), 0);
    assert_int_equal(gust_processes_run(pool, echo, data, 101, NULL), -1);
    assert_int_equal(errno, EMSGSIZE);
    return 0;
}

static void arguments_and_results_have_their_limits(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1, .max_argument = 100, .max_result = 50000), around_sizes);
}

static int around_memory(gust_processes *pool)
{
    size_t below = 100 << 20, above = 300 << 20;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(gust_processes_run(pool, allocates, &below, sizeof(below), NULL), 1);
        assert_int_equal(gust_processes_run(pool, allocates, &above, sizeof(above), NULL), -1);
        assert_int_equal(errno, ENOMEM);
    }
    size_t size = above; /* results are none of it */
    assert_int_equal(gust_processes_run(pool, writes_much, &size, sizeof(size), NULL), 0);
    return 0;
}

static void memory_has_its_limit(void **state)
{
    (void)state;
#if !defined(GUST__ASAN) && !defined(GUST__TSAN) /* their malloc ends the process */
    with_pool(gust_processes_new(.workers = 1, .max_memory = 200 << 20), around_memory);
#else
    (void)around_memory;
#endif
}

static int computes_100_ms(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    struct timespec begin, now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    do {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < 100);
    return 1;
}

static int around_processor_time(gust_processes *pool)
{
    check_error(pool, computes_long, ECHILD, "signal", SIGXCPU,
                "the worker was killed: its job used more than 0.2 s of processor time");
    gust_future *sleeps = gust_processes_async(pool, sleeps_long, NULL, 0); /* uses none */
    gust_sleep(GUST_MS(500));
    assert_false(gust_future_done(sleeps));
    gust_future_free(sleeps);
    for (int i = 0; i < 4; i++) /* it is each job's own */
        assert_int_equal(gust_processes_run(pool, computes_100_ms, NULL, 0, NULL), 1);
    return 0;
}

static void processor_time_has_its_limit(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1, .max_cpu = GUST_MS(200)), around_processor_time);
}

static int run_five(gust_processes *pool)
{
    int pids[5];
    for (int i = 0; i < 5; i++)
        pids[i] = pid_of(pool);
    assert_int_equal(pids[0], pids[1]);
    assert_int_not_equal(pids[1], pids[2]);
    assert_int_equal(pids[2], pids[3]);
    assert_int_not_equal(pids[3], pids[4]);
    return 0;
}

static void a_worker_is_replaced_after_its_last_task(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1, .max_tasks = 2), run_five);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    assert_null(gust_processes_new(.workers = 1025));
    assert_int_equal(errno, EINVAL);
    assert_null(gust_processes_new(.max_cpu = -1));
    assert_int_equal(errno, EINVAL);
    gust_processes *most = gust_processes_new(.workers = 1024);
    assert_non_null(most);
    gust_processes_free(most);
    gust_processes_free(NULL);
}

/* ---- no descriptors ---- */

static int run_out_of_descriptors(gust_processes *pool)
{
    struct rlimit usual, low;
    gust_processes_run(pool, forty_two, NULL, 0, NULL);
    int next = dup(0); /* the lowest free number; a worker's socket, which its end gives back, is below */
    close(next);
    getrlimit(RLIMIT_NOFILE, &usual);
    low = (struct rlimit){(rlim_t)next, usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    check_error(pool, exits, ECHILD, "exit", 3, "the worker exited with status 3");
    int result = gust_processes_run(pool, forty_two, NULL, 0, NULL), code = errno;
    const char *text = gust_error_text(gust_error_last());
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_int_equal(result, -1);
    assert_int_equal(code, EMFILE);
    assert_string_equal(text, "no worker could be forked: Too many open files");
    for (int i = 0; i < 10000 && gust_processes_run(pool, forty_two, NULL, 0, NULL) != 42; i++)
        gust_sleep(GUST_MS(1));
    assert_int_equal(gust_processes_run(pool, forty_two, NULL, 0, NULL), 42);
    return 0;
}

static void without_workers_calls_fail_until_there_are_some_again(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1), run_out_of_descriptors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(beyond_the_queue_calls_are_refused),
        pool_test(arguments_and_results_have_their_limits),
        pool_test(memory_has_its_limit),
        pool_test(processor_time_has_its_limit),
        pool_test(a_worker_is_replaced_after_its_last_task),
        pool_test(options_that_make_no_sense_are_refused),
        pool_test(without_workers_calls_fail_until_there_are_some_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
