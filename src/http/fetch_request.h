/*
 * What a fetch sends, made out of its URL and options: the address to connect to and the request's head.
 * Nothing reaches the wire that was not checked here.
 */
#ifndef GUST_HTTP_FETCH_REQUEST_H
#define GUST_HTTP_FETCH_REQUEST_H

#include "base/buffer.h"

#include <gust/fetch.h>

enum {
    GUST__FETCH_ADDRESS = 340,        /* of an address text; room to decode a Unix socket's path in */
    GUST__FETCH_MAX_HEAD = 256 << 10, /* bytes of a request's head */
    GUST__FETCH_MAX_BODY = 100 << 20, /* of an answer's body, unless the options say otherwise */
};

struct gust__fetch_request {
    gust_fetch_options options;        /* with defaults filled in; what they point to is borrowed */
    char address[GUST__FETCH_ADDRESS]; /* for gust_connect; connections are kept under it */
    const char *method;
    struct gust__buffer head; /* with its empty line */
    gust_bytes body;
    bool answer_is_head; /* HEAD: the answer has no body, whatever its head says */
    bool may_repeat;     /* the request can be sent twice, and nothing bad comes of it */
};

/* What a URL that begins with '/' is relative to: "http://127.0.0.1:4711"; NULL: such a URL is none. Set by
 * the test kit, for this thread. */
extern _Thread_local const char *gust__fetch_relative_to;

/* Makes a request. url and options are borrowed for the request's life. 0; -1: EINVAL, EPROTONOSUPPORT,
 * ENOMEM; the last error says what is wrong. fini is due in any case. */
int gust__fetch_request_init(struct gust__fetch_request *request, const char *url,
                             const gust_fetch_options *options);
void gust__fetch_request_fini(struct gust__fetch_request *request);

#endif
