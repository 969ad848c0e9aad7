/*
 * One kind of blocking call to make many of at once. Each load_NAME.c is what anybody would write with that
 * library in a program of one thread: it knows nothing of coroutines.
 */
#ifndef LOAD_H
#define LOAD_H

struct load {
    const char *url;         /* where, in the library's own words or as a URL */
    const char *certificate; /* a file of authorities to trust, or NULL */
    double seconds;          /* how long the server is to think */
    unsigned index;          /* of the connection: a name of its own where one is needed */
};

struct load_kind {
    const char *name;
    const char *call_text;
    void *(*open)(const struct load *load); /* a connection; NULL: it has said why on standard error */
    int (*call)(void *connection, const struct load *load); /* 0; -1: it has said why */
    void (*close)(void *connection);
};

extern const struct load_kind load_postgresql;
extern const struct load_kind load_mariadb;
extern const struct load_kind load_redis;
extern const struct load_kind load_https;
extern const struct load_kind load_odbc;
extern const struct load_kind load_mongodb;

#endif
