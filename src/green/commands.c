/*
 * system, popen and pclose: as libc has them, on a thread. A child begins with the signal mask of the thread
 * that made it, so that thread takes on the caller's.
 */
#include "base/alloc.h"
#include "green/errand.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- system: may be left behind; its shell then ends by itself, and is reaped ---- */

struct command {
    struct gust__green_errand errand;
    char *text;
    sigset_t signals;
    int status;
    int code;
};

static void command_run(struct gust__green_errand *errand)
{
    struct command *command = (struct command *)(void *)errand;
    sigset_t before;
    gust__sys_rt_sigprocmask(SIG_SETMASK, &command->signals, &before);
    errno = 0;
    command->status = gust__green_next.system(command->text);
    command->code = errno;
    gust__sys_rt_sigprocmask(SIG_SETMASK, &before, NULL);
}

static void command_release(struct gust__green_errand *errand)
{
    struct command *command = (struct command *)(void *)errand;
    gust__free(command->text);
    gust__free(command);
}

static const struct gust__green_errand_kind command_kind = {"system", command_run, command_release, NULL};

static struct command *command_new(const char *text)
{
    struct command *command = gust__calloc(1, sizeof(*command));
    if (!command)
        return NULL;
    command->errand.kind = &command_kind;
    gust__sys_rt_sigprocmask(SIG_BLOCK, NULL, &command->signals);
    command->text = gust__strdup(text);
    if (command->text)
        return command;
    gust__free(command);
    errno = ENOMEM;
    return NULL;
}

GUST__EXPORT int system(const char *text)
{
    if (!gust__green_here() || !text) /* then libc only says whether there is a shell */
        return gust__green_next.system(text);
    struct gust__green_call call = GUST__GREEN_CALL("system", -1);
    int saved = errno;
    struct command *command = command_new(text);
    if (!command)
        return -1;
    command = (struct command *)(void *)gust__green_errand_run(&call, &command->errand);
    if (!command)
        return -1;
    int status = command->status;
    errno = status == -1 ? command->code : saved;
    gust__green_errand_drop(&command->errand);
    return status;
}

/* ---- popen and pclose: not left behind, for what they make and end is the caller's ---- */

struct pipe_command {
    const char *text;
    const char *mode;
    sigset_t signals;
    FILE *stream;
};

static long open_pipe(void *argument)
{
    struct pipe_command *command = argument;
    sigset_t before;
    gust__sys_rt_sigprocmask(SIG_SETMASK, &command->signals, &before);
    command->stream = gust__green_next.popen(command->text, command->mode);
    int saved = errno;
    gust__sys_rt_sigprocmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return command->stream ? 0 : -1;
}

/* Reading what the command prints by stdio blocks the thread, as all of stdio does: gust_green_stream of the
 * stream's descriptor does not. */
GUST__EXPORT FILE *popen(const char *text, const char *mode)
{
    FILE *stream = NULL;
    if (!gust__green_here()) {
        stream = gust__green_next.popen(text, mode);
    } else {
        struct gust__green_call call = GUST__GREEN_CALL("popen", -1);
        struct pipe_command command = {.text = text, .mode = mode};
        int saved = errno;
        gust__sys_rt_sigprocmask(SIG_BLOCK, NULL, &command.signals);
        if (gust__green_offload(&call, open_pipe, &command) == 0) {
            stream = command.stream;
            errno = saved; /* libc's own attempts leave theirs */
        }
    }
    if (stream)
        gust__green_forget(fileno(stream));
    return stream;
}

static long close_pipe(void *stream)
{
    return gust__green_next.pclose(stream);
}

/* Waits uninterrupted, as every close. */
GUST__EXPORT int pclose(FILE *stream)
{
    gust__green_forget(fileno(stream));
    if (!gust__green_here())
        return gust__green_next.pclose(stream);
    struct gust__green_call call = GUST__GREEN_CALL("pclose", -1);
    return (int)gust__green_offload_alone(&call, close_pipe, stream);
}
