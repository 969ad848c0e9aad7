/*
 * Records and tables: a struct for each table, described once, and then loaded, listed, validated, saved and
 * deleted. Plain blocking C above database.h; nothing here has ever heard of gust.
 *
 *     struct post { int64_t id; char *title; ... };
 *     static const struct field post_fields[] = {
 *         FIELD_KEY(struct post, id),
 *         FIELD_TEXT(struct post, title, "Title", .max = 100, .required = true),
 *     };
 *     const struct model post_model = {"posts", "Posts", post_fields, 2, sizeof(struct post)};
 *
 *     struct post post = {0};
 *     if (orm_load(db, &post_model, 7, &post) == 1)
 *         puts(post.title);
 *     orm_clear(&post_model, &post);
 */
#ifndef ORM_H
#define ORM_H

#include "database.h"

#include <stdint.h>

enum field_kind {
    FIELD_IS_KEY,       /* int64_t, the first field: 0 until the record is saved */
    FIELD_IS_TEXT,      /* char *, on the heap, a line */
    FIELD_IS_LONG_TEXT, /* char *, on the heap, lines */
    FIELD_IS_TIME,      /* int64_t, seconds since 1970 */
    FIELD_IS_REFERENCE, /* int64_t, the key of a record of another table, gone with it */
};

struct model;

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    const char *label;
    bool required;
    size_t max;                 /* characters of a text; 0: any number */
    const struct model *refers; /* a reference's table */
};

struct model {
    const char *table;
    const char *label;
    const struct field *fields; /* the key first */
    size_t field_count;
    size_t record_size;
};

#define FIELD(type, member, kind_, ...)                                                 \
    {                                                                                   \
        .name = #member, .kind = (kind_), .offset = offsetof(type, member), __VA_ARGS__ \
    }
#define FIELD_KEY(type, member)             FIELD(type, member, FIELD_IS_KEY, .label = "#")
#define FIELD_TEXT(type, member, text, ...) FIELD(type, member, FIELD_IS_TEXT, .label = (text), __VA_ARGS__)
#define FIELD_LONG_TEXT(type, member, text, ...) \
    FIELD(type, member, FIELD_IS_LONG_TEXT, .label = (text), __VA_ARGS__)
#define FIELD_TIME(type, member, text) FIELD(type, member, FIELD_IS_TIME, .label = (text), .required = true)
#define FIELD_REFERENCE(type, member, text, model) \
    FIELD(type, member, FIELD_IS_REFERENCE, .label = (text), .required = true, .refers = (model))

/* The tables that are not there yet, in this order: what is referred to first. 0; -1: database_error. */
int orm_create_tables(struct database *db, const struct model *const models[], size_t count);

/* Reads a record into *record, which is zeroed or cleared. 1; 0: there is none; -1: database_error. */
int orm_load(struct database *db, const struct model *model, int64_t id, void *record);

/* Which records, and in which order. */
struct orm_query {
    const char *field; /* only those in which this field ... */
    int64_t equals;    /* ... has this value; NULL: all */
    bool newest_first; /* by key */
    unsigned limit;    /* 0: all */
};

/* Records side by side, yours until orm_list_clear. */
struct record_list {
    size_t count;
    char *records;
};

/* 0; -1: database_error, and nothing to clear. */
int orm_list(struct database *db, const struct model *model, const struct orm_query *query,
             struct record_list *list);
void *orm_list_at(const struct model *model, const struct record_list *list, size_t index);
void orm_list_clear(const struct model *model, struct record_list *list);

/* What is wrong with a record: a text for each field, NULL where all is well. */
enum { ORM_MAX_FIELDS = 16 };
struct orm_problems {
    char text[ORM_MAX_FIELDS][80]; /* by the field's place; "": none */
    unsigned count;
};

/* true: it can be saved. References are left to the database. */
bool orm_validate(const struct model *model, const void *record, struct orm_problems *problems);

/* Inserts a record whose key is 0, and sets the key; else updates. 1; 0: there is no such record any more;
 * -1: database_error. */
int orm_save(struct database *db, const struct model *model, void *record);

/* 1; 0: there was none; -1: database_error. */
int orm_delete(struct database *db, const struct model *model, int64_t id);

/* Frees a record's texts and zeroes it. */
void orm_clear(const struct model *model, void *record);

/* One field as text, by its description: a number is written into buffer. Never NULL. */
enum { FIELD_BUFFER = 24 };
const char *orm_get(const struct field *field, const void *record, char buffer[FIELD_BUFFER]);
int64_t orm_get_number(const struct field *field, const void *record);

/* Sets it from a text (copied). 0; -1: EINVAL (a number was expected), ENOMEM. */
int orm_set(const struct field *field, void *record, const char *text);

#endif
