/* The command line of a program under gust_main, and what it sets. */
#include "base/sys.h"
#include "ops/dump.h"
#include "ops/options.h"
#include "ops/program.h"
#include "pool/threads.h"
#include "web/app.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int gust__program_wrong_option(const struct gust__program *program, const char *complaint)
{
    fprintf(stderr, "%s: %s\n", program->name, complaint);
    return GUST__WRONG_OPTION;
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

void gust__program_defaults(struct gust__program *program)
{
    const gust_app_settings *settings = &program->app->settings;
    program->port = 8888;
    program->address = "127.0.0.1";
    program->access_log = isatty(STDERR_FILENO) ? "on" : "off";
    program->log_level = "info";
    program->log_format = "text";
    program->log_keep = 10;
    program->trust_request_id = settings->trust_request_id;
    program->max_body = from_setting(settings->max_body);
    program->max_header = (int64_t)settings->max_header;
    program->max_headers = settings->max_headers;
    program->idle_timeout = from_setting(settings->idle_timeout);
    program->header_timeout = from_setting(settings->header_timeout);
    program->body_timeout = from_setting(settings->body_timeout);
    program->write_timeout = from_setting(settings->write_timeout);
    program->timeout = from_setting(settings->timeout);
    program->drain = GUST_S(10);
    program->takeover_timeout = GUST_S(60);
    program->watchdog = gust__watchdog_default(settings->debug);
    program->processes = 1;
    program->threads = 1;
    program->pool_threads = gust__threads_usual_workers();
    program->max_restarts = 100;
    program->max_connections = 100000;
    program->backlog = 4096;
}

static unsigned count_cores(void)
{
    cpu_set_t cores;
    return gust__sys_sched_getaffinity(0, sizeof(cores), &cores) == 0 ? (unsigned)CPU_COUNT(&cores) : 1;
}

int gust__program_read_options(struct gust__program *program, int argc, char **argv)
{
    struct gust__option options[] = {
        {"port", GUST__OPTION_COUNT, &program->port, "PORT", "listen on this port; 0: any free one", 0,
         65535},
        {"address", GUST__OPTION_TEXT, &program->address, "HOST", "listen on this address; empty: on all", 0,
         0},
        {"unix", GUST__OPTION_TEXT, &program->unix_path, "PATH", "listen on this Unix socket, too", 0, 0},
        {"processes", GUST__OPTION_COUNT, &program->processes, "N",
         "serve from so many; 0: one for each core", 0, GUST__MOST_PROCESSES},
        {"threads", GUST__OPTION_COUNT, &program->threads, "N", "loops, a thread each, in each process", 1,
         GUST__MOST_THREADS},
        {"pool-threads", GUST__OPTION_COUNT, &program->pool_threads, "N",
         "threads for calls that block, in each process, at most", 1, GUST__MOST_POOL_THREADS},
        {"max-restarts", GUST__OPTION_COUNT, &program->max_restarts, "N", "of processes that crash, in a row",
         0, 1 << 30},
        {"reuse-port", GUST__OPTION_BOOL, &program->reuse_port, NULL, "let others listen on the same port", 0,
         0},
        {"access-log", GUST__OPTION_TEXT, &program->access_log, "on|off|FILE", "log each answer", 0, 0},
        {"log-level", GUST__OPTION_TEXT, &program->log_level, "LEVEL[,NAME=LEVEL]",
         "debug, info, warning or error; of app, gust, access for itself", 0, 0},
        {"log-file", GUST__OPTION_TEXT, &program->log_file, "FILE", "log to this file", 0, 0},
        {"log-format", GUST__OPTION_TEXT, &program->log_format, "text|json", "a line, or an object a line", 0,
         0},
        {"log-max-size", GUST__OPTION_SIZE, &program->log_max_size, "SIZE",
         "rotate log files before they are larger; 0: never", 0, 0},
        {"log-rotate", GUST__OPTION_TEXT, &program->log_rotate, "TIME|midnight", "rotate log files so often",
         0, 0},
        {"log-keep", GUST__OPTION_COUNT, &program->log_keep, "N", "old log files", 1, 10000},
        {"trust-request-id", GUST__OPTION_BOOL, &program->trust_request_id, NULL, "a proxy sets X-Request-Id",
         0, 0},
        {"max-body", GUST__OPTION_SIZE, &program->max_body, "SIZE", "largest request body", 0, 0},
        {"max-header", GUST__OPTION_SIZE, &program->max_header, "SIZE", "largest request head", 1 << 7,
         1 << 30},
        {"max-headers", GUST__OPTION_COUNT, &program->max_headers, "N", "most headers of a request", 1,
         65534},
        {"max-connections", GUST__OPTION_COUNT, &program->max_connections, "N", "most at once, of each loop",
         1, 1 << 30},
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
        {"takeover-timeout", GUST__OPTION_DURATION, &program->takeover_timeout, "TIME",
         "for a successor to serve, at SIGHUP or SIGUSR2", 0, 0},
    };
    char complaint[256];
    switch (gust__options_parse(options, GUST_LEN(options), argc, argv, complaint, sizeof(complaint))) {
    case GUST__OPTIONS_HELP:
        gust__program_defaults(program);
        gust__options_help(program->name, options, GUST_LEN(options));
        return 1;
    case GUST__OPTIONS_WRONG:
        return gust__program_wrong_option(program, complaint) + 1;
    default:
        if (program->processes == 0)
            program->processes = count_cores();
        return 0;
    }
}

void gust__program_apply_options(const struct gust__program *program)
{
    gust_app_set(
        program->app, .max_body = or_none(program->max_body), .max_header = (size_t)program->max_header,
        .max_headers = program->max_headers, .timeout = or_none(program->timeout),
        .idle_timeout = or_none(program->idle_timeout), .header_timeout = or_none(program->header_timeout),
        .body_timeout = or_none(program->body_timeout), .write_timeout = or_none(program->write_timeout),
        .trust_request_id = program->trust_request_id);
    gust__threads_set_default_workers(program->pool_threads);
}
