/*
 * What surrounds a handler's function: limits and slashes before it, a handler that goes on after its
 * function has returned, and the condition under which its answer need not be sent.
 */
#ifndef GUST_WEB_LIFE_H
#define GUST_WEB_LIFE_H

#include "web/request.h"

/* ---- slash.c ---- */

/* Redirects, or ends the handler with 404, when the path does not end as the route wants it to. */
void gust__slash_check(gust_request *request);
/* [blk] Redirects to the same path with a slash behind it. */
void gust__slash_add(gust_request *request);

/* ---- turn.c ---- */

/* Takes one of the route's .max_running turns, or ends the handler with 503. */
void gust__turn_take(gust_request *request);
/* Gives it back, if one was taken (request->has_turn). */
void gust__turn_give(gust_request *request);

/* ---- detach.c ---- */

/* Waits until a detached request is completed. Cut short, it throws what cut it short. */
void gust__detached_wait(gust_request *request);
/* Waits for it whatever happens: somebody still has the request. */
void gust__detached_join(gust_request *request);

/* ---- conditional.c ---- */

/* Before the head of a whole answer: gives it an entity tag if the application wants that, and makes it a 304
 * if the client has it. */
void gust__answer_conditionally(gust_request *request);
/* Whether If-None-Match lists the tag. */
bool gust__client_has(const gust_request *request, struct gust__slice etag);
/* Makes the answer a 304. */
void gust__answer_not_modified(gust_request *request);

#endif
