/*
 * A listener as the servers above see it: it hands out accepted descriptors on the loop, at most 128 a
 * wake-up.
 */
#ifndef GUST_NET_LISTENER_H
#define GUST_NET_LISTENER_H

#include "loop/loop.h"

#include <gust/net.h>

#include <sys/socket.h>

/* Called on the loop with a new connection: fd (owned by the callee, non-blocking, close-on-exec, TCP_NODELAY
 * set) and the peer's address. */
typedef void gust__accepted_function(void *owner, int fd, const struct sockaddr *peer, socklen_t length);

/* Starts to accept on the loop. 0; -1: EBUSY (it already does), ENOMEM, and what epoll says. A connection
 * counts against max_connections until gust__listener_released. */
int gust__listener_start(gust_listener *listener, gust_loop *loop, gust__accepted_function *accepted,
                         void *owner);

/* One of its connections has ended: makes room for the next. */
void gust__listener_released(gust_listener *listener);

/* Accepts what waits in the queue, then stops and closes the sockets; calls drained(owner) when that is done
 * (soon, on the loop). */
void gust__listener_drain(gust_listener *listener, void (*drained)(void *owner));

#endif
