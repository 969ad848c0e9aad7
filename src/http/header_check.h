/*
 * What an application may put into a message that gust sends. The answer to anything that could end a line
 * early or begin another message is no: EINVAL, and nothing is sent (RFC 9110 5.1, 5.5; RFC 9112 4). Any
 * thread.
 */
#ifndef GUST_HTTP_HEADER_CHECK_H
#define GUST_HTTP_HEADER_CHECK_H

#include "http/slice.h"

/* A token, not empty: also for methods. -> 0; -1 and EINVAL */
int gust__header_check_name(struct gust__slice name);

/* No control character, NUL, CR or LF; HTAB only inside, no white space at the ends. -> 0; -1 and EINVAL */
int gust__header_check_value(struct gust__slice value);

/* As a value, and without '<', for it may be shown in a page. May be empty. -> 0; -1 and EINVAL */
int gust__header_check_reason(struct gust__slice reason);

#endif
