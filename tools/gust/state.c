#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct listening {
    struct state *state;
    gust_stream *stream;
};

static int tell(void *argument)
{
    const struct listening *listening = argument;
    struct state *state = listening->state;
    for (;;) {
        if (gust_stream_printf(listening->stream, "%lu %lu\n", state->program, state->change) < 0 ||
            gust_stream_flush(listening->stream) < 0)
            return 0; /* it is gone */
        if (gust_cond_wait(&state->changed) < 0)
            return 0;
    }
}

/* Until the other one closes its end. */
static int serve(gust_stream *stream, void *argument)
{
    struct listening listening = {argument, stream};
    char nothing[16];
    GUST_GROUP(telling);
    if (gust_go(&telling, tell, &listening) < 0)
        return -1;
    while (gust_stream_read(stream, nothing, sizeof(nothing)) > 0)
        continue;
    return 0;
}

int state_open(struct state *state)
{
    char address[64];
    snprintf(address, sizeof(address), "unix:@gust-dev-%ld", (long)getpid());
    state->listener = gust_listen(address);
    return state->listener ? gust_serve(state->listener, serve, state) : -1;
}

void state_close(struct state *state)
{
    gust_listener_free(state->listener);
}

void state_next_program(struct state *state)
{
    char text[96];
    snprintf(text, sizeof(text), "unix:@gust-dev-%ld %lu", (long)getpid(), ++state->program);
    setenv("GUST_DEV", text, 1);
    gust_cond_notify_all(&state->changed);
}

void state_next_change(struct state *state)
{
    state->change++;
    gust_cond_notify_all(&state->changed);
}
