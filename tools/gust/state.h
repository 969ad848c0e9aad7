/*
 * What `gust dev` tells the programs that it runs (src/web/development.h has the other end): which of them
 * serves, and how often files have changed. Whoever connects gets a line at once, and one with each change.
 */
#ifndef GUST_TOOL_STATE_H
#define GUST_TOOL_STATE_H

#include <gust/gust.h>

struct state {
    gust_listener *listener;
    gust_cond changed;
    unsigned long program; /* its number: each that is started has the next */
    unsigned long change;
};

/* [loop] Begins to tell, at an address that only has this process's number in it. 0; -1 and errno. */
int state_open(struct state *state);
void state_close(struct state *state);

/* [loop] The next program will serve: sets GUST_DEV for it, and tells the others. */
void state_next_program(struct state *state);
/* [loop] The one that serves does so with other files. */
void state_next_change(struct state *state);

#endif
