/*
 * One process that serves: a loop in its first thread, which hears the signals, and as many more as --threads
 * says, in threads of their own. Each has its own servers, over descriptors of its own for the shared
 * sockets, and its own hooks; the application is only read.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log_int.h"
#include "base/sys.h"
#include "coro/coroutine.h"
#include "coro/overflow.h"
#include "exec/zygote.h"
#include "ops/access_log.h"
#include "ops/dump.h"
#include "ops/program.h"
#include "pool/threads.h"
#include "web/app.h"
#include "web/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A loop that serves. The first one's thread is the process's own. */
struct serving {
    struct gust__process *process;
    unsigned number;
    gust_loop *loop;
    gust_server *servers[GUST__LISTENING_MAX];
    gust_event ended;    /* to drain */
    gust_event released; /* to run its stop functions: all have drained */
    gust_post post;      /* one at a time: between it and the first loop */
    struct gust__thread thread;
    bool started;  /* its hooks ran */
    bool reported; /* the first loop was told, or will be */
    bool serves;
};

struct gust__process {
    struct gust__program *program;
    struct serving *loops;
    unsigned count;
    unsigned threads; /* that were started */
    unsigned reports; /* that came */
    gust_event all_reported;
    unsigned drains; /* of the other loops: under way */
    gust_event all_drained;
    unsigned signals;
    bool ending;
};

/* ---- hooks ---- */

static int run_starts(const gust_app *app)
{
    for (const struct gust__hook *hook = app->starts; hook; hook = hook->next) {
        if (hook->function(hook->argument) < 0)
            return -1;
    }
    return 0;
}

static void run_stops(const gust_app *app)
{
    for (const struct gust__hook *hook = app->stops; hook; hook = hook->next) {
        if (gust_try(hook->function, hook->argument) < 0)
            gust_log(GUST_ERROR, "a stop function: %s", gust_error_text(gust_error_last()));
    }
}

/* ---- a loop's servers ---- */

static int open_server(struct serving *serving, gust_server **server, const gust_listener *listener)
{
    struct gust__program *program = serving->process->program;
    *server = gust_server_new(program->app, gust__listener_share(listener));
    if (!*server)
        return -1;
    if (strcmp(program->access_log, "off") != 0)
        gust__server_set_log(*server, gust__access_log_write);
    return 0;
}

static int open_servers(struct serving *serving)
{
    struct gust__program *program = serving->process->program;
    unsigned slot = (unsigned)program->task * program->threads + serving->number;
    if (program->balance && gust__balance_join(serving->loop, program->balance, slot) < 0)
        return -1;
    for (size_t i = 0; i < program->listening.count; i++) {
        if (open_server(serving, &serving->servers[i], program->listening.list[i].listener) < 0)
            return -1;
    }
    return 0;
}

static void free_servers(struct serving *serving)
{
    for (size_t i = 0; i < GUST_LEN(serving->servers); i++) {
        gust_server_free(serving->servers[i]);
        serving->servers[i] = NULL;
    }
}

struct drain {
    gust_server *server;
    int64_t at_most;
};

static int drain_one(void *argument)
{
    struct drain *drain = argument;
    if (gust_server_drain(drain->server, drain->at_most) < 0)
        gust_log(GUST_WARNING, "the time to drain is over: what still ran was cut off");
    return 0; /* a failure would cancel the other's drain */
}

/* Side by side: one deadline for all, and none accepts while another drains. */
static void drain_all(struct serving *serving)
{
    struct drain drains[GUST_LEN(serving->servers)];
    GUST_GROUP(all);
    for (size_t i = 0; i < GUST_LEN(drains); i++) {
        drains[i] = (struct drain){serving->servers[i], serving->process->program->drain};
        if (drains[i].server && gust_go(&all, drain_one, &drains[i]) < 0)
            gust_log(GUST_WARNING, "no memory to drain: what runs is cut off");
    }
    gust_group_wait(&all);
}

/* ---- a loop's life ---- */

static int begin(struct serving *serving)
{
    if (run_starts(serving->process->program->app) < 0)
        return -1;
    serving->started = true;
    return open_servers(serving);
}

static void finish(struct serving *serving)
{
    free_servers(serving);
    if (serving->started)
        run_stops(serving->process->program->app);
}

static void complain(const struct serving *serving)
{
    const char *text = gust_error_text(gust_error_last());
    fprintf(stderr, "%s: %s\n", serving->process->program->name, *text ? text : strerror(errno));
}

/* In its coroutine, under a report of stacks that overflow. */
static int run_reporting(struct serving *serving, int (*run)(struct serving *serving))
{
    if (gust__overflow_enter(gust__coroutine_arena(gust_loop_current())) < 0)
        gust_log(GUST_WARNING, "stack overflows will not be reported: %s", strerror(errno));
    int result = run(serving);
    gust__overflow_leave();
    return result;
}

/* ---- the loops in threads of their own ---- */

/* On the first loop. */
static int take_report(void *argument)
{
    struct serving *serving = argument;
    struct gust__process *process = serving->process;
    if (++process->reports == process->threads)
        gust_event_set(&process->all_reported);
    return 0;
}

static void report(struct serving *serving, bool serves)
{
    if (serving->reported)
        return;
    serving->reported = true;
    serving->serves = serves;
    gust_loop_post(serving->process->loops[0].loop, &serving->post, take_report, serving);
}

/* On the first loop. */
static int take_drained(void *argument)
{
    struct serving *serving = argument;
    if (--serving->process->drains == 0)
        gust_event_set(&serving->process->all_drained);
    return 0;
}

static void drain_other(struct serving *serving)
{
    if (gust_event_wait(&serving->ended) == 0)
        drain_all(serving);
    gust_loop_post(serving->process->loops[0].loop, &serving->post, take_drained, serving);
    gust_event_wait(&serving->released);
}

static int run_other(struct serving *serving)
{
    serving->loop = gust_loop_current();
    int result = begin(serving);
    if (result < 0)
        complain(serving);
    report(serving, result == 0);
    if (result == 0)
        drain_other(serving);
    finish(serving);
    return result;
}

static int run_other_reporting(void *argument)
{
    return run_reporting(argument, run_other);
}

static void run_thread(void *argument)
{
    struct serving *serving = argument;
    if (gust_run(run_other_reporting, serving, 0) < 0 && !serving->reported)
        complain(serving); /* there was no loop */
    report(serving, false);
}

/* On that loop. */
static int end_other(void *argument)
{
    struct serving *serving = argument;
    gust_event_set(&serving->ended);
    return 0;
}

static int release_other(void *argument)
{
    struct serving *serving = argument;
    gust_event_set(&serving->released);
    return 0;
}

/* Has each of them that serves call function(it). How many. */
static unsigned tell_others(struct gust__process *process, int (*function)(void *argument))
{
    unsigned count = 0;
    for (unsigned i = 1; i <= process->threads; i++) {
        struct serving *serving = &process->loops[i];
        if (serving->serves && gust_loop_post(serving->loop, &serving->post, function, serving) == 0)
            count++;
    }
    return count;
}

static int start_others(struct gust__process *process)
{
    for (unsigned i = 1; i < process->count; i++) {
        if (gust__thread_start(&process->loops[i].thread, "gust-loop", run_thread, &process->loops[i]) < 0)
            return -1;
        process->threads++;
    }
    return 0;
}

/* 0: each of them serves. */
static int wait_for_others(struct gust__process *process)
{
    bool all = process->threads == process->count - 1;
    if (process->threads > 0 && gust_event_wait(&process->all_reported) < 0)
        return -1;
    for (unsigned i = 1; i <= process->threads; i++)
        all = all && process->loops[i].serves;
    return all ? 0 : -1;
}

static void join_others(struct gust__process *process)
{
    for (unsigned i = 1; i <= process->threads; i++)
        gust__thread_join(&process->loops[i].thread);
}

/* ---- the first loop: signals and the end ---- */

static void end(struct gust__process *process)
{
    gust_event_set(&process->loops[0].ended);
}

static void replaced(struct gust__program *program)
{
    end(program->process);
}

/* Under a supervisor it is the one who counts: a signal for the whole group comes here twice. */
static int on_end(int number, unsigned zero, void *argument)
{
    struct gust__process *process = argument;
    (void)zero;
    if (process->program->prefork) {
        end(process);
        return 0;
    }
    if (process->signals++ == 0) {
        gust_log(GUST_INFO, "%s: finishing what runs; once more ends at once",
                 number == SIGINT ? "interrupted" : "terminated");
        gust__program_leave(process->program);
        end(process);
        return 0;
    }
    gust_log(GUST_WARNING, "ended at once");
    gust__log_drain();
    gust__sys_exit_group(128 + number);
    return 0;
}

/* A supervisor's child leaves SIGHUP and SIGUSR2 to it: they stay blocked. */
static int watch_signals(struct gust__process *process, gust_watch *watches[5])
{
    gust_loop *loop = gust_loop_current();
    watches[4] = gust_watch_signal(loop, SIGUSR1, gust__dump_on_signal, &process->program->dump_file);
    if (!watches[4])
        return -1;
    watches[0] = gust_watch_signal(loop, SIGTERM, on_end, process);
    watches[1] = gust_watch_signal(loop, SIGINT, on_end, process);
    if (!watches[0] || !watches[1] || process->program->prefork)
        return watches[0] && watches[1] ? 0 : -1;
    watches[2] = gust_watch_signal(loop, SIGHUP, gust__program_replace, process->program);
    watches[3] = gust_watch_signal(loop, SIGUSR2, gust__program_replace, process->program);
    return watches[2] && watches[3] ? 0 : -1;
}

/* Calls on threads that no request waits for: before the stop functions free what they use. */
static void drain_threads(int64_t at_most)
{
    if (gust__threads_drain_default(at_most > 0 ? at_most : 0) < 0)
        gust_log(GUST_WARNING, "%s", gust_error_text(gust_error_last()));
}

/* The sockets first: who drains sees their queues' end. The threads' calls when no loop has requests any
 * more, which might ask for others. */
static void drain_process(struct gust__process *process)
{
    int64_t until = gust__clock_after(gust__clock_now(), process->program->drain);
    gust__listening_close(&process->program->listening);
    process->drains = tell_others(process, end_other);
    drain_all(&process->loops[0]);
    if (process->drains > 0)
        gust_event_wait(&process->all_drained);
    drain_threads(until - gust__clock_now());
    tell_others(process, release_other);
}

static int serve_until_told(struct gust__process *process)
{
    struct gust__program *program = process->program;
    struct serving *first = &process->loops[0];
    gust_periodic *watchdog = NULL;
    int result = begin(first);
    if (result < 0) /* the others' failures may follow: the first reason counts */
        complain(first);
    if (wait_for_others(process) < 0)
        result = -1;
    if (result == 0) {
        gust__program_serves(program);
        if (!program->prefork)
            watchdog = gust__program_feed_watchdog(program, first->loop);
        result = gust_event_wait(&first->ended);
    }
    drain_process(process);
    gust_periodic_free(watchdog);
    return result;
}

static int run_first(struct serving *first)
{
    struct gust__process *process = first->process;
    gust_watch *watches[5] = {NULL};
    int result = -1;
    first->loop = gust_loop_current();
    if (watch_signals(process, watches) < 0 || gust_watchdog(process->program->watchdog) < 0) {
        complain(first);
    } else {
        if (start_others(process) < 0)
            gust_error_set(errno, "cannot start a thread: %s", strerror(errno));
        result = serve_until_told(process);
    }
    finish(first);
    for (size_t i = 0; i < GUST_LEN(watches); i++)
        gust_watch_free(watches[i]);
    return result;
}

static int run_first_reporting(void *argument)
{
    return run_reporting(argument, run_first);
}

/* ---- the process ---- */

static int run_process(struct gust__process *process)
{
    if (gust__app_freeze(process->program->app) < 0) { /* once, before threads read it */
        complain(&process->loops[0]);
        return -1;
    }
    if (gust__zygotes_start() < 0) {
        complain(&process->loops[0]);
        return -1;
    }
    gust__overflow_install(gust__coroutine_name_of);
    int result = gust_run(run_first_reporting, &process->loops[0], 0);
    join_others(process);
    gust__overflow_uninstall();
    return result;
}

int gust__program_serve(struct gust__program *program)
{
    struct gust__process process = {.program = program, .count = program->threads};
    process.loops = gust__calloc(process.count, sizeof(*process.loops));
    if (!process.loops) {
        fprintf(stderr, "%s: out of memory\n", program->name);
        return EXIT_FAILURE;
    }
    for (unsigned i = 0; i < process.count; i++) {
        process.loops[i].process = &process;
        process.loops[i].number = i;
    }
    program->process = &process;
    program->replaced = replaced;
    int result = run_process(&process);
    program->process = NULL;
    gust__free(process.loops);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

void gust__program_serves(struct gust__program *program)
{
    if (program->prefork)
        gust__prefork_serves(program->prefork, program->task);
    else
        gust__program_announce(program);
}
