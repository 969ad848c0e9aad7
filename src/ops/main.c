/*
 * gust_main: options, descriptor limit, signals, listeners, start hooks, serving, drain, stop hooks: in this
 * order (design rule 13).
 */
#include "base/log_int.h"
#include "base/clock.h"
#include "base/sys.h"
#include "coro/coroutine.h"
#include "coro/overflow.h"
#include "exec/zygote.h"
#include "ops/access_log.h"
#include "ops/dump.h"
#include "ops/options.h"
#include "pool/threads.h"
#include "web/app.h"
#include "web/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gust/gust.h>

enum { EXIT_WRONG_OPTION = 2 };

struct program {
    gust_app *app;
    const char *name;

    unsigned port;
    const char *address;
    const char *unix_path;
    const char *access_log;
    const char *log_level;
    int64_t max_body, max_header, idle_timeout, header_timeout, body_timeout, write_timeout, timeout, drain;
    unsigned max_headers, max_connections, backlog;
    int64_t watchdog;
    const char *dump_file;

    gust_server *servers[2];
    gust_event ended; /* a signal came */
    unsigned signals;
    bool started;
};

/* ---- options ---- */

static int wrong_option(const struct program *program, const char *complaint)
{
    fprintf(stderr, "%s: %s\n", program->name, complaint);
    return EXIT_WRONG_OPTION;
}

/* On the command line 0 is none; in the settings it is the default, and -1 is none. */
static int64_t or_none(int64_t value)
{
    return value ? value : -1;
}

static int64_t from_setting(int64_t setting)
{
    return setting < 0 ? 0 : setting;
}

static void set_defaults(struct program *program)
{
    const gust_app_settings *settings = &program->app->settings;
    program->port = 8888;
    program->address = "127.0.0.1";
    program->access_log = isatty(STDERR_FILENO) ? "on" : "off";
    program->log_level = "info";
    program->max_body = from_setting(settings->max_body);
    program->max_header = (int64_t)settings->max_header;
    program->max_headers = settings->max_headers;
    program->idle_timeout = from_setting(settings->idle_timeout);
    program->header_timeout = from_setting(settings->header_timeout);
    program->body_timeout = from_setting(settings->body_timeout);
    program->write_timeout = from_setting(settings->write_timeout);
    program->timeout = from_setting(settings->timeout);
    program->drain = GUST_S(10);
    program->watchdog = gust__watchdog_default(settings->debug);
    program->max_connections = 100000;
    program->backlog = 4096;
}

/* 0: run; else what main returns, plus one. */
static int read_options(struct program *program, int argc, char **argv)
{
    struct gust__option options[] = {
        {"port", GUST__OPTION_COUNT, &program->port, "PORT", "listen on this port; 0: any free one", 0,
         65535},
        {"address", GUST__OPTION_TEXT, &program->address, "HOST", "listen on this address; empty: on all", 0,
         0},
        {"unix", GUST__OPTION_TEXT, &program->unix_path, "PATH", "listen on this Unix socket, too", 0, 0},
        {"access-log", GUST__OPTION_TEXT, &program->access_log, "on|off|FILE", "log each answer", 0, 0},
        {"log-level", GUST__OPTION_TEXT, &program->log_level, "LEVEL", "debug, info, warning or error", 0, 0},
        {"max-body", GUST__OPTION_SIZE, &program->max_body, "SIZE", "largest request body", 0, 0},
        {"max-header", GUST__OPTION_SIZE, &program->max_header, "SIZE", "largest request head", 1 << 7,
         1 << 30},
        {"max-headers", GUST__OPTION_COUNT, &program->max_headers, "N", "most headers of a request", 1,
         65534},
        {"max-connections", GUST__OPTION_COUNT, &program->max_connections, "N", "most at once", 1, 1 << 30},
        {"backlog", GUST__OPTION_COUNT, &program->backlog, "N", "connections that wait to be accepted", 1,
         1 << 20},
        {"timeout", GUST__OPTION_DURATION, &program->timeout, "TIME", "for a handler", 0, 0},
        {"idle-timeout", GUST__OPTION_DURATION, &program->idle_timeout, "TIME", "between requests", 0, 0},
        {"header-timeout", GUST__OPTION_DURATION, &program->header_timeout, "TIME", "for a head to arrive", 0,
         0},
        {"body-timeout", GUST__OPTION_DURATION, &program->body_timeout, "TIME", "for a body to arrive", 0, 0},
        {"write-timeout", GUST__OPTION_DURATION, &program->write_timeout, "TIME", "without progress", 0, 0},
        {"watchdog", GUST__OPTION_DURATION, &program->watchdog, "TIME",
         "log what holds the loop up for longer; 0: off", 0, 0},
        {"dump", GUST__OPTION_TEXT, &program->dump_file, "FILE", "where SIGUSR1 writes all coroutines", 0, 0},
        {"drain", GUST__OPTION_DURATION, &program->drain, "TIME", "for requests to end at SIGTERM", 0, 0},
    };
    char complaint[256];
    switch (gust__options_parse(options, GUST_LEN(options), argc, argv, complaint, sizeof(complaint))) {
    case GUST__OPTIONS_HELP:
        set_defaults(program);
        gust__options_help(program->name, options, GUST_LEN(options));
        return 1;
    case GUST__OPTIONS_WRONG:
        return wrong_option(program, complaint) + 1;
    default:
        return 0;
    }
}

static int set_log_level(const struct program *program)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    char complaint[128];
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        if (strcmp(program->log_level, names[i]) == 0) {
            gust_log_set_level((gust_log_level)i);
            return 0;
        }
    }
    snprintf(complaint, sizeof(complaint), "--log-level=%s: expected debug, info, warning or error",
             program->log_level);
    return wrong_option(program, complaint);
}

static void apply_options(const struct program *program)
{
    gust_app_set(
        program->app, .max_body = or_none(program->max_body), .max_header = (size_t)program->max_header,
        .max_headers = program->max_headers, .timeout = or_none(program->timeout),
        .idle_timeout = or_none(program->idle_timeout), .header_timeout = or_none(program->header_timeout),
        .body_timeout = or_none(program->body_timeout), .write_timeout = or_none(program->write_timeout));
}

/* ---- the process ---- */

/* As many descriptors as the hard limit allows: each connection is one. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (gust__sys_prlimit64(0, RLIMIT_NOFILE, NULL, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        gust__sys_prlimit64(0, RLIMIT_NOFILE, &limit, NULL);
    }
}

static int on_signal(int number, unsigned zero, void *argument)
{
    struct program *program = argument;
    (void)zero;
    if (program->signals++ == 0) {
        gust_log(GUST_INFO, "%s: finishing what runs; once more ends at once",
                 number == SIGINT ? "interrupted" : "terminated");
        gust_event_set(&program->ended);
        return 0;
    }
    gust_log(GUST_WARNING, "ended at once");
    gust__log_drain();
    gust__sys_exit_group(128 + number);
    return 0;
}

/* ---- listening ---- */

static int cannot_listen(const char *address)
{
    int code = errno;
    const char *hint = code == EADDRINUSE
                           ? ": another program listens there; --port=PORT chooses another port"
                       : code == EACCES ? ": not allowed; ports below 1024 need a privilege"
                                        : "";
    return gust_error_set(code, "cannot listen on %s: %s%s", address, strerror(code), hint);
}

static int open_server(struct program *program, gust_server **server, const char *address)
{
    gust_listener *listener =
        gust_listen(address, .backlog = (int)program->backlog, .max_connections = program->max_connections);
    if (!listener)
        return cannot_listen(address);
    char shown[256];
    snprintf(shown, sizeof(shown), "%s", gust_listener_address(listener));
    *server = gust_server_new(program->app, listener);
    if (!*server)
        return -1;
    if (strcmp(program->access_log, "off") != 0)
        gust__server_set_log(*server, gust__access_log_write);
    printf("listening on %s%s\n", strncmp(shown, "unix:", 5) == 0 ? "" : "http://", shown);
    fflush(stdout);
    return 0;
}

static int listen_on_all(struct program *program)
{
    char address[512];
    bool bare_v6 = strchr(program->address, ':') && program->address[0] != '[';
    snprintf(address, sizeof(address), bare_v6 ? "[%s]:%u" : "%s:%u", program->address, program->port);
    if (open_server(program, &program->servers[0], address) < 0)
        return -1;
    if (!program->unix_path)
        return 0;
    snprintf(address, sizeof(address), "unix:%s", program->unix_path);
    return open_server(program, &program->servers[1], address);
}

/* ---- serving ---- */

static int run_starts(struct program *program)
{
    for (const struct gust__hook *hook = program->app->starts; hook; hook = hook->next) {
        if (hook->function(hook->argument) < 0)
            return -1;
    }
    return 0;
}

static void run_stops(struct program *program)
{
    for (const struct gust__hook *hook = program->app->stops; hook; hook = hook->next) {
        if (gust_try(hook->function, hook->argument) < 0)
            gust_log(GUST_ERROR, "a stop function: %s", gust_error_text(gust_error_last()));
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
static void drain_all(struct program *program)
{
    struct drain drains[GUST_LEN(program->servers)];
    GUST_GROUP(all);
    for (size_t i = 0; i < GUST_LEN(drains); i++) {
        drains[i] = (struct drain){program->servers[i], program->drain};
        if (drains[i].server && gust_go(&all, drain_one, &drains[i]) < 0)
            gust_log(GUST_WARNING, "no memory to drain: what runs is cut off");
    }
    gust_group_wait(&all);
}

/* Calls on threads that no request waits for: before the stop functions free what they use. */
static void drain_threads(int64_t at_most)
{
    if (gust__threads_drain_default(at_most > 0 ? at_most : 0) < 0)
        gust_log(GUST_WARNING, "%s", gust_error_text(gust_error_last()));
}

static void free_servers(struct program *program)
{
    for (size_t i = 0; i < GUST_LEN(program->servers); i++) {
        gust_server_free(program->servers[i]);
        program->servers[i] = NULL;
    }
}

/* The program's own coroutine. */
static int run_program(void *argument)
{
    struct program *program = argument;
    int result = -1;
    gust_watch *dump =
        gust_watch_signal(gust_loop_current(), SIGUSR1, gust__dump_on_signal, &program->dump_file);
    gust_watch *terminate = gust_watch_signal(gust_loop_current(), SIGTERM, on_signal, program);
    gust_watch *interrupt = gust_watch_signal(gust_loop_current(), SIGINT, on_signal, program);
    if (!terminate || !interrupt || !dump || gust_watchdog(program->watchdog) < 0 || run_starts(program) < 0)
        goto out;
    program->started = true;
    if (listen_on_all(program) < 0)
        goto out;
    result = gust_event_wait(&program->ended);
    int64_t until = gust__clock_after(gust__clock_now(), program->drain);
    drain_all(program);
    drain_threads(until - gust__clock_now());
out:
    if (result < 0) { /* the clean-up below may fail too: the first reason counts */
        const char *text = gust_error_text(gust_error_last());
        fprintf(stderr, "%s: %s\n", program->name, *text ? text : strerror(errno));
    }
    free_servers(program);
    if (program->started)
        run_stops(program);
    gust_watch_free(interrupt);
    gust_watch_free(terminate);
    gust_watch_free(dump);
    return result;
}

/* The program's coroutine, under a report of stacks that overflow. */
static int run_reporting(void *argument)
{
    if (gust__overflow_enter(gust__coroutine_arena(gust_loop_current())) < 0)
        gust_log(GUST_WARNING, "stack overflows will not be reported: %s", strerror(errno));
    int result = run_program(argument);
    gust__overflow_leave();
    return result;
}

static int serve(struct program *program)
{
    sigset_t handled, before;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old_pipe;
    sigemptyset(&handled);
    sigaddset(&handled, SIGTERM);
    sigaddset(&handled, SIGINT);
    sigaddset(&handled, SIGUSR1);
    sigemptyset(&ignore.sa_mask);
    pthread_sigmask(SIG_BLOCK, &handled, &before);
    sigaction(SIGPIPE, &ignore, &old_pipe);
    gust__overflow_install(gust__coroutine_name_of);
    int result = gust_run(run_reporting, program, 0);
    gust__overflow_uninstall();
    sigaction(SIGPIPE, &old_pipe, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path ? path : "gust";
}

int gust_main(gust_app *app, int argc, char **argv)
{
    struct program program = {.app = app, .name = base_name(argc > 0 ? argv[0] : NULL)};
    const char *mistake = gust_app_mistake(app);
    int result;
    if (mistake) {
        fprintf(stderr, "%s: %s\n", program.name, mistake);
        result = EXIT_FAILURE;
        goto out;
    }
    set_defaults(&program);
    result = read_options(&program, argc, argv);
    if (result) {
        result--;
        goto out;
    }
    result = set_log_level(&program);
    if (result)
        goto out;
    if (strcmp(program.access_log, "off") != 0 && gust__access_log_open(program.access_log) < 0) {
        result = wrong_option(&program, gust_error_text(gust_error_last()));
        goto out;
    }
    apply_options(&program);
    raise_descriptor_limit();
    if (gust__zygotes_start() < 0) {
        fprintf(stderr, "%s: %s\n", program.name, gust_error_text(gust_error_last()));
        result = EXIT_FAILURE;
    } else {
        result = serve(&program);
    }
    gust__access_log_close();
out:
    gust_app_free(app);
    return result;
}
