/*
 * What is wrong with what a client sent, field by field: gathered, then answered together with 400 and
 * {"fields":{"age":"must be 0..150"}}.
 *
 *     struct gust__problems problems = {.request = request};
 *     if (age > 150)
 *         gust__problem_add(&problems, "age", "must be 0..150");
 *     gust__problems_fail(&problems);          returns only if there are none
 */
#ifndef GUST_WEB_PROBLEMS_H
#define GUST_WEB_PROBLEMS_H

#include "web/request.h"

enum { GUST__PROBLEMS_MAX = 32 }; /* those beyond are not told */

struct gust__problems {
    gust_request *request;
    unsigned count;
    const char *json;     /* "age":"must be 0..150","name":"is required" */
    const char *sentence; /* age must be 0..150; name is required */
};

/* Both texts are UTF-8 of whatever origin. */
void gust__problem_add(struct gust__problems *problems, const char *name, const char *problem);

/* Ends the handler with 400 if there are any. */
void gust__problems_fail(const struct gust__problems *problems);

#endif
