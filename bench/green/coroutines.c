/* The clients as coroutines of one thread: clients.c as it is, above libgust-green. */
#include "clients.h"

#include <gust/green.h>
#include <gust/gust.h>

#include <stdio.h>
#include <stdlib.h>

static int ask_on(void *arg)
{
    struct client *client = arg;
    while (!clients.stop && clients_ask(client, client->connection))
        ;
    return 0;
}

static int run(void *unused)
{
    (void)unused;
    if (clients_open(clients.count) < 0)
        return -1;
    GUST_GROUP(group);
    for (unsigned i = 0; i < clients.count; i++) {
        if (gust_go(&group, ask_on, &clients.clients[i]) < 0)
            return -1;
    }
    clients_measure();
    return gust_group_wait(&group);
}

int main(int argc, char **argv)
{
    clients_read_arguments(argc, argv, (const char *const[]){NULL});
    gust_green_require();
    int status = gust_run(run, NULL, 0);
    clients_close();
    return status < 0 || clients.failed;
}
