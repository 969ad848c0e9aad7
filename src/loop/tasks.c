/* The run queue: rings of tasks, each known by its last one. A task is queued while its next is set. */
#include "loop/loop_int.h"

static void append(struct gust__task **ring, struct gust__task *task)
{
    struct gust__task *last = *ring;
    if (last) {
        task->next = last->next;
        task->previous = last;
        last->next->previous = task;
        last->next = task;
    } else {
        task->next = task;
        task->previous = task;
    }
    *ring = task;
}

static void take(struct gust__task **ring, struct gust__task *task)
{
    if (*ring == task)
        *ring = task->previous == task ? NULL : task->previous;
    task->previous->next = task->next;
    task->next->previous = task->previous;
    task->next = NULL;
    task->previous = NULL;
}

void gust__loop_ready(gust_loop *loop, struct gust__task *task)
{
    if (!gust__task_queued(task))
        append(&loop->ready, task);
}

void gust__loop_gather(gust_loop *loop, struct gust__task *task)
{
    if (!gust__task_queued(task))
        append(&loop->gathered, task);
}

/* The task may be in any ring; only if it is the last one does it matter in which. */
void gust__loop_unready(gust_loop *loop, struct gust__task *task)
{
    struct gust__task **ring = &loop->ready;
    if (!gust__task_queued(task))
        return;
    if (loop->current == task)
        ring = &loop->current;
    else if (loop->gathered == task)
        ring = &loop->gathered;
    take(ring, task);
}

/* What was queued until now is what this iteration runs. */
void gust__tasks_begin(gust_loop *loop)
{
    loop->current = loop->ready;
    loop->ready = NULL;
}

static void run_all(gust_loop *loop, struct gust__task **ring)
{
    while (*ring) {
        struct gust__task *task = (*ring)->next;
        take(ring, task);
        gust__loop_turn(loop);
        task->run(task);
    }
}

void gust__tasks_dispatch(gust_loop *loop)
{
    run_all(loop, &loop->current);
}

void gust__tasks_gathered(gust_loop *loop)
{
    run_all(loop, &loop->gathered);
}

static size_t count_ring(const struct gust__task *last)
{
    size_t count = last != NULL;
    for (const struct gust__task *task = last; task && task->next != last; task = task->next)
        count++;
    return count;
}

size_t gust__tasks_count(const gust_loop *loop)
{
    return count_ring(loop->current) + count_ring(loop->gathered) + count_ring(loop->ready);
}

void gust__tasks_fini(gust_loop *loop)
{
    while (loop->current)
        take(&loop->current, loop->current);
    while (loop->gathered)
        take(&loop->gathered, loop->gathered);
    while (loop->ready)
        take(&loop->ready, loop->ready);
}
