/*
 * gust/json.h - JSON by jansson, for programs that include <jansson.h> themselves
 */
#ifndef GUST_JSON_H
#define GUST_JSON_H

#include <jansson.h>
#include <gust/web.h>

GUST_BEGIN_DECLARATIONS

/* [blk] Writes value as the body with application/json; takes value. As gust_write. */
GUST_API int gust_json_value(gust_request *request, json_t *value);

/* [loop] The body as JSON, parsed once; borrowed until the request ends. Whatever its Content-Type; a body
 * that is not JSON (RFC 8259), names a member twice or nests deeper than 128 levels ends the handler with
 * 400, one larger than max_memory with 413. */
GUST_API json_t *gust_json_body(gust_request *request);

GUST_END_DECLARATIONS

#endif
