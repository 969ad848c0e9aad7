/* Many processes that serve, and the one that looks after them: it runs nothing of the application. */
#include "base/list.h"
#include "base/log_int.h"
#include "base/sys.h"
#include "exec/zygote.h"
#include "ops/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KILL_AFTER GUST_S(5) /* behind the time to drain: for stop functions */

struct supervisor {
    struct gust__program *program;
    struct gust__prefork prefork;
    gust_watch *watches[5];
    gust_periodic *watchdog;
    unsigned signals;
};

static void all_serve(void *argument)
{
    struct supervisor *supervisor = argument;
    gust__program_announce(supervisor->program);
    supervisor->watchdog = gust__program_feed_watchdog(supervisor->program, supervisor->prefork.loop);
}

/* The sockets first: the last process that drains finds their queues empty, and closes them. */
static void stop(struct supervisor *supervisor)
{
    gust__listening_close(&supervisor->program->listening);
    gust__prefork_stop(&supervisor->prefork);
}

static void replaced(struct gust__program *program)
{
    stop(GUST__CONTAINER(program->prefork, struct supervisor, prefork));
}

static int on_end(int number, unsigned zero, void *argument)
{
    struct supervisor *supervisor = argument;
    (void)zero;
    if (supervisor->signals++ == 0) {
        gust_log(GUST_INFO, "%s: finishing what runs; once more ends at once",
                 number == SIGINT ? "interrupted" : "terminated");
        gust__program_leave(supervisor->program);
        stop(supervisor);
        return 0;
    }
    gust_log(GUST_WARNING, "ended at once");
    gust__log_drain();
    gust__prefork_kill(&supervisor->prefork);
    gust__sys_exit_group(128 + number);
    return 0;
}

/* For all of them: what they do with it is their matter. */
static int pass_on(int number, unsigned zero, void *argument)
{
    struct supervisor *supervisor = argument;
    (void)zero;
    gust__prefork_signal(&supervisor->prefork, number);
    return 0;
}

static int watch_signals(struct supervisor *supervisor)
{
    gust_loop *loop = supervisor->prefork.loop;
    gust_watch **watches = supervisor->watches;
    watches[0] = gust_watch_signal(loop, SIGTERM, on_end, supervisor);
    watches[1] = gust_watch_signal(loop, SIGINT, on_end, supervisor);
    watches[2] = gust_watch_signal(loop, SIGHUP, gust__program_replace, supervisor->program);
    watches[3] = gust_watch_signal(loop, SIGUSR2, gust__program_replace, supervisor->program);
    watches[4] = gust_watch_signal(loop, SIGUSR1, pass_on, supervisor);
    for (size_t i = 0; i < GUST_LEN(supervisor->watches); i++) {
        if (!watches[i])
            return -1;
    }
    return 0;
}

static int begin(struct supervisor *supervisor)
{
    struct gust__program *program = supervisor->program;
    gust__zygotes_skip();
    supervisor->prefork = (struct gust__prefork){
        .count = program->processes,
        .slots = program->threads,
        .balance = program->balance,
        .loop = gust_loop_new(),
        .max_restarts = program->max_restarts,
        .grace = program->drain + KILL_AFTER,
        .serving = all_serve,
        .argument = supervisor,
    };
    program->prefork = &supervisor->prefork;
    program->replaced = replaced;
    if (!supervisor->prefork.loop || watch_signals(supervisor) < 0)
        return -1;
    return gust__prefork_begin(&supervisor->prefork);
}

/* In the parent at the end, and in each child at its beginning. */
static void drop_supervision(struct supervisor *supervisor)
{
    gust_periodic_free(supervisor->watchdog);
    for (size_t i = 0; i < GUST_LEN(supervisor->watches); i++)
        gust_watch_free(supervisor->watches[i]);
    supervisor->watchdog = NULL;
    memset(supervisor->watches, 0, sizeof(supervisor->watches));
    gust_loop_free(supervisor->prefork.loop);
    supervisor->prefork.loop = NULL;
}

static int serve_task(struct supervisor *supervisor, int task)
{
    struct gust__program *program = supervisor->program;
    program->task = task;
    gust__successor_abandon(&program->successor);
    drop_supervision(supervisor);
    gust__inherited_close(&program->inherited); /* the pipe is the supervisor's */
    return gust__program_serve(program);
}

int gust__program_supervise(struct gust__program *program)
{
    struct supervisor supervisor = {.program = program};
    int result = EXIT_FAILURE;
    if (begin(&supervisor) < 0) {
        fprintf(stderr, "%s: %s\n", program->name, strerror(errno));
        drop_supervision(&supervisor);
    } else {
        int task = gust__prefork_run(&supervisor.prefork);
        if (task >= 0) {
            result = serve_task(&supervisor, task);
        } else {
            result = supervisor.prefork.failed ? EXIT_FAILURE : EXIT_SUCCESS;
            gust__successor_cancel(&program->successor);
            gust__listening_close(&program->listening);
            drop_supervision(&supervisor);
        }
    }
    gust__prefork_end(&supervisor.prefork);
    program->prefork = NULL;
    return result;
}
