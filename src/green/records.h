/*
 * The records of the name databases (hosts, users, groups, services, networks, protocols): looked up on a
 * thread, which may be left behind, into a block of its own, and then copied to where the caller has them:
 * its buffer (the _r functions), or storage that belongs to its coroutine and lasts until its next such call
 * or its end.
 */
#ifndef GUST_GREEN_RECORDS_H
#define GUST_GREEN_RECORDS_H

#include "green/errand.h"

#include <grp.h>
#include <netdb.h>
#include <pwd.h>

struct gust__green_record; /* a struct hostent, passwd, group, servent, netent or protoent */

/* What a database has. */
struct gust__green_database {
    size_t size; /* of the struct */
    /* Copies it with all that it points to. 0, or ERANGE when data has no room. */
    int (*copy)(const void *from, void *to, char *data, size_t size);
    struct gust_local *last; /* what a coroutine was given last */
};
extern const struct gust__green_database gust__green_hosts, gust__green_users, gust__green_groups,
    gust__green_services, gust__green_networks, gust__green_protocols;

struct gust__green_look_up {
    struct gust__green_errand errand;
    const struct gust__green_database *database;
    /* The _r function: the error's number; found is NULL when there is no such record. */
    int (*find)(struct gust__green_look_up *look_up, void **found);
    char *name;
    char *other; /* a second one, or NULL */
    unsigned char address[64];
    socklen_t length;
    int number;
    int family; /* of a network */
    union {
        struct hostent host;
        struct passwd user;
        struct group group;
        struct servent service;
        struct netent network;
        struct protoent protocol;
    } record;
    char *data; /* what the record points to */
    size_t size;
    int code;    /* what find returned */
    int problem; /* h_errno */
    bool found;
};

/* A look-up; name and other (NULL allowed) are copied. NULL: ENOMEM. */
struct gust__green_look_up *gust__green_look_up_new(const struct gust__green_database *database,
                                                    int (*find)(struct gust__green_look_up *look_up,
                                                                void **found),
                                                    const char *name, const char *other);

/* Runs it (NULL: it could not be made) and copies the record to `to` and data, as an _r function: 0 or the
 * error's number, *result NULL when nothing was found. *problem, if asked for, becomes h_errno. Takes it.
 * errno is the same number, or kept. */
int gust__green_look_up_to(struct gust__green_call *call, struct gust__green_look_up *look_up, void *to,
                           char *data, size_t size, void **result, int *problem);

/* The same for the functions that own their result: NULL with errno (if it failed) and h_errno. */
void *gust__green_look_up_own(struct gust__green_call *call, struct gust__green_look_up *look_up);

#endif
