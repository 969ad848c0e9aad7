/* Opening listening sockets for an address text. */
#ifndef GUST_NET_BIND_H
#define GUST_NET_BIND_H

#include "net/address.h"

#include <stdbool.h>
#include <sys/stat.h>

/* A Unix socket's file, to be removed only by the process that made it and only while it is still that file.
 */
struct gust__socket_file {
    char *path; /* absolute; NULL: there is none to remove */
    dev_t device;
    ino_t inode;
    pid_t creator;
};

struct gust__bind_options {
    int backlog;
    bool reuse_port;
    mode_t mode;
};

/* Binds to each address and listens; where their port is 0, all get the same one. Addresses that the machine
 * does not have (IPv6 switched off) are left out while another one works. fds has room for addresses->count.
 * How many sockets; -1: EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE... */
int gust__bind_hosts(const struct gust__addresses *addresses, const struct gust__bind_options *options,
                     int *fds);

/* The same for a Unix socket. A stale file is replaced. The descriptor; -1: EADDRINUSE (somebody listens),
 * EEXIST (a file that is no socket), ENOENT, EACCES. */
int gust__bind_local(const struct gust__address *address, const struct gust__bind_options *options,
                     struct gust__socket_file *file);

/* Takes over the file of a Unix socket that another process has made and given away; of what has none: {0}.
 */
void gust__socket_file_claim(const struct gust__address *address, struct gust__socket_file *file);

/* Removes the file if it is still ours; while the socket is open (its inode cannot be used anew then). */
void gust__socket_file_remove(struct gust__socket_file *file);

#endif
