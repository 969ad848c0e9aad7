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

/*
 * [loop] The body as JSON that has the shape which the schema says; borrowed until the request ends. A body
 * of another shape ends the handler with 400 and {"fields":{"tags[2]":"must be text","address.zip":"is
 * required"}}, which names what is wrong, at most 32 places.
 *
 *     json_t *order = gust_json_checked(req, "{ name: text(1..80), count: int(1..99), gift?: bool,"
 *                                            "  size: \"S\" | \"M\" | \"L\", tags?: [text(..20)](..5),"
 *                                            "  address: { street: text, zip: text }, note: text | null }");
 *
 * A schema is made of
 *
 *     any, null, bool, int, number, text      the kinds; a range stands behind int and number: (0..150),
 * (1..), (..9); behind text it is of the length in bytes "S", 7, true                            just that
 * value [type](1..5)                            a list of so many; without a range of any number { name:
 * type, other?: type, ... }       an object; "?" means it need not come; a member that is not named is wrong,
 * unless "..." stands last. Names that are no words: "a-b": type type | type either; the first that fits
 *
 * A mistake in the schema ends the handler with 500, whatever the body; it nests at most 32 levels.
 */
GUST_API json_t *gust_json_checked(gust_request *request, const char *schema);

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
