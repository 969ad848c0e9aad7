/*
 * What a process was started with: listening sockets, and a pipe on which somebody waits to hear that it
 * serves. Two kinds of starters hand sockets on:
 *
 *   - a service manager, by systemd's protocol (sd_listen_fds(3)): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES.
 *     They take the place of the addresses on the command line.
 *   - the process that this one is to replace (exec/successor.h), by GUST_LISTENERS: a line for each
 *     address, "4,5 127.0.0.1:8888". An address that is asked for again gets its sockets again; one that is
 *     not is closed. GUST_READY is the pipe.
 *
 * All that is taken out of the environment, and the descriptors do not stay open in programs that this one
 * runs.
 */
#ifndef GUST_EXEC_INHERITED_H
#define GUST_EXEC_INHERITED_H

#include "net/address.h"

#include <stdbool.h>

enum {
    GUST__INHERITED_MAX = 64, /* addresses */
    GUST__INHERITED_KEY = 255,
};

/* The key of sockets that a service manager opened: no address has it. */
#define GUST__ACTIVATED "(activated)"

#define GUST__LISTENERS_VARIABLE "GUST_LISTENERS"
#define GUST__READY_VARIABLE     "GUST_READY"

struct gust__inherited_sockets {
    char key[GUST__INHERITED_KEY + 1]; /* the address as it was asked for */
    char name[64];                     /* the service manager's for it */
    int fds[GUST__ADDRESSES_MAX];
    size_t count; /* 0: taken */
};

struct gust__inherited {
    struct gust__inherited_sockets list[GUST__INHERITED_MAX];
    size_t count;
    int ready; /* -1: nobody waits */
};

/* Takes all that there is. Before there are other threads. 0; -1 and EINVAL with a text: a descriptor that
 * does not listen, or more than there is room for; what was taken is closed by gust__inherited_close. */
int gust__inherited_take(struct gust__inherited *inherited);

/* The first sockets of that key that nobody has taken yet, into fds (room for GUST__ADDRESSES_MAX), which are
 * the caller's now. How many; 0: none. */
size_t gust__inherited_find(struct gust__inherited *inherited, const char *key, int *fds);

/* Says that this process serves. Harmless when nobody waits, or twice. */
void gust__inherited_ready(struct gust__inherited *inherited);

/* Closes the sockets that nobody took: of addresses that are not asked for any more. */
void gust__inherited_close_rest(struct gust__inherited *inherited);

/* The same, and the pipe. */
void gust__inherited_close(struct gust__inherited *inherited);

#endif
