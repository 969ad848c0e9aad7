/*
 * The floor under an HTTP server: one thread that reads requests and writes answers, and does nothing else.
 * It does not parse: all requests are taken to be as long as the first one was, and the answer is a constant.
 * What a server costs above this, at the same load, is what its own code costs.
 *
 *     build/bench/floor --port 8000 [--size 13]
 *     wrk -t1 -c64 -d10 http://127.0.0.1:8000/
 *
 * --size: bytes of the answer's body. Requests must not be split over reads, as those of a load generator are
 * not.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 64 << 10, MAX_ANSWER = 4 << 10, EVENTS = 256, LISTENER = -1 };

static char input[CHUNK];
static char output[CHUNK * 4];
static char answer[MAX_ANSWER];
static size_t answer_size;
static size_t request_size; /* of the first request */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void make_answer(int size)
{
    int head = snprintf(answer, sizeof(answer) / 2,
                        "HTTP/1.1 200 OK\r\nServer: gust\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
                        size);
    memset(answer + head, 'x', (size_t)size);
    answer_size = (size_t)(head + size);
    for (size_t at = 0; at + answer_size <= sizeof(output); at += answer_size)
        memcpy(output + at, answer, answer_size);
}

static int open_listener(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int one = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
        die("socket");
    if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 4096) < 0)
        die("listen");
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        die("getsockname");
    printf("listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void watch(int epoll, int fd, uint32_t events, int name)
{
    struct epoll_event event = {.events = events, .data.fd = name};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

static void accept_all(int epoll, int listener)
{
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        watch(epoll, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, fd);
    }
}

/* How many requests a read brought; the first read of all tells how long one is. */
static size_t count_requests(size_t size)
{
    if (request_size == 0) {
        const char *end = memmem(input, size, "\r\n\r\n", 4);
        request_size = end ? (size_t)(end + 4 - input) : size;
    }
    return size / request_size;
}

static void serve(int fd)
{
    ssize_t got = recv(fd, input, sizeof(input), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        close(fd);
        return;
    }
    if (got < 0)
        return;
    size_t size = count_requests((size_t)got) * answer_size;
    if (size > sizeof(output))
        size = sizeof(output) / answer_size * answer_size;
    if (send(fd, output, size, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
        close(fd);
}

int main(int argc, char **argv)
{
    int port = 0, size = 13;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0)
            port = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--size") == 0)
            size = atoi(argv[i + 1]);
    }
    if (size < 0 || size > MAX_ANSWER / 2) {
        fprintf(stderr, "--size: 0 to %d\n", MAX_ANSWER / 2);
        return 2;
    }
    make_answer(size);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = open_listener(port);
    watch(epoll, listener, EPOLLIN, LISTENER);
    struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == LISTENER)
                accept_all(epoll, listener);
            else if (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
                serve(events[i].data.fd);
        }
    }
}
