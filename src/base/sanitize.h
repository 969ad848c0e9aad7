/*
 * What the sanitizers must be told. System calls made in assembly are invisible to them, and so is memory
 * that an arena hands out piece by piece. Without them everything here compiles to nothing.
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

#if defined(__SANITIZE_THREAD__)
#define GUST__TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GUST__TSAN 1
#endif
#endif

#ifdef GUST__TSAN
#include <unistd.h>
#include <sanitizer/tsan_interface.h>
#endif

/* Memory was mapped, or is about to be unmapped. Where one thread's mapping was, another's may be next: what
 * the first did there came before, which ThreadSanitizer knows only of calls that it sees. The address stands
 * for all mappings; any will do that is the same for every library of the process. */
static inline void gust__tsan_mapped(void)
{
#ifdef GUST__TSAN
    __tsan_acquire(&environ);
#endif
}

static inline void gust__tsan_unmaps(void)
{
#ifdef GUST__TSAN
    __tsan_release(&environ);
#endif
}

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
