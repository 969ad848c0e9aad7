/*
 * Where sessions are kept, between session.c and the stores. A key is 64 hexadecimal digits; a record is
 * text. All functions of a store run in a coroutine and may park, but for free; they are called from any
 * number of loops.
 */
#ifndef GUST_WEB_SESSION_STORE_H
#define GUST_WEB_SESSION_STORE_H

#include <stddef.h>
#include <stdint.h>

#include <gust/session.h>

enum { GUST__SESSION_KEY = 64 };

struct gust__session_store {
    /* 1: *record is the caller's (gust__free); 0: there is none; -1. What has expired need not be left out.
     */
    int (*load)(struct gust__session_store *store, const char *key, char **record);
    /* expires: seconds since 1970. 0; -1. */
    int (*save)(struct gust__session_store *store, const char *key, const char *record, int64_t expires);
    /* 0, also when there is none; -1. */
    int (*remove)(struct gust__session_store *store, const char *key);
    void (*free)(struct gust__session_store *store);
};

struct gust_sessions {
    struct gust__session_store *store;
    int64_t idle, absolute; /* seconds */
    size_t max_bytes;
    bool secure;
    char cookie[64];
};

/* Each: NULL and EINVAL, ENOTSUP, ENOMEM. where: what stands behind the scheme. */
struct gust__session_store *gust__session_memory_new(size_t max);
struct gust__session_store *gust__session_sqlite_new(const char *where);
struct gust__session_store *gust__session_redis_new(const char *url);

/* How many records a memory store holds. */
size_t gust__session_memory_count(const struct gust__session_store *store);

#endif
