/*
 * Stacks for coroutines: one arena a loop, any number of stacks of one size.
 *
 *     struct gust__stack_arena *arena = gust__stack_arena_new(&(struct gust__stack_options){0});
 *     struct gust__stack stack;
 *     if (gust__stack_take(arena, &stack) < 0)
 *         return -1;
 *     ...
 *     gust__stack_give(arena, stack);
 *     gust__stack_arena_free(arena);
 *
 * The arena is one reservation of addresses, which costs nothing; stacks are cut from it one behind the
 * other, and memory comes in page by page as they are touched. Below each is a guard region, so that an
 * overflow faults and doesn't overwrite a neighbour:
 * - by MADV_GUARD_INSTALL where the kernel has it (Linux 6.13), which leaves the whole arena one mapping;
 * - else by mprotect, which costs two mappings a stack, until half of what the process may have
 *   (vm.max_map_count) is used; stacks after those have no guard, and one line of warning says so.
 * Whether the kernel has guard regions is found out once, by a real fault: emulators answer 0 to any advice.
 * GUST_NO_GUARD_INSTALL=1 in the environment has the second kind used.
 *
 * A stack that was given back stays warm, its pages in place, and is the next to be taken. When more than
 * options.warm of them are idle, the half that is unused for longest loses its pages, neighbours in one call:
 * a stack alone costs 1.4 µs to release, one of 16 neighbours 0.4. All its pages go, the highest too: it is
 * the only one that most stacks ever touched.
 *
 * The arena keeps nothing in the stacks. They are aligned to their distance, gust__stack_arena_stride.
 *
 * An arena belongs to one thread; gust__stack_of may be called in its signal handlers.
 */
#ifndef GUST_CORO_STACK_H
#define GUST_CORO_STACK_H

#include <stddef.h>

struct gust__stack_arena;

struct gust__stack_options {
    size_t size;                    /* of addresses, guard included, rounded up to a power of two; 0: 256 KiB,
                                       1 MiB under ThreadSanitizer; at least GUST__STACK_MIN */
    size_t max;                     /* stacks there can be; 0: a million; at most GUST__STACK_COUNT_MAX */
    size_t warm;                    /* idle stacks that keep their pages; 0: 1024; at least 2 */
    void (*warn)(const char *text); /* a line for the log, without newline; NULL: nowhere */
};

enum {
    GUST__STACK_GUARD =
        16 * 1024, /* one page would do for most; libraries not built with stack probes have
                      frames with arrays that step over one. (On 64 KiB pages it is a page.) */
    GUST__STACK_MIN = 32 * 1024,
    GUST__STACK_COUNT_MAX = 16 * 1024 * 1024,
};

struct gust__stack {
    char *low;   /* behind the guard */
    size_t size; /* usable bytes from low */
};

/*
 * Reserves addresses for options->max stacks, or for half or a quarter of that and so on if the process may
 * not have as many (RLIMIT_AS, valgrind). NULL: EINVAL for options out of range, ENOMEM.
 */
struct gust__stack_arena *gust__stack_arena_new(const struct gust__stack_options *options);

/* Unmaps all stacks, taken ones too. NULL allowed. */
void gust__stack_arena_free(struct gust__stack_arena *arena);

/* The distance between two stacks, a power of two: address & -stride is where the stack's guard begins. */
size_t gust__stack_arena_stride(const struct gust__stack_arena *arena);

/* 0, or -1 and ENOMEM: all that were reserved are taken, or the kernel has no memory. */
int gust__stack_take(struct gust__stack_arena *arena, struct gust__stack *stack);

/* Takes stack back; errno is kept. */
void gust__stack_give(struct gust__stack_arena *arena, struct gust__stack stack);

enum gust__stack_place {
    GUST__STACK_ELSEWHERE, /* in no stack that was ever taken from this arena */
    GUST__STACK_IN_STACK,
    GUST__STACK_IN_GUARD, /* below the stack: an overflow, if it faulted */
};

/* Where address lies; *stack (if not ELSEWHERE) is the stack it belongs to. Async-signal-safe. */
enum gust__stack_place gust__stack_of(const struct gust__stack_arena *arena, const void *address,
                                      struct gust__stack *stack);

/* What the arena holds, for metrics and tests. */
struct gust__stack_counts {
    size_t taken;
    size_t warm;      /* idle, with their pages */
    size_t cold;      /* idle, without */
    size_t unguarded; /* of all that were ever taken */
    size_t max;       /* what can be taken */
};
struct gust__stack_counts gust__stack_arena_counts(const struct gust__stack_arena *arena);

/* How stacks are guarded in this process from now on: for tests, which set the environment themselves. */
enum gust__stack_guarding { GUST__STACK_BY_ADVICE, GUST__STACK_BY_PROTECTION };
enum gust__stack_guarding gust__stack_probe(void);

/* Bounds the mappings that guards by mprotect may use, over all arenas; 0: half of vm.max_map_count. For
 * tests. */
void gust__stack_limit_mappings(size_t max);

#endif
