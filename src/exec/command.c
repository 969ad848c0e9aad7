/* gust_command: a program run to its end, with one coroutine for each of its pipes. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/options.h"
#include "coro/coroutine.h"
#include "exec/subprocess.h"

#include <gust/error.h>

enum { chunk = 64 << 10, default_max = 16 << 20 };

struct output {
    gust_stream *stream; /* NULL: not asked for */
    struct gust__buffer kept;
    size_t max;
};

struct command {
    gust_subprocess *process;
    gust_bytes in;
    struct output out;
    struct output err;
};

/* A program that has read enough closes its end. */
static int feed(void *argument)
{
    const struct command *command = argument;
    gust_stream *stream = gust_subprocess_in(command->process);
    if (gust_stream_write(stream, command->in.data, command->in.len) == 0 && gust_stream_close(stream) == 0)
        return 0;
    return errno == EPIPE ? 0 : -1;
}

/* One byte more than is to be kept shows that there is too much. */
static int keep(void *argument)
{
    struct output *output = argument;
    for (;;) {
        size_t left = output->max + 1 - gust__buffer_length(&output->kept);
        size_t wanted = left < chunk ? left : chunk;
        char *to = gust__buffer_reserve(&output->kept, wanted + 1);
        if (!to)
            return -1;
        ssize_t got = gust_stream_read(output->stream, to, wanted);
        if (got < 0)
            return -1;
        to[got] = '\0';
        gust__buffer_added(&output->kept, (size_t)got);
        if (got == 0)
            return 0;
        if ((size_t)got == left)
            return gust_error_set(EMSGSIZE, "the command wrote more than %zu bytes", output->max);
    }
}

/* Feeds it and keeps what it writes, until it has ended and so has its output. */
static int converse(struct command *command)
{
    GUST_GROUP(pipes);
    if (gust_subprocess_in(command->process) && gust_go(&pipes, feed, command) < 0)
        return -1;
    if (command->out.stream && gust_go(&pipes, keep, &command->out) < 0)
        return -1;
    if (command->err.stream && gust_go(&pipes, keep, &command->err) < 0)
        return -1;
    return gust_group_wait(&pipes);
}

static int run(struct command *command)
{
    if (converse(command) < 0)
        return -1;
    int code = gust_subprocess_wait(command->process);
    if (code >= 0 && gust__subprocess_overran(command->process))
        return gust_error_set(ETIMEDOUT, "what the command had started ran out of time and was killed");
    return code;
}

static void open_output(struct output *output, gust_stream *stream, size_t max)
{
    if (max == 0)
        max = default_max;
    output->stream = stream;
    output->max = max < SIZE_MAX / 4 ? max : SIZE_MAX / 4;
    output->kept.max = output->max + 2;
}

static void hand_out(struct output *output, char **text, size_t *length)
{
    if (text)
        *text = output->kept.data;
    if (length)
        *length = gust__buffer_length(&output->kept);
}

static void forget(char **text, size_t *length)
{
    if (text)
        *text = NULL;
    if (length)
        *length = 0;
}

static gust_subprocess *start(const char *const *arguments, const gust_command_options *options)
{
    return gust_subprocess_new(arguments, .in = options->in.len > 0 ? GUST_PIPE : GUST_NOTHING,
                               .out = options->out ? GUST_PIPE : GUST_INHERIT,
                               .err = options->err          ? GUST_PIPE
                                      : options->err_as_out ? GUST_AS_OUT
                                                            : GUST_INHERIT,
                               .environment = options->environment, .directory = options->directory,
                               .timeout = options->timeout);
}

static int run_command(const char *const *arguments, const gust_command_options *options)
{
    struct command command = {.in = options->in};
    command.process = start(arguments, options);
    if (!command.process)
        return -1;
    GUST_DEFER(gust_subprocess_free, command.process);
    open_output(&command.out, gust_subprocess_out(command.process), options->max_output);
    open_output(&command.err, gust_subprocess_err(command.process), options->max_output);
    int code = run(&command);
    if (code < 0) {
        gust__buffer_fini(&command.out.kept);
        gust__buffer_fini(&command.err.kept);
        return -1;
    }
    hand_out(&command.out, options->out, options->out_len);
    hand_out(&command.err, options->err, options->err_len);
    return code;
}

int gust_command_with(const char *const *arguments, const gust_command_options *given)
{
    gust_command_options options;
    gust__options_read(&options, sizeof(options), given);
    forget(options.out, options.out_len);
    forget(options.err, options.err_len);
    if (!gust__current || (options.err && options.err_as_out)) {
        errno = gust__current ? EINVAL : EDEADLK;
        return -1;
    }
    return run_command(arguments, &options);
}
