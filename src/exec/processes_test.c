/* Process pools: results, errors, deaths of workers, limits, the end. */
#include "exec/testing.h"

#include "base/random.h"
#include "coro/coroutine.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/resource.h>

/* ---- jobs ---- */

static int echo(const void *in, size_t length, gust_output *output)
{
    return ((const char *)in)[length] == '\0' ? gust_output_write(output, in, length) : -1;
}

static int own_pid(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length;
    return gust_output_printf(output, "%d", (int)getpid());
}

static int forty_two(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    return 42;
}

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

static int exits(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    exit(3);
}

static int killed_by_a_nameless_signal(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    kill(getpid(), SIGRTMIN + 1);
    return 0;
}

static __attribute__((noreturn)) int sleeps_long(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    for (;;)
        sleep(1000);
}

static __attribute__((noreturn)) int computes_long(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length, (void)output;
    for (volatile unsigned i = 0;; i++)
        ;
}

static int writes_much(const void *in, size_t length, gust_output *output)
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

static int writes_piecemeal(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length;
    for (int i = 0; i < 20000; i++) {
        if (gust_output_printf(output, "%d\n", i) < 0)
            return -1;
    }
    return 1;
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

static int random_number(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length;
    return gust_output_printf(output, "%lx", (unsigned long)gust__random_u64());
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

static int kind_of_descriptor(const void *in, size_t length, gust_output *output)
{
    int fd;
    struct stat status, null;
    memcpy(&fd, in, length);
    stat("/dev/null", &null);
    if (fstat(fd, &status) < 0)
        return -1;
    return gust_output_printf(output, "%s",
                              S_ISSOCK(status.st_mode)         ? "socket"
                              : S_ISREG(status.st_mode)        ? "file"
                              : S_ISFIFO(status.st_mode)       ? "pipe"
                              : status.st_rdev == null.st_rdev ? "null"
                                                               : "?");
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

static void check_error(gust_processes *pool, gust_process_job *job, int code, const char *domain, int detail,
                        const char *text)
{
    gust_result *result = (gust_result *)&result;
    assert_int_equal(gust_processes_run(pool, job, NULL, 0, &result), -1);
    assert_int_equal(errno, code);
    assert_null(result);
    assert_string_equal(gust_error_text(gust_error_last()), text);
    assert_string_equal(gust_error_domain(gust_error_last()), domain);
    assert_int_equal(gust_error_detail(gust_error_last()), detail);
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

static int pid_of(gust_processes *pool)
{
    gust_result *result;
    assert_int_equal(gust_processes_run(pool, own_pid, NULL, 0, &result), 0);
    int pid = atoi(result->data);
    gust_result_free(result);
    return pid;
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

/* ---- before threads and loops ---- */

static int make_a_pool_here(void *unused)
{
    (void)unused;
    assert_null(gust_processes_new());
    assert_int_equal(errno, EPERM);
    assert_non_null(strstr(gust_error_text(gust_error_last()), "earlier in main"));
    return 0;
}

static void a_running_loop_is_too_late(void **state)
{
    (void)state;
    assert_int_equal(gust_run(make_a_pool_here, NULL, 0), 0);
}

static struct gust__thread waiting;
static struct gust__lock gate_lock;
static struct gust__signal gate;
static bool gate_open;

static void wait_at_gate(void *unused)
{
    (void)unused;
    gust__lock_take(&gate_lock);
    while (!gate_open)
        gust__signal_wait(&gate, &gate_lock, INT64_MAX);
    gust__lock_drop(&gate_lock);
}

static int call_too_late(gust_processes *pool)
{
    assert_int_equal(gust_processes_run(pool, forty_two, NULL, 0, NULL), -1);
    assert_int_equal(errno, EPERM);
    assert_non_null(strstr(gust_error_text(gust_error_last()), "before the process has threads"));
    return 0;
}

static void a_process_with_threads_is_told_so(void **state)
{
    (void)state;
    gust_processes *late = gust_processes_new(.workers = 1), *early = gust_processes_new(.workers = 1);
    assert_int_equal(gust_processes_start(early), 0);
    assert_int_equal(gust__thread_start(&waiting, "test", wait_at_gate, NULL), 0);
    assert_null(gust_processes_new());
    assert_int_equal(errno, EPERM);
    assert_int_equal(gust_processes_start(late), -1);
    assert_int_equal(errno, EPERM);
    struct pool_run run = {late, call_too_late, 0};
    assert_int_equal(gust_run(run_with_pool, &run, GUST_S(30)), 0);
    run = (struct pool_run){early, get_results, 0};
    assert_int_equal(gust_run(run_with_pool, &run, GUST_S(30)), 0);
    gust__lock_take(&gate_lock);
    gate_open = true;
    gust__signal_wake_all(&gate);
    gust__lock_drop(&gate_lock);
    gust__thread_join(&waiting);
    gust_processes_free(late);
    gust_processes_free(early);
}

static void outside_coroutines_it_refuses(void **state)
{
    (void)state;
    gust_processes *pool = gust_processes_new(.workers = 1);
    assert_int_equal(gust_processes_run(pool, forty_two, NULL, 0, NULL), -1);
    assert_int_equal(errno, EDEADLK);
    assert_null(gust_processes_async(pool, forty_two, NULL, 0));
    assert_int_equal(errno, EDEADLK);
    assert_int_equal(gust_processes_drain(pool, 0), -1);
    assert_int_equal(errno, EDEADLK);
    gust_processes_free(pool);
}

/* ---- several threads ---- */

enum { CALLERS = 3, CALLS = 200 };

static int call_often(gust_processes *pool)
{
    for (int i = 0; i < CALLS; i++) {
        gust_future *one = gust_processes_async(pool, own_pid, NULL, 0);
        gust_future *other = gust_processes_async(pool, sleeps_long, NULL, 0);
        assert_true(one && other);
        if (i % 20 == 0) {
            gust_cancel(other);
            assert_int_equal(gust_await(other), -1);
        } else {
            gust_future_free(other);
        }
        assert_int_equal(gust_await(one), 0);
    }
    return 0;
}

static void run_caller(void *argument)
{
    struct pool_run *run = argument;
    run->result = gust_run(run_with_pool, run, GUST_S(60));
}

static void loops_of_several_threads_share_a_pool(void **state)
{
    (void)state;
    gust_processes *pool = gust_processes_new(.workers = 2);
    struct gust__thread threads[CALLERS];
    struct pool_run runs[CALLERS];
    assert_int_equal(gust_processes_start(pool), 0);
    for (int i = 0; i < CALLERS; i++) {
        runs[i] = (struct pool_run){pool, call_often, -1};
        assert_int_equal(gust__thread_start(&threads[i], "caller", run_caller, &runs[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        gust__thread_join(&threads[i]);
        assert_int_equal(runs[i].result, 0);
    }
    gust_processes_free(pool);
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

/* ---- what a worker has ---- */

static int open_before[3];

static int look_at_descriptors(gust_processes *pool)
{
    static const char *const kinds[] = {"null", "file", "null"};
    gust_result *result;
    for (size_t i = 0; i < GUST_LEN(kinds); i++) {
        assert_int_equal(gust_processes_run(pool, kind_of_descriptor, &open_before[i], sizeof(int), &result),
                         0);
        assert_string_equal(result->data, kinds[i]);
        gust_result_free(result);
    }
    return 0;
}

static void workers_have_files_but_no_sockets(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    open_before[0] = pair[0];
    open_before[1] = open("/proc/self/exe", O_RDONLY);
    open_before[2] = pair[1];
    with_pool(gust_processes_new(.workers = 1), look_at_descriptors);
    close(open_before[1]);
    close(pair[0]);
    close(pair[1]);
}

static int get_random_numbers(gust_processes *pool)
{
    char seen[4][20];
    gust_result *result;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(gust_processes_run(pool, random_number, NULL, 0, &result), 0);
        snprintf(seen[i], sizeof(seen[i]), "%s", result->data);
        gust_result_free(result);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(seen[i], seen[j]);
    }
    return 0;
}

static void each_worker_has_random_numbers_of_its_own(void **state)
{
    (void)state;
    gust__random_u64(); /* the zygote is born with a state */
    with_pool(gust_processes_new(.workers = 1, .max_tasks = 1), get_random_numbers);
}

static int call_what_was_loaded_later(gust_processes *pool)
{
    void *library = dlopen("libresolv.so.2", RTLD_NOW);
    assert_non_null(library);
    gust_process_job *job;
    *(void **)&job = dlsym(library, "ns_get16");
    assert_non_null(job);
    assert_int_equal(gust_processes_run(pool, job, NULL, 0, NULL), -1);
    assert_int_equal(errno, EINVAL);
    assert_non_null(strstr(gust_error_text(gust_error_last()), "loaded after"));
    dlclose(library);
    assert_int_equal(gust_processes_run(pool, NULL, NULL, 0, NULL), -1);
    assert_int_equal(errno, EINVAL);
    return 0;
}

static void functions_of_objects_loaded_later_are_refused(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 1), call_what_was_loaded_later);
}

static gust_processes *second_pool;

static int use_both(gust_processes *pool)
{
    assert_int_equal(gust_processes_run(pool, forty_two, NULL, 0, NULL), 42);
    assert_int_equal(gust_processes_run(second_pool, forty_two, NULL, 0, NULL), 42);
    return 0;
}

static void two_pools_and_two_loops_one_after_the_other(void **state)
{
    (void)state;
    gust_processes *pool = gust_processes_new(.workers = 1);
    second_pool = gust_processes_new(.workers = 2, .name = "a rather long name");
    for (int i = 0; i < 2; i++) {
        struct pool_run run = {pool, use_both, 0};
        assert_int_equal(gust_run(run_with_pool, &run, GUST_S(30)), 0);
    }
    gust_processes_free(second_pool);
    gust_processes_free(pool);
}

/* As a serving process does that was forked by gust_main. */
static void a_forked_process_gets_a_zygote_of_its_own(void **state)
{
    (void)state;
    gust_processes *pool = gust_processes_new(.workers = 1);
    assert_non_null(pool);
    assert_int_equal(gust__zygotes_start(), 0);
    pid_t child = fork();
    if (child == 0) {
        pid_t parents = pool->zygote;
        int started = gust__zygotes_start();
        struct pool_run run = {pool, get_results, 0};
        bool good = started == 0 && pool->zygote != parents && gust_run(run_with_pool, &run, GUST_S(30)) == 0;
        gust_processes_free(pool);
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct pool_run run = {pool, get_results, 0};
    assert_int_equal(gust_run(run_with_pool, &run, GUST_S(30)), 0);
    gust_processes_free(pool);
}

static void who_only_watches_starts_none(void **state)
{
    (void)state;
    gust_processes *pool = gust_processes_new(.workers = 1);
    assert_non_null(pool);
    pid_t child = fork();
    if (child == 0) {
        gust__zygotes_skip();
        gust_loop_free(gust_loop_new());
        bool good = pool->generation == 0;
        if (fork() == 0) {
            gust_loop_free(gust_loop_new());
            _exit(pool->generation != 0 ? 0 : 1);
        }
        int status;
        _exit(good && wait(&status) > 0 && status == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    gust_processes_free(pool);
}

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
        pool_test(beyond_the_queue_calls_are_refused),
        pool_test(arguments_and_results_have_their_limits),
        pool_test(memory_has_its_limit),
        pool_test(processor_time_has_its_limit),
        pool_test(a_worker_is_replaced_after_its_last_task),
        pool_test(options_that_make_no_sense_are_refused),
        pool_test(a_deadline_kills_the_worker_that_runs_the_job),
        pool_test(a_call_is_cancelled_while_it_waits_and_while_it_runs),
        pool_test(a_loop_may_close_while_calls_run),
        pool_test(a_drain_waits_for_what_was_accepted),
        pool_test(freeing_ends_what_a_drain_did_not_see_end),
        pool_test(the_zygotes_death_fails_all_calls_and_ends_the_workers),
        pool_test(a_running_loop_is_too_late),
        pool_test(a_process_with_threads_is_told_so),
        pool_test(outside_coroutines_it_refuses),
        pool_test(loops_of_several_threads_share_a_pool),
        pool_test(without_workers_calls_fail_until_there_are_some_again),
        pool_test(workers_have_files_but_no_sockets),
        pool_test(each_worker_has_random_numbers_of_its_own),
        pool_test(functions_of_objects_loaded_later_are_refused),
        pool_test(two_pools_and_two_loops_one_after_the_other),
        pool_test(a_forked_process_gets_a_zygote_of_its_own),
        pool_test(who_only_watches_starts_none),
        pool_test(large_arguments_are_copied_on_a_thread),
    };
    return cmocka_run_group_tests(tests, open_debugging_information, NULL);
}
