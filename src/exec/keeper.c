/*
 * The keeper of a process pool: a thread with a loop, on which everything here runs. It gives tasks to
 * workers that rest, takes their answers, asks the zygote for workers and for the end of workers, and
 * resolves the calls' futures (which any thread may).
 *
 * A worker's end is known from the zygote's report, which comes after all that the worker itself has sent:
 * whatever ends a worker, its task gets exactly one end.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log_int.h"
#include "coro/future.h"
#include "exec/processes_int.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the ends of tasks ---- */

void gust__process_task_free(struct gust__process_task *task)
{
    if (task->shared >= 0)
        gust__sys_close(task->shared);
    gust__free(task);
}

static void tell_drains(gust_processes *processes)
{
    struct gust__list *node;
    if (processes->running > 0 || processes->queued > 0)
        return;
    while ((node = gust__list_take_first(&processes->drains))) {
        struct gust__process_drain *drain = GUST__CONTAINER(node, struct gust__process_drain, node);
        gust_future_set(drain->future, NULL, NULL);
        gust__free(drain);
    }
}

static void finish(struct gust__process_task *task, struct gust__made *made)
{
    gust_processes *processes = task->processes;
    gust_future *future = task->future;
    gust__process_task_free(task);
    atomic_fetch_sub_explicit(&processes->open, 1, memory_order_release);
    gust__future_end_maker(future, made);
}

/* Takes error. */
static void fail(struct gust__process_task *task, struct gust_error *error)
{
    finish(task, &(struct gust__made){.result = -1, .error = error});
}

static struct gust__process_task *take_queued(gust_processes *processes)
{
    struct gust__list *node = gust__list_take_first(&processes->queue);
    if (!node)
        return NULL;
    processes->queued--;
    return GUST__CONTAINER(node, struct gust__process_task, node);
}

static void fail_queued(gust_processes *processes, const struct gust_error *error)
{
    struct gust__process_task *task;
    while ((task = take_queued(processes)))
        fail(task, gust__error_copy(error));
}

/* The worker's task, which is the caller's then; it runs none any more. NULL: it was cancelled. */
static struct gust__process_task *take_task(struct gust__worker *worker)
{
    struct gust__process_task *task = worker->task;
    worker->task = NULL;
    worker->processes->running -= task != NULL;
    gust_timer_stop(worker->processes->loop, &worker->timer);
    return task;
}

/* ---- orders to the zygote ---- */

/* False: its socket is full, and takes more soon; or it has gone, which we hear of. */
static bool order(const struct gust__worker *worker, enum gust__order_kind kind, int passed)
{
    struct gust__zygote_order sent = {kind, worker->name};
    struct iovec vector = {&sent, sizeof(sent)};
    return gust__wire_send(worker->processes->control, &vector, 1, passed, MSG_DONTWAIT) == 0;
}

static void worker_ready(void *owner, uint32_t events);

static void lose_socket(struct gust__worker *worker)
{
    if (worker->fd < 0)
        return;
    gust__loop_remove(worker->processes->loop, worker->fd);
    gust__sys_close(worker->fd);
    worker->fd = -1;
}

static void could_not_fork(struct gust__worker *worker, int code)
{
    gust_processes *processes = worker->processes;
    lose_socket(worker);
    worker->state = GUST__WORKER_ABSENT;
    processes->absent++;
    processes->fork_code = code;
    if (processes->again.place)
        return;
    gust_log(GUST_WARNING, "the process pool could not fork a worker: %s", strerrordesc_np(code));
    processes->delay = processes->delay ? processes->delay * 2 : GUST_MS(50);
    if (processes->delay > GUST_S(5))
        processes->delay = GUST_S(5);
    gust_timer_start(processes->loop, &processes->again,
                     gust__clock_after(gust_loop_time(processes->loop), processes->delay));
}

static int open_socket(struct gust__worker *worker, int *other)
{
    int pair[2];
    if (gust__sys_socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    if (gust__sys_fcntl(pair[0], F_SETFL, O_RDWR | O_NONBLOCK) < 0 ||
        gust__loop_add(worker->processes->loop, pair[0], GUST__EDGE, worker_ready, worker) < 0) {
        int code = errno;
        gust__sys_close(pair[0]);
        gust__sys_close(pair[1]);
        errno = code;
        return -1;
    }
    worker->fd = pair[0];
    *other = pair[1];
    return 0;
}

static void order_start(struct gust__worker *worker)
{
    int other;
    if (open_socket(worker, &other) < 0) {
        could_not_fork(worker, errno);
        return;
    }
    worker->name.life++;
    if (order(worker, GUST__ORDER_START, other))
        worker->state = GUST__WORKER_STARTING;
    else
        lose_socket(worker);
    gust__sys_close(other);
}

static void send_orders(gust_processes *processes)
{
    for (unsigned i = 0; i < processes->options.workers && !processes->broken; i++) {
        struct gust__worker *worker = &processes->workers[i];
        if (worker->state == GUST__WORKER_WANTED)
            order_start(worker);
        if (worker->kill && order(worker, GUST__ORDER_KILL, -1))
            worker->kill = false;
    }
}

static void want_worker(struct gust__worker *worker)
{
    worker->state = GUST__WORKER_WANTED;
    worker->tasks = 0;
    worker->kill = worker->dismissed = worker->out_of_time = false;
}

static int try_again(void *argument)
{
    gust_processes *processes = argument;
    for (unsigned i = 0; i < processes->options.workers; i++) {
        if (processes->workers[i].state == GUST__WORKER_ABSENT)
            want_worker(&processes->workers[i]);
    }
    processes->absent = 0;
    send_orders(processes);
    return 0;
}

/* It ends, and the zygote's report is waited for. */
static void end_worker(struct gust__worker *worker)
{
    gust__list_remove(&worker->resting);
    worker->state = GUST__WORKER_ENDING;
}

static void kill_worker(struct gust__worker *worker)
{
    end_worker(worker);
    worker->kill = true;
    send_orders(worker->processes);
}

/* ---- processor time ---- */

/* Of the worker's process, all threads. -1: it has ended. */
static int64_t processor_time(const struct gust__worker *worker)
{
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(worker->pid, &clock) != 0 || clock_gettime(clock, &time) < 0)
        return -1;
    return GUST_S(time.tv_sec) + time.tv_nsec;
}

static int check_processor_time(void *argument)
{
    enum { at_least = 5, at_most = 100 }; /* ms: several threads use it up faster than time goes by */
    struct gust__worker *worker = argument;
    gust_processes *processes = worker->processes;
    int64_t left = processes->options.max_cpu - (processor_time(worker) - worker->cpu_begin);
    if (left <= 0) {
        worker->out_of_time = worker->dismissed = true;
        kill_worker(worker);
        return 0;
    }
    if (left < GUST_MS(at_least))
        left = GUST_MS(at_least);
    if (left > GUST_MS(at_most))
        left = GUST_MS(at_most);
    return gust_timer_start(processes->loop, &worker->timer,
                            gust__clock_after(gust_loop_time(processes->loop), left));
}

static void watch_processor_time(struct gust__worker *worker)
{
    if (worker->processes->options.max_cpu <= 0)
        return;
    worker->cpu_begin = processor_time(worker);
    check_processor_time(worker);
}

/* ---- tasks to workers ---- */

static bool send_task(const struct gust__worker *worker, const struct gust__process_task *task)
{
    struct iovec vector[] = {{(void *)(uintptr_t)&task->order, sizeof(task->order)},
                             {(void *)(uintptr_t)task->bytes, task->shared < 0 ? task->order.length : 0}};
    return gust__wire_send(worker->fd, vector, GUST_LEN(vector), task->shared, MSG_DONTWAIT) == 0;
}

/* A worker has done its task, or was born. */
static void rest(struct gust__worker *worker)
{
    const gust_processes_options *options = &worker->processes->options;
    if (options->max_tasks && worker->tasks >= options->max_tasks) {
        worker->dismissed = true;
        end_worker(worker);
        lose_socket(worker); /* which it hears as its end */
        return;
    }
    worker->state = GUST__WORKER_RESTS;
    gust__list_append(&worker->processes->resting, &worker->resting);
}

static bool means_gone(int code)
{
    return code == EPIPE || code == ECONNRESET || code == ECONNREFUSED || code == ENOTCONN;
}

/* A worker that has gone is reported soon; the task waits for another. */
static void could_not_give(struct gust__worker *worker, struct gust__process_task *task, int code)
{
    if (!means_gone(code)) {
        fail(task, gust__process_error(code, NULL));
        rest(worker);
        return;
    }
    gust__list_prepend(&worker->processes->queue, &task->node);
    worker->processes->queued++;
    kill_worker(worker);
}

static void give(struct gust__worker *worker, struct gust__process_task *task)
{
    if (!send_task(worker, task)) {
        could_not_give(worker, task, errno);
        return;
    }
    worker->task = task;
    worker->tasks++;
    worker->processes->running++;
    worker->state = GUST__WORKER_BUSY;
    watch_processor_time(worker);
}

static void fail_all_for_want_of_workers(gust_processes *processes)
{
    char text[128];
    snprintf(text, sizeof(text), "no worker could be forked: %s", strerrordesc_np(processes->fork_code));
    struct gust_error *error = gust__process_error(processes->fork_code, text);
    fail_queued(processes, error);
    gust__error_free(error);
}

static void dispatch(gust_processes *processes)
{
    while (processes->queued > 0 && !gust__list_empty(&processes->resting)) {
        struct gust__list *node = gust__list_take_first(&processes->resting);
        give(GUST__CONTAINER(node, struct gust__worker, resting), take_queued(processes));
    }
    if (processes->broken)
        fail_queued(processes, processes->broken);
    else if (processes->queued > 0 && processes->absent == processes->options.workers)
        fail_all_for_want_of_workers(processes);
    tell_drains(processes);
}

/* ---- answers ---- */

static void take_result(struct gust__worker *worker, const struct gust__worker_answer *answer,
                        const void *bytes, int shared)
{
    struct gust__process_task *task = take_task(worker);
    gust_result *result = gust__result_new(bytes, answer->length, shared);
    if (result)
        finish(task, &(struct gust__made){.value = result,
                                          .drop = (void (*)(void *))(void (*)(void))gust_result_free,
                                          .result = answer->result});
    else
        fail(task, gust__error_take_for(errno));
}

/* One whole answer to the task that runs. */
static void take_answer(struct gust__worker *worker, const struct gust__worker_answer *answer,
                        const char *bytes, size_t length, int shared)
{
    if (!worker->task || answer->number != worker->task->order.number)
        return; /* it was cancelled, and the worker is being killed */
    if (answer->kind == GUST__ANSWER_CRASHED) {
        gust__error_free(worker->crash);
        worker->crash = gust__process_error_read(bytes, length);
        return;
    }
    if (answer->kind == GUST__ANSWER_FAILED)
        fail(take_task(worker), gust__process_error_read(bytes, length));
    else if (shared < 0 && answer->length != length)
        fail(take_task(worker), gust__process_error(EPROTO, "a worker's answer makes no sense"));
    else
        take_result(worker, answer, bytes, shared);
    if (worker->state == GUST__WORKER_BUSY)
        rest(worker);
}

static bool receive_answer(struct gust__worker *worker)
{
    char *room = worker->processes->room;
    struct gust__worker_answer answer;
    struct iovec vector[] = {{&answer, sizeof(answer)}, {room, GUST__WIRE_INLINE}};
    int shared;
    ssize_t got = gust__wire_receive(worker->fd, vector, GUST_LEN(vector), &shared, MSG_DONTWAIT);
    if (got < 0)
        return false; /* for now, or for ever: the zygote's report says */
    if (got == 0) {
        lose_socket(worker);
        kill_worker(worker); /* it ends; or its job has closed what it should not */
        return false;
    }
    if ((size_t)got >= sizeof(answer))
        take_answer(worker, &answer, room, (size_t)got - sizeof(answer), shared);
    if (shared >= 0)
        gust__sys_close(shared);
    return true;
}

static void receive_answers(struct gust__worker *worker)
{
    while (worker->fd >= 0 && receive_answer(worker))
        ;
}

static void worker_ready(void *owner, uint32_t events)
{
    struct gust__worker *worker = owner;
    (void)events;
    receive_answers(worker);
    dispatch(worker->processes);
}

/* ---- the zygote's reports ---- */

static void worker_ended(struct gust__worker *worker, const struct gust__zygote_report *report)
{
    receive_answers(worker);
    end_worker(worker);
    struct gust_error *error = gust__worker_death(worker, report);
    struct gust__process_task *task = take_task(worker);
    if (!task && !worker->dismissed)
        gust_log(GUST_WARNING, "%s while it had nothing to do", gust_error_text(error));
    if (task)
        fail(task, error);
    else
        gust__error_free(error);
    gust__error_free(worker->crash);
    worker->crash = NULL;
    lose_socket(worker);
    want_worker(worker);
}

static void take_report(gust_processes *processes, const struct gust__zygote_report *report)
{
    if (report->worker.slot >= processes->options.workers)
        return;
    struct gust__worker *worker = &processes->workers[report->worker.slot];
    if (worker->name.life != report->worker.life)
        return;
    switch (report->kind) {
    case GUST__REPORT_STARTED:
        worker->pid = report->pid;
        processes->delay = 0;
        if (worker->state == GUST__WORKER_STARTING) /* its socket may have told before that it is gone */
            rest(worker);
        break;
    case GUST__REPORT_FAILED:
        could_not_fork(worker, report->status);
        break;
    case GUST__REPORT_ENDED:
        worker_ended(worker, report);
        break;
    }
}

/* Takes error: all calls fail of it. */
static void end_all(gust_processes *processes, struct gust_error *error)
{
    processes->broken = error;
    for (unsigned i = 0; i < processes->options.workers; i++) {
        struct gust__worker *worker = &processes->workers[i];
        struct gust__process_task *task = take_task(worker);
        if (task)
            fail(task, gust__error_copy(error));
        end_worker(worker);
        lose_socket(worker);
    }
    dispatch(processes);
}

/* Workers die with it; it cannot be forked anew from a process that has threads by now. */
static void zygote_gone(gust_processes *processes)
{
    if (processes->broken)
        return;
    gust__loop_remove(processes->loop, processes->control);
    gust__loop_remove(processes->loop, processes->zygote_fd);
    struct gust_error *error = gust__zygote_death(processes);
    gust__log_error(GUST_ERROR, error, "the process pool can do no more");
    end_all(processes, error);
}

/* False: no more for now. Where its end has closed it is about to be gone, which its pidfd tells; how it
 * ended is known only then. */
static bool receive_report(gust_processes *processes)
{
    struct gust__zygote_report report;
    struct iovec vector = {&report, sizeof(report)};
    int passed;
    ssize_t got = gust__wire_receive(processes->control, &vector, 1, &passed, MSG_DONTWAIT);
    if (got == sizeof(report))
        take_report(processes, &report);
    else if (got == 0)
        gust__sys_pidfd_send_signal(processes->zygote_fd, SIGKILL, NULL, 0);
    return got > 0;
}

static void control_ready(void *owner, uint32_t events)
{
    gust_processes *processes = owner;
    (void)events;
    while (!processes->broken && receive_report(processes))
        ;
    send_orders(processes);
    dispatch(processes);
}

static void zygote_ready(void *owner, uint32_t events)
{
    (void)events;
    control_ready(owner, 0); /* what it said before */
    zygote_gone(owner);
}

/* ---- what comes from other threads ---- */

int gust__keeper_take(void *argument)
{
    struct gust__process_task *task = argument;
    gust__list_append(&task->processes->queue, &task->node);
    task->processes->queued++;
    dispatch(task->processes);
    return 0;
}

static struct gust__process_task *take_queued_number(gust_processes *processes, uint64_t number)
{
    for (struct gust__list *node = processes->queue.next; node != &processes->queue; node = node->next) {
        struct gust__process_task *task = GUST__CONTAINER(node, struct gust__process_task, node);
        if (task->order.number != number)
            continue;
        gust__list_remove(node);
        processes->queued--;
        return task;
    }
    return NULL;
}

static struct gust__process_task *take_running_number(gust_processes *processes, uint64_t number)
{
    for (unsigned i = 0; i < processes->options.workers; i++) {
        struct gust__worker *worker = &processes->workers[i];
        if (!worker->task || worker->task->order.number != number)
            continue;
        struct gust__process_task *task = take_task(worker);
        worker->dismissed = true;
        kill_worker(worker);
        return task;
    }
    return NULL;
}

int gust__keeper_cancel(void *argument)
{
    struct gust__process_cancel *cancel = argument;
    gust_processes *processes = cancel->processes;
    struct gust__process_task *task = take_queued_number(processes, cancel->number);
    if (!task)
        task = take_running_number(processes, cancel->number);
    gust__free(cancel);
    if (task)
        fail(task, gust__process_error(ECANCELED, NULL));
    dispatch(processes);
    return 0;
}

int gust__keeper_drain(void *argument)
{
    struct gust__process_drain *drain = argument;
    gust__list_append(&drain->processes->drains, &drain->node);
    tell_drains(drain->processes);
    return 0;
}

/* ---- beginning and end ---- */

static int begin(void *argument)
{
    gust_processes *processes = argument;
    if (gust__loop_add(processes->loop, processes->control, GUST__EDGE, control_ready, processes) < 0 ||
        gust__loop_add(processes->loop, processes->zygote_fd, EPOLLIN, zygote_ready, processes) < 0) {
        end_all(processes, gust__error_take_for(errno));
        return -1;
    }
    send_orders(processes);
    return 0;
}

static int stop(void *argument)
{
    gust_processes *processes = argument;
    gust_timer_stop(processes->loop, &processes->again);
    if (!processes->broken) {
        gust__loop_remove(processes->loop, processes->control);
        gust__loop_remove(processes->loop, processes->zygote_fd);
        end_all(processes, gust__process_error(ECANCELED, "the process pool was freed"));
    }
    gust_loop_stop(processes->loop);
    return 0;
}

static void keep(void *argument)
{
    gust_processes *processes = argument;
    gust_loop_run(processes->loop);
    gust_loop_close(processes->loop);
}

static void init(gust_processes *processes)
{
    gust__list_init(&processes->queue);
    gust__list_init(&processes->resting);
    gust__list_init(&processes->drains);
    processes->running = processes->queued = 0;
    processes->absent = 0;
    processes->delay = 0;
    processes->again = (gust_timer){.function = try_again, .argument = processes};
    for (unsigned i = 0; i < processes->options.workers; i++) {
        struct gust__worker *worker = &processes->workers[i];
        *worker = (struct gust__worker){.processes = processes,
                                        .name.slot = i,
                                        .state = GUST__WORKER_WANTED,
                                        .fd = -1,
                                        .timer.function = check_processor_time,
                                        .timer.argument = worker};
        gust__list_init(&worker->resting);
    }
}

static void free_room(gust_processes *processes)
{
    gust__free(processes->workers);
    gust__free(processes->room);
    processes->workers = NULL;
    processes->room = NULL;
}

int gust__keeper_start(gust_processes *processes)
{
    gust_loop *loop = NULL;
    processes->workers = gust__calloc(processes->options.workers, sizeof(*processes->workers));
    processes->room = gust__malloc(GUST__WIRE_INLINE);
    if (!processes->workers || !processes->room || !(loop = gust_loop_new()))
        goto fail;
    init(processes);
    processes->loop = loop;
    gust_loop_post(loop, &processes->begin, begin, processes);
    if (gust__thread_start(&processes->thread, processes->name, keep, processes) == 0)
        return 0;
fail:;
    int code = errno;
    processes->loop = NULL;
    gust_loop_free(loop);
    free_room(processes);
    errno = code;
    return -1;
}

void gust__keeper_stop(gust_processes *processes)
{
    gust_loop_post(processes->loop, &processes->stop, stop, processes);
    gust__thread_join(&processes->thread);
    gust_loop_free(processes->loop);
    processes->loop = NULL;
    free_room(processes);
    gust__error_free(processes->broken);
    processes->broken = NULL;
}
