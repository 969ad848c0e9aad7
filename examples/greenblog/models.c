#include "models.h"

static const struct field post_fields[] = {
    FIELD_KEY(struct post, id),
    FIELD_TEXT(struct post, title, "Title", .required = true, .max = 100),
    FIELD_LONG_TEXT(struct post, text, "Text", .required = true, .max = 10000),
    FIELD_TIME(struct post, created, "Created"),
};

const struct model post_model = {"posts", "Posts", post_fields, sizeof(post_fields) / sizeof(post_fields[0]),
                                 sizeof(struct post)};

static const struct field comment_fields[] = {
    FIELD_KEY(struct comment, id),
    FIELD_REFERENCE(struct comment, post_id, "Post", &post_model),
    FIELD_TEXT(struct comment, author, "Name", .required = true, .max = 50),
    FIELD_LONG_TEXT(struct comment, text, "Comment", .required = true, .max = 2000),
    FIELD_TIME(struct comment, created, "Created"),
};

const struct model comment_model = {"comments", "Comments", comment_fields,
                                    sizeof(comment_fields) / sizeof(comment_fields[0]),
                                    sizeof(struct comment)};

const struct model *const models[MODEL_COUNT] = {&post_model, &comment_model};
