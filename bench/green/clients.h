/*
 * Clients that ask a real server short questions through a plain blocking library, and what that costs them:
 * the part that is the same whoever runs them. Nothing here knows of gust.
 */
#ifndef BENCH_GREEN_CLIENTS_H
#define BENCH_GREEN_CLIENTS_H

#include <stdatomic.h>
#include <stdbool.h>

enum { MOST_CLIENTS = 1000 };

struct client {
    void *connection;
    atomic_ulong answered; /* written by whoever asks for this client, read by clients_measure */
};

/* What the command line asked for. */
struct clients {
    const char *mode; /* NULL: the program has but one */
    unsigned count;
    bool failed; /* a question was not answered, or no connection opened */
    atomic_bool stop;
    struct client clients[MOST_CLIENTS];
};
extern struct clients clients;

/* PROGRAM [MODE] postgresql|redis HOST PORT COUNT SECONDS; modes: those that the program has, ended by NULL.
 * Ends the program when it makes no sense. */
void clients_read_arguments(int argc, char **argv, const char *const *modes);

/* Opens connections for the first `count` clients, one after the other. 0; -1: it has been said why. */
int clients_open(unsigned count);

/* One question and its answer, through the library: blocks. False (and all stop) when it failed. */
bool clients_ask(struct client *client, void *connection);

/* Lets the clients, who run already, warm up; then measures for the seconds asked for, has them stop, and
 * prints: answered N in N us, cpu N ns. The processor time is that of the whole process. Blocks. */
void clients_measure(void);

void clients_close(void);

#endif
