#include "base/arena.h"
#include "base/alloc.h"

#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 64 << 10 };

struct gust__arena_block {
    alignas(16) struct gust__arena_block *next;
    size_t size; /* of the whole allocation, this header included */
};

/* Where an arena without any block points to: an allocation of no bytes is not a failure. */
static alignas(16) char nothing[16];

static void start(struct gust__arena *arena)
{
    if (!arena->first) {
        arena->at = arena->end = nothing;
        return;
    }
    size_t skip = -(uintptr_t)arena->first & 15;
    arena->end = arena->first + arena->first_size;
    arena->at = skip < arena->first_size ? arena->first + skip : arena->end;
    gust__asan_poison(arena->first, arena->first_size);
}

void gust__arena_init(struct gust__arena *arena, void *first, size_t first_size, size_t max)
{
    *arena = (struct gust__arena){.first = first, .first_size = first ? first_size : 0, .max = max};
    start(arena);
}

void gust__arena_fini(struct gust__arena *arena)
{
    while (arena->blocks) {
        struct gust__arena_block *block = arena->blocks;
        arena->blocks = block->next;
        gust__asan_unpoison(block, block->size);
        gust__free(block);
    }
    gust__asan_unpoison(arena->first, arena->first_size);
    arena->held = 0;
    arena->at = arena->end = nothing;
}

void gust__arena_reset(struct gust__arena *arena)
{
    gust__arena_fini(arena);
    start(arena);
}

/* The usual block's size: doubling, so that the number of blocks stays small, up to a limit. */
static size_t usual_size(const struct gust__arena *arena)
{
    size_t size = FIRST_BLOCK;
    while (size < LARGEST_BLOCK && size <= arena->held)
        size *= 2;
    return size;
}

static struct gust__arena_block *block_new(struct gust__arena *arena, size_t size)
{
    if (size > arena->max - arena->held) {
        errno = ENOMEM;
        return NULL;
    }
    struct gust__arena_block *block = gust__malloc(size);
    if (!block)
        return NULL;
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->held += size;
    return block;
}

void *gust__arena_grow(struct gust__arena *arena, size_t size)
{
    size_t whole;
    if (__builtin_add_overflow(size, 15 + sizeof(struct gust__arena_block), &whole)) {
        errno = ENOMEM;
        return NULL;
    }
    whole &= ~(size_t)15;
    size_t usual = usual_size(arena);
    /* A large piece, or what just fits under the maximum, gets a block to itself; the newest block's rest is
     * still used for small ones then. */
    bool alone = whole > usual / 4 || usual > arena->max - arena->held;
    struct gust__arena_block *block = block_new(arena, alone ? whole : usual);
    if (!block)
        return NULL;
    char *memory = (char *)(block + 1);
    if (!alone) {
        arena->at = (char *)block + whole;
        arena->end = (char *)block + usual;
        gust__asan_poison(arena->at, usual - whole);
    }
    gust__asan_poison(memory, whole - sizeof(*block));
    gust__asan_unpoison(memory, size);
    return memory;
}

void *gust__arena_calloc(struct gust__arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *memory = gust__arena_alloc(arena, bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

void *gust__arena_memdup(struct gust__arena *arena, const void *data, size_t size)
{
    if (size == SIZE_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    char *copy = gust__arena_alloc(arena, size + 1);
    if (!copy)
        return NULL;
    if (size)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

char *gust__arena_strdup(struct gust__arena *arena, const char *text)
{
    return gust__arena_memdup(arena, text, strlen(text));
}

char *gust__arena_strndup(struct gust__arena *arena, const char *text, size_t length)
{
    return gust__arena_memdup(arena, text, strnlen(text, length));
}

char *gust__arena_vprintf(struct gust__arena *arena, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    char *text = NULL;
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length >= 0)
        text = gust__arena_alloc(arena, (size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *gust__arena_printf(struct gust__arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = gust__arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}
