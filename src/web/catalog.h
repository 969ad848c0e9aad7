/*
 * A catalogue of messages: gettext's .mo file, checked once and then only looked up in.
 *
 * The file is a table of originals in byte order and one of translations. A message with a context is stored
 * as "context\4message", one with plural forms as "singular\0plural" with its forms "one\0other\0…". Any
 * thread, once it is read.
 */
#ifndef GUST_WEB_CATALOG_H
#define GUST_WEB_CATALOG_H

#include "http/slice.h"

#include <stdint.h>

struct gust__catalog {
    const char *data; /* borrowed */
    size_t size;
    uint32_t count, originals, translations; /* offsets of the tables */
    bool swapped;                            /* made on a machine of the other byte order */
    unsigned plural_forms;
    char plural[256]; /* the rule, a C expression of n */
};

/* Reads a file's bytes; they are borrowed, and a NUL stands behind them. 0; -1: EBADMSG, and the last error
 * says what is wrong. */
int gust__catalog_read(struct gust__catalog *catalog, struct gust__slice file);

/* A message's translation; context NULL: it has none. NULL: the catalogue does not have it. */
const char *gust__catalog_find(const struct gust__catalog *catalog, const char *context, const char *message);

/* The form for a number; NULL: the catalogue does not have the message. */
const char *gust__catalog_find_plural(const struct gust__catalog *catalog, const char *singular,
                                      uint64_t number);

/* Which form a rule chooses for n: a C expression of n, numbers, ?: || && == != < > <= >= + - * / % ! and
 * parentheses. 0; -1: EINVAL, it is none. */
int gust__plural_form(const char *rule, uint64_t n, uint64_t *form);

#endif
