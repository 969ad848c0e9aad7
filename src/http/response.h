/*
 * gust_response, inside: a parsed head copied into one block, and the body in a buffer beside it.
 */
#ifndef GUST_HTTP_RESPONSE_H
#define GUST_HTTP_RESPONSE_H

#include "base/buffer.h"
#include "http/http1_head.h"

#include <gust/fetch.h>

struct gust__response_header {
    const char *name;
    const char *value;
};

struct gust_response {
    int status;
    size_t count;
    const char *reason; /* this and the headers' texts stand behind the last header */
    size_t body_length;
    struct gust__buffer body; /* its maximum is the body's and one: the NUL behind */
    struct gust__response_header headers[];
};

/* A response with what the head says and an empty body of at most max_body bytes. NULL: ENOMEM. */
gust_response *gust__response_new(const struct gust__response_head *head, size_t max_body);

/* Adds to the body. 0; -1: EMSGSIZE (over max_body; nothing is added), ENOMEM. */
int gust__response_add(gust_response *response, const void *data, size_t size);

/* The body is whole: puts the NUL behind it. 0; -1: ENOMEM. */
int gust__response_end(gust_response *response);

#endif
