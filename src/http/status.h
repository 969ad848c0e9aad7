/* Status codes of the IANA registry (RFC 9110 15 and others). Any thread. */
#ifndef GUST_HTTP_STATUS_H
#define GUST_HTTP_STATUS_H

#include "http/slice.h"

/* The registered reason phrase, static; NULL for a status that is not registered. */
const char *gust__status_reason(int status);

/* "HTTP/1.1 200 OK\r\n", static, ready to be copied into an answer; empty for a status that is not
 * registered. */
struct gust__slice gust__status_line(int status);

/* Whether a response of this status never has a body (RFC 9110 6.4.1): 1xx, 204, 304. */
static inline bool gust__status_is_bodiless(int status)
{
    return (status >= 100 && status < 200) || status == 204 || status == 304;
}

#endif
