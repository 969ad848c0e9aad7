/*
 * What a service manager wants to know, by systemd's protocol (sd_notify(3)): one datagram of NAME=VALUE
 * lines to the socket that it named in the environment. A dozen lines of ours; no library is needed.
 *
 *     struct gust__notify notify;
 *     gust__notify_take(&notify);                     // NOTIFY_SOCKET and WATCHDOG_USEC leave the
 * environment gust__notify(&notify, "READY=1\nSTATUS=%s", "serving");
 *
 * Without a manager it does nothing. What is not delivered is not sent again: the manager is on this machine
 * and its socket is always open.
 */
#ifndef GUST_EXEC_NOTIFY_H
#define GUST_EXEC_NOTIFY_H

#include <stdint.h>

enum { GUST__NOTIFY_ADDRESS = 107 }; /* bytes of a Unix socket's name at most */

struct gust__notify {
    char address[GUST__NOTIFY_ADDRESS + 1]; /* "/path" or "@name"; "": nobody wants to know */
    int64_t watchdog;                       /* nanoseconds within which it wants to hear; 0: never */
};

/* Takes the manager's wishes out of the environment, where programs that this one starts would find them. A
 * watchdog that is another process's is not ours. Before there are other threads. */
void gust__notify_take(struct gust__notify *notify);

/* Sends it one message. 0; -1: ENOTCONN (nobody wants to know), EMSGSIZE, ECONNREFUSED... */
int gust__notify(const struct gust__notify *notify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* RELOADING=1 with the time that systemd asks for beside it. */
int gust__notify_reloading(const struct gust__notify *notify);

#endif
