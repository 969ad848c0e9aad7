/*
 * Names to addresses. Numbers are answered at once; names by getaddrinfo on the thread pool, identical ones
 * that are under way by one call. A waiter that is interrupted goes; its look-up ends by itself.
 */
#ifndef GUST_NET_RESOLVER_H
#define GUST_NET_RESOLVER_H

#include "net/address.h"

#include <stdint.h>

struct gust_loop;

/* [any] The addresses of a host, in the system's order, with the port set (at most GUST__ADDRESSES_MAX); the
 * caller's, for gust__free. host "": the wildcard addresses. family: AF_UNSPEC, AF_INET, AF_INET6. In a
 * coroutine it parks, until the monotonic time until at most; outside it blocks the thread. NULL:
 * EHOSTUNREACH with domain "gai"; EAFNOSUPPORT (a number of another family); ETIMEDOUT, ECANCELED, EAGAIN
 * (too many look-ups), ENOMEM. */
struct gust__addresses *gust__resolve(const char *host, unsigned port, int family, int64_t until);

/* Look-ups of the loop that are under way: for tests. */
size_t gust__resolver_count(const struct gust_loop *loop);

/* Replaces getaddrinfo by a function of a test's; NULL: the system's again. While nothing is looked up. */
struct addrinfo;
void gust__resolver_replace(int (*function)(const char *host, const char *port, const struct addrinfo *hints,
                                            struct addrinfo **list));

/* [any] Puts in what gust_resolve_override said of a name. In net/override.c. */
void gust__override_apply(char host[GUST__HOST_MAX + 1], unsigned *port);

#endif
