#include "base/alloc.h"
#include "base/faults.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool must_fail(void)
{
#ifdef GUST_FAULTS
    int code = gust__faults_alloc();
    if (code) {
        errno = code;
        return true;
    }
#endif
    return false;
}

void *gust__malloc(size_t size)
{
    return must_fail() ? NULL : malloc(size);
}

void *gust__calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : calloc(count, size);
}

/* realloc to nothing frees and returns NULL in glibc; here NULL always means failure. */
void *gust__realloc(void *memory, size_t size)
{
    return must_fail() ? NULL : realloc(memory, size ? size : 1);
}

void *gust__aligned_alloc(size_t alignment, size_t size)
{
    return must_fail() ? NULL : aligned_alloc(alignment, size);
}

char *gust__strdup(const char *text)
{
    return must_fail() ? NULL : strdup(text);
}

char *gust__strndup(const char *text, size_t length)
{
    return must_fail() ? NULL : strndup(text, length);
}

void gust__free(void *memory)
{
    free(memory); /* glibc keeps errno since 2.33 */
}
