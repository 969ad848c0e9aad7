/* Subprocesses: started, talked to, waited for; killed with their group, reaped, and nothing left behind. */
#include "pool/loop_for_tests.h"

#include "base/children.h"
#include "base/error_int.h"

#include <gust/coroutine.h>
#include <gust/log.h>
#include <gust/subprocess.h>

#include <signal.h>
#include <sys/wait.h>

static int set_up(void **state)
{
    gust_log_set_level(GUST_ERROR);
    return set_up_loop(state);
}

/* Closing the loop has reaped all. */
static int tear_down(void **state)
{
    siginfo_t info;
    int result = tear_down_loop(state);
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(gust__children_count(), 0);
    return result;
}

#define subprocess_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
#define SHELL(script)             GUST_ARGV("sh", "-c", script)

/* ---- how it ends ---- */

struct script {
    const char *const *arguments;
    int code;
    int error;
    int detail;
    char domain[16];
    int status;
};

static int run_script(void *argument)
{
    struct script *script = argument;
    gust_subprocess *process = gust_subprocess_new(script->arguments);
    assert_non_null(process);
    assert_true(gust__children_owns(gust_subprocess_id(process)));
    script->code = gust_subprocess_wait(process);
    script->error = errno;
    script->detail = gust_error_detail(gust_error_last());
    snprintf(script->domain, sizeof(script->domain), "%s", gust_error_domain(gust_error_last()));
    script->status = gust_subprocess_status(process);
    gust_subprocess_free(process);
    return 0;
}

static void gives_the_exit_code(void **state)
{
    (void)state;
    static const char *const scripts[] = {"exit 0", "exit 1", "exit 255"};
    static const int codes[] = {0, 1, 255};
    for (size_t i = 0; i < GUST_LEN(scripts); i++) {
        struct script script = {.arguments = SHELL(scripts[i])};
        in_coroutine(run_script, &script);
        assert_int_equal(script.code, codes[i]);
        assert_int_equal(script.status, codes[i]);
    }
}

static void gives_the_signal(void **state)
{
    (void)state;
    static const char *const scripts[] = {"kill -HUP $$", "kill -KILL $$"};
    static const int signals[] = {SIGHUP, SIGKILL};
    for (size_t i = 0; i < GUST_LEN(scripts); i++) {
        struct script script = {.arguments = SHELL(scripts[i])};
        in_coroutine(run_script, &script);
        assert_int_equal(script.code, -1);
        assert_int_equal(script.error, ECHILD);
        assert_string_equal(script.domain, "signal");
        assert_int_equal(script.detail, signals[i]);
        assert_int_equal(script.status, -signals[i]);
    }
}

/* ---- what does not start ---- */

static int fail_to_start(void *argument)
{
    (void)argument;
    gust_subprocess_options options = {.size = sizeof(options)};
    assert_null(gust_subprocess_new(GUST_ARGV("/no/such/program")));
    assert_int_equal(errno, ENOENT);
    assert_string_equal(gust_error_text(gust_error_last()),
                        "cannot run /no/such/program: No such file or directory");
    assert_null(gust_subprocess_new(GUST_ARGV("no-such-program-in-path")));
    assert_int_equal(errno, ENOENT);
    assert_null(gust_subprocess_new(GUST_ARGV("/etc/passwd")));
    assert_int_equal(errno, EACCES);
    assert_null(gust_subprocess_new(SHELL("exit 0"), .directory = "/no/such/directory"));
    assert_int_equal(errno, ENOENT);
    assert_null(gust_subprocess_new(SHELL("exit 0"), .out = 9999));
    assert_int_equal(errno, EBADF);
    assert_null(gust_subprocess_new(SHELL("exit 0"), .out = GUST_AS_OUT));
    assert_int_equal(errno, EINVAL);
    assert_null(gust_subprocess_new_with((const char *const[]){NULL}, &options));
    assert_int_equal(errno, EINVAL);
    return 0;
}

static void says_why_it_does_not_start(void **state)
{
    (void)state;
    in_coroutine(fail_to_start, NULL);
}

static void starts_outside_coroutines_too(void **state)
{
    (void)state;
    assert_null(gust_subprocess_new(GUST_ARGV("/no/such/program")));
    assert_int_equal(errno, ENOENT);
    gust_subprocess *process = gust_subprocess_new(SHELL("exit 3"));
    assert_non_null(process);
    assert_int_equal(gust_subprocess_wait(process), -1);
    assert_int_equal(errno, EDEADLK);
    RUN_UNTIL(gust_subprocess_status(process) != GUST_RUNNING);
    assert_int_equal(gust_subprocess_status(process), 3);
    gust_subprocess_free(process);
    gust_subprocess_free(NULL);
}

/* ---- what the program begins with ---- */

static char *output_of(const char *script)
{
    char *text = NULL;
    int code = gust_command(SHELL(script), .out = &text);
    assert_int_equal(code, 0);
    return text;
}

static int look_at_child(void *argument)
{
    (void)argument;
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    void (*broken)(int) = signal(SIGPIPE, SIG_IGN);
    int foreign = fcntl(2, F_DUPFD, 50); /* one that somebody opened without O_CLOEXEC */
    char *text = output_of("grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd; ps -o pgid= -p $$ | "
                           "grep -qw $$ && echo leads its group");
    signal(SIGPIPE, broken);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(foreign);
    /* Ignored are the two signals that glibc has for itself: its posix_spawn leaves them so. 3: ls reads the
     * directory by it. */
    assert_string_equal(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000180000000\n"
                              "0\n1\n2\n3\nleads its group\n");
    free(text);
    return 0;
}

static void it_begins_as_any_program_does(void **state)
{
    (void)state;
    in_coroutine(look_at_child, NULL);
}

static int run_elsewhere(void *argument)
{
    (void)argument;
    char *out, *err;
    size_t err_len;
    const char *const environment[] = {"COLOUR=green", NULL};
    int code = gust_command(SHELL("pwd; echo $COLOUR $HOME; echo wrong >&2"), .directory = "/proc",
                            .environment = environment, .out = &out, .err = &err, .err_len = &err_len);
    assert_int_equal(code, 0);
    assert_string_equal(out, "/proc\ngreen\n");
    assert_string_equal(err, "wrong\n");
    assert_int_equal(err_len, 6);
    free(out);
    free(err);
    code = gust_command(SHELL("echo a; echo b >&2; echo c"), .out = &out, .err_as_out = true);
    assert_int_equal(code, 0);
    assert_string_equal(out, "a\nb\nc\n");
    free(out);
    code = gust_command(SHELL("exit 0"), .out = &out, .err = &err, .err_as_out = true);
    assert_int_equal(code, -1);
    assert_int_equal(errno, EINVAL);
    return 0;
}

static void takes_a_directory_and_an_environment(void **state)
{
    (void)state;
    in_coroutine(run_elsewhere, NULL);
}

/* Standard descriptors may be closed here, and then a pipe gets their numbers. */
static int run_without_standard_descriptors(void *argument)
{
    (void)argument;
    char *out = NULL;
    int kept[2] = {fcntl(0, F_DUPFD_CLOEXEC, 10), fcntl(1, F_DUPFD_CLOEXEC, 10)};
    close(0);
    close(1);
    int code =
        gust_command(SHELL("cat; echo wrong >&2"), .in = {"text ", 5}, .out = &out, .err_as_out = true);
    dup2(kept[0], 0);
    dup2(kept[1], 1);
    close(kept[0]);
    close(kept[1]);
    assert_int_equal(code, 0);
    assert_string_equal(out, "text wrong\n");
    free(out);
    return 0;
}

static void works_with_standard_descriptors_closed(void **state)
{
    (void)state;
    in_coroutine(run_without_standard_descriptors, NULL);
}

static int give_descriptors(void *argument)
{
    (void)argument;
    int ends[2];
    char got[10] = "";
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    gust_subprocess *process = gust_subprocess_new(SHELL("echo here >&2"), .err = ends[1]);
    assert_non_null(process);
    close(ends[1]);
    assert_int_equal(gust_subprocess_wait(process), 0);
    assert_int_equal(read(ends[0], got, sizeof(got)), 5);
    assert_string_equal(got, "here\n");
    assert_int_equal(read(ends[0], got, sizeof(got)), 0);
    close(ends[0]);
    gust_subprocess_free(process);
    return 0;
}

static void takes_descriptors(void **state)
{
    (void)state;
    in_coroutine(give_descriptors, NULL);
}

/* ---- much data, and limits ---- */

static int copy_through_cat(void *argument)
{
    (void)argument;
    enum { size = 8 << 20 };
    char *data = malloc(size), *out = NULL;
    size_t length;
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 2654435761U >> 24);
    int code = gust_command(GUST_ARGV("cat"), .in = {data, size}, .out = &out, .out_len = &length);
    assert_int_equal(code, 0);
    assert_int_equal(length, size);
    assert_memory_equal(out, data, size);
    free(out);
    code = gust_command(GUST_ARGV("head", "-c", "3"), .in = {"abcdef", 6}, .out = &out);
    assert_int_equal(code, 0);
    assert_string_equal(out, "abc");
    free(out);
    code = gust_command(GUST_ARGV("true"), .in = {data, size}, .out = &out, .out_len = &length);
    assert_int_equal(code, 0);
    assert_int_equal(length, 0);
    assert_string_equal(out, "");
    free(out);
    free(data);
    return 0;
}

static void much_goes_both_ways(void **state)
{
    (void)state;
    in_coroutine(copy_through_cat, NULL);
}

static int write_some(void *argument)
{
    (void)argument;
    static const char *const sizes[] = {"99999", "100000", "100001"};
    for (size_t i = 0; i < GUST_LEN(sizes); i++) {
        char *out = NULL;
        size_t length = 0;
        int code = gust_command(GUST_ARGV("head", "-c", sizes[i], "/dev/zero"), .out = &out,
                                .out_len = &length, .max_output = 100000);
        assert_int_equal(code, i < 2 ? 0 : -1);
        if (code < 0)
            assert_int_equal(errno, EMSGSIZE);
        assert_int_equal(length, i < 2 ? 99999 + i : 0);
        assert_int_equal(out != NULL, i < 2);
        free(out);
    }
    char *out = NULL;
    assert_int_equal(gust_command(GUST_ARGV("yes"), .out = &out, .max_output = 1), -1);
    assert_int_equal(errno, EMSGSIZE);
    return 0;
}

static void keeps_no_more_output_than_allowed(void **state)
{
    (void)state;
    in_coroutine(write_some, NULL);
}

static int talk(void *argument)
{
    (void)argument;
    gust_bytes line;
    gust_subprocess *process = gust_subprocess_new(SHELL("while read a; do echo \"$a$a\"; done; exit 4"),
                                                   .in = GUST_PIPE, .out = GUST_PIPE);
    assert_non_null(process);
    assert_null(gust_subprocess_err(process));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(gust_stream_printf(gust_subprocess_in(process), "%d\n", i), 0);
        assert_int_equal(gust_stream_read_until(gust_subprocess_out(process), "\n", 10, &line), 3);
        assert_int_equal(atoi(line.data), 11 * i);
    }
    assert_int_equal(gust_subprocess_status(process), GUST_RUNNING);
    assert_int_equal(gust_stream_close(gust_subprocess_in(process)), 0);
    assert_int_equal(gust_subprocess_wait(process), 4);
    assert_int_equal(gust_subprocess_wait(process), 4);
    gust_subprocess_free(process);
    return 0;
}

static void talks_by_streams(void **state)
{
    (void)state;
    in_coroutine(talk, NULL);
}

/* ---- killed, with its group ---- */

#define WITH_GRANDCHILD "sleep 1000 & sleep 1000; exit 1"

/* A pipe whose writing end processes hold: it ends when the last of them is gone. */
static int held[2];

static void hold(void)
{
    assert_int_equal(pipe2(held, O_CLOEXEC), 0);
}

static void all_are_gone(void)
{
    char byte;
    close(held[1]);
    assert_int_equal(read(held[0], &byte, 1), 0);
    close(held[0]);
}

static int run_out_of_time(void *argument)
{
    (void)argument;
    hold();
    gust_subprocess *process =
        gust_subprocess_new(SHELL(WITH_GRANDCHILD), .out = held[1], .timeout = GUST_MS(50));
    assert_non_null(process);
    assert_int_equal(gust_subprocess_wait(process), -1);
    assert_int_equal(errno, ETIMEDOUT);
    assert_int_equal(gust_subprocess_status(process), -SIGKILL);
    all_are_gone();
    gust_subprocess_free(process);
    char *out = NULL; /* it ends in time, what it started does not */
    assert_int_equal(gust_command(SHELL("sleep 1000 & exit 0"), .out = &out, .timeout = GUST_MS(50)), -1);
    assert_int_equal(errno, ETIMEDOUT);
    assert_null(out);
    assert_int_equal(gust_command(SHELL("exit 5"), .timeout = GUST_S(1000)), 5);
    return 0;
}

static void its_time_out_kills_the_group(void **state)
{
    (void)state;
    in_coroutine(run_out_of_time, NULL);
}

static int free_running(void *argument)
{
    (void)argument;
    hold();
    gust_subprocess *process = gust_subprocess_new(SHELL(WITH_GRANDCHILD), .out = held[1]);
    assert_non_null(process);
    gust_future *end = gust_subprocess_wait_async(process);
    gust_subprocess_free(process);
    assert_int_equal(gust_await(end), -1);
    assert_int_equal(errno, ECANCELED);
    all_are_gone();
    return 0;
}

static void freeing_kills_the_group(void **state)
{
    (void)state;
    in_coroutine(free_running, NULL);
    RUN_UNTIL(gust__children_count() == 0); /* reaped by the loop, nobody waits for it */
}

static int free_after_its_end(void *argument)
{
    (void)argument;
    hold();
    gust_subprocess *process = gust_subprocess_new(SHELL("sleep 1000 & exit 6"), .out = held[1]);
    assert_non_null(process);
    assert_int_equal(gust_subprocess_wait(process), 6);
    gust_subprocess_free(process);
    all_are_gone();
    return 0;
}

static void freeing_kills_what_it_left_behind(void **state)
{
    (void)state;
    in_coroutine(free_after_its_end, NULL);
}

static int start_and_leave(void *argument)
{
    const char *how = argument;
    gust_subprocess *process = gust_subprocess_new(SHELL(WITH_GRANDCHILD), .out = held[1], .in = GUST_PIPE);
    assert_non_null(process);
    if (strcmp(how, "throws") == 0)
        gust_throw(EIO, "away");
    if (strcmp(how, "fails") == 0)
        return gust_error_set(EIO, "away");
    return 0;
}

static int start_in_child(void *how)
{
    hold();
    GUST_GROUP(group);
    gust_go(&group, start_and_leave, how);
    gust_group_wait(&group);
    all_are_gone(); /* which blocks the thread, and the loop with it: all was done at the child's end */
    return 0;
}

static void the_coroutines_end_kills(void **state)
{
    (void)state;
    in_coroutine(start_in_child, "returns");
    in_coroutine(start_in_child, "fails");
    in_coroutine(start_in_child, "throws");
}

static int start_and_wait(void *argument)
{
    (void)argument;
    gust_subprocess *process = gust_subprocess_new(SHELL(WITH_GRANDCHILD), .out = held[1]);
    assert_non_null(process);
    assert_int_equal(gust_subprocess_wait(process), -1);
    assert_int_equal(errno, ECANCELED);
    assert_int_equal(gust_subprocess_status(process), GUST_RUNNING);
    return -1;
}

static int cancel_child(void *argument)
{
    (void)argument;
    hold();
    GUST_GROUP(group);
    gust_go(&group, start_and_wait, NULL);
    while (gust__children_count() == 0)
        gust_sleep(GUST_MS(1));
    gust_sleep(GUST_MS(1));
    gust_group_cancel(&group);
    gust_group_wait(&group);
    all_are_gone();
    return 0;
}

static void a_cancelled_coroutine_kills(void **state)
{
    (void)state;
    in_coroutine(cancel_child, NULL);
}

static int interrupt_command(void *argument)
{
    (void)argument;
    hold();
    char *out = NULL;
    {
        GUST_DEADLINE(GUST_MS(100));
        assert_int_equal(gust_command(SHELL(WITH_GRANDCHILD), .out = &out, .err_as_out = true), -1);
        assert_int_equal(errno, ETIMEDOUT);
        assert_null(out);
    }
    all_are_gone();
    return 0;
}

static void a_deadline_ends_a_command(void **state)
{
    (void)state;
    in_coroutine(interrupt_command, NULL);
}

static gust_subprocess *kept;

static int start_detached(void *argument)
{
    (void)argument;
    hold();
    kept = gust_subprocess_new(SHELL(WITH_GRANDCHILD), .out = held[1], .detached = true);
    assert_non_null(kept);
    return 0;
}

static void a_detached_one_stays(void **state)
{
    (void)state;
    in_coroutine(start_detached, NULL);
    settle();
    assert_int_equal(gust_subprocess_status(kept), GUST_RUNNING);
    assert_int_equal(kill(gust_subprocess_id(kept), 0), 0);
    assert_int_equal(gust_subprocess_signal(kept, 99), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(gust_subprocess_signal(kept, SIGTERM), 0);
    RUN_UNTIL(gust_subprocess_status(kept) != GUST_RUNNING);
    assert_int_equal(gust_subprocess_status(kept), -SIGTERM);
    all_are_gone();
    gust_subprocess_free(kept);
}

static void the_loops_end_kills(void **state)
{
    (void)state;
    in_coroutine(start_detached, NULL);
    gust_subprocess *other = gust_subprocess_new(SHELL("sleep 1000"), .in = GUST_PIPE, .out = GUST_PIPE);
    assert_non_null(other);
    gust_loop_close(test_loop);
    all_are_gone();
    assert_int_equal(gust__children_count(), 0);
    assert_int_equal(gust_subprocess_status(kept), -SIGKILL);
    assert_int_equal(gust_subprocess_signal(kept, SIGTERM), -1);
    assert_int_equal(errno, ESRCH);
    gust_subprocess_free(kept);
    gust_subprocess_free(other);
}

static int start_when_cancelled(void *argument)
{
    assert_int_equal(gust_sleep(GUST_S(1000)), -1);
    assert_null(gust_subprocess_new(SHELL("exit 0")));
    *(int *)argument = errno;
    return 0;
}

static void a_closing_loop_starts_none(void **state)
{
    (void)state;
    int code = 0;
    assert_non_null(gust__coroutine_start(test_loop, NULL, NULL, start_when_cancelled, &code));
    settle();
    gust_loop_close(test_loop);
    assert_int_equal(code, ECANCELED);
}

/* ---- waiting ---- */

static int wait_by_many(void *argument)
{
    (void)argument;
    gust_future *futures[3];
    gust_subprocess *process = gust_subprocess_new(SHELL("read a; exit 8"), .in = GUST_PIPE);
    assert_non_null(process);
    for (size_t i = 0; i < 3; i++)
        assert_non_null(futures[i] = gust_subprocess_wait_async(process));
    gust_cancel(futures[1]);
    gust_future_free(futures[2]);
    {
        GUST_DEADLINE(GUST_MS(1));
        assert_int_equal(gust_subprocess_wait(process), -1);
        assert_int_equal(errno, ETIMEDOUT);
    }
    gust_stream_close(gust_subprocess_in(process));
    assert_int_equal(gust_await(futures[0]), 8);
    assert_int_equal(gust_await(futures[1]), -1);
    assert_int_equal(errno, ECANCELED);
    assert_int_equal(gust_await(gust_subprocess_wait_async(process)), 8);
    gust_subprocess_free(process);
    return 0;
}

static void many_may_wait(void **state)
{
    (void)state;
    in_coroutine(wait_by_many, NULL);
}

static int lose_to_a_stranger(void *informed)
{
    siginfo_t info = {0};
    gust_subprocess *process = gust_subprocess_new(SHELL("exit 9"));
    assert_non_null(process);
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(info.si_pid, gust_subprocess_id(process));
    if (informed)
        assert_true(gust__children_take(info.si_pid));
    else
        assert_int_equal(waitpid(info.si_pid, NULL, 0), info.si_pid);
    int code = gust_subprocess_wait(process);
    assert_int_equal(code, informed ? 9 : -1);
    if (!informed)
        assert_int_equal(errno, ECHILD);
    assert_int_equal(gust_subprocess_status(process), informed ? 9 : GUST_UNKNOWN);
    assert_int_equal(gust_subprocess_signal(process, SIGKILL), -1);
    assert_int_equal(errno, ESRCH);
    gust_subprocess_free(process);
    return 0;
}

static void one_that_a_stranger_reaped_has_ended(void **state)
{
    (void)state;
    in_coroutine(lose_to_a_stranger, NULL);
    in_coroutine(lose_to_a_stranger, "informed");
}

static int run_true(void *argument)
{
    (void)argument;
    return gust_command(GUST_ARGV("true"));
}

static int run_many(void *argument)
{
    (void)argument;
    GUST_GROUP(group);
    for (int i = 0; i < 50; i++)
        gust_go(&group, run_true, NULL);
    return gust_group_wait(&group);
}

static void many_run_at_once(void **state)
{
    (void)state;
    assert_int_equal(in_coroutine(run_many, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        subprocess_test(gives_the_exit_code),
        subprocess_test(gives_the_signal),
        subprocess_test(says_why_it_does_not_start),
        subprocess_test(starts_outside_coroutines_too),
        subprocess_test(it_begins_as_any_program_does),
        subprocess_test(takes_a_directory_and_an_environment),
        subprocess_test(works_with_standard_descriptors_closed),
        subprocess_test(takes_descriptors),
        subprocess_test(much_goes_both_ways),
        subprocess_test(keeps_no_more_output_than_allowed),
        subprocess_test(talks_by_streams),
        subprocess_test(its_time_out_kills_the_group),
        subprocess_test(freeing_kills_the_group),
        subprocess_test(freeing_kills_what_it_left_behind),
        subprocess_test(the_coroutines_end_kills),
        subprocess_test(a_cancelled_coroutine_kills),
        subprocess_test(a_deadline_ends_a_command),
        subprocess_test(a_detached_one_stays),
        subprocess_test(the_loops_end_kills),
        subprocess_test(a_closing_loop_starts_none),
        subprocess_test(many_may_wait),
        subprocess_test(one_that_a_stranger_reaped_has_ended),
        subprocess_test(many_run_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
