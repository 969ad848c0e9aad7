/*
 * gust/json.h - JSON by jansson, for programs that include <jansson.h> themselves
 */
#ifndef GUST_JSON_H
#define GUST_JSON_H

#include <jansson.h>
#include <gust/template.h>
#include <gust/web.h>

GUST_BEGIN_DECLARATIONS

/* [blk] Writes value as the body with application/json; takes value. As gust_write. */
GUST_API int gust_json_value(gust_request *request, json_t *value);

/* [loop] The body as JSON, parsed once; borrowed until the request ends. Whatever its Content-Type; a body
 * that is not JSON (RFC 8259), names a member twice or nests deeper than 128 levels ends the handler with
 * 400, one larger than max_memory with 413. */
GUST_API json_t *gust_json_body(gust_request *request);

/* ---- templates: as gust/template.h's functions without _json ---- */

/* [blk] As gust_render, with an object of values; takes it. */
GUST_API int gust_render_json(gust_request *request, const char *name, json_t *values);

/* [blk] As gust_render_text; takes values (NULL: none). */
GUST_API char *gust_render_text_json(gust_templates *templates, size_t *length, const char *name,
                                     json_t *values);

/* [loop] The index-th argument of a function, borrowed until the rendering ends. NULL: EINVAL (there are
 * fewer), ENOMEM. */
GUST_API json_t *gust_template_json(gust_template_call *call, unsigned index);
/* [loop] Sets a function's result; takes value. 0; -1 and ENOMEM. */
GUST_API int gust_template_return_json(gust_template_call *call, json_t *value);
/* [blk] As gust_template_render; takes values (NULL: none). */
GUST_API int gust_template_render_json(gust_template_call *call, const char *name, json_t *values);

GUST_END_DECLARATIONS

#endif
