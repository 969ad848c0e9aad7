/*
 * One read or write in progress: what io.c, read.c and messages.c share.
 */
#ifndef GUST_GREEN_IO_H
#define GUST_GREEN_IO_H

#include "green/green_int.h"

/* What is still to be transferred: rest, if it has a length, then vector. */
struct gust__green_io {
    struct gust__green_call call;
    ssize_t (*try)(struct gust__green_io *io);  /* once, without blocking; -1 and EAGAIN when it would */
    ssize_t (*file)(struct gust__green_io *io); /* takes try's place when this turns out to be a file */
    const struct iovec *vector;
    size_t count;
    struct iovec rest; /* of a part that was transferred partly */
    ssize_t done;
    struct gust__green_descriptor *known; /* the loop's record of it, if it has one */
    bool reads;                           /* try takes data off a stream, or peeks (MSG_PEEK) */
    int flags;                            /* MSG_ */
    int flags_after;                      /* more of them once something was transferred */
    struct msghdr *message; /* recvmsg's and sendmsg's, for its name and control data; NULL once used */
    struct sockaddr *address;
    socklen_t *address_length;
    int64_t until; /* SO_RCVTIMEO or SO_SNDTIMEO ends the wait; set by the first */
};

/* What the next try is about. */
static inline const struct iovec *gust__green_io_vector(const struct gust__green_io *io, size_t *count)
{
    *count = io->rest.iov_len ? 1 : io->count;
    return io->rest.iov_len ? &io->rest : io->vector;
}

/* Waits before the next try. 0; -1: EAGAIN (the descriptor is the user's non-blocking one, or its own time
 * limit came), and as gust__green_wait. */
int gust__green_io_wait(struct gust__green_io *io, uint32_t events);

/* Tries until something was transferred, or it failed. */
ssize_t gust__green_io_once(struct gust__green_io *io, uint32_t events);

/* Tries until everything was transferred, or it failed, or ended: as blocking writes and MSG_WAITALL do. */
ssize_t gust__green_io_all(struct gust__green_io *io, uint32_t events);

/* True when the user has made it non-blocking. */
bool gust__green_nonblocking(int fd);

/* After a wait to write: true with errno when the socket had an error, which a blocked write fails with. A
 * new try would ask first whether the peer is there, and make EPIPE, and SIGPIPE, of a Unix socket's
 * ECONNRESET. */
bool gust__green_take_error(const struct gust__green_call *call);

/* When SO_RCVTIMEO or SO_SNDTIMEO ends a call's wait; GUST__FOREVER: it has no limit. */
int64_t gust__green_socket_limit(const struct gust__green_call *call, int option);

#endif
