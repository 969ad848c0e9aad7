/* What the log is written to, and how: levels, format, files and their rotation. */
#include "base/log_int.h"
#include "ops/options_int.h"
#include "ops/program.h"

#include <stdio.h>
#include <string.h>

/* One line that says what is wrong with an option's value. */
static int refuse(const struct gust__program *program, const char *name, const char *value, const char *why)
{
    char complaint[512];
    snprintf(complaint, sizeof(complaint), "--%s=%s: %s", name, value, why);
    return gust__program_wrong_option(program, complaint);
}

static bool read_rotation(const struct gust__program *program, struct gust__log_rotation *rotation)
{
    struct gust__option every = {.kind = GUST__OPTION_DURATION, .value = &rotation->every};
    every.min = (double)GUST_S(1), every.max = (double)GUST_S(366 * 86400);
    *rotation = (struct gust__log_rotation){.max_size = program->log_max_size, .keep = program->log_keep};
    rotation->at_midnight = program->log_rotate && strcmp(program->log_rotate, "midnight") == 0;
    return !program->log_rotate || rotation->at_midnight || gust__option_set(&every, program->log_rotate);
}

static int open_files(const struct gust__program *program, const struct gust__log_rotation *rotation)
{
    const char *access = program->access_log;
    bool own = strcmp(access, "on") != 0 && strcmp(access, "off") != 0;
    if (program->log_file && gust__log_open(GUST__LOG_GENERAL, program->log_file, rotation) < 0)
        return refuse(program, "log-file", program->log_file, strerror(errno));
    if (own && gust__log_open(GUST__LOG_ACCESS, access, rotation) < 0)
        return refuse(program, "access-log", access, strerror(errno));
    return 0;
}

int gust__program_open_logs(struct gust__program *program)
{
    struct gust__log_rotation rotation;
    bool json = strcmp(program->log_format, "json") == 0;
    if (gust_log_set_levels(program->log_level) < 0)
        return refuse(program, "log-level", program->log_level,
                      "expected debug, info, warning or error, and NAME=LEVEL behind commas");
    if (!json && strcmp(program->log_format, "text") != 0)
        return refuse(program, "log-format", program->log_format, "expected text or json");
    if (!read_rotation(program, &rotation))
        return refuse(program, "log-rotate", program->log_rotate,
                      "expected midnight or a time: 1h, 30m, at least 1s");
    gust__log_set_json(json);
    return open_files(program, &rotation);
}

void gust__program_close_logs(void)
{
    gust__log_drain();
    gust__log_close(GUST__LOG_ACCESS);
    gust__log_close(GUST__LOG_GENERAL);
}
