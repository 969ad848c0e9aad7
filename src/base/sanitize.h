/*
 * What AddressSanitizer must be told. System calls made in assembly are invisible to it, and so is memory
 * that an arena hands out piece by piece. Without it everything here compiles to nothing.
 */
#ifndef GUST_BASE_SANITIZE_H
#define GUST_BASE_SANITIZE_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define GUST__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GUST__ASAN 1
#endif
#endif

#ifdef GUST__ASAN
#include <stdlib.h>
#include <sanitizer/asan_interface.h>
#endif

/* No one may touch these bytes from now on. */
static inline void gust__asan_poison(const void *memory, size_t size)
{
#ifdef GUST__ASAN
    __asan_poison_memory_region(memory, size);
#else
    (void)memory, (void)size;
#endif
}

static inline void gust__asan_unpoison(const void *memory, size_t size)
{
#ifdef GUST__ASAN
    __asan_unpoison_memory_region(memory, size);
#else
    (void)memory, (void)size;
#endif
}

/* Ends the process with AddressSanitizer's report if any of the bytes may not be touched. */
static inline void gust__asan_check(const void *memory, size_t size, int written)
{
#ifdef GUST__ASAN
    void *bad = size ? __asan_region_is_poisoned((void *)(size_t)memory, size) : NULL;
    if (bad) {
        __asan_report_error(__builtin_return_address(0), __builtin_frame_address(0),
                            __builtin_frame_address(0), bad, written, size);
        abort();
    }
#else
    (void)memory, (void)size, (void)written;
#endif
}

#endif
