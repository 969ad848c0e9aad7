/*
 * The listening sockets of a program: opened once, before it forks or starts threads, or inherited, and then
 * shared out to the loops that accept from them (gust__listener_share) and handed on to the process that
 * replaces this one. None of the loops owns them: what is here is closed when the program ends for good, or
 * when another has taken over, and then a Unix socket's file stays.
 *
 * One thread's.
 */
#ifndef GUST_EXEC_LISTENING_H
#define GUST_EXEC_LISTENING_H

#include "exec/inherited.h"
#include "net/listener.h"

enum {
    GUST__LISTENING_MAX = GUST__INHERITED_MAX,
    GUST__LISTENING_FDS = 256, /* sockets of all addresses together */
};

struct gust__listening {
    struct gust__listening_address {
        char key[GUST__INHERITED_KEY + 1];
        gust_listener *listener;
        bool inherited; /* from the process before: its Unix socket's file becomes ours when we serve */
    } list[GUST__LISTENING_MAX];
    size_t count;
};

/* Adds the sockets of an address: those that were inherited for it, or new ones. 0; -1: as gust_listen, and
 * ENOBUFS (too many). */
int gust__listening_open(struct gust__listening *listening, struct gust__inherited *inherited,
                         const char *address, const gust_listen_options *options);

/* Adds what a service manager has opened. How many; -1: ENOMEM, ENOBUFS. */
int gust__listening_activated(struct gust__listening *listening, struct gust__inherited *inherited,
                              const gust_listen_options *options);

/* This process serves: from now on the files of inherited Unix sockets are its to remove. */
void gust__listening_own_files(struct gust__listening *listening);

/* Another process serves: the files stay. */
void gust__listening_keep_files(struct gust__listening *listening);

/* Closes them. Who shares them accepts on until it closes its own descriptors. */
void gust__listening_close(struct gust__listening *listening);

/* For a successor: the value of GUST_LISTENERS (the caller's, for gust__free; NULL: ENOMEM), and the
 * descriptors in it. How many. */
char *gust__listening_text(const struct gust__listening *listening);
size_t gust__listening_fds(const struct gust__listening *listening, int *fds, size_t size);

#endif
