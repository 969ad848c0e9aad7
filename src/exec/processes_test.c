/* Process pools: results, errors, deaths of workers, interruptions, the end. */
#include "exec/testing_jobs.h"

#include "coro/coroutine.h"

/* ---- jobs ---- */

static int fail_with_detail(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    int volatile result = gust_error_set_detail("gai", 3, EPROTO, "far away"); /* no tail call */
    return result;
}

static __attribute__((noinline)) void throw_deep(void)
{
    gust_throw(EILSEQ, "thrown in %s", "a worker");
}

static int throws(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    throw_deep();
    return 0;
}

static int fails_silently(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    errno = 0;
    return -1;
}

static __attribute__((noinline)) int touch_nothing(void)
{
    int *volatile nowhere = (int *)64; /* not 0: sanitizers would speak of that themselves */
    *nowhere = 1;
    return *nowhere;
}

static int segfaults(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    return touch_nothing() + 1;
}

static int calls_nothing(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    int (*volatile nothing)(void) = NULL;
    return nothing() + 1;
}

static int aborts(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    abort();
}

static int kills_itself(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    kill(getpid(), SIGKILL);
    return 0;
}

static int sends_itself_term(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGINT);
    return 7;
}

static int killed_by_a_nameless_signal(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    kill(getpid(), SIGRTMIN + 1);
    return 0;
}

static int writes_piecemeal(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length;
    for (int i = 0; i < 20000; i++) {
        if (gust_output_printf(output, "%d\n", i) < 0)
            return -1;
    }
    return 1;
}

static int looks_around(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length;
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    struct sigaction pipe, term;
    sigaction(SIGPIPE, NULL, &pipe);
    sigaction(SIGTERM, NULL, &term);
    return gust_output_printf(output, "%d %d %d %d %d", gust__current == NULL, gust_loop_current() == NULL,
                              sigismember(&mask, SIGTERM), pipe.sa_handler == SIG_DFL,
                              term.sa_handler != SIG_IGN);
}

static int sleep_a_little(void *unused)
{
    (void)unused;
    return gust_sleep(GUST_MS(1));
}

static int makes_a_pool(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    return gust_processes_new() ? 0 : -1;
}

static int runs_a_loop(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    return gust_run(sleep_a_little, NULL, 0) < 0 ? -1 : 5;
}

static int starts_child_that_stays(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    if (fork() == 0) {
        sleep(2);
        _exit(0);
    }
    _exit(4);
}

static __attribute__((noreturn)) int closes_everything(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    for (int fd = 3; fd < 100; fd++)
        close(fd);
    for (;;)
        sleep(1000);
}

/* ---- results ---- */

static void check_text(gust_processes *pool, gust_process_job *job, const char *wanted)
{
    gust_result *result;
    assert_true(gust_processes_run(pool, job, NULL, 0, &result) >= 0);
    assert_string_equal(result->data, wanted);
    gust_result_free(result);
}

static int get_results(gust_processes *pool)
{
    gust_result *result;
    assert_int_equal(gust_processes_run(pool, echo, "hello", 5, &result), 0);
    assert_int_equal(result->len, 5);
    assert_string_equal(result->data, "hello");
    gust_result_free(result);
    assert_int_equal(gust_processes_run(pool, forty_two, NULL, 0, NULL), 42);
    assert_int_equal(gust_processes_run(pool, own_pid, NULL, 0, &result), 0);
    assert_int_not_equal(atoi(result->data), getpid());
    gust_result_free(result);
    result = gust_await_ptr(gust_processes_async(pool, echo, "\0x", 2));
    assert_int_equal(result->len, 2);
    assert_memory_equal(result->data, "\0x", 3);
    gust_result_free(result);
    check_text(pool, looks_around, "1 1 0 1 1");
    assert_int_equal(gust_processes_run(pool, runs_a_loop, NULL, 0, NULL), 5);
    assert_int_equal(gust_processes_run(pool, sends_itself_term, NULL, 0, NULL), 7);
    return 0;
}

static void results_come_back(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 2), get_results);
}

static void echo_sizes(gust_processes *pool, const size_t *sizes, size_t count)
{
    enum { most = 5000000 };
    char *data = malloc(most);
    for (size_t i = 0; i < most; i++)
        data[i] = (char)(i * 7 % 251);
    for (size_t i = 0; i < count; i++) {
        gust_result *result;
        assert_int_equal(gust_processes_run(pool, echo, data, sizes[i], &result), 0);
        assert_int_equal(result->len, sizes[i]);
        assert_memory_equal(result->data, data, sizes[i]);
        assert_int_equal(result->data[sizes[i]], '\0');
        gust_result_free(result);
    }
    free(data);
}

/* Around what goes in a message, and around a page. */
static int echo_usual_sizes(gust_processes *pool)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 32767, 32768, 32769, 65536, 1 << 20};
    gust_result *result;
    echo_sizes(pool, sizes, GUST_LEN(sizes));
    assert_int_equal(gust_processes_run(pool, writes_piecemeal, NULL, 0, &result), 1);
    assert_int_equal(result->len, 10 * 2 + 90 * 3 + 900 * 4 + 9000 * 5 + 10000 * 6);
    assert_string_equal(result->data + result->len - 12, "19998\n19999\n");
    gust_result_free(result);
    return 0;
}

static void arguments_and_results_of_all_sizes(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1), echo_usual_sizes);
}

static int echo_large_sizes(gust_processes *pool)
{
    static const size_t sizes[] = {(1 << 20) + 1, 5000000};
    echo_sizes(pool, sizes, GUST_LEN(sizes));
    return 0;
}

/* The last test: the process has threads afterwards. */
static void large_arguments_are_copied_on_a_thread(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1), echo_large_sizes);
    assert_null(gust_processes_new());
}

static int get_100_megabytes(gust_processes *pool)
{
    size_t size = 100u << 20;
    gust_result *result;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    assert_int_equal(gust_processes_run(pool, writes_much, &size, sizeof(size), &result), 0);
    getrusage(RUSAGE_SELF, &after);
    assert_int_equal(result->len, size);
    assert_true(after.ru_maxrss - before.ru_maxrss < 50 << 10); /* KiB: it was not copied into this process */
    for (size_t i = 0; i < size; i += 4096)
        assert_int_equal(result->data[i], 'x');
    assert_int_equal(result->data[size], '\0');
    gust_result_free(result);
    return 0;
}

static void a_result_of_100_megabytes_is_not_copied(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1), get_100_megabytes);
}

/* ---- errors ---- */

static bool frames_name(const char *function)
{
    void *const *frames;
    size_t count = gust_error_backtrace(gust_error_last(), &frames);
    struct gust__buffer text = {.max = 1 << 20};
    gust__backtrace_print(&text, frames, count);
    bool named = count > 0 && strstr(gust__buffer_bytes(&text), function);
    gust__buffer_fini(&text);
    return named;
}

/* Some files stay open. */
static int open_debugging_information(void **state)
{
    (void)state;
    gust_error_set(EIO, "somewhere");
    assert_true(frames_name("main"));
    gust_error_clear();
    return 0;
}

static size_t frame_count(void)
{
    void *const *frames;
    return gust_error_backtrace(gust_error_last(), &frames);
}

static int get_errors(gust_processes *pool)
{
    check_error(pool, fail_with_detail, EPROTO, "gai", 3, "far away");
    assert_true(frames_name("fail_with_detail"));
    check_error(pool, throws, EILSEQ, "errno", EILSEQ, "thrown in a worker");
    assert_true(frames_name("throw_deep"));
    assert_true(frames_name("throws"));
    assert_false(frames_name("gust__worker_run"));
    check_error(pool, makes_a_pool, EPERM, "errno", EPERM, "a worker has no process pools");
    check_error(pool, fails_silently, EIO, "errno", EIO, strerror(EIO));
    assert_int_equal(gust_processes_run(pool, forty_two, NULL, 0, NULL), 42);
    return 0;
}

static void a_jobs_errors_come_back_with_its_backtrace(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1), get_errors);
}

static int get_deaths(gust_processes *pool)
{
    check_error(pool, segfaults, ECHILD, "signal", SIGSEGV, "the worker was killed by SIGSEGV");
    assert_true(frames_name("touch_nothing"));
    assert_true(frames_name("segfaults"));
    check_error(pool, aborts, ECHILD, "signal", SIGABRT, "the worker was killed by SIGABRT");
    assert_true(frames_name("aborts"));
    check_error(pool, kills_itself, ECHILD, "signal", SIGKILL, "the worker was killed by SIGKILL");
    assert_int_equal(frame_count(), 0);
    check_error(pool, exits, ECHILD, "exit", 3, "the worker exited with status 3");
    assert_int_equal(frame_count(), 0);
    check_error(pool, killed_by_a_nameless_signal, ECHILD, "signal", 35,
                "the worker was killed by signal 35");
    check_error(pool, closes_everything, ECHILD, "signal", SIGKILL, "the worker was killed by SIGKILL");
    check_error(pool, starts_child_that_stays, ECHILD, "exit", 4, "the worker exited with status 4");
    assert_int_equal(gust_processes_run(pool, forty_two, NULL, 0, NULL), 42);
    return 0;
}

static void a_worker_that_dies_is_an_error_and_is_replaced(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1), get_deaths);
}

static int call_nothing(gust_processes *pool)
{
    check_error(pool, calls_nothing, ECHILD, "signal", SIGSEGV, "the worker was killed by SIGSEGV");
    assert_true(frames_name("calls_nothing"));
    return 0;
}

static void a_call_of_nothing_names_its_caller(void **state)
{
    (void)state;
#ifndef GUST__ASAN /* UndefinedBehaviorSanitizer ends the process before */
    with_pool(gust_processes_new(.workers = 1), call_nothing);
#else
    (void)call_nothing;
#endif
}

/* ---- interruptions ---- */

static int time_out(gust_processes *pool)
{
    int before = pid_of(pool);
    {
        GUST_DEADLINE(GUST_MS(20));
        assert_int_equal(gust_processes_run(pool, sleeps_long, NULL, 0, NULL), -1);
        assert_int_equal(errno, ETIMEDOUT);
    }
    assert_int_not_equal(pid_of(pool), before);
    assert_false(process_is_there(before));
    return 0;
}

static void a_deadline_kills_the_worker_that_runs_the_job(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1), time_out);
}

static int cancel_both(gust_processes *pool)
{
    gust_future *runs = gust_processes_async(pool, sleeps_long, NULL, 0);
    gust_future *waits = gust_processes_async(pool, sleeps_long, NULL, 0);
    gust_cancel(waits);
    assert_int_equal(gust_await(waits), -1);
    assert_int_equal(errno, ECANCELED);
    gust_sleep(GUST_MS(20));
    gust_cancel(runs);
    gust_cancel(runs);
    assert_int_equal(gust_await(runs), -1);
    assert_int_equal(errno, ECANCELED);
    gust_future *done = gust_processes_async(pool, forty_two, NULL, 0);
    assert_int_equal(gust_wait_any(&done, 1), 0);
    gust_cancel(done);
    assert_int_equal(gust_await(done), 42);
    return 0;
}

static void a_call_is_cancelled_while_it_waits_and_while_it_runs(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1), cancel_both);
}

static gust_future *left[4];

static int leave_some_behind(gust_processes *pool)
{
    for (int i = 0; i < 4; i++)
        assert_non_null(left[i] = gust_processes_async(pool, sleeps_long, NULL, 0));
    gust_future_free(gust_processes_async(pool, sleeps_long, NULL, 0));
    return 0;
}

static void a_loop_may_close_while_calls_run(void **state)
{
    (void)state;
    gust_processes *pool = gust_processes_new(.workers = 2);
    struct pool_run run = {pool, leave_some_behind, 0};
    assert_int_equal(gust_run(run_with_pool, &run, GUST_S(30)), 0);
    gust_processes_free(pool);
    for (int i = 0; i < 4; i++)
        gust_future_free(left[i]);
}

/* ---- the end ---- */

static int drain_after(gust_processes *pool)
{
    gust_future *futures[6];
    for (int i = 0; i < 6; i++)
        futures[i] = gust_processes_async(pool, forty_two, NULL, 0);
    assert_int_equal(gust_processes_drain(pool, 0), 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(gust_await(futures[i]), 42);
    assert_null(gust_processes_async(pool, forty_two, NULL, 0));
    assert_int_equal(errno, ESHUTDOWN);
    assert_int_equal(gust_processes_drain(pool, GUST_S(1)), 0);
    return 0;
}

static void a_drain_waits_for_what_was_accepted(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 2), drain_after);
}

static int drain_in_vain(gust_processes *pool)
{
    gust_future *long_one = gust_processes_async(pool, sleeps_long, NULL, 0);
    assert_int_equal(gust_processes_drain(pool, GUST_MS(20)), -1);
    assert_int_equal(errno, ETIMEDOUT);
    assert_false(gust_future_done(long_one));
    gust_processes_free(pool);
    assert_int_equal(gust_await(long_one), -1);
    assert_int_equal(errno, ECANCELED);
    return 0;
}

static void freeing_ends_what_a_drain_did_not_see_end(void **state)
{
    (void)state;
    struct pool_run run = {gust_processes_new(.workers = 1), drain_in_vain, 0};
    int before = count_children();
    assert_int_equal(gust_run(run_with_pool, &run, GUST_S(30)), 0);
    assert_int_equal(count_children(), before);
}

static int kill_the_zygote(gust_processes *pool)
{
    int worker = pid_of(pool);
    gust_future *runs = gust_processes_async(pool, sleeps_long, NULL, 0);
    gust_future *waits = gust_processes_async(pool, forty_two, NULL, 0);
    gust_sleep(GUST_MS(20));
    kill(pool->zygote, SIGKILL);
    assert_int_equal(gust_await(runs), -1);
    assert_int_equal(errno, ECHILD);
    assert_string_equal(gust_error_text(gust_error_last()),
                        "the process pool's zygote was killed by SIGKILL");
    assert_int_equal(gust_error_detail(gust_error_last()), SIGKILL);
    assert_int_equal(gust_await(waits), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(gust_processes_run(pool, forty_two, NULL, 0, NULL), -1);
    assert_int_equal(errno, ECHILD);
    for (int i = 0; i < 5000 && process_is_there(worker); i++)
        gust_sleep(GUST_MS(1));
    assert_false(process_is_there(worker));
    assert_int_equal(gust_processes_drain(pool, 0), 0);
    return 0;
}

static void the_zygotes_death_fails_all_calls_and_ends_the_workers(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1), kill_the_zygote);
}

/* ---- what a worker has ---- */

static pid_t test_process;

/* What programs register for their own end, a worker that calls exit must not run. */
static void is_for_the_test_alone(void)
{
    if (getpid() != test_process)
        abort();
}

int main(void)
{
    test_process = getpid();
    atexit(is_for_the_test_alone);
    const struct CMUnitTest tests[] = {
        pool_test(results_come_back),
        pool_test(arguments_and_results_of_all_sizes),
        pool_test(a_result_of_100_megabytes_is_not_copied),
        pool_test(a_jobs_errors_come_back_with_its_backtrace),
        pool_test(a_worker_that_dies_is_an_error_and_is_replaced),
        pool_test(a_call_of_nothing_names_its_caller),
        pool_test(a_deadline_kills_the_worker_that_runs_the_job),
        pool_test(a_call_is_cancelled_while_it_waits_and_while_it_runs),
        pool_test(a_loop_may_close_while_calls_run),
        pool_test(a_drain_waits_for_what_was_accepted),
        pool_test(freeing_ends_what_a_drain_did_not_see_end),
        pool_test(the_zygotes_death_fails_all_calls_and_ends_the_workers),
        pool_test(large_arguments_are_copied_on_a_thread),
    };
    return cmocka_run_group_tests(tests, open_debugging_information, NULL);
}
