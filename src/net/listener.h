/*
 * A listener as the servers above see it: it hands out accepted descriptors on the loop, at most 128 a
 * wake-up.
 *
 * It rests (its sockets are not watched) while max_connections are open, and while the process is out of
 * descriptors or memory: then until one of its connections is released, or a tenth of a second is over.
 */
#ifndef GUST_NET_LISTENER_H
#define GUST_NET_LISTENER_H

#include "loop/loop.h"

#include <gust/net.h>

#include <sys/socket.h>

/* Called on the loop with a new connection: fd (owned by the callee, non-blocking, close-on-exec, TCP_NODELAY
 * set) and the peer's address. It may stop, drain and free the listener. */
typedef void gust__accepted_function(void *owner, int fd, const struct sockaddr *peer, socklen_t length);

/* Starts to accept on the loop. 0; -1: EBUSY (it already does), ECANCELED (it was stopped or drained),
 * ENOMEM, and what epoll says. A connection counts against max_connections until gust__listener_released. */
int gust__listener_start(gust_listener *listener, gust_loop *loop, gust__accepted_function *accepted,
                         void *owner);

/* One of its connections has ended: makes room for the next. */
void gust__listener_released(gust_listener *listener);

/* Accepts what waits in the queue, then stops and closes the sockets; calls drained(owner) when that is done
 * (soon, on the loop; at max_connections or without descriptors: when there was room for what waits). Freeing
 * it before calls nothing. */
void gust__listener_drain(gust_listener *listener, void (*drained)(void *owner));

/* A listener over count sockets that listen already (inherited from the process before), which it takes: on
 * failure they are closed too. NULL: EINVAL (none, or too many), ENOTSOCK, ENOMEM. */
gust_listener *gust__listener_adopt(const int *fds, size_t count, const gust_listen_options *options);

/* Another listener over the same sockets, by descriptors of its own: for another loop. Neither the one nor
 * the other's end ends the sockets, or removes a file that this one did not make. NULL: EMFILE, ENOMEM. */
gust_listener *gust__listener_share(const gust_listener *listener);

/* Its sockets, borrowed: how many there are; at most size are stored. 0 once drained. */
size_t gust__listener_sockets(const gust_listener *listener, int *fds, size_t size);

/* A Unix socket's file is left where it is from now on: another process has been given the socket. */
void gust__listener_keep_file(gust_listener *listener);

/* The other way round: the socket was given to this process, which removes its file in the end. Harmless for
 * what has no file. */
void gust__listener_own_file(gust_listener *listener);

#endif
