/*
 * The only door to the heap (design rule 11). A build with -DGUST_FAULTS makes calls fail on demand: see
 * base/faults.h. Each function is its libc namesake: NULL and ENOMEM on failure.
 */
#ifndef GUST_BASE_ALLOC_H
#define GUST_BASE_ALLOC_H

#include <gust/base.h>

#include <stddef.h>

GUST_API void *gust__malloc(size_t size) __attribute__((malloc));
GUST_API void *gust__calloc(size_t count, size_t size) __attribute__((malloc));
GUST_API void *gust__realloc(void *memory, size_t size); /* on failure memory is kept */
void *gust__aligned_alloc(size_t alignment, size_t size) __attribute__((malloc));
GUST_API char *gust__strdup(const char *text) __attribute__((malloc));
char *gust__strndup(const char *text, size_t length) __attribute__((malloc));
GUST_API void gust__free(void *memory); /* NULL allowed; errno is kept */

#endif
