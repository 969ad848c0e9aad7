/* A request's session, for session.c and auth.c. */
#ifndef GUST_WEB_SESSION_H
#define GUST_WEB_SESSION_H

#include "web/request.h"
#include "web/session_store.h"

/* Writes back what was changed now, not only before the head. 0; -1: what the store says. */
int gust__session_save(gust_request *request);

/* Frees it, when the request ends. */
void gust__session_free(struct gust__session *session);

#endif
