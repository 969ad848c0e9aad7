/* The program's listening sockets, and whom it tells that it serves. */
#include "ops/program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int cannot_listen(const char *address)
{
    int code = errno;
    const char *hint = code == EADDRINUSE
                           ? ": another program listens there; --port=PORT chooses another port"
                       : code == EACCES ? ": not allowed; ports below 1024 need a privilege"
                                        : "";
    return gust_error_set(code, "cannot listen on %s: %s%s", address, strerror(code), hint);
}

static gust_listen_options listen_options(const struct gust__program *program)
{
    return (gust_listen_options){
        .size = sizeof(gust_listen_options),
        .backlog = (int)program->backlog,
        .max_connections = program->max_connections,
        .reuse_port = program->reuse_port,
    };
}

static int open_address(struct gust__program *program, const char *address)
{
    gust_listen_options options = listen_options(program);
    if (gust__listening_open(&program->listening, &program->inherited, address, &options) < 0)
        return cannot_listen(address);
    return 0;
}

static int open_addresses(struct gust__program *program)
{
    char address[512];
    bool bare_v6 = strchr(program->address, ':') && program->address[0] != '[';
    snprintf(address, sizeof(address), bare_v6 ? "[%s]:%u" : "%s:%u", program->address, program->port);
    if (open_address(program, address) < 0)
        return -1;
    if (!program->unix_path)
        return 0;
    snprintf(address, sizeof(address), "unix:%s", program->unix_path);
    return open_address(program, address);
}

int gust__program_open(struct gust__program *program)
{
    gust_listen_options options = listen_options(program);
    int activated = gust__listening_activated(&program->listening, &program->inherited, &options);
    if (activated < 0)
        return gust_error_set(errno, "cannot use the inherited sockets: %s", strerror(errno));
    if (activated == 0 && open_addresses(program) < 0)
        return -1;
    gust__inherited_close_rest(&program->inherited);
    return 0;
}

static void print_addresses(const struct gust__listening *listening)
{
    for (size_t i = 0; i < listening->count; i++) {
        const char *address = gust_listener_address(listening->list[i].listener);
        printf("listening on %s%s\n", strncmp(address, "unix:", 5) == 0 ? "" : "http://", address);
    }
    fflush(stdout);
}

void gust__program_announce(struct gust__program *program)
{
    bool replaces = program->inherited.ready >= 0;
    gust__listening_own_files(&program->listening);
    print_addresses(&program->listening);
    if (!replaces) /* else the one before tells: systemd listens to the main process only */
        gust__notify(&program->notify, "READY=1\nSTATUS=serving");
    gust__inherited_ready(&program->inherited);
}
