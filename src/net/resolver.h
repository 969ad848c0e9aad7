/*
 * Names to addresses. Numbers are answered at once; names by getaddrinfo on the thread pool, identical ones
 * that are under way by one call. A waiter that is interrupted goes; its look-up ends by itself.
 */
#ifndef GUST_NET_RESOLVER_H
#define GUST_NET_RESOLVER_H

#include "net/address.h"

#include <stdint.h>

/* [any] The addresses of a host, in the system's order, with the port set (at most GUST__ADDRESSES_MAX); the
 * caller's, for gust__free. host "" : the wildcard addresses. family: AF_UNSPEC, AF_INET, AF_INET6. In a
 * coroutine it parks, until the monotonic time until at most; outside it blocks the thread. NULL:
 * EHOSTUNREACH with domain "gai"; ETIMEDOUT, ECANCELED, EAGAIN (too many look-ups), ENOMEM. */
struct gust__addresses *gust__resolve(const char *host, unsigned port, int family, int64_t until);

#endif
