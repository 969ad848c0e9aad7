#include "net/bind.h"
#include "base/sys.h"

#include <gust/error.h>

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>

enum { PORT_TRIES = 32 }; /* an automatic port may be taken on the second address */

static int switch_on(int fd, int level, int name)
{
    int on = 1;
    return gust__sys_setsockopt(fd, level, name, &on, sizeof(on));
}

static int bind_one(const struct gust__address *address, const struct gust__bind_options *options)
{
    int family = address->any.sa_family;
    int fd = gust__sys_socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (switch_on(fd, SOL_SOCKET, SO_REUSEADDR) < 0)
        goto fail;
    if (family == AF_INET6 && switch_on(fd, IPPROTO_IPV6, IPV6_V6ONLY) < 0)
        goto fail;
    if (options->reuse_port && switch_on(fd, SOL_SOCKET, SO_REUSEPORT) < 0)
        goto fail;
    if (gust__sys_bind(fd, &address->any, address->length) == 0 &&
        gust__sys_listen(fd, options->backlog) == 0)
        return fd;
fail:;
    int code = errno;
    gust__sys_close(fd);
    errno = code;
    return -1;
}

static void close_all(int *fds, int count)
{
    int code = errno;
    while (count > 0)
        gust__sys_close(fds[--count]);
    errno = code;
}

static int bound_port(int fd, unsigned *port)
{
    struct gust__address address = {.length = sizeof(struct sockaddr_in6)};
    if (gust__sys_getsockname(fd, &address.any, &address.length) < 0)
        return -1;
    *port = gust__address_port(&address);
    return 0;
}

/* The machine has no such protocol or address: no reason to give up on the others. */
static bool absent_here(int code)
{
    return code == EAFNOSUPPORT || code == EADDRNOTAVAIL || code == EPROTONOSUPPORT;
}

/* How many were opened; -1: one could not be, and none is open. */
static int bind_round(const struct gust__addresses *addresses, const struct gust__bind_options *options,
                      int *fds, size_t *failed)
{
    int opened = 0;
    unsigned port = 0;
    for (size_t i = 0; i < addresses->count; i++) {
        struct gust__address address = addresses->list[i];
        if (port)
            gust__address_set_port(&address, port);
        *failed = i;
        int fd = bind_one(&address, options);
        if (fd < 0 && absent_here(errno))
            continue;
        if (fd < 0)
            goto fail;
        fds[opened++] = fd;
        if (!port && bound_port(fd, &port) < 0)
            goto fail;
    }
    if (opened > 0)
        return opened;
fail:
    close_all(fds, opened);
    return -1;
}

int gust__bind_hosts(const struct gust__addresses *addresses, const struct gust__bind_options *options,
                     int *fds)
{
    assert(addresses->count > 0);
    bool automatic = gust__address_port(&addresses->list[0]) == 0;
    size_t failed = 0;
    for (int round = 1;; round++) {
        int opened = bind_round(addresses, options, fds, &failed);
        if (opened > 0)
            return opened;
        if (!automatic || errno != EADDRINUSE || round == PORT_TRIES)
            break;
    }
    char text[GUST__ADDRESS_TEXT];
    return gust_error_set(errno, "%s: %s", gust__address_format(&addresses->list[failed], text),
                          strerrordesc_np(errno));
}
