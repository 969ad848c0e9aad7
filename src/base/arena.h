/*
 * An arena: memory that is given back all at once. A request owns one; whatever it allocates lives until the
 * request ends. Blocks are chained; the first may be the caller's, so that a small request allocates nothing.
 *
 *     struct gust__arena arena;
 *     gust__arena_init(&arena, first, sizeof(first), 16 << 20);
 *     char *name = gust__arena_strndup(&arena, text, length);
 *     gust__arena_fini(&arena);
 *
 * An arena belongs to one thread. Under AddressSanitizer whatever is not handed out is poisoned.
 */
#ifndef GUST_BASE_ARENA_H
#define GUST_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include "base/sanitize.h"

struct gust__arena_block;

struct gust__arena {
    char *at;                         /* next free byte of the newest block */
    char *end;                        /* behind the newest block */
    struct gust__arena_block *blocks; /* newest first; only those that the arena allocated itself */
    char *first;                      /* the caller's first block; NULL: none */
    size_t first_size;
    size_t held; /* bytes in blocks that the arena allocated */
    size_t max;  /* held never exceeds it */
};

/* Readies an arena. first (borrowed, NULL with size 0: none) must outlive it. max bounds what it allocates.
 */
void gust__arena_init(struct gust__arena *arena, void *first, size_t first_size, size_t max);

/* The same for one that is zeroed, and a first block that is 16-aligned: a few stores. */
static inline void gust__arena_init_zeroed(struct gust__arena *arena, void *first, size_t first_size,
                                           size_t max)
{
    arena->at = first;
    arena->end = arena->at + first_size;
    arena->first = first;
    arena->first_size = first_size;
    arena->max = max;
    gust__asan_poison(first, first_size);
}

/* Frees every block that the arena allocated, and makes the arena empty and usable again. */
void gust__arena_reset(struct gust__arena *arena);

/* Ends the arena: as reset, but it may not be used afterwards. */
void gust__arena_fini(struct gust__arena *arena);

/* When the newest block has no room. -> NULL and ENOMEM when max or the heap is exhausted. */
void *gust__arena_grow(struct gust__arena *arena, size_t size);

/* size bytes, 16-aligned, not zeroed; they live until the arena ends. NULL and ENOMEM otherwise. */
static inline void *gust__arena_alloc(struct gust__arena *arena, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    if (__builtin_expect(rounded < size || rounded > (size_t)(arena->end - arena->at), 0))
        return gust__arena_grow(arena, size);
    void *memory = arena->at;
    arena->at += rounded;
    gust__asan_unpoison(memory, size);
    return memory;
}

void *gust__arena_calloc(struct gust__arena *arena, size_t count, size_t size); /* zeroed, overflow-checked */
void *gust__arena_memdup(struct gust__arena *arena, const void *data, size_t size); /* with a NUL behind */
char *gust__arena_strdup(struct gust__arena *arena, const char *text);
char *gust__arena_strndup(struct gust__arena *arena, const char *text, size_t length);
char *gust__arena_vprintf(struct gust__arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
char *gust__arena_printf(struct gust__arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
