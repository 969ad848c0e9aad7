/*
 * Arguments of a request between the files that fill and read them: the query, the body's form.
 */
#ifndef GUST_WEB_ARGUMENTS_H
#define GUST_WEB_ARGUMENTS_H

#include "web/request.h"

struct gust__argument {
    const char *name;
    const char *value;    /* as it came */
    const char *stripped; /* without white space around it; NULL: not asked yet */
};

struct gust__argument_list {
    struct gust__argument *at; /* in the arena, in order */
    size_t count, capacity;
    bool known;
};

/* request->arguments, zeroed in the arena at first use. */
struct gust__arguments {
    struct gust__argument_list query, body;
};

/* Appends one; both texts live until the request ends. Fails the request with 400 above max_arguments. */
void gust__argument_add(gust_request *request, struct gust__argument_list *list, const char *name,
                        const char *value);

/* The body's fields, parsed when first asked; none when it is no form, or streamed. */
struct gust__argument_list *gust__body_arguments(gust_request *request);

/* The media type of the body, without parameters; empty: none was given. */
struct gust__slice gust__body_type(gust_request *request);

#endif
