/* One thread, poll and a list of lines to answer: it takes no part in what the example shows. */
#include "slow_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CLIENTS = 1024, LINE_SIZE = 512 };

struct client {
    int fd;
    int64_t answer_at; /* milliseconds; 0: no question is open */
    size_t length;
    char line[LINE_SIZE];
};

static struct client clients[MAX_CLIENTS];
static size_t client_count;
static int listener = -1;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void drop(size_t index)
{
    close(clients[index].fd);
    clients[index] = clients[--client_count];
}

/* false: the client is gone. */
static int read_question(struct client *client)
{
    ssize_t got = recv(client->fd, client->line + client->length, LINE_SIZE - client->length, MSG_DONTWAIT);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    client->length += (size_t)got;
    if (memchr(client->line, '\n', client->length))
        client->answer_at = now() + SLOW_SERVER_MS;
    return client->length < LINE_SIZE;
}

static int answer(struct client *client)
{
    static const char prefix[] = "answer to ";
    char text[sizeof(prefix) + LINE_SIZE];
    size_t size = sizeof(prefix) - 1;
    memcpy(text, prefix, size);
    memcpy(text + size, client->line, client->length);
    size += client->length;
    client->length = 0;
    client->answer_at = 0;
    return send(client->fd, text, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static void accept_clients(void)
{
    while (client_count < MAX_CLIENTS) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        clients[client_count++] = (struct client){.fd = fd};
    }
}

/* Milliseconds until the next answer is due; -1: none is. */
static int until_next(void)
{
    int64_t earliest = INT64_MAX;
    for (size_t i = 0; i < client_count; i++) {
        if (clients[i].answer_at && clients[i].answer_at < earliest)
            earliest = clients[i].answer_at;
    }
    int64_t left = earliest - now();
    return earliest == INT64_MAX ? -1 : left < 0 ? 0 : (int)left;
}

static void *run(void *arg)
{
    static struct pollfd watched[MAX_CLIENTS + 1];
    (void)arg;
    for (;;) {
        for (size_t i = 0; i < client_count; i++)
            watched[i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
        watched[client_count] = (struct pollfd){.fd = listener, .events = POLLIN};
        poll(watched, client_count + 1, until_next());
        for (size_t i = client_count; i-- > 0;) {
            if ((watched[i].revents && !read_question(&clients[i])) ||
                (clients[i].answer_at && clients[i].answer_at <= now() && !answer(&clients[i])))
                drop(i);
        }
        accept_clients();
    }
    return NULL;
}

int slow_server_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    pthread_t thread;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(listener, 1024) < 0 || getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        return -1;
    errno = pthread_create(&thread, NULL, run, NULL);
    if (errno)
        return -1;
    pthread_detach(thread);
    return ntohs(address.sin_port);
}
