/*
 * Reading an answer (RFC 9112): heads of 1xx are passed over, then the final head, then the body as 6.3
 * frames it: none, chunked, of a length, or until the connection ends.
 */
#ifndef GUST_HTTP_FETCH_ANSWER_H
#define GUST_HTTP_FETCH_ANSWER_H

#include "http/fetch_connections.h"
#include "http/fetch_request.h"

enum { GUST__FETCH_MAX_INTERIM = 100 }; /* answers of 1xx before the final one */

struct gust__fetched {
    gust_response *response; /* set once its head was read, also when the body then fails. The caller's */
    bool begun;              /* some byte came */
    bool may_keep;           /* it is whole, and the server lets the connection go on */
};

/* [blk] answer begins as {0}. on_body, if the request has one, gets the body's pieces and may wait or throw.
 * 0; -1: EBADMSG, EMSGSIZE (head or body), ECONNRESET (it ended early), what on_body and reading say. */
int gust__answer_read(struct gust__fetched *answer, struct gust__connection *connection,
                      const struct gust__fetch_request *request);

#endif
