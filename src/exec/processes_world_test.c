/* Process pools among threads, loops, forks and other pools, and what a worker inherits. */
#include "exec/testing_jobs.h"

#include "base/random.h"

#include <dlfcn.h>

/* The pool works. */
static int answers(gust_processes *pool)
{
    assert_int_equal(gust_processes_run(pool, forty_two, NULL, 0, NULL), 42);
    return 0;
}

/* ---- jobs ---- */

static int random_number(const void *in, size_t length, gust_output *output)
{
    (void)in, (void)length;
    return gust_output_printf(output, "%lx", (unsigned long)gust__random_u64());
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
    run = (struct pool_run){early, answers, 0};
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
        struct pool_run run = {pool, answers, 0};
        bool good = started == 0 && pool->zygote != parents && gust_run(run_with_pool, &run, GUST_S(30)) == 0;
        gust_processes_free(pool);
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct pool_run run = {pool, answers, 0};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(a_running_loop_is_too_late),
        pool_test(a_process_with_threads_is_told_so),
        pool_test(outside_coroutines_it_refuses),
        pool_test(loops_of_several_threads_share_a_pool),
        pool_test(workers_have_files_but_no_sockets),
        pool_test(each_worker_has_random_numbers_of_its_own),
        pool_test(functions_of_objects_loaded_later_are_refused),
        pool_test(two_pools_and_two_loops_one_after_the_other),
        pool_test(a_forked_process_gets_a_zygote_of_its_own),
        pool_test(who_only_watches_starts_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
