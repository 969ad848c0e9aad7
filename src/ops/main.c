/*
 * gust_main: options, descriptor limit, listeners, signals, processes, loops, start hooks, serving, drain,
 * stop hooks: in this order (design rule 13).
 */
#include "base/sys.h"
#include "ops/program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* As many descriptors as the hard limit allows: each connection is one. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (gust__sys_prlimit64(0, RLIMIT_NOFILE, NULL, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        gust__sys_prlimit64(0, RLIMIT_NOFILE, &limit, NULL);
    }
}

/* ---- signals ---- */

static const int handled[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGUSR1};

/* Blocked before the first thread and the first child, which inherit it. */
static void take_signals(void)
{
    sigset_t blocked;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&blocked);
    for (size_t i = 0; i < GUST_LEN(handled); i++)
        sigaddset(&blocked, handled[i]);
    sigemptyset(&ignore.sa_mask);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

/* One that came too late to be heard is dropped: it would end a process that has ended well. */
static void drop_pending(int number)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigemptyset(&ignore.sa_mask);
    sigaction(number, &ignore, &before);
    sigaction(number, &before, NULL);
}

static void give_signals_back(const struct gust__program *program)
{
    for (size_t i = 0; i < GUST_LEN(handled); i++)
        drop_pending(handled[i]);
    sigaction(SIGPIPE, &program->image.pipe, NULL);
    pthread_sigmask(SIG_SETMASK, &program->image.mask, NULL);
}

/* ---- the program ---- */

static int open_balance(struct gust__program *program)
{
    unsigned loops = program->processes * program->threads;
    if (loops < 2)
        return 0;
    program->balance = gust__balance_new(loops);
    return program->balance ? 0 : -1;
}

static int run(struct gust__program *program)
{
    bool supervises = program->processes > 1;
    int result = EXIT_FAILURE;
    if (gust__program_open(program) < 0 || open_balance(program) < 0) {
        const char *text = gust_error_text(gust_error_last());
        fprintf(stderr, "%s: %s\n", program->name, *text ? text : strerror(errno));
    } else {
        take_signals();
        result = supervises ? gust__program_supervise(program) : gust__program_serve(program);
        give_signals_back(program);
    }
    gust__listening_close(&program->listening);
    gust__balance_free(program->balance);
    return result;
}

/* 0, or what main returns. */
static int apply(struct gust__program *program)
{
    int result = gust__program_open_logs(program);
    if (result)
        return result;
    gust__program_apply_options(program);
    raise_descriptor_limit();
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path ? path : "gust";
}

static int start(struct gust__program *program, int argc, char **argv)
{
    const char *mistake = gust_app_mistake(program->app);
    if (mistake) {
        fprintf(stderr, "%s: %s\n", program->name, mistake);
        return EXIT_FAILURE;
    }
    gust__program_defaults(program);
    int result = gust__program_read_options(program, argc, argv);
    if (result)
        return result - 1;
    result = apply(program);
    if (result)
        return result;
    if (gust__inherited_take(&program->inherited) == 0) {
        gust__notify_take(&program->notify);
        result = run(program);
    } else {
        fprintf(stderr, "%s: %s\n", program->name, gust_error_text(gust_error_last()));
        result = EXIT_FAILURE;
    }
    gust__inherited_close(&program->inherited);
    gust__program_close_logs();
    return result;
}

int gust_main(gust_app *app, int argc, char **argv)
{
    static struct gust__program program; /* large; and a program has one */
    program = (struct gust__program){.app = app, .name = base_name(argc > 0 ? argv[0] : NULL)};
    gust__image_take(&program.image, argv);
    int result = start(&program, argc, argv);
    gust_app_free(app);
    return result;
}
