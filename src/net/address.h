/*
 * Addresses: the texts of gust/net.h taken apart, and socket addresses written as such texts.
 *
 *     struct gust__endpoint endpoint;
 *     if (gust__endpoint_parse("[::1]:8888", &endpoint) < 0)
 *         return -1;                               // EINVAL, and the error says what is wrong with it
 */
#ifndef GUST_NET_ADDRESS_H
#define GUST_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    GUST__HOST_MAX = 253, /* characters of a name: RFC 1035, 2.3.4 */
    GUST__PATH_MAX = sizeof(((struct sockaddr_un *)0)->sun_path) - 1, /* of a Unix socket's path or name */
    GUST__ADDRESS_TEXT = 128,                                         /* fits every formatted address */
    GUST__ADDRESSES_MAX = 32, /* of one host; further ones are left out */
};

struct gust__address {
    socklen_t length; /* 0: none */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    };
};

struct gust__addresses {
    size_t count;
    struct gust__address list[];
};

/* What an address text says: a host and a port, or a Unix socket. */
struct gust__endpoint {
    bool local; /* a Unix socket: address is its, the rest is unused */
    unsigned port;
    char host[GUST__HOST_MAX + 1]; /* without brackets; "": every address of the machine */
    struct gust__address address;
};

/* 0; -1: EINVAL, ENAMETOOLONG (a host name or a Unix socket's path). The last error has a text. */
int gust__endpoint_parse(const char *text, struct gust__endpoint *endpoint);

/* A host with a port or without one ("::1" then needs no brackets); *port is -1 without. 0; -1: EINVAL,
 * ENAMETOOLONG. */
int gust__host_parse(const char *text, char host[GUST__HOST_MAX + 1], int *port);

/* An address written in numbers ("127.0.0.1", "::1", "fe80::1%eth0"). 0; -1 and EINVAL when it is none (the
 * last error stays as it was). */
int gust__address_numeric(const char *host, unsigned port, struct gust__address *address);

/* Takes a socket address of the system's. Longer ones than we know are cut. */
void gust__address_set(struct gust__address *address, const struct sockaddr *from, socklen_t length);

/* 0 for a Unix socket. */
unsigned gust__address_port(const struct gust__address *address);
void gust__address_set_port(struct gust__address *address, unsigned port);

/* "127.0.0.1:7000", "[::1]:7000", "unix:/path", "unix:@name" (a NUL inside is shown as @), "unix:" for one
 * without a name, "" for what is no such address. Returns to. */
const char *gust__address_format(const struct gust__address *address, char to[GUST__ADDRESS_TEXT]);

#endif
