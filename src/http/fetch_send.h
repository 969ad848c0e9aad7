/*
 * Sending a request. A small one goes out at once; a large or produced body is sent by a coroutine of its
 * own, so that a server that answers while it reads (or instead) is heard.
 */
#ifndef GUST_HTTP_FETCH_SEND_H
#define GUST_HTTP_FETCH_SEND_H

#include "http/fetch_connections.h"
#include "http/fetch_request.h"

struct gust__sending {
    const struct gust__fetch_request *request;
    struct gust__connection *connection;
    bool sent;      /* all of it was handed over */
    bool making;    /* produce was called, and has not returned well */
    bool abandoned; /* it could not be: the connection is aborted, and the fetch ends with this error */
    bool unwanted;  /* set by the other side: the answer was read, or is not waited for any more */
};

/* Whether the head and the body can be written without waiting for the server to read. */
bool gust__sending_is_small(const struct gust__fetch_request *request);

/* [blk] An int (*)(void *) for gust_go. The server's going while it is sent is no failure: it may have
 * answered before. 0; -1: produce's error, ETIMEDOUT, ECANCELED, ENOMEM. */
int gust__sending_run(void *sending);

#endif
