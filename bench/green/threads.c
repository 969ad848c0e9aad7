/*
 * The clients on threads, without gust.
 *
 * each: a thread and a connection for each client.
 *
 * pool: as many threads as a usual pool has (4 more than there are processors, as Python's executor; no more
 * than there are clients), each with a connection of its own. Each client has one query waiting in a queue or
 * under way; a thread takes the oldest, asks, and puts the client's next one at the end. So no answer has to
 * be handed to another thread, and only so many connections are used: this is the least that a pool can cost.
 *
 * pool-all: the same threads and queue, but each client has a connection of its own, as with the others, on
 * which the thread asks for it.
 */
#include "clients.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *ask_on(void *arg)
{
    struct client *client = arg;
    while (!clients.stop && clients_ask(client, client->connection))
        ;
    return NULL;
}

/* ---- The pool ---- */

/* A ring with room for all clients. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    unsigned first, length;
    struct client *waiting[MOST_CLIENTS];
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static void put(struct client *client)
{
    pthread_mutex_lock(&queue.lock);
    queue.waiting[(queue.first + queue.length++) % MOST_CLIENTS] = client;
    pthread_cond_signal(&queue.more);
    pthread_mutex_unlock(&queue.lock);
}

static struct client *take(void)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.length == 0)
        pthread_cond_wait(&queue.more, &queue.lock);
    struct client *client = queue.waiting[queue.first];
    queue.first = (queue.first + 1) % MOST_CLIENTS;
    queue.length--;
    pthread_mutex_unlock(&queue.lock);
    return client;
}

static void *serve_queue(void *arg)
{
    const struct client *own = arg; /* its connection is this thread's */
    while (!clients.stop) {
        struct client *client = take();
        clients_ask(client, own->connection);
        put(client);
    }
    return NULL;
}

static void *serve_queue_of_all(void *unused)
{
    (void)unused;
    while (!clients.stop) {
        struct client *client = take();
        clients_ask(client, client->connection);
        put(client);
    }
    return NULL;
}

static unsigned pool_size(void)
{
    unsigned usual = (unsigned)sysconf(_SC_NPROCESSORS_ONLN) + 4;
    return usual < clients.count ? usual : clients.count;
}

/* ---- Both ---- */

/* Measures with so many threads, each with one of the first connections. */
static void run(unsigned count, void *(*function)(void *client))
{
    static pthread_t threads[MOST_CLIENTS];
    unsigned started = 0;
    while (started < count && !pthread_create(&threads[started], NULL, function, &clients.clients[started]))
        started++;
    if (started == count) {
        clients_measure();
    } else {
        fprintf(stderr, "no more than %u threads\n", started);
        clients.failed = true;
    }
    clients.stop = true;
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    clients_read_arguments(argc, argv, (const char *const[]){"each", "pool", "pool-all", NULL});
    bool all = !strcmp(clients.mode, "pool-all"), each = !strcmp(clients.mode, "each");
    unsigned threads = each ? clients.count : pool_size();
    for (unsigned i = 0; i < clients.count; i++)
        put(&clients.clients[i]);
    if (clients_open(all ? clients.count : threads) == 0)
        run(threads, each ? ask_on : all ? serve_queue_of_all : serve_queue);
    clients_close();
    return clients.failed;
}
