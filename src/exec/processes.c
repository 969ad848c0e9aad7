/* Process pools as programs see them: made, called, drained, freed. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/options.h"
#include "coro/future.h"
#include "exec/processes_int.h"
#include "exec/zygote.h"

#include <gust/scope.h>
#include <gust/threads.h>

#include <pthread.h>
#include <stdio.h>

enum {
    WORKERS_MOST = 1024,
    QUEUE = 10000,
    ON_A_THREAD = 1 << 20, /* bytes: copying more takes longer than asking a thread */
    NUMBER_BITS = 40,      /* of a task's number; the rest is the pool's */
};
#define SIZE_USUAL ((size_t)1 << 30)
#define SIZE_MOST  ((size_t)1 << 46)

/* ---- all pools ---- */

static struct gust__lock pools_lock;
static struct gust__list pools = {&pools, &pools};
static uint64_t pools_made;
static bool watches_forks;
static unsigned skipping; /* the gust__fork_generation of a process whose loops start no zygotes */

static void before_fork(void)
{
    gust__lock_take(&pools_lock);
}

static void after_fork(void)
{
    gust__lock_drop(&pools_lock);
}

/* The parent's zygote, keeper and calls are the parent's. */
static void forget_start(gust_processes *processes)
{
    gust__sys_close(processes->control);
    gust__sys_close(processes->zygote_fd);
    gust__images_fini(&processes->images);
    processes->generation = 0;
    processes->loop = NULL;
    processes->lock = (struct gust__lock){0};
    processes->broken = NULL;
    atomic_store(&processes->open, 0);
}

static int start_one(gust_processes *processes)
{
    if (processes->generation == gust__fork_generation)
        return 0;
    if (processes->generation)
        forget_start(processes);
    gust__error_free(processes->failure);
    processes->failure = NULL;
    if (gust__zygote_start(processes) == 0)
        return 0;
    processes->failure = gust__error_copy(gust_error_last());
    return -1;
}

/* Without the lock: where it forks, no other thread is there. */
int gust__zygotes_start(void)
{
    int result = 0;
    for (struct gust__list *node = pools.next; node != &pools && result == 0; node = node->next)
        result = start_one(GUST__CONTAINER(node, gust_processes, member));
    return result;
}

void gust__zygotes_skip(void)
{
    skipping = gust__fork_generation;
}

/* What cannot be started now says so to those who call it. */
static void before_a_loop(void)
{
    if (gust__zygote_inside || skipping == gust__fork_generation)
        return;
    gust__lock_take(&pools_lock);
    bool some = false;
    for (struct gust__list *node = pools.next; node != &pools; node = node->next) {
        const gust_processes *processes = GUST__CONTAINER(node, gust_processes, member);
        some |= processes->generation != gust__fork_generation && !processes->failure;
    }
    gust__lock_drop(&pools_lock);
    if (some)
        gust__zygotes_start();
}

/* ---- beginning ---- */

static unsigned usual_workers(void)
{
    cpu_set_t cores;
    return gust__sys_sched_getaffinity(0, sizeof(cores), &cores) == 0 ? (unsigned)CPU_COUNT(&cores) : 1;
}

static int read_options(gust_processes_options *options, const gust_processes_options *given)
{
    gust__options_read(options, sizeof(*options), given);
    if (options->workers == 0)
        options->workers = usual_workers();
    if (options->max_queue == 0)
        options->max_queue = QUEUE;
    if (options->max_argument == 0)
        options->max_argument = SIZE_USUAL;
    if (options->max_result == 0)
        options->max_result = SIZE_USUAL;
    if (options->workers > WORKERS_MOST)
        return gust_error_set(EINVAL, "%u workers are too many", options->workers);
    if (options->max_argument > SIZE_MOST || options->max_result > SIZE_MOST || options->max_cpu < 0)
        return gust_error_set(EINVAL, "a limit of a process pool makes no sense");
    return 0;
}

static void add_to_pools(gust_processes *processes)
{
    gust__lock_take(&pools_lock);
    if (!watches_forks)
        watches_forks = pthread_atfork(before_fork, after_fork, after_fork) == 0;
    processes->number = ++pools_made;
    gust__list_append(&pools, &processes->member);
    gust__loop_before_new = before_a_loop;
    gust__lock_drop(&pools_lock);
}

gust_processes *gust_processes_new_with(const gust_processes_options *given)
{
    gust_processes_options options;
    if (gust__zygote_check() < 0 || read_options(&options, given) < 0)
        return NULL;
    gust_processes *processes = gust__calloc(1, sizeof(*processes));
    if (!processes)
        return NULL;
    processes->options = options;
    snprintf(processes->name, sizeof(processes->name), "%s", options.name ? options.name : "gust");
    processes->options.name = NULL;
    gust__list_init(&processes->member);
    add_to_pools(processes);
    return processes;
}

int gust_processes_start(gust_processes *processes)
{
    return start_one(processes);
}

/* ---- calls ---- */

static int check_start(const gust_processes *processes)
{
    if (processes->generation == gust__fork_generation)
        return 0;
    if (processes->failure && !gust__zygote_inside)
        return gust__error_put(gust__error_copy(processes->failure));
    return gust_error_set(EPERM, gust__zygote_inside ? "a worker has no process pools"
                                                     : "the process pool was not started in this process");
}

static int check_call(const gust_processes *processes, gust_process_job *job, size_t length)
{
    if (check_start(processes) < 0)
        return -1;
    if (!gust__images_have(&processes->images, (uintptr_t)job))
        return gust_error_set(EINVAL, "the job is no function that the process pool's workers have: it was "
                                      "loaded after they were forked");
    if (length > processes->options.max_argument)
        return gust_error_set(EMSGSIZE, "an argument of more than %zu bytes",
                              processes->options.max_argument);
    if (atomic_load_explicit(&processes->drained, memory_order_acquire))
        return gust_error_set(ESHUTDOWN, "the process pool accepts no more calls");
    return 0;
}

/* An argument in shared memory, which is the caller's. -1 and errno. */
static int share(const void *in, size_t length)
{
    int fd = gust__shared_new();
    if (fd < 0)
        return -1;
    for (size_t done = 0; done < length;) {
        ssize_t put = gust__sys_pwrite(fd, (const char *)in + done, length - done, (off_t)done);
        if (put < 0 && errno != EINTR)
            goto fail;
        done += put > 0 ? (size_t)put : 0;
    }
    if (gust__shared_seal(fd, length) == 0)
        return fd;
fail:;
    int code = errno;
    gust__sys_close(fd);
    errno = code;
    return -1;
}

/* Takes shared (-1: none, in is copied). */
static struct gust__process_task *task_new(gust_processes *processes, gust_process_job *job, const void *in,
                                           size_t length, int shared)
{
    size_t room = shared < 0 ? length : 0;
    struct gust__process_task *task = gust__calloc(1, sizeof(*task) + room);
    if (!task) {
        if (shared >= 0)
            gust__sys_close(shared);
        return NULL;
    }
    task->processes = processes;
    task->shared = shared;
    task->order = (struct gust__worker_task){.job = job, .length = length, .shared = shared >= 0};
    uint64_t count = atomic_fetch_add_explicit(&processes->count, 1, memory_order_relaxed);
    task->order.number = processes->number << NUMBER_BITS | (count & ((UINT64_C(1) << NUMBER_BITS) - 1));
    gust__list_init(&task->node);
    if (room)
        memcpy(task->bytes, in, room);
    return task;
}

/* On the future's loop. The argument is the task's number: the task may have ended meanwhile. */
static int cancel_task(void *argument)
{
    uint64_t number = (uintptr_t)argument;
    struct gust__process_cancel *cancel = gust__malloc(sizeof(*cancel));
    if (!cancel)
        return -1;
    gust__lock_take(&pools_lock);
    struct gust__list *node = pools.next;
    while (node != &pools && GUST__CONTAINER(node, gust_processes, member)->number != number >> NUMBER_BITS)
        node = node->next;
    bool found = node != &pools;
    if (found) {
        gust_processes *processes = GUST__CONTAINER(node, gust_processes, member);
        *cancel = (struct gust__process_cancel){.processes = processes, .number = number};
        found = gust_loop_post(processes->loop, &cancel->post, gust__keeper_cancel, cancel) == 0;
    }
    gust__lock_drop(&pools_lock);
    if (!found)
        gust__free(cancel);
    return 0;
}

static int ensure_keeper(gust_processes *processes)
{
    gust__lock_take(&processes->lock);
    int result = processes->loop ? 0 : gust__keeper_start(processes);
    gust__lock_drop(&processes->lock);
    return result;
}

/* Counts a call in. */
static int enter(gust_processes *processes)
{
    size_t open = atomic_fetch_add_explicit(&processes->open, 1, memory_order_relaxed);
    if (open < processes->options.max_queue + processes->options.workers)
        return 0;
    atomic_fetch_sub_explicit(&processes->open, 1, memory_order_relaxed);
    return gust_error_set(EAGAIN, "all workers are busy, and too many calls wait");
}

/* Takes task. */
static gust_future *submit(gust_processes *processes, struct gust__process_task *task)
{
    gust_future *future = gust_future_new(NULL);
    if (!future)
        goto fail;
    if (enter(processes) < 0)
        goto fail;
    task->future = future;
    gust_future_on_cancel(future, cancel_task, (void *)(uintptr_t)task->order.number);
    gust_loop_post(processes->loop, &task->post, gust__keeper_take, task);
    return future;
fail:;
    int code = errno;
    if (future) {
        gust_future_set(future, NULL, NULL);
        gust_future_free(future);
    }
    gust__process_task_free(task);
    errno = code;
    return NULL;
}

static gust_future *call(gust_processes *processes, gust_process_job *job, const void *in, size_t length,
                         int shared)
{
    struct gust__process_task *task = task_new(processes, job, in, length, shared);
    return task ? submit(processes, task) : NULL;
}

gust_future *gust_processes_async(gust_processes *processes, gust_process_job *job, const void *in,
                                  size_t length)
{
    int shared = -1;
    if (!gust_loop_current()) {
        errno = EDEADLK;
        return NULL;
    }
    if (check_call(processes, job, length) < 0 || ensure_keeper(processes) < 0)
        return NULL;
    if (length > GUST__WIRE_INLINE && (shared = share(in, length)) < 0)
        return NULL;
    return call(processes, job, in, length, shared);
}

struct sharing {
    const void *in;
    size_t length;
    int shared;
};

static int share_on_thread(void *argument)
{
    struct sharing *sharing = argument;
    sharing->shared = share(sharing->in, sharing->length);
    return sharing->shared < 0 ? -1 : 0;
}

static gust_future *call_with_much(gust_processes *processes, gust_process_job *job, const void *in,
                                   size_t length)
{
    struct sharing sharing = {in, length, -1};
    if (check_call(processes, job, length) < 0 || ensure_keeper(processes) < 0 ||
        gust_threads_run(NULL, share_on_thread, &sharing) < 0) {
        if (sharing.shared >= 0)
            gust__sys_close(sharing.shared);
        return NULL;
    }
    return call(processes, job, in, length, sharing.shared);
}

int gust_processes_run(gust_processes *processes, gust_process_job *job, const void *in, size_t length,
                       gust_result **result)
{
    if (result)
        *result = NULL;
    if (!gust__current) {
        errno = EDEADLK;
        return -1;
    }
    gust_future *future = length > ON_A_THREAD ? call_with_much(processes, job, in, length)
                                               : gust_processes_async(processes, job, in, length);
    if (!future)
        return -1;
    if (gust_wait_any(&future, 1) < 0) {
        gust_future_free(future); /* which cancels it */
        return -1;
    }
    if (result)
        *result = gust_future_take(future);
    return gust_await(future);
}

/* ---- the end ---- */

static int wait_for_drain(gust_future *future, int64_t at_most)
{
    if (at_most <= 0)
        return gust_await(future);
    GUST_DEADLINE(at_most);
    return gust_await(future);
}

int gust_processes_drain(gust_processes *processes, int64_t at_most)
{
    if (!gust__current) {
        errno = EDEADLK;
        return -1;
    }
    atomic_store_explicit(&processes->drained, true, memory_order_release);
    if (processes->generation != gust__fork_generation || !processes->loop)
        return 0;
    struct gust__process_drain *drain = gust__malloc(sizeof(*drain));
    gust_future *future = drain ? gust_future_new(NULL) : NULL;
    if (!future) {
        gust__free(drain);
        return -1;
    }
    *drain = (struct gust__process_drain){.processes = processes, .future = future};
    gust_loop_post(processes->loop, &drain->post, gust__keeper_drain, drain);
    return wait_for_drain(future, at_most);
}

void gust_processes_free(gust_processes *processes)
{
    if (!processes)
        return;
    gust__lock_take(&pools_lock);
    gust__list_remove(&processes->member);
    gust__lock_drop(&pools_lock);
    if (processes->generation && processes->generation != gust__fork_generation)
        forget_start(processes);
    if (processes->loop)
        gust__keeper_stop(processes);
    if (processes->generation)
        gust__zygote_stop(processes);
    gust__error_free(processes->failure);
    gust__free(processes);
}
