/*
 * sync_stack as it was: a thread for each connection, a blocking socket at the bottom. It knows nothing of
 * gust; what it understands of HTTP is what the comparison needs: GET, one request a connection.
 */
#include "slow_server.h"
#include "stack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct backend {
    struct sockaddr_in address;
};

static struct backend backend;

static int read_line(int fd, char *line, size_t size)
{
    size_t length = 0;
    while (length + 1 < size) {
        ssize_t got = recv(fd, line + length, size - 1 - length, 0);
        if (got <= 0) {
            errno = got < 0 ? errno : ECONNRESET;
            return -1;
        }
        length += (size_t)got;
        line[length] = '\0';
        char *end = strchr(line, '\n');
        if (end) {
            *end = '\0';
            return 0;
        }
    }
    errno = EMSGSIZE;
    return -1;
}

int backend_ask(struct backend *to, const char *question, char *answer, size_t size)
{
    char line[512];
    int result = -1;
    int length = snprintf(line, sizeof(line), "%s\n", question);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&to->address, sizeof(to->address)) == 0 &&
        send(fd, line, (size_t)length, MSG_NOSIGNAL) == length)
        result = read_line(fd, answer, size);
    close(fd);
    return result;
}

/* Reads the head of a request; its path. false: it is none. */
static int read_path(int fd, char *path, size_t size)
{
    char head[4096] = "";
    size_t length = 0;
    while (!strstr(head, "\r\n\r\n")) {
        ssize_t got = recv(fd, head + length, sizeof(head) - 1 - length, 0);
        if (got <= 0)
            return 0;
        length += (size_t)got;
        head[length] = '\0';
    }
    char *space = strchr(head, ' ');
    size_t end = space ? strcspn(space + 1, " \r") : 0;
    return strncmp(head, "GET ", 4) == 0 && snprintf(path, size, "%.*s", (int)end, space + 1) < (int)size;
}

static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char path[128], answer[512], text[1024];
    const char *status = "200 OK";
    if (!read_path(fd, path, sizeof(path)))
        status = "400 Bad Request", strcpy(answer, "what?");
    else if (handle_request(&backend, path, answer, sizeof(answer)) < 0)
        status = "502 Bad Gateway", snprintf(answer, sizeof(answer), "the backend: %s", strerror(errno));
    int length = snprintf(text, sizeof(text),
                          "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: %zu\r\n"
                          "Connection: close\r\n\r\n%s\n",
                          status, strlen(answer) + 1, answer);
    send(fd, text, (size_t)length, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    while (recv(fd, text, sizeof(text), 0) > 0)
        continue;
    close(fd);
    return NULL;
}

static int listen_on(unsigned short port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        return -1;
    printf("listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static const char usage[] =
    "Usage: sync_stack_threads [--port PORT]\n\n"
    "Serves GET / on 127.0.0.1 with a thread for each connection; port 0: any free one.\n";

/* The value of --port, 8888 without one; -1: the command line is wrong. */
static int port_of(int argc, char **argv)
{
    char *end;
    int port = 8888;
    for (int i = 1; i < argc; i++) {
        const char *value = strncmp(argv[i], "--port=", 7) == 0 ? argv[i] + 7
                            : strcmp(argv[i], "--port") == 0    ? argv[++i]
                                                                : NULL;
        if (i < argc && strcmp(argv[i], "--address") == 0) { /* it is always 127.0.0.1 */
            i++;
            continue;
        }
        long number = value ? strtol(value, &end, 10) : -1;
        if (number < 0 || number > 65535 || *end)
            return -1;
        port = (int)number;
    }
    return port;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    int port = port_of(argc, argv);
    if (port < 0) {
        fputs(usage, argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    int slow = slow_server_start();
    int listener = listen_on((unsigned short)port);
    if (slow < 0 || listener < 0) {
        perror("sync_stack_threads");
        return 1;
    }
    backend.address = (struct sockaddr_in){.sin_family = AF_INET,
                                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                           .sin_port = htons((unsigned short)slow)};
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
        else
            close(fd);
    }
}
