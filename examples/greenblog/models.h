/* What a blog is made of. */
#ifndef MODELS_H
#define MODELS_H

#include "orm.h"

struct post {
    int64_t id;
    char *title;
    char *text;
    int64_t created;
};

struct comment {
    int64_t id;
    int64_t post_id;
    char *author;
    char *text;
    int64_t created;
};

extern const struct model post_model;
extern const struct model comment_model;

/* All of them, what is referred to first. */
enum { MODEL_COUNT = 2 };
extern const struct model *const models[MODEL_COUNT];

#endif
