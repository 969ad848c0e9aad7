/* The access log: a line for each answer, in Tornado's format: 200 GET /path (127.0.0.1) 1.25ms */
#ifndef GUST_OPS_ACCESS_LOG_H
#define GUST_OPS_ACCESS_LOG_H

#include "http/exchange.h"

/* Writes the line of an exchange that has ended: gust__http_service.log, of a gust__web_service. */
void gust__access_log_write(struct gust__exchange *exchange);

#endif
