#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/sanitize.h"
#include "base/faults.h"
#include "base/sys.h"
#include "base/throw.h"
#include "loop/loop_int.h"

#include <dirent.h>
#include <errno.h>
#include <gust/log.h>
#include <gust/scope.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- What the tests share ---- */

static unsigned log_lines;

static void count_line(void *arg, const gust_log_line *line)
{
    (void)arg, (void)line;
    log_lines++;
}

static int begin(void **state)
{
    log_lines = 0;
    gust_log_sink(count_line, NULL);
    *state = gust_loop_new();
    return *state ? 0 : -1;
}

static int end(void **state)
{
    gust_loop_free(*state);
    gust_log_sink(NULL, NULL);
    return 0;
}

static int open_descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static int stop(void *loop)
{
    gust_loop_stop(loop);
    return 0;
}

/* Runs the loop without waiting, as often as it takes to see what is ready now. */
static void turn(gust_loop *loop, int times)
{
    for (int i = 0; i < times; i++)
        gust__loop_iterate(loop, 0);
}

/* ---- Running ---- */

static void new_leaves_nothing_behind(void **state)
{
    (void)state;
    int before = open_descriptors();
    gust_loop *loop = gust_loop_new();
    assert_non_null(loop);
    assert_true(open_descriptors() > before);
    gust_loop_close(loop);
    assert_int_equal(open_descriptors(), before);
    gust_loop_close(loop);
    gust_loop_free(loop);
    gust_loop_free(NULL);
}

#ifdef GUST_FAULTS
static void new_survives_every_failure(void **state)
{
    (void)state;
    static const char *const calls[] = {"epoll_create1", "eventfd2", "epoll_ctl"};
    int before = open_descriptors();
    for (size_t i = 0; i < GUST_LEN(calls); i++) {
        gust__faults_sys_at(calls[i], 1, false, EMFILE);
        errno = 0;
        assert_null(gust_loop_new());
        assert_int_equal(errno, EMFILE);
    }
    gust__faults_alloc_at(1, false);
    assert_null(gust_loop_new());
    assert_int_equal(errno, ENOMEM);
    gust__faults_set(NULL);
    assert_int_equal(open_descriptors(), before);
}
#endif

static int run_again(void *argument)
{
    gust_loop **seen = argument;
    *seen = gust_loop_current();
    errno = 0;
    assert_int_equal(gust_loop_run(*seen), -1);
    assert_int_equal(errno, EDEADLK);
    gust_loop_stop(*seen);
    return 0;
}

static void runs_until_stopped_and_is_current_meanwhile(void **state)
{
    gust_loop *loop = *state, *seen = NULL;
    gust_post post;
    assert_null(gust_loop_current());
    gust_loop_post(loop, &post, run_again, &seen);
    assert_int_equal(gust_loop_run(loop), 0);
    assert_ptr_equal(seen, loop);
    assert_null(gust_loop_current());
}

static void a_stop_before_the_run_ends_it_after_one_iteration(void **state)
{
    gust_loop_stop(*state);
    assert_int_equal(gust_loop_run(*state), 0);
}

static void a_closed_loop_does_not_run(void **state)
{
    gust_loop_close(*state);
    errno = 0;
    assert_int_equal(gust_loop_run(*state), -1);
    assert_int_equal(errno, ECANCELED);
}

static void time_passes_between_iterations_only(void **state)
{
    gust_loop *loop = *state;
    int64_t time = gust_loop_time(loop);
    assert_true(time > 0 && time <= gust__clock_now());
    while (gust__clock_now() == time)
        ;
    assert_int_equal(gust_loop_time(loop), time);
    turn(loop, 1);
    assert_true(gust_loop_time(loop) > time);
}

static void a_forked_child_has_no_current_loop(void **state)
{
    gust_loop *loop = *state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    gust_watch *watch = gust_watch_new(loop, fds[0], GUST_READABLE, NULL, NULL);
    gust__loop_enter(loop);
    pid_t child = fork();
    if (child == 0) {
        bool none = gust_loop_current() == NULL;
        gust_watch_free(watch); /* must not touch the epoll that is the parent's */
        gust_loop_free(loop);
        _exit(none ? 0 : 1);
    }
    assert_ptr_equal(gust_loop_current(), loop);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(gust__loop_modify(loop, fds[0], EPOLLIN), 0);
    gust__loop_leave(NULL);
    gust_watch_free(watch);
    close(fds[0]);
    close(fds[1]);
}

/* ---- Tasks ---- */

struct job {
    struct gust__task task;
    gust_loop *loop;
    int *order;
    int number;
    int runs;
    struct job *victim;
    bool again;
    bool throws;
};

static void run_job(struct gust__task *task)
{
    struct job *job = (struct job *)(void *)task;
    job->runs++;
    if (job->order)
        job->number = ++*job->order;
    if (job->victim)
        gust__loop_unready(job->loop, &job->victim->task);
    if (job->again)
        gust__loop_ready(job->loop, &job->task);
    if (job->throws)
        gust_throw(EIO, "job");
}

static void tasks_run_first_in_first_out_and_once(void **state)
{
    int order = 0;
    struct job jobs[5] = {0};
    for (int i = 0; i < 5; i++) {
        jobs[i] = (struct job){.task.run = run_job, .loop = *state, .order = &order};
        gust__loop_ready(*state, &jobs[i].task);
        gust__loop_ready(*state, &jobs[i].task);
        assert_true(gust__task_queued(&jobs[i].task));
    }
    turn(*state, 2);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(jobs[i].number, i + 1);
        assert_int_equal(jobs[i].runs, 1);
        assert_false(gust__task_queued(&jobs[i].task));
    }
}

static void a_task_readied_meanwhile_waits_for_the_next_iteration(void **state)
{
    struct job job = {.task.run = run_job, .loop = *state, .again = true};
    gust__loop_ready(*state, &job.task);
    for (int i = 1; i <= 3; i++) {
        gust__loop_iterate(*state, GUST__FOREVER); /* and does not wait */
        assert_int_equal(job.runs, i);
    }
    gust__loop_unready(*state, &job.task);
    turn(*state, 1);
    assert_int_equal(job.runs, 3);
}

/* Each of first, middle and last, before the iteration and during it. */
static void an_unreadied_task_does_not_run(void **state)
{
    for (int victim = 0; victim < 4; victim++) {
        for (int during = 0; during < 2; during++) {
            struct job jobs[4] = {0};
            for (int i = 0; i < 4; i++) {
                jobs[i] = (struct job){.task.run = run_job, .loop = *state};
                gust__loop_ready(*state, &jobs[i].task);
            }
            if (during)
                jobs[0].victim = &jobs[victim];
            else
                gust__loop_unready(*state, &jobs[victim].task);
            turn(*state, 2);
            for (int i = 0; i < 4; i++)
                assert_int_equal(jobs[i].runs, i != victim || (during && victim == 0));
            struct job more = {.task.run = run_job, .loop = *state};
            gust__loop_ready(*state, &more.task);
            turn(*state, 1);
            assert_int_equal(more.runs, 1);
        }
    }
    struct job idle = {.task.run = run_job};
    gust__loop_unready(*state, &idle.task);
}

/* ---- Descriptors ---- */

struct end_point {
    gust_loop *loop;
    int fd;
    int calls;
    uint32_t events;
    int removes; /* a descriptor, when called; -1: none */
    bool throws;
};

static void on_ready(void *owner, uint32_t events)
{
    struct end_point *point = owner;
    point->calls++;
    point->events |= events;
    if (point->removes >= 0)
        gust__loop_remove(point->loop, point->removes);
    if (point->throws)
        gust_throw(EIO, "descriptor %d", point->fd);
}

static struct end_point make_point(gust_loop *loop, int fd)
{
    return (struct end_point){.loop = loop, .fd = fd, .removes = -1};
}

static void a_descriptor_is_told_at_each_edge(void **state)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    struct end_point point = make_point(*state, pair[0]);
    assert_int_equal(gust__loop_add(*state, pair[0], GUST__EDGE, on_ready, &point), 0);
    assert_int_equal(gust__loop_descriptors(*state), 1);
    turn(*state, 2);
    assert_int_equal(point.calls, 1);
    assert_int_equal(point.events, EPOLLOUT);
    assert_int_equal(write(pair[1], "x", 1), 1);
    turn(*state, 2);
    assert_int_equal(point.calls, 2);
    assert_true(point.events & EPOLLIN);
    assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
    turn(*state, 2);
    assert_true(point.events & EPOLLRDHUP);
    gust__loop_remove(*state, pair[0]);
    gust__loop_remove(*state, pair[0]);
    assert_int_equal(gust__loop_descriptors(*state), 0);
    close(pair[0]);
    close(pair[1]);
}

/* Tasks that ready each other put off epoll; not for good. */
static void a_descriptor_is_told_although_tasks_are_always_ready(void **state)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    struct end_point point = make_point(*state, pair[0]);
    struct job job = {.task.run = run_job, .loop = *state, .again = true};
    turn(*state, 1);
    gust__loop_ready(*state, &job.task);
    assert_int_equal(gust__loop_add(*state, pair[0], GUST__EDGE, on_ready, &point), 0);
    int64_t too_late = gust__clock_now() + INT64_C(5000000000);
    while (point.calls == 0 && gust__clock_now() < too_late)
        gust__loop_iterate(*state, GUST__FOREVER);
    assert_int_equal(point.calls, 1);
    gust__loop_unready(*state, &job.task);
    gust__loop_remove(*state, pair[0]);
    close(pair[0]);
    close(pair[1]);
}

static void a_wrong_descriptor_is_refused(void **state)
{
    int pair[2];
    assert_int_equal(pipe(pair), 0);
    int file = open("/proc/self/exe", O_RDONLY);
    struct end_point point = make_point(*state, pair[0]);
    assert_int_equal(gust__loop_add(*state, pair[0], GUST__EDGE, on_ready, &point), 0);
    struct {
        int fd, code;
    } cases[] = {{-1, EBADF}, {pair[0], EEXIST}, {file, EPERM}, {60000, EBADF}};
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        errno = 0;
        assert_int_equal(gust__loop_add(*state, cases[i].fd, GUST__EDGE, on_ready, &point), -1);
        assert_int_equal(errno, cases[i].code);
    }
    assert_int_equal(gust__loop_modify(*state, file, EPOLLIN), -1);
    gust__loop_set_owner(*state, file, on_ready, NULL);
    assert_int_equal(gust__loop_descriptors(*state), 1);
    gust__loop_remove(*state, pair[0]);
    close(file);
    close(pair[0]);
    close(pair[1]);
}

/* Both are ready in one batch, and whichever comes first removes the other. */
static void an_event_of_a_removed_descriptor_is_dropped(void **state)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct end_point a = make_point(*state, pair[0]), b = make_point(*state, pair[1]);
    a.removes = pair[1];
    b.removes = pair[0];
    assert_int_equal(gust__loop_add(*state, pair[0], GUST__EDGE, on_ready, &a), 0);
    assert_int_equal(gust__loop_add(*state, pair[1], GUST__EDGE, on_ready, &b), 0);
    turn(*state, 1);
    assert_int_equal(a.calls + b.calls, 1);
    gust__loop_remove(*state, pair[0]);
    gust__loop_remove(*state, pair[1]);
    close(pair[0]);
    close(pair[1]);
}

static int replaced_fd;
static struct end_point replacement;

/* Removes and closes the other's descriptor, and opens a new one under the same number. */
static void replace(void *owner, uint32_t events)
{
    struct end_point *point = owner;
    (void)events;
    point->calls++;
    if (replacement.loop)
        return;
    replaced_fd = point->removes;
    gust__loop_remove(point->loop, replaced_fd);
    int quiet[2];
    assert_int_equal(pipe(quiet), 0);
    assert_int_equal(dup2(quiet[0], replaced_fd), replaced_fd);
    close(quiet[0]);
    replacement = make_point(point->loop, replaced_fd);
    assert_int_equal(gust__loop_add(point->loop, replaced_fd, EPOLLIN | EPOLLET, on_ready, &replacement), 0);
    point->fd = quiet[1];
}

static void an_event_of_an_earlier_user_of_the_number_is_dropped(void **state)
{
    int pair[2];
    replacement.loop = NULL;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct end_point a = make_point(*state, -1), b = make_point(*state, -1);
    a.removes = pair[1];
    b.removes = pair[0];
    assert_int_equal(gust__loop_add(*state, pair[0], GUST__EDGE, replace, &a), 0);
    assert_int_equal(gust__loop_add(*state, pair[1], GUST__EDGE, replace, &b), 0);
    turn(*state, 1);
    assert_int_equal(a.calls + b.calls, 1);
    assert_int_equal(replacement.calls, 0);
    int other = a.calls ? a.fd : b.fd;
    assert_int_equal(write(other, "x", 1), 1);
    turn(*state, 1);
    assert_int_equal(replacement.calls, 1);
    gust__loop_remove(*state, pair[0]);
    gust__loop_remove(*state, pair[1]);
    close(other);
    close(pair[0]);
    close(pair[1]);
}

static void an_owner_is_changed_without_a_call(void **state)
{
    int pair[2];
    assert_int_equal(pipe(pair), 0);
    struct end_point a = make_point(*state, pair[0]), b = make_point(*state, pair[0]);
    assert_int_equal(gust__loop_add(*state, pair[0], GUST__EDGE, on_ready, &a), 0);
    gust__loop_set_owner(*state, pair[0], on_ready, &b);
    assert_int_equal(write(pair[1], "x", 1), 1);
    turn(*state, 1);
    assert_int_equal(a.calls, 0);
    assert_int_equal(b.calls, 1);
    gust__loop_remove(*state, pair[0]);
    close(pair[0]);
    close(pair[1]);
}

/* More than one batch, with numbers far above the first slots. */
static void many_descriptors_are_all_told(void **state)
{
    enum { COUNT = 700 };
    static struct end_point points[COUNT];
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    for (int i = 0; i < COUNT; i++) {
        int fd = fcntl(pipe_fds[0], F_DUPFD_CLOEXEC, 3);
        assert_true(fd >= 0);
        points[i] = make_point(*state, fd);
        points[i].throws = i % 50 == 0;
        assert_int_equal(gust__loop_add(*state, fd, EPOLLIN | EPOLLET, on_ready, &points[i]), 0);
    }
    turn(*state, 4);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(points[i].calls, 1);
        gust__loop_remove(*state, points[i].fd);
        close(points[i].fd);
    }
    assert_int_equal(log_lines, COUNT / 50);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

/* ---- What is gathered ---- */

static struct {
    struct gust__task task;
    int told, gathered;  /* descriptors; of those, how many gathered */
    int runs, behind[4]; /* of the task: how many had been told */
    int throws_at;
} slice;

static void run_gathered(struct gust__task *task)
{
    (void)task;
    assert_true(slice.runs < 4);
    slice.behind[slice.runs++] = slice.told;
}

static void gather(void *owner, uint32_t events)
{
    gust_loop *loop = owner;
    (void)events;
    slice.told++;
    if (gust__loop_gathers(loop)) {
        slice.gathered++;
        gust__loop_gather(loop, &slice.task);
        gust__loop_gather(loop, &slice.task);
    }
    if (slice.told == slice.throws_at)
        gust_throw(EIO, "told");
}

static int dispatch(void *loop)
{
    gust__descriptors_dispatch(loop);
    return 0;
}

/* As many descriptors ready at once; whether they are cheap is ours to say, not this machine's. */
static void tell(gust_loop *loop, int count, bool cheap, int throws_at)
{
    int fds[40];
    memset(&slice, 0, sizeof(slice));
    slice.task.run = run_gathered;
    slice.throws_at = throws_at;
    for (int i = 0; i < count; i++) {
        fds[i] = eventfd(1, EFD_CLOEXEC);
        assert_int_equal(gust__loop_add(loop, fds[i], EPOLLIN | EPOLLET, gather, loop), 0);
    }
    gust__descriptors_poll(loop, 0);
    loop->cheap = cheap;
    while (gust__catch(dispatch, loop) < 0)
        ;
    for (int i = 0; i < count; i++) {
        gust__loop_remove(loop, fds[i]);
        close(fds[i]);
    }
    assert_int_equal(slice.told, count);
}

static void what_is_gathered_runs_behind_its_slice(void **state)
{
    tell(*state, 20, true, 0);
    assert_int_equal(slice.runs, 2);
    assert_int_equal(slice.behind[0], 16);
    assert_int_equal(slice.behind[1], 20);
    assert_int_equal(slice.gathered, 18); /* the last one of a slice has none to wait for */
    tell(*state, 17, true, 0);
    assert_int_equal(slice.gathered, 15);
    assert_int_equal(slice.runs, 1);
    tell(*state, 1, true, 0);
    assert_int_equal(slice.gathered, 0);
}

static void what_is_gathered_runs_also_when_the_last_throws(void **state)
{
    tell(*state, 5, true, 5);
    assert_int_equal(slice.runs, 1);
    assert_int_equal(slice.behind[0], 5);
}

static void nothing_is_gathered_where_descriptors_cost_much(void **state)
{
    tell(*state, 20, false, 0);
    assert_int_equal(slice.gathered, 0);
    assert_int_equal(slice.runs, 0);
}

static void what_is_gathered_can_be_taken_out_again(void **state)
{
    gust_loop *loop = *state;
    memset(&slice, 0, sizeof(slice));
    slice.task.run = run_gathered;
    gust__loop_gather(loop, &slice.task);
    assert_int_equal(gust__tasks_count(loop), 1);
    gust__loop_unready(loop, &slice.task);
    assert_int_equal(gust__tasks_count(loop), 0);
    turn(loop, 2);
    assert_int_equal(slice.runs, 0);
}

/* Descriptors that take long stop the gathering with the next look at them. */
static void what_is_cheap_is_measured(void **state)
{
    gust_loop *loop = *state;
    turn(loop, 1);
    loop->event_count = loop->event_next = 2;
    loop->polled = gust__clock_now() - 2 * INT64_C(20000) - 1;
    loop->cheap = true;
    turn(loop, 1);
    assert_false(loop->cheap);
    loop->event_count = loop->event_next = 2;
    loop->polled = gust__clock_now() + INT64_C(1000000000); /* as if no time had passed */
    turn(loop, 1);
    assert_true(loop->cheap);
}

/* ---- What fails ---- */

static int fail_it(void *argument)
{
    ++*(int *)argument;
    return gust_error_set(EIO, "failed");
}

static int throw_it(void *argument)
{
    ++*(int *)argument;
    gust_throw(EIO, "thrown");
}

static void what_fails_is_logged_and_the_loop_goes_on(void **state)
{
    gust_loop *loop = *state;
    int calls = 0;
    gust_post posts[4];
    gust_timer timers[4];
    struct job jobs[2] = {{.task.run = run_job, .throws = true}, {.task.run = run_job}};
    for (int i = 0; i < 4; i++) {
        int (*function)(void *) = i % 2 ? throw_it : fail_it;
        timers[i] = (gust_timer){.function = function, .argument = &calls};
        assert_int_equal(gust_timer_start(loop, &timers[i], 1), 0);
        assert_int_equal(gust_loop_post(loop, &posts[i], function, &calls), 0);
    }
    gust__loop_ready(loop, &jobs[0].task);
    gust__loop_ready(loop, &jobs[1].task);
    turn(loop, 1);
    assert_int_equal(calls, 8);
    assert_int_equal(jobs[0].runs + jobs[1].runs, 2);
    assert_int_equal(log_lines, 9);
}

/* ---- Modules ---- */

struct module {
    struct gust__loop_state state;
    int number;
};
static int closed_order[8], closed_count;

static void close_module(gust_loop *loop, struct gust__loop_state *state)
{
    gust_post post;
    int calls = 0;
    assert_true(gust__loop_closing(loop));
    assert_ptr_equal(gust_loop_current(), loop);
    closed_order[closed_count++] = ((struct module *)(void *)state)->number;
    assert_int_equal(gust_loop_post(loop, &post, fail_it, &calls), 0); /* the loop still works */
    gust__loop_iterate(loop, 0);
    assert_int_equal(calls, 1);
}

static void release_module(struct gust__loop_state *state)
{
    closed_order[closed_count++] = -((struct module *)(void *)state)->number;
}

static void modules_are_closed_highest_first(void **state)
{
    gust_loop *loop = *state;
    struct module modules[2] = {{{close_module, release_module}, 1}, {{close_module, release_module}, 2}};
    closed_count = 0;
    gust__loop_set_state(loop, GUST__LOOP_COROUTINES, &modules[0].state);
    gust__loop_set_state(loop, GUST__LOOP_HTTP, &modules[1].state);
    assert_ptr_equal(gust__loop_state(loop, GUST__LOOP_HTTP), &modules[1].state);
    assert_null(gust__loop_state(loop, GUST__LOOP_WEB));
    assert_false(gust__loop_closing(loop));
    gust_loop_close(loop);
    static const int expected[] = {2, 1, -2, -1};
    assert_int_equal(closed_count, 4);
    assert_memory_equal(closed_order, expected, sizeof(expected));
    assert_null(gust_loop_current());
}

static void what_is_left_over_can_be_ended_after_the_loop(void **state)
{
    (void)state;
    int pair[2], calls = 0, before = open_descriptors();
    gust_loop *loop = gust_loop_new();
    assert_int_equal(pipe(pair), 0);
    gust_timer timer = {.function = stop, .argument = loop};
    gust_post post, late;
    struct job job = {.task.run = run_job};
    gust_watch *watch = gust_watch_new(loop, pair[0], GUST_READABLE, NULL, NULL);
    gust_periodic *periodic = gust_every(GUST_S(1), fail_it, &calls, .loop = loop);
    assert_non_null(watch);
    assert_non_null(periodic);
    gust_timer_start(loop, &timer, GUST__FOREVER);
    gust_loop_post(loop, &post, fail_it, &calls);
    gust__loop_ready(loop, &job.task);
    gust_loop_close(loop);
    errno = 0;
    assert_int_equal(gust_loop_post(loop, &late, fail_it, &calls), -1);
    assert_int_equal(errno, ECANCELED);
    assert_int_equal(gust_timer_start(loop, &timer, 1), -1);
    gust_loop_stop(loop);
    gust_timer_stop(loop, &timer);
    assert_false(gust__task_queued(&job.task));
    gust_loop_free(loop);
    assert_int_equal(gust_watch_update(watch, GUST_WRITABLE), -1);
    gust_watch_free(watch);
    gust_periodic_free(periodic);
    assert_int_equal(calls, 0);
    close(pair[0]);
    close(pair[1]);
    assert_int_equal(open_descriptors(), before);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* ---- Signals ---- */

#ifndef GUST__TSAN
static unsigned interruptions;
static bool ours;

static void count_interruption(gust_loop *loop)
{
    (void)loop;
    interruptions++;
}

static void handle_signal(int signal)
{
    (void)signal;
    if (ours)
        gust__loop_own_handler();
}

static void *signal_loop(void *loop_thread)
{
    usleep(20000);
    pthread_kill(*(pthread_t *)loop_thread, SIGUSR1);
    return NULL;
}

static unsigned interruptions_of(gust_loop *loop, bool own)
{
    pthread_t self = pthread_self(), thread;
    ours = own;
    interruptions = 0;
    pthread_create(&thread, NULL, signal_loop, &self);
    for (int64_t until = gust__clock_after(gust__clock_now(), GUST_MS(60)); gust__clock_now() < until;)
        gust__loop_iterate(loop, until);
    pthread_join(thread, NULL);
    return interruptions;
}

static void handlers_are_told_of_but_for_our_own(void **state)
{
    gust__loop_interrupted = count_interruption;
    signal(SIGUSR1, handle_signal);
    assert_int_equal(interruptions_of(*state, false), 1);
    assert_int_equal(interruptions_of(*state, true), 0);
    assert_int_equal(interruptions_of(*state, false), 1);
    signal(SIGUSR1, SIG_DFL);
    gust__loop_interrupted = NULL;
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(new_leaves_nothing_behind),
#ifdef GUST_FAULTS
        LOOP_TEST(new_survives_every_failure),
#endif
        LOOP_TEST(runs_until_stopped_and_is_current_meanwhile),
        LOOP_TEST(a_stop_before_the_run_ends_it_after_one_iteration),
        LOOP_TEST(a_closed_loop_does_not_run),
        LOOP_TEST(time_passes_between_iterations_only),
        LOOP_TEST(a_forked_child_has_no_current_loop),
        LOOP_TEST(tasks_run_first_in_first_out_and_once),
        LOOP_TEST(a_task_readied_meanwhile_waits_for_the_next_iteration),
        LOOP_TEST(an_unreadied_task_does_not_run),
        LOOP_TEST(a_descriptor_is_told_at_each_edge),
        LOOP_TEST(a_descriptor_is_told_although_tasks_are_always_ready),
        LOOP_TEST(a_wrong_descriptor_is_refused),
        LOOP_TEST(an_event_of_a_removed_descriptor_is_dropped),
        LOOP_TEST(an_event_of_an_earlier_user_of_the_number_is_dropped),
        LOOP_TEST(an_owner_is_changed_without_a_call),
        LOOP_TEST(many_descriptors_are_all_told),
        LOOP_TEST(what_is_gathered_runs_behind_its_slice),
        LOOP_TEST(what_is_gathered_runs_also_when_the_last_throws),
        LOOP_TEST(nothing_is_gathered_where_descriptors_cost_much),
        LOOP_TEST(what_is_gathered_can_be_taken_out_again),
        LOOP_TEST(what_is_cheap_is_measured),
        LOOP_TEST(what_fails_is_logged_and_the_loop_goes_on),
        LOOP_TEST(modules_are_closed_highest_first),
        LOOP_TEST(what_is_left_over_can_be_ended_after_the_loop),
#ifndef GUST__TSAN /* which runs handlers later than a raw system call ends */
        LOOP_TEST(handlers_are_told_of_but_for_our_own),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
