/*
 * Values with parameters: "form-data; name=a; filename*=UTF-8''b" (RFC 9110 5.6.6, RFC 8187), as in
 * Content-Type, Content-Disposition and others.
 *
 *     struct gust__slice rest = header->value;
 *     struct gust__slice type = gust__parameters_begin(&rest);
 *     struct gust__parameter parameter;
 *     int more;
 *     while ((more = gust__parameters_next(&rest, &parameter)) > 0)
 *         if (gust__slice_equals_ignoring_case(parameter.name, GUST__SLICE("boundary")))
 *             ...
 *
 * Each byte is looked at once, whatever comes. Any thread.
 */
#ifndef GUST_HTTP_PARAMETERS_H
#define GUST_HTTP_PARAMETERS_H

#include "http/slice.h"

#include <sys/types.h>

struct gust__parameter {
    struct gust__slice name;  /* as given; compare ignoring case */
    struct gust__slice value; /* without its quotes, its backslashes still there */
    bool quoted;
};

/* What stands before the first ';', trimmed. rest is left at what follows. */
struct gust__slice gust__parameters_begin(struct gust__slice *rest);

/* The next parameter; empty ones (";;") are skipped. -> 1; 0: the end; -1 and EBADMSG: malformed, as an
 * endless quoted string or white space around '=' are */
int gust__parameters_next(struct gust__slice *rest, struct gust__parameter *parameter);

/* The value as it was meant, without backslashes, into out, which has room for value.size bytes and may be
 * the value itself. -> its size */
size_t gust__parameter_unquote(const struct gust__parameter *parameter, char *out);

/* An extended value ("UTF-8''na%C3%AFve", also ISO-8859-1) as UTF-8 into out, which has room for value.size
 * bytes and may be the value itself. -> its size; -1 and EBADMSG: malformed, another charset, not UTF-8, or
 * NUL */
ssize_t gust__parameter_decode_extended(char *out, struct gust__slice value);

#endif
